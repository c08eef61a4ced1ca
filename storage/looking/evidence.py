"""What a case leaves as evidence, read in one transaction: its chain as it is stored, every generation of its clocks,
former facts, tasks, mails as sent, and the seals over it. Reads only."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from engine.model.case import Clock, FactValue, Task
from engine.model.handed import RECIPIENT
from storage.chains import history
from storage.chains.history import START
from storage.keeping import fact_place
from storage.mailing.outbox import address_place
from storage.mailing.recipients import Recipient, read_recipient
from storage.mailing.settling import mail_place
from storage.rows import Row, read_clock, read_task, unpack_fact
from storage.sealing import Ring
from storage.tables import CASES, CLOCKS, COPIES, FACT_PAST, HISTORY, OUTBOX, RECIPIENTS, SEALS, TASKS


@dataclass(frozen=True, slots=True)
class ChainLine:
    """One line of a history as it stands in the chain: `detail` is the very text that was hashed, `digest` the keyed
    digest of the personal part. `personal` is that part, opened; empty when there is none or when it was purged."""

    seq: int
    at: dt.datetime
    actor: str
    kind: str
    detail: str
    digest: str | None
    hash: str
    personal: Mapping[str, str]

    @property
    def words(self) -> Mapping[str, str]:
        found: dict[str, str] = json.loads(self.detail)
        return found


def that_stand(lines: Sequence[ChainLine]) -> list[ChainLine]:
    """The lines but for those of answers that were taken back by a later one."""
    undone = {(line.words.get("since"), line.actor) for line in lines if line.kind == "answer_undone"}
    return [line for line in lines if (line.at.astimezone(dt.UTC).isoformat(), line.actor) not in undone]


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation of a clock; `superseded_because` is None for the one that counts."""

    clock: Clock
    superseded_because: str | None


@dataclass(frozen=True, slots=True)
class FormerFact:
    """A value that a later one superseded."""

    name: str
    value: FactValue
    until: dt.datetime


@dataclass(frozen=True, slots=True)
class Mailed:
    """A mail of the case. `digest` is the SHA-256 of the bytes as sent, `kept_digest` that of the copy kept after the
    tokens of its links went. `raw` is that copy; of a mail to many, only the first in each language is opened."""

    id: int
    mail: str
    recipient: str
    state: str
    created_at: dt.datetime
    settled_at: dt.datetime | None
    message_id: str | None
    reply: str
    digest: str | None
    kept_digest: str | None
    address: str | None
    raw: bytes | None

    @property
    def to_many(self) -> bool:
        return self.recipient.startswith(RECIPIENT)


@dataclass(frozen=True, slots=True)
class Copied:
    """One copy of a mail to many: for whom, by `mail` or on `paper`, how it stands, and since when they are told."""

    mail: str
    recipient: Recipient
    channel: str
    state: str
    told_on: dt.date | None
    run: int | None


@dataclass(frozen=True, slots=True)
class SealOver:
    """A seal that lists a line of the case; `before` is the hash of the seal before it, `heads` the text hashed."""

    number: int
    at: dt.datetime
    heads: str
    before: str
    hash: str


@dataclass(frozen=True, slots=True)
class Records:
    """`faults` are what is wrong with the chain, a sentence each; `children` the cases that this one started."""

    lines: Sequence[ChainLine]
    faults: Sequence[str]
    generations: Sequence[Generation]
    former: Sequence[FormerFact]
    tasks: Sequence[Task]
    mails: Sequence[Mailed]
    copies: Sequence[Copied]
    seals: Sequence[SealOver]
    children: Sequence[str]


def read(connection: Connection, ring: Ring, case_id: str) -> Records:
    """Everything of a case that is evidence, as it stands in this transaction."""
    tasks = select(TASKS).where(TASKS.c.case_id == case_id).order_by(TASKS.c.opened_at, TASKS.c.position)
    children = select(CASES.c.id).where(CASES.c.parent == case_id).order_by(CASES.c.id)
    return Records(
        lines=tuple(_lines(connection, ring, case_id)),
        faults=history.faults(connection, ring, case_id),
        generations=tuple(_generations(connection, case_id)),
        former=tuple(_former(connection, ring, case_id)),
        tasks=tuple(read_task(row, ()) for row in connection.execute(tasks).mappings()),
        mails=tuple(_mails(connection, ring, case_id)),
        copies=tuple(_copies(connection, ring, case_id)),
        seals=tuple(_seals(connection, case_id)),
        children=connection.scalars(children).all(),
    )


