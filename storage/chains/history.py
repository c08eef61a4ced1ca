"""History: one hash chain per case.

hash = SHA-256(hash of the line before + canonical JSON of [seq, at, actor, kind, detail, digest of the personal part]).
The personal part is encrypted in a column of its own and only its keyed digest is in the chain, so that emptying it
(purge) or sealing it with another key leaves the chain whole. A line that tells more than `KEPT` has chance in that
part: once it is gone, no guess at what was taken away can be tried against the hash.

A purge takes the personal parts away, cuts the plain parts down to `KEPT`, and adds a line that commits to what it
left.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from engine.errors import WrongEnvironment
from engine.model.case import Actor
from engine.model.handed import Answer
from engine.model.messages import Event, told
from storage import direct, prepared
from storage.rows import Row, dump
from storage.sealing import Ring, canonical, canonical_words, quoted
from storage.tables import HISTORY

START = ""
"""What stands before the first line of a chain."""

Last = tuple[int, str]
"""The number and the hash of the latest line; `NONE` where there is no line yet."""
NONE: Last = (0, START)

PURGED = "case_purged"
"""The kind of the line that a purge adds; its `kept` commits to the lines before."""

KEPT = frozenset({
    "act", "agreement", "anchor", "audience", "case", "child", "clock", "count", "due", "event", "fact", "generation",
    "hold", "kept", "legal", "lines", "mail", "missed", "name", "occurrence", "of", "on", "on_paper", "outcome",
    "party", "planned", "process", "quiet_until", "role", "rule", "rung", "sha256", "since", "started", "state",
    "status", "target", "task", "to", "until", "version", "what",
})  # fmt: skip
"""What a line says of states, tasks, mails and dates. It names nobody, and stays when its case is purged."""

_CHANCE = "_chance"
_ANSWERS = ("task_completed", "answer_undone")


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """`personal` is empty when there is none or when it was purged."""

    seq: int
    at: dt.datetime
    actor: str
    kind: str
    detail: dict[str, str]
    personal: dict[str, str]
    hash: str

    @property
    def told(self) -> Mapping[str, str]:
        """What the line says to whoever may read its case."""
        return told(self.detail, self.personal)


def append(
    connection: Connection, ring: Ring, case_id: str, events: Iterable[Event], actor: Actor, now: dt.datetime,
    after: Last | None = None
) -> None:  # fmt: skip
    """Adds the events of one decision to the chain of a case whose row this transaction has locked; `after` its last
    line, for whoever knows it."""
    seq, head = after or _head(connection, case_id)
    rows = []
    for event in events:
        seq += 1
        row = _line(ring, case_id, seq, event, actor, now)
        head = row["hash"] = hash_after(head, row)
        rows.append(row)
    direct.write_all(connection, prepared.NEW_HISTORY, rows)


def append_once(
    connection: Connection, ring: Ring, case_id: str, event: Event, actor: Actor, now: dt.datetime
) -> None:
    """Adds an event unless the actor has left this very line before: nobody makes a chain grow by trying again."""
    known = (HISTORY.c.case_id == case_id) & (HISTORY.c.kind == event.kind) & (HISTORY.c.actor == _key(actor))
    same = select(HISTORY.c.seq).where(known & (HISTORY.c.detail == dump(dict(event.detail))))
    if connection.execute(same.limit(1)).first() is None:
        append(connection, ring, case_id, [event], actor, now)


def answer_of(connection: Connection, ring: Ring, case_id: str, task_id: str) -> Answer | None:
    """The answer that a task was given and that was not taken back, whether its case has left it behind or not."""
    line = answer_line(read(connection, ring, case_id, *_ANSWERS), task_id)
    return None if line is None else Answer(line.actor, line.told.get("by", "(purged)"), line.detail["outcome"])


def answer_line(lines: Iterable[HistoryLine], task_id: str) -> HistoryLine | None:
    """The line in which a task was answered; None where nobody has, or that was taken back."""
    said = [line for line in lines if line.kind in _ANSWERS and line.detail.get("task") == task_id]
    return said[-1] if said and said[-1].kind == _ANSWERS[0] else None


def read(connection: Connection, ring: Ring, case_id: str, *kinds: str) -> Sequence[HistoryLine]:
    """The lines of a case, or those of some kinds."""
    return tuple(_read(ring, row) for row in _rows(connection, case_id, *kinds))


def recorded_at(connection: Connection, case_id: str) -> dict[str, dt.datetime]:
    """When each fact of a case was recorded last, but for what was taken back."""
    rows = _rows(connection, case_id, "fact_recorded", "answer_undone")
    undone = {json.loads(row["detail"])["since"] for row in rows if row["kind"] == "answer_undone"}
    recorded = (row for row in rows if row["kind"] == "fact_recorded" and row["at"].isoformat() not in undone)
    return {json.loads(row["detail"])["fact"]: row["at"] for row in recorded}


def faults(connection: Connection, ring: Ring, case_id: str) -> Sequence[str]:
    """What is wrong with the chain of a case, a sentence for each line at fault; empty when it is whole."""
    return faults_in(ring, case_id, _rows(connection, case_id))


def faults_in(ring: Ring | None, case_id: str, rows: Iterable[Row]) -> Sequence[str]:
    """The same of these rows, which are all of the case's in their order; without a ring the personal parts are left
    aside."""
    found: list[str] = []
    head, all_rows = START, list(rows)
    for number, row in enumerate(all_rows, 1):
        if row["seq"] != number:
            return [*found, f"case {case_id}: line {number} of its history is missing"]
        if not row["cut"] and row["hash"] != hash_after(head, row):
            found.append(f"case {case_id}: line {number} of its history, or the one before, was changed")
        if ring is not None and not _personal_is_true(ring, row):
            found.append(f"case {case_id}: the personal part of line {number} was changed")
        head = row["hash"]
    return [*found, *_purge_faults(case_id, all_rows)]


def _purge_faults(case_id: str, rows: Sequence[Row]) -> Iterator[str]:
    """What is emptied or cut must stand before the line of a purge, and be as that purge has left it."""
    last = max((row["seq"] for row in rows if row["kind"] == PURGED), default=0)
    for row in rows[last:]:
        if row["cut"] or (row["sealed"] is None and row["personal_digest"] is not None):
            yield f"case {case_id}: line {row['seq']} of its history was emptied, and no purge says so"
    if last and json.loads(rows[last - 1]["detail"]).get("kept") != left_by_purge(rows[: last - 1]):
        yield f"case {case_id}: what its purge has left of its history, before line {last}, was changed"


def left_by_purge(rows: Iterable[Row]) -> str:
    """A digest of lines as they stand, personal parts aside: what the line of a purge commits to."""
    said = hashlib.sha256()
    for row in rows:
        line = preimage(row["seq"], row["at"], row["actor"], row["kind"], row["detail"], row["personal_digest"])
        said.update(canonical([line, row["hash"], bool(row["cut"])]) + b"\n")
    return said.hexdigest()


def reduced(detail: str) -> str | None:
    """The plain part of a line without what may name somebody; None where there is nothing of the kind in it."""
    words: Mapping[str, str] = json.loads(detail)
    kept = {key: word for key, word in words.items() if key in KEPT}
    return dump(kept) if kept != words else None


def head(connection: Connection, case_id: str) -> str:
    """The hash of the latest line."""
    return _head(connection, case_id)[1]


def last_in(row: Row | None) -> Last:
    """As a row of the database tells it."""
    return (row["seq"], row["hash"]) if row and row["seq"] else NONE


def _head(connection: Connection, case_id: str) -> Last:
    return last_in(direct.first(connection, prepared.HISTORY_HEAD, {"its_case": case_id}))


def _rows(connection: Connection, case_id: str, *kinds: str) -> Sequence[Row]:
    found = select(HISTORY).where(HISTORY.c.case_id == case_id).order_by(HISTORY.c.seq)
    found = found.where(HISTORY.c.kind.in_(kinds)) if kinds else found
    return connection.execute(found).mappings().all()


def _line(ring: Ring, case_id: str, seq: int, event: Event, actor: Actor, now: dt.datetime) -> dict[str, object]:
    personal = dict(event.personal)
    if actor.on_behalf_of:
        personal.setdefault("on_behalf_of", actor.on_behalf_of)
    if personal or not KEPT.issuperset(event.detail):
        personal[_CHANCE] = secrets.token_hex(16)
    plain, place = canonical_words(personal).encode(), line_place(case_id, seq)
    return {
        "case_id": case_id,
        "seq": seq,
        "at": now.astimezone(dt.UTC),
        "actor": _key(actor),
        "kind": event.kind,
        "detail": canonical_words(event.detail),
        "personal_digest": ring.digest(plain, place) if personal else None,
        "sealed": ring.seal(plain, place) if personal else None,
    }


def _key(actor: Actor) -> str:
    return f"{actor.kind}:{actor.id}"


def hash_after(before: str, row: Row | dict[str, object]) -> str:
    """The hash of a line, from that of the line before."""
    line = preimage(row["seq"], row["at"], row["actor"], row["kind"], row["detail"], row["personal_digest"])
    return hashlib.sha256((before + line).encode()).hexdigest()


def preimage(seq: object, at: object, actor: object, kind: object, detail: object, digest: object) -> str:
    """The text of a line that is hashed after the hash of the line before: `canonical` of these, put together here
    since a case begins with a dozen of them."""
    instant = at.astimezone(dt.UTC).isoformat() if isinstance(at, dt.datetime) else at
    words = ",".join([quoted(str(word)) for word in (instant, actor, kind, detail)])
    return f"[{seq},{words},{'null' if digest is None else quoted(str(digest))}]"


def _personal_is_true(ring: Ring, row: Row) -> bool:
    """A personal part that was purged is no fault; one that says something else than its digest is."""
    if row["sealed"] is None:
        return True
    digest, place = row["personal_digest"], line_place(row["case_id"], row["seq"])
    if digest is None:
        return False
    try:
        found = ring.digest(ring.open(row["sealed"], place), place, digest.partition(":")[0])
    except WrongEnvironment:
        return False
    return bool(found == digest)


def _read(ring: Ring, row: Row) -> HistoryLine:
    sealed = row["sealed"]
    personal = json.loads(ring.open(sealed, line_place(row["case_id"], row["seq"]))) if sealed else {}
    personal.pop(_CHANCE, None)
    return HistoryLine(
        row["seq"], row["at"], row["actor"], row["kind"], json.loads(row["detail"]), personal, row["hash"]
    )


def line_place(case_id: str, seq: int) -> str:
    return f"history/{case_id}/{seq}"
