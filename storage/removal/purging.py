"""Purging: what two persons have agreed to remove, item by item, in transactions of at most 500 rows each.

How far an item has come is committed with what went: whoever is killed goes on by the same call. A case is left as a
shell: its states, tasks, dates and chain, with nobody in it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Table, bindparam, delete, select, update

from engine.deciding.forms import KEPT_DOCUMENT
from engine.model.case import SYSTEM, Case
from engine.model.handed import RECIPIENT
from engine.model.messages import Event
from storage.base import Base
from storage.chains import history
from storage.chains.history import PURGED, left_by_purge, reduced
from storage.entrance.acts import act_place
from storage.found import Found
from storage.keeping import case_place, fact_place
from storage.removal import preservations, retention
from storage.removal.purges import BATCH, Item, Purge, read_item, write_item
from storage.rows import Row, case_row, pack_secrets
from storage.tables import (
    ADOPTIONS,
    BRIEF_LINES,
    CASES,
    CLOCKS,
    CODES,
    COPIES,
    FACT_PAST,
    HISTORY,
    KEPT_ANSWERS,
    LINKS,
    MESSAGES,
    META,
    OPERATORS,
    OUTBOX,
    PENDING_ACTS,
    PEOPLE,
    PRODUCTS,
    RECIPIENTS,
    REGISTER_HISTORY,
    SECOND_CHECKS,
    SESSIONS,
    SNOOZES,
    TASKS,
    TIMERS,
)
from storage.unit import SqlUnit

_EMPTIED = {"sealed": None, "sealed_address": None, "sealed_words": None, "slot": None, "message_id": None, "reply": "",
            "digest": None, "kept_digest": None}


class Remover:
    """Removes the items of one purge. `take` is called again until it answers True."""

    def __init__(self, base: Base, purge: Purge, now: Callable[[], dt.datetime]) -> None:
        self.base = base
        self.purge = purge
        self.now = now

    def take(self, number: int) -> bool:
        """One transaction's worth of an item; whether nothing more of it is in the database."""
        return self.base.write(lambda connection: _Step(connection, self.base, self.purge, self.now()).take(number))


