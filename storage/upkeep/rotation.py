"""Sealing what is kept with another key of the ring, batch by batch, while everything else goes on.

Each value says itself which key sealed it, so there is no progress to keep: whoever begins again after a kill finds
what is left. A value is written back only where it still is what was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, LargeBinary, Table, and_, bindparam, case, func, literal, select, tuple_, update

from engine.errors import WrongEnvironment
from storage.base import Base
from storage.chains import history, register_history
from storage.entrance.acts import act_place
from storage.entrance.people import totp_place
from storage.keeping import case_place, fact_place, words_place
from storage.mailing import briefs, copies, recipients
from storage.mailing.outbox import address_place
from storage.mailing.settling import mail_place
from storage.messages import message_place
from storage.removal import preservations
from storage.rows import Row
from storage.sealing import Ring, begins
from storage.statements import put
from storage.tables import (
    BRIEF_LINES,
    CASES,
    COPIES,
    FACT_PAST,
    HISTORY,
    KEPT_ANSWERS,
    MESSAGES,
    META,
    OPERATORS,
    OUTBOX,
    PENDING_ACTS,
    PEOPLE,
    PRESERVATIONS,
    PRODUCTS,
    RECIPIENTS,
    REGISTER_HISTORY,
)
from storage.undoing import kept_place

BATCH = 500
"""Values that one transaction seals anew."""

KEY_CHECK = "key_check"
Done = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """Where sealed values stand, and the place that each of them is bound to."""

    table: Table
    column: str
    place: Callable[[Row], str]


SEALED: Sequence[SealedColumn] = (
    SealedColumn(PEOPLE, "totp", lambda row: totp_place(row["id"])),
    SealedColumn(CASES, "sealed", lambda row: case_place(row["id"])),
    SealedColumn(FACT_PAST, "sealed", lambda row: fact_place(row["case_id"], row["revision"], row["name"])),
    SealedColumn(MESSAGES, "sealed", lambda row: message_place(row["source"])),
    SealedColumn(OUTBOX, "sealed_address", lambda row: address_place(row["id"])),
    SealedColumn(OUTBOX, "sealed", lambda row: mail_place(row["id"])),
    SealedColumn(OUTBOX, "sealed_words", lambda row: words_place(row["id"])),
    SealedColumn(BRIEF_LINES, "sealed", briefs.line_place),
    SealedColumn(HISTORY, "sealed", lambda row: history.line_place(row["case_id"], row["seq"])),
    SealedColumn(PENDING_ACTS, "sealed", lambda row: act_place(row["id"])),
    SealedColumn(OPERATORS, "sealed", lambda row: f"operators/{row['id']}"),
    SealedColumn(PRODUCTS, "sealed", lambda row: f"products/{row['id']}"),
    SealedColumn(REGISTER_HISTORY, "sealed", lambda row: register_history.line_place(row["entry"], row["seq"])),
    SealedColumn(RECIPIENTS, "sealed", recipients.row_place),
    SealedColumn(PRESERVATIONS, "sealed", lambda row: preservations.reason_place(row["case_id"])),
    SealedColumn(KEPT_ANSWERS, "sealed", lambda row: kept_place(row["case_id"])),
    SealedColumn(COPIES, "sealed_note", lambda row: copies.note_place(row["id"])),
)
"""Every column that holds sealed values, a test sees to it."""


@dataclass(frozen=True, slots=True)
class Held:
    """What stands under one key: values that it sealed, and lines of histories whose digests it made."""

    values: int = 0
    proofs: int = 0


def held_by_key(base: Base, names: Sequence[str]) -> tuple[Mapping[str, Held], int]:
    """What each of these keys holds in the database, and how many values none of them sealed."""
    values, strangers = dict.fromkeys(names, 0), 0
    with base.reading() as connection:
        for one in SEALED:
            total, *counts = _counts(connection, one, names)
            values = {name: values[name] + count for name, count in zip(names, counts, strict=True)}
            strangers += total - sum(counts)
        proofs = {name: _proofs(connection, name) for name in names}
    return {name: Held(values[name], proofs[name]) for name in names}, strangers


def seal_anew(base: Base, done: Done) -> int:
    """Seals every value that opens with the present key of the ring, and says how many that were. Others may seal with
    the key before until they have seen the new one: call it until it finds nothing."""
    found = sum(_seal_column(base, one, done) for one in SEALED)
    return found + base.write(lambda connection: _seal_key_check(connection, base.ring))


def _seal_column(base: Base, one: SealedColumn, done: Done) -> int:
    total, beyond = 0, None
    while True:
        count, beyond = _batch(base, one, beyond)
        if beyond is None:
            return total
        total += count
        done(count)


def _batch(base: Base, one: SealedColumn, beyond: Sequence[object] | None) -> tuple[int, Sequence[object] | None]:
    """Seals the next values after a key of the table, and gives the last one's; None when there is none."""
    ring, keys = base.ring, list(one.table.primary_key)
    wanted = select(one.table).where(_sealed_otherwise(one, ring.now().current)).order_by(*keys).limit(BATCH)
    if beyond is not None:
        last = (literal(value, key.type) for key, value in zip(keys, beyond, strict=True))
        wanted = wanted.where(tuple_(*keys) > tuple_(*last))

    def work(connection: Connection) -> tuple[int, Sequence[object] | None]:
        rows = connection.execute(wanted.with_for_update()).mappings().all()
        if not rows:
            return 0, None
        anew = [values for row in rows if (values := _anew(one, row, ring))]
        if anew:
            connection.execute(_writing(one), anew)
        return len(anew), [rows[-1][key.name] for key in keys]

    return base.write(work)