def _lines(connection: Connection, ring: Ring, case_id: str) -> Iterator[ChainLine]:
    opened = history.read(connection, ring, case_id)
    rows = connection.execute(select(HISTORY).where(HISTORY.c.case_id == case_id).order_by(HISTORY.c.seq)).mappings()
    for row, line in zip(rows, opened, strict=True):
        yield ChainLine(row["seq"], row["at"], row["actor"], row["kind"], row["detail"], row["personal_digest"],
                        row["hash"], line.personal)


def _generations(connection: Connection, case_id: str) -> Iterator[Generation]:
    wanted = select(CLOCKS).where(CLOCKS.c.case_id == case_id).order_by(CLOCKS.c.name, CLOCKS.c.generation)
    for row in connection.execute(wanted).mappings():
        superseded = row["status"] == "superseded"
        clock = read_clock({**row, "status": "void" if superseded else row["status"]})
        yield Generation(clock, (row["superseded_because"] or "") if superseded else None)


def _former(connection: Connection, ring: Ring, case_id: str) -> Iterator[FormerFact]:
    wanted = select(FACT_PAST).where(FACT_PAST.c.case_id == case_id).order_by(FACT_PAST.c.revision, FACT_PAST.c.name)
    for row in connection.execute(wanted).mappings():
        value = ring.open_json(row["sealed"], fact_place(case_id, row["revision"], row["name"]))
        yield FormerFact(row["name"], unpack_fact(value), row["superseded_at"])


def _mails(connection: Connection, ring: Ring, case_id: str) -> Iterator[Mailed]:
    theirs = select(RECIPIENTS.c.id, RECIPIENTS.c.language).where(RECIPIENTS.c.case_id == case_id)
    languages = {row.id: row.language for row in connection.execute(theirs)}
    opened = set[tuple[str, str | None]]()
    wanted = select(OUTBOX).where(OUTBOX.c.case_id == case_id).order_by(OUTBOX.c.id)
    for row in connection.execute(wanted).mappings():
        many = row["recipient"].startswith(RECIPIENT)
        kind = (row["mail"], languages.get(int(row["recipient"].removeprefix(RECIPIENT))) if many else None)
        wants_raw = row["sealed"] is not None and not (many and kind in opened)
        if many and wants_raw:
            opened.add(kind)
        yield _mailed(row, ring, opens=wants_raw)


def _mailed(row: Row, ring: Ring, *, opens: bool) -> Mailed:
    address = row["sealed_address"]
    return Mailed(
        row["id"], row["mail"], row["recipient"], row["state"], row["created_at"], row["settled_at"],
        row["message_id"], row["reply"], row["digest"], row["kept_digest"],
        ring.open(address, address_place(row["id"])).decode() if address else None,
        ring.open(row["sealed"], mail_place(row["id"])) if opens else None,
    )  # fmt: skip


def _copies(connection: Connection, ring: Ring, case_id: str) -> Iterator[Copied]:
    columns = (COPIES.c.mail, COPIES.c.channel, COPIES.c.state, COPIES.c.told_on, COPIES.c.run)
    theirs = RECIPIENTS.c.id == COPIES.c.recipient_id
    wanted = select(*columns, RECIPIENTS).join(RECIPIENTS, theirs).where(COPIES.c.case_id == case_id)
    for row in connection.execute(wanted.order_by(COPIES.c.id)).mappings():
        yield Copied(row["mail"], read_recipient(row, ring), row["channel"], row["state"], row["told_on"], row["run"])


def _seals(connection: Connection, case_id: str) -> Iterator[SealOver]:
    """Those that list the case, each with the hash of the one before, so that it can be checked alone."""
    named = SEALS.c.heads.contains(f'"{case_id}"', autoescape=True)
    hashes = {row.number: row.hash for row in connection.execute(select(SEALS.c.number, SEALS.c.hash))}
    for row in connection.execute(select(SEALS).where(named).order_by(SEALS.c.number)).mappings():
        before = hashes.get(row["number"] - 1, START)
        yield SealOver(row["number"], row["at"], row["heads"], before, row["hash"])