@dataclass(frozen=True, slots=True)
class _Step:
    connection: Connection
    base: Base
    purge: Purge
    now: dt.datetime

    def take(self, number: int) -> bool:
        item = read_item(self.connection, self.purge.id, number, locked=True)
        if item.state != "waiting":
            return True
        if self._is_held(item):
            write_item(self.connection, self.purge.id, replace(item, state="held"), self.now)
            return True
        after = self._removers[item.what](item)
        write_item(self.connection, self.purge.id, after, self.now)
        return after.state != "waiting"

    @property
    def _removers(self) -> Mapping[str, Callable[[Item], Item]]:
        return {"case": self._case, "audience": self._audience, "brief": self._briefs, "access": self._access,
                "act": self._acts, "person": self._person, "operator": self._operator}

    def _is_held(self, item: Item) -> bool:
        """Whether a preservation that came since stands in the way, or the thing has come back to life."""
        if item.what in ("case", "audience"):
            members = retention.family(self.connection, item.ref)
            running = select(CASES.c.id).where(CASES.c.id.in_(members) & CASES.c.ended_at.is_(None))
            return (retention.any_preserved(self.connection, members)
                    or self.connection.scalar(running.limit(1)) is not None)
        if item.what == "person":
            return bool(self.connection.scalar(select(PEOPLE.c.active).where(PEOPLE.c.id == item.ref)))
        if item.what == "operator":
            return item.ref not in {one.ref for one in retention.operators(self.connection)}
        return False

    # --- cases -------------------------------------------------------------------------------------------------------

    def _audience(self, item: Item) -> Item:
        after = self._recipients(item)
        return after or replace(item, state="done")

    def _recipients(self, item: Item) -> Item | None:
        """Some of the recipients of a case with their copies, mails and links; None where there are none left."""
        mine = select(RECIPIENTS.c.id, RECIPIENTS.c.sealed).where(RECIPIENTS.c.case_id == item.ref).limit(BATCH // 2)
        rows = self.connection.execute(mine).all()
        if not rows:
            return None
        ids = [row.id for row in rows]
        whose = OUTBOX.c.recipient.in_([f"{RECIPIENT}{one}" for one in ids]) & (OUTBOX.c.case_id == item.ref)
        mails = self.connection.execute(select(OUTBOX).where(whose)).all()
        sealed = [row.sealed for row in rows] + [one for row in mails for one in (row.sealed, row.sealed_address)]
        self._unlink([row.id for row in mails])
        copies = self._delete(COPIES, COPIES.c.recipient_id.in_(ids))
        self._delete(OUTBOX, whose)
        self._delete(RECIPIENTS, RECIPIENTS.c.id.in_(ids))
        return _more(item, sealed, recipients=len(rows), copies=copies, mails=len(mails))

    def _case(self, item: Item) -> Item:
        return self._recipients(item) or self._mails(item) or self._shell(item)

    def _mails(self, item: Item) -> Item | None:
        """Empties some of the mails of a case; None where all are empty."""
        full = (OUTBOX.c.case_id == item.ref) & (OUTBOX.c.sealed.is_not(None) | OUTBOX.c.sealed_address.is_not(None)
                                                 | OUTBOX.c.sealed_words.is_not(None) | OUTBOX.c.at.is_not(None)
                                                 | OUTBOX.c.digest.is_not(None) | (OUTBOX.c.reply != ""))  # fmt: skip
        rows = self.connection.execute(select(OUTBOX).where(full).order_by(OUTBOX.c.id).limit(BATCH)).mappings().all()
        if not rows:
            return None
        ids = [row["id"] for row in rows]
        waiting = OUTBOX.c.id.in_(ids) & OUTBOX.c.state.in_(("queued", "claimed", "deferred"))
        self.connection.execute(update(OUTBOX).where(waiting).values(state="cancelled", at=None, lease_until=None))
        self.connection.execute(update(OUTBOX).where(OUTBOX.c.id.in_(ids)).values(_EMPTIED))
        sealed = [row[name] for row in rows for name in ("sealed", "sealed_address", "sealed_words")]
        return _more(item, sealed, mails=len(rows))

    def _shell(self, item: Item) -> Item:
        """Empties the case itself and what hangs on it, cuts its history, and says so in it."""
        case = SqlUnit(self.connection, self.base, Found(self.connection), writes=True).case(item.ref)
        row = self.connection.execute(select(CASES.c.sealed).where(CASES.c.id == case.id)).one()
        past = self.connection.scalars(select(FACT_PAST.c.sealed).where(FACT_PAST.c.case_id == case.id)).all()
        documents = self._documents(case.id)
        lines, cut = self._history(case.id)
        counts = {
            "facts": len(case.facts), "parties": len(case.parties), "former_facts": len(past), "lines": len(lines),
            "links": self._delete(LINKS, LINKS.c.case_id == case.id),
            "brief_lines": self._delete(BRIEF_LINES, BRIEF_LINES.c.case_id == case.id),
        }  # fmt: skip
        self._empty(case)
        self._hangs_on(case.id)
        said = {"act": self.purge.id, "lines": str(cut), "kept": left_by_purge(self._chain(case.id))}
        history.append(self.connection, self.base.ring, case.id, [Event(PURGED, said)], SYSTEM, self.now)
        after = _more(item, [row.sealed, *past, *lines], **counts)
        return replace(after, state="files", files=tuple(documents))

    def _empty(self, case: Case) -> None:
        adopted = replace(case.adopted, evidence={}) if case.adopted else None
        shell = replace(case, facts={}, parties={}, holds=(), suggested={}, nudged={}, adopted=adopted,
                        revision=case.revision + 1)  # fmt: skip
        sealed = self.base.ring.seal_json(pack_secrets(shell), case_place(case.id))
        row = {**case_row(shell), "sealed": sealed}
        self.connection.execute(update(CASES).where(CASES.c.id == case.id).values(row))

    def _hangs_on(self, case_id: str) -> None:
        mine = select(TASKS.c.id).where(TASKS.c.case_id == case_id)
        self._delete(FACT_PAST, FACT_PAST.c.case_id == case_id)
        self._delete(KEPT_ANSWERS, KEPT_ANSWERS.c.case_id == case_id)
        self._delete(MESSAGES, MESSAGES.c.case_id == case_id)
        self._delete(SECOND_CHECKS, SECOND_CHECKS.c.case_id == case_id)
        self._delete(SESSIONS, SESSIONS.c.case_id == case_id)
        self._delete(CODES, CODES.c.case_key == case_id)
        self._delete(SNOOZES, SNOOZES.c.task_id.in_(mine))
        self._delete(META, META.c.name == f"letters_paused/{case_id}")
        superseded = (CLOCKS.c.case_id == case_id) & CLOCKS.c.superseded_because.is_not(None)
        for statement in (
            update(TASKS).where(TASKS.c.case_id == case_id).values(done_by=None),
            update(CLOCKS).where(CLOCKS.c.case_id == case_id).values(reason=""),
            update(CLOCKS).where(superseded).values(superseded_because=""),
            update(TIMERS).where(TIMERS.c.case_id == case_id).values(at=None),
            update(ADOPTIONS).where(ADOPTIONS.c.case_id == case_id).values(key=f"purged/{case_id}", digest=""),
        ):
            self.connection.execute(statement)
        self._empty_acts(PENDING_ACTS.c.case_id == case_id)

    def _history(self, case_id: str) -> tuple[list[bytes], int]:
        """Empties and cuts the lines of a case; gives what was sealed there, and how many were cut."""
        sealed, emptied, cut = list[bytes](), list[dict[str, object]](), list[dict[str, object]]()
        for row in self._chain(case_id):
            sealed += [row["sealed"]] if row["sealed"] else []
            kept, mine = reduced(row["detail"]), {"its_seq": row["seq"]}
            if kept is not None:
                cut.append({**mine, "kept": kept})
            elif row["sealed"] is not None:
                emptied.append(mine)
        line = update(HISTORY).where((HISTORY.c.case_id == case_id) & (HISTORY.c.seq == bindparam("its_seq")))
        if emptied:
            self.connection.execute(line.values(sealed=None), emptied)
        if cut:
            self.connection.execute(line.values(sealed=None, detail=bindparam("kept"), cut=True), cut)
        return sealed, len(cut)

    def _chain(self, case_id: str) -> Sequence[Row]:
        wanted = select(HISTORY).where(HISTORY.c.case_id == case_id).order_by(HISTORY.c.seq)
        return self.connection.execute(wanted).mappings().all()

    def _documents(self, case_id: str) -> list[str]:
        """The names of the files that the case names, or has named."""
        ring = self.base.ring
        places = [(row.sealed, case_place(case_id)) for row in self.connection.execute(
            select(CASES.c.sealed).where(CASES.c.id == case_id))]  # fmt: skip
        places += [(row.sealed, fact_place(case_id, row.revision, row.name)) for row in self.connection.execute(
            select(FACT_PAST).where(FACT_PAST.c.case_id == case_id))]  # fmt: skip
        places += [(row.sealed, act_place(row.id)) for row in self.connection.execute(
            select(PENDING_ACTS).where(PENDING_ACTS.c.case_id == case_id))]  # fmt: skip
        places += [(row["sealed"], f"history/{case_id}/{row['seq']}") for row in self._chain(case_id) if row["sealed"]]
        plain = (ring.open(sealed, place).decode() for sealed, place in places)
        return sorted({found["name"] for one in plain for found in KEPT_DOCUMENT.finditer(one)})

    # --- what belongs to no case -------------------------------------------------------------------------------------

    def _briefs(self, item: Item) -> Item:
        preserved = preservations.preserved(self.connection)
        old = retention.briefs(self._before(item), preserved)
        rows = self.connection.execute(select(OUTBOX).where(old).order_by(OUTBOX.c.id).limit(BATCH)).mappings().all()
        if not rows:
            return replace(item, state="done")
        ids = [row["id"] for row in rows]
        self._unlink(ids)
        lines = self._delete(BRIEF_LINES, BRIEF_LINES.c.outbox_id.in_(ids))
        self._delete(OUTBOX, OUTBOX.c.id.in_(ids))
        sealed = [row[name] for row in rows for name in ("sealed", "sealed_address", "sealed_words")]
        return _more(item, sealed, mails=len(rows), brief_lines=lines)

    def _access(self, item: Item) -> Item:
        for table, old in retention.access(self._before(item)):
            key = list(table.primary_key)
            rows = self.connection.execute(select(*key).where(old).limit(BATCH)).all()
            for row in rows:
                its = [column == value for column, value in zip(key, row, strict=True)]
                self.connection.execute(delete(table).where(*its))
            if rows:
                return _more(item, (), **{table.name: len(rows)})
        return replace(item, state="done")

    def _acts(self, item: Item) -> Item:
        sealed = self._empty_acts(retention.acts(self._before(item)) & (PENDING_ACTS.c.id != self.purge.id))
        return replace(_more(item, sealed, acts=len(sealed)), state="done")

    def _empty_acts(self, which: object) -> list[bytes]:
        """Leaves of acts when they were and who took part by id, and nothing of what they were about."""
        rows = self.connection.execute(select(PENDING_ACTS).where(which)).mappings().all()  # type: ignore[arg-type]
        for row in rows:
            known = json.loads(self.base.ring.open(row["sealed"], act_place(row["id"])))
            shell = {"second": known.get("second", ""), "reason": "(purged)", "changes": [], "purged": True}
            sealed = self.base.ring.seal_json(shell, act_place(row["id"]))
            self.connection.execute(update(PENDING_ACTS).where(PENDING_ACTS.c.id == row["id"]).values(sealed=sealed))
        return [row["sealed"] for row in rows]

    def _person(self, item: Item) -> Item:
        nobody = {"name": item.ref, "email": "", "login": None, "totp": None, "totp_counter": None, "supervisor": None,
                  "absent_from": None, "absent_to": None}  # fmt: skip
        recipient = f"person:{item.ref}"
        self.connection.execute(update(PEOPLE).where(PEOPLE.c.id == item.ref).values(nobody))
        gone = {"sessions": self._delete(SESSIONS, SESSIONS.c.recipient == recipient),
                "links": self._delete(LINKS, LINKS.c.recipient == recipient),
                "codes": self._delete(CODES, CODES.c.recipient == recipient)}
        return replace(_more(item, (), people=1, **gone), state="done")

    def _operator(self, item: Item) -> Item:
        products = self.connection.execute(select(PRODUCTS).where(PRODUCTS.c.operator == item.ref)).mappings().all()
        operator = self.connection.execute(select(OPERATORS.c.sealed).where(OPERATORS.c.id == item.ref)).one()
        self._reseal(OPERATORS, item.ref, {"contact": None, "breach_contact": None})
        for row in products:
            self._reseal(PRODUCTS, row["id"], {"sponsor": None, "notes": None})
        entries = REGISTER_HISTORY.c.entry.in_([item.ref, *(row["id"] for row in products)])
        full = entries & REGISTER_HISTORY.c.sealed.is_not(None)
        lines = self.connection.scalars(select(REGISTER_HISTORY.c.sealed).where(full)).all()
        self.connection.execute(update(REGISTER_HISTORY).where(full).values(sealed=None))
        sealed = [operator.sealed, *(row["sealed"] for row in products), *lines]
        return replace(_more(item, sealed, operators=1, products=len(products), lines=len(lines)), state="done")

    def _reseal(self, table: Table, ref: str, value: object) -> None:
        sealed = self.base.ring.seal_json(value, f"{table.name}/{ref}")
        self.connection.execute(update(table).where(table.c.id == ref).values(sealed=sealed))

    def _before(self, item: Item) -> dt.datetime:
        day = dt.date.fromisoformat(item.ref)
        return dt.datetime.combine(day, dt.time(), self.base.window.zone)

    def _unlink(self, mails: Collection[int]) -> None:
        self._delete(LINKS, LINKS.c.outbox_id.in_(mails))

    def _delete(self, table: Table, which: object) -> int:
        return self.connection.execute(delete(table).where(which)).rowcount  # type: ignore[arg-type]


def _more(item: Item, sealed: Iterable[bytes | None], **counts: int) -> Item:
    """An item with what has gone besides. The digest chains those of the sealed bytes, which tell nothing of them."""
    said = hashlib.sha256(item.digest.encode())
    for one in sealed:
        if one is not None:
            said.update(hashlib.sha256(one).digest())
    known = dict(item.counts or {})
    for name, number in counts.items():
        known[name] = known.get(name, 0) + number
    return replace(item, counts=known, digest=said.hexdigest())
