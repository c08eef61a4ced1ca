"""Seals: a chain over the heads of all histories, so that a history taken away as a whole is missed too.

A seal lists the latest line of each history that has grown since the one before. Its hash stands in the privacy
officer's daily brief, which leaves the house: whoever keeps those mails can tell later whether anything was changed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from storage.chains import history
from storage.rows import Row, dump
from storage.sealing import canonical
from storage.tables import HISTORY, SEALS

Heads = Sequence[Sequence[object]]
OVERLAP = dt.timedelta(hours=1)
"""Lines so much older than the last seal are looked at again; listing a head twice does no harm."""


@dataclass(frozen=True, slots=True)
class Seal:
    number: int
    at: dt.datetime
    hash: str


def grown(connection: Connection) -> Heads:
    """Case, number and hash of the last line of each history that has a line younger than the latest seal. All of
    history is read through, so a transaction that only reads does it, while others write."""
    latest = _latest(connection)
    last = select(HISTORY.c.case_id, func.max(HISTORY.c.seq).label("seq")).group_by(HISTORY.c.case_id)
    if latest is not None:
        last = last.where(HISTORY.c.at >= latest["at"] - OVERLAP)
    tops = last.subquery()
    same = (HISTORY.c.case_id == tops.c.case_id) & (HISTORY.c.seq == tops.c.seq)
    rows = connection.execute(
        select(HISTORY.c.case_id, HISTORY.c.seq, HISTORY.c.hash).join(tops, same).order_by(HISTORY.c.case_id)
    )
    return [[row.case_id, row.seq, row.hash] for row in rows]


def seal(connection: Connection, heads: Heads, now: dt.datetime) -> Seal | None:
    """Seals what has grown, and gives the latest seal; None while there is no history at all. What is in the latest
    seal already is not listed again; what grew since `heads` were read is in the next, because of `OVERLAP`."""
    latest = _latest(connection)
    known = json.loads(latest["heads"]) if latest else []
    heads = [head for head in heads if head not in known]
    if not heads:
        return _read(latest) if latest else None
    number, before = (latest["number"] + 1, latest["hash"]) if latest else (1, history.START)
    row = {"number": number, "at": now.astimezone(dt.UTC), "heads": dump(heads)}
    connection.execute(insert(SEALS).values(**row, hash=_hash(before, row)))
    return Seal(number, now, _hash(before, row))


def faults(connection: Connection) -> Sequence[str]:
    """What is wrong with the seals, and with histories that are not as they were sealed; empty when all is whole."""
    found, listed = chain(connection)
    for (case_id, seq), head in listed.items():
        line = select(HISTORY.c.hash).where((HISTORY.c.case_id == case_id) & (HISTORY.c.seq == seq))
        if connection.scalar(line) != head:
            found.append(not_as_sealed(case_id, seq))
    return found


def chain(connection: Connection) -> tuple[list[str], dict[tuple[str, int], str]]:
    """What is wrong with the seals themselves, and every head that they list, by case and number of its line."""
    found: list[str] = []
    before, listed = history.START, dict[tuple[str, int], str]()
    for number, row in enumerate(connection.execute(select(SEALS).order_by(SEALS.c.number)).mappings(), 1):
        if row["number"] != number:
            return [*found, f"seal {number} is missing"], listed
        if row["hash"] != _hash(before, row):
            found.append(f"seal {number}, or the one before, was changed")
        listed |= {(case_id, seq): head for case_id, seq, head in json.loads(row["heads"])}
        before = row["hash"]
    return found, listed


def not_as_sealed(case_id: str, seq: int) -> str:
    return f"case {case_id}: line {seq} of its history is not as it was sealed"


def _latest(connection: Connection) -> Row | None:
    return connection.execute(select(SEALS).order_by(SEALS.c.number.desc()).limit(1)).mappings().first()


def _hash(before: str, row: Row | dict[str, object]) -> str:
    at = row["at"]
    instant = at.astimezone(dt.UTC).isoformat() if isinstance(at, dt.datetime) else str(at)
    return hashlib.sha256(before.encode() + canonical([row["number"], instant, row["heads"]])).hexdigest()


def _read(row: Row) -> Seal:
    return Seal(row["number"], row["at"], row["hash"])