def _writing(one: SealedColumn) -> Any:
    keys = and_(*(key == bindparam(f"its_{key.name}") for key in one.table.primary_key))
    same = one.table.c[one.column] == bindparam("was", type_=LargeBinary())
    return update(one.table).where(keys & same).values({one.column: bindparam("becomes", type_=LargeBinary())})


def _anew(one: SealedColumn, row: Row, ring: Ring) -> dict[str, object] | None:
    """None for a value that does not open, which stays as it is."""
    place, was = one.place(row), row[one.column]
    try:
        plain = ring.open(was, place)
    except WrongEnvironment:
        return None
    keys = {f"its_{key.name}": row[key.name] for key in one.table.primary_key}
    return {**keys, "was": was, "becomes": ring.seal(plain, place)}


def _seal_key_check(connection: Connection, ring: Ring) -> int:
    """The known word that tells the right ring from a wrong one."""
    found = connection.scalar(select(META.c.value).where(META.c.name == KEY_CHECK).with_for_update())
    if found is None or bytes.fromhex(found).startswith(begins(ring.now().current)):
        return 0
    place = f"meta/{KEY_CHECK}"
    anew = ring.seal(ring.open(bytes.fromhex(found), place), place)
    put(connection, META, {"name": KEY_CHECK, "value": anew.hex()})
    return 1


def _sealed_otherwise(one: SealedColumn, name: str) -> Any:
    column = one.table.c[one.column]
    return column.is_not(None) & (_beginning(one, name) != literal(begins(name), LargeBinary()))


def _beginning(one: SealedColumn, name: str) -> Any:
    return func.substr(one.table.c[one.column], 1, len(begins(name)), type_=LargeBinary())


def _counts(connection: Connection, one: SealedColumn, names: Sequence[str]) -> Iterator[int]:
    """How many values there are, and how many of them each key sealed."""
    ours = [
        func.sum(case((_beginning(one, name) == literal(begins(name), LargeBinary()), 1), else_=0)) for name in names
    ]
    row = connection.execute(select(func.count(one.table.c[one.column]), *ours)).one()
    return (int(count or 0) for count in row)


def _proofs(connection: Connection, name: str) -> int:
    """Lines whose personal part is there still, and is proved by a digest of this key."""
    found = 0
    for table in (HISTORY, REGISTER_HISTORY):
        mine = table.c.sealed.is_not(None) & table.c.personal_digest.startswith(f"{name}:", autoescape=True)
        found += int(connection.scalar(select(func.count()).select_from(table).where(mine)) or 0)
    return found
