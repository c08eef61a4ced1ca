"""The register's rows: read as holdings, written as a whole with their history, in one transaction of the caller's."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar, cast

from sqlalchemy import ColumnElement, Connection, Table, insert, select, update

from engine.errors import LostRace, Refused, UsageError
from engine.model.case import Actor, Contact, FactValue, TableRow
from engine.model.register import ACTIVE, Entry, entry_id
from engine.nodes import nearest
from registry.fields import agreement_with, entry_of, operator_with, product_with
from registry.values import NEW, Agreement, Holding, Operator, Product, Record, changes, label
from storage import direct, prepared
from storage.base import Base
from storage.chains.register_history import Line, Written, append, faults, read
from storage.lists import among
from storage.rows import Row, dump, pack_fact, unpack_fact
from storage.sealing import Ring
from storage.tables import AGREEMENTS, OPERATORS, PRODUCTS, REGISTER_NUMBERS

_MANY = 500
"""Keys of one IN list."""


# --- reading ----------------------------------------------------------------------------------------------------------


_COLUMNS = [column.label(f"{table.name}.{column.name}")
            for table in (OPERATORS, PRODUCTS, AGREEMENTS) for column in table.c]
_KEYS = {table: [(column.name, f"{table.name}.{column.name}") for column in table.c]
         for table in (OPERATORS, PRODUCTS, AGREEMENTS)}
_JOINED = PRODUCTS.join(OPERATORS, OPERATORS.c.id == PRODUCTS.c.operator).outerjoin(
    AGREEMENTS, AGREEMENTS.c.product == PRODUCTS.c.id
)
_HOLDINGS = select(*_COLUMNS).select_from(_JOINED).order_by(OPERATORS.c.name, PRODUCTS.c.name, AGREEMENTS.c.signed_on,
                                                            AGREEMENTS.c.id)  # fmt: skip
# Begins at the agreements: a join that keeps products without one is read from its products, whatever is asked for.
BY_AGREEMENT = select(*_COLUMNS).select_from(AGREEMENTS.join(PRODUCTS).join(OPERATORS)).where(
    among(AGREEMENTS.c.id, "its_ids")
)


def holdings(connection: Connection, ring: Ring, where: ColumnElement[bool] | None = None) -> list[Holding]:
    """Every product with its operator and each of its agreements; a product without an agreement once."""
    rows = connection.execute(_HOLDINGS if where is None else _HOLDINGS.where(where)).mappings()
    return [_holding(row, ring) for row in rows]


def latest(found: Iterable[Holding]) -> list[Holding]:
    """One holding a product: with its active agreement, else with the one signed last."""
    chosen: dict[str, Holding] = {}
    for one in found:
        before = chosen.get(one.product.id)
        if before is None or before.agreement is None or before.agreement.status != ACTIVE:
            chosen[one.product.id] = one
    return list(chosen.values())


def holdings_of_rows(connection: Connection, ring: Ring, keys: Collection[str]) -> list[Holding]:
    """The products that came from these rows of an inventory, bear their ids, or came from no inventory."""
    mine = PRODUCTS.c.key.is_(None) | PRODUCTS.c.key.in_(keys)
    return latest(holdings(connection, ring, mine))


def holding_of(connection: Connection, ring: Ring, agreement: str) -> Holding:
    """The holding of an agreement. Raises `UsageError` for one that does not exist, naming the nearest."""
    found = holdings(connection, ring, AGREEMENTS.c.id == agreement)
    if not found:
        known = connection.scalars(select(AGREEMENTS.c.id)).all()
        raise UsageError(f"there is no agreement '{agreement}' in the register{nearest(agreement, known)}")
    return found[0]


def entries(connection: Connection, ring: Ring, agreements: Iterable[str]) -> Mapping[str, Entry]:
    """Agreements as decisions see them. Raises `UsageError` as `holding_of` does."""
    wanted = sorted(set(agreements))
    people = people_by_mail(connection) if wanted else {}
    found = {row["agreements.id"]: entry_of(_holding(row, ring), people) for row in _rows(connection, wanted)}
    for unknown in [one for one in wanted if one not in found]:
        holding_of(connection, ring, unknown)
    return found


def readable_entries(connection: Connection, ring: Ring, agreements: Iterable[str]) -> Mapping[str, Entry]:
    """As `entries`; those that are unknown or cannot be read are left out."""
    wanted, ring = sorted(set(agreements)), ring.now()
    people = people_by_mail(connection) if wanted else {}
    found: dict[str, Entry] = {}
    for row in _rows(connection, wanted):
        with suppress(Exception):  # whoever needs this one is told what is wrong with it
            found[row["agreements.id"]] = entry_of(_holding(row, ring), people)
    return found


def _rows(connection: Connection, agreements: Sequence[str]) -> Iterator[Row]:
    for start in range(0, len(agreements), _MANY):
        yield from direct.read(connection, BY_AGREEMENT, {"its_ids": agreements[start : start + _MANY]})


def people_by_mail(connection: Connection) -> dict[str, str]:
    """The ids of people by their addresses in small letters."""
    return {row["email"].casefold(): row["id"] for row in direct.read(connection, prepared.EVERYBODY, {})}


def next_number(connection: Connection, kind: str = "A") -> int:
    """The number that the next entry of a kind gets."""
    mine = REGISTER_NUMBERS.c.kind == kind
    return int(connection.execute(select(REGISTER_NUMBERS.c.last).where(mine)).scalar_one()) + 1


def begin_writing(connection: Connection) -> None:
    """Writers of the register wait for one another, so that none overwrites what it has not read."""
    connection.execute(select(REGISTER_NUMBERS).order_by(REGISTER_NUMBERS.c.kind).with_for_update()).all()


def _holding(row: Row, ring: Ring) -> Holding:
    operator, product = _part(row, OPERATORS), _part(row, PRODUCTS)
    agreement = _part(row, AGREEMENTS)
    return Holding(
        _read_operator(operator, ring),
        _read_product(product, ring),
        _read_agreement(agreement) if agreement["id"] is not None else None,
    )


def _part(row: Row, table: Table) -> dict[str, Any]:
    return {name: row[key] for name, key in _KEYS[table]}


def _read_operator(row: dict[str, Any], ring: Ring) -> Operator:
    sealed = cast("dict[str, Any]", ring.open_json(row.pop("sealed"), f"operators/{row['id']}"))
    return Operator(**{**row, **{name: Contact(**packed) if packed else None for name, packed in sealed.items()}})


def _read_product(row: dict[str, Any], ring: Ring) -> Product:
    sealed = cast("dict[str, Any]", ring.open_json(row.pop("sealed"), f"products/{row['id']}"))
    return Product(**{**row, **sealed, "data_elements": frozenset(json.loads(row["data_elements"]))})


def _read_agreement(row: dict[str, Any]) -> Agreement:
    packed = json.loads(row.pop("clauses"))
    clauses = unpack_fact(["rows", packed]) if packed else ()
    return Agreement(**row, clauses=cast("tuple[TableRow, ...]", clauses))


def read_record(kind: str, row: dict[str, Any], ring: Ring) -> Record:
    """An entry of a kind (`O`, `P`, `A`) from its row."""
    if kind == "A":
        return _read_agreement(row)
    return _read_operator(row, ring) if kind == "O" else _read_product(row, ring)


def _row_of(record: Record, ring: Ring) -> dict[str, Any]:
    row = {name: getattr(record, name) for name in record.__dataclass_fields__}
    match record:
        case Operator():
            secrets = {name: asdict(contact) if (contact := row.pop(name)) else None
                       for name in ("contact", "breach_contact")}
            row["sealed"] = ring.seal_json(secrets, f"operators/{record.id}")
        case Product():
            row["sealed"] = ring.seal_json({name: row.pop(name) for name in ("sponsor", "notes")},
                                           f"products/{record.id}")
            row["data_elements"] = dump(sorted(record.data_elements))
        case Agreement():
            packed = cast("list[Any]", pack_fact(record.clauses)) if record.clauses else [None, []]
            row["clauses"] = dump(packed[1])
    return row


class SqlRegister:
    """What people look at."""

    def __init__(self, base: Base) -> None:
        self.base = base

    def holdings(self) -> list[Holding]:
        """As the function of this name."""
        with self.base.reading() as connection:
            return holdings(connection, self.base.ring)

    def about(self, entry: str) -> list[Holding]:
        """What an id is about: an agreement, a product with each of its agreements, or all of an operator's.

        Raises `UsageError` for an unknown id, naming the nearest.
        """
        column = {"O": OPERATORS.c.id, "P": PRODUCTS.c.id}.get(entry[:1], AGREEMENTS.c.id)
        with self.base.reading() as connection:
            found = holdings(connection, self.base.ring, column == entry)
            known = () if found else connection.scalars(select(column)).all()
        if not found:
            raise UsageError(f"there is nothing '{entry}' in the register{nearest(entry, known)}")
        return found

    def labels(self) -> dict[str, str]:
        """What people call each agreement that no later one has superseded, the active ones first."""
        joined = AGREEMENTS.join(PRODUCTS, PRODUCTS.c.id == AGREEMENTS.c.product).join(OPERATORS)
        there = select(AGREEMENTS.c.id, PRODUCTS.c.name, OPERATORS.c.name.label("operator")).select_from(joined)
        there = there.where(AGREEMENTS.c.status != "superseded")
        in_order = there.order_by(AGREEMENTS.c.status != ACTIVE, PRODUCTS.c.name, AGREEMENTS.c.id)
        with self.base.reading() as connection:
            return {row.id: label(row.name, row.operator) for row in connection.execute(in_order)}

    def history(self, entries: Collection[str]) -> Sequence[Written]:
        with self.base.reading() as connection:
            return read(connection, self.base.ring, entries)

    def verify(self, entries: Collection[str]) -> Sequence[str]:
        """What is wrong with the chains of these entries; empty when they are whole."""
        with self.base.reading() as connection:
            return [fault for entry in entries for fault in faults(connection, self.base.ring, entry)]


# --- writing ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Pair:
    before: Record | None
    after: Record


@dataclass(slots=True)
class RegisterWriter:
    """Collects what is to be written, after `begin_writing`, and writes it in one go. `today` is the local date of
    `now`; `cause` says by which case, or by an import; `touched` are the agreements that changed."""

    connection: Connection
    ring: Ring
    actor: Actor
    now: dt.datetime
    today: dt.date
    cause: str
    touched: set[str] = field(default_factory=set)
    _pairs: dict[str, _Pair] = field(default_factory=dict)
    _operators: dict[str, str | None] = field(default_factory=dict)
    _last: dict[str, int] = field(default_factory=dict)

    def know_operators(self, names: Collection[str]) -> None:
        """Reads operators that many rows are about at once."""
        wanted = sorted(set(names) - self._operators.keys())
        self._operators.update(dict.fromkeys(wanted))
        for start in range(0, len(wanted), _MANY):
            batch = OPERATORS.c.name.in_(wanted[start : start + _MANY])
            for row in self.connection.execute(select(OPERATORS).where(batch)).mappings():
                self._keep_known(_read_operator(dict(row), self.ring))

    def enter(
        self,
        values: Mapping[str, FactValue],
        holding: Holding | None = None,
        *,
        agreement: str | None = None,
        key: str | None = None,
    ) -> None:
        """Writes fields into a holding, or into the product of that operator and name, which is made where there is
        none. With `agreement`, an id or `NEW`, makes that agreement too; it takes the place of the one it supersedes.

        Raises `Refused` where a product would have two active agreements, `UsageError` for an unknown one.
        """
        old = values.get("supersedes")
        superseded = holding_of(self.connection, self.ring, str(old)) if old else None
        holding = holding or (None if "product" in values else superseded)
        operator = self._operator(values, holding)
        product = self._product(values, holding, operator, key)
        if agreement is not None:
            self._new_agreement(values, product, agreement, superseded)
        elif holding is not None and holding.agreement is not None:
            self._change(holding.agreement, product, values)

    def put_back(self, was: Record) -> None:
        """Writes an entry as it was once. Raises `Refused` where its product has another active agreement by now."""
        table, kind = _TABLES[type(was)], _LETTERS[type(was)]
        row = self.connection.execute(select(table).where(table.c.id == was.id)).mappings().one()
        self._pairs[was.id] = _Pair(read_record(kind, dict(row), self.ring), was)
        if isinstance(was, Agreement) and was.status == ACTIVE:
            self._only_active(was.product, was.id)

    def flush(self) -> None:
        """What changes is written first, so that a new agreement finds its product free of the one before."""
        pairs = [pair for pair in self._pairs.values() if pair.before != pair.after]
        for pair in pairs:
            if pair.before is not None:
                table = _TABLES[type(pair.after)]
                row = _row_of(pair.after, self.ring)
                self.connection.execute(update(table).where(table.c.id == pair.after.id).values(**row))
        for kind, table in _TABLES.items():
            rows = [_row_of(pair.after, self.ring) for pair in pairs
                    if pair.before is None and isinstance(pair.after, kind)]
            if rows:
                self.connection.execute(insert(table), rows)
        for letter, last in self._last.items():
            mine = REGISTER_NUMBERS.c.kind == letter
            self.connection.execute(update(REGISTER_NUMBERS).where(mine).values(last=last))
        lines = [Line(pair.after.id, pair.before is None, changes(pair.before, pair.after)) for pair in pairs]
        append(self.connection, self.ring, lines, self.actor, self.now, self.cause)
        self._pairs.clear()
        self._operators.clear()

    def _operator(self, values: Mapping[str, FactValue], holding: Holding | None) -> Operator:
        name = str(values.get("operator", holding.operator.name if holding else ""))
        if name not in self._operators:
            self.know_operators([name])
        known = self._pairs.get(self._operators[name] or "")
        before = known.after if known is not None else None
        return self._put(operator_with(cast("Operator | None", before), {**values, "operator": name}))

    def _product(
        self, values: Mapping[str, FactValue], holding: Holding | None, operator: Operator, key: str | None
    ) -> Product:
        before = holding.product if holding else self._known_product(operator.id, str(values.get("product", "")))
        if before is not None and before.id not in self._pairs:
            self._pairs[before.id] = _Pair(before, before)
        after = product_with(before, operator.id, values)
        return self._put(replace(after, key=key or after.key))

    def _new_agreement(
        self, values: Mapping[str, FactValue], product: Product, wanted: str, superseded: Holding | None
    ) -> None:
        old = superseded.agreement if superseded else None
        if superseded is not None and superseded.product.id != product.id:
            raise Refused(f"agreement {values['supersedes']} is for another product, {superseded.label}: nothing "
                          f"was written")
        self._check_only(product, old.id if old else None)
        if old is not None:
            self._pairs.setdefault(old.id, _Pair(old, old))
            self._put(replace(old, status="superseded"))
            self.touched.add(old.id)
        after = self._put(agreement_with(None, product.id, values))
        self.touched.add(after.id)
        if wanted not in (NEW, after.id):
            raise LostRace("another agreement was entered meanwhile: nothing was written, look again")

    def _change(self, before: Agreement, product: Product, values: Mapping[str, FactValue]) -> None:
        after = agreement_with(before, product.id, values)
        if after.status == "ended" and before.status != "ended" and after.ended_on is None:
            after = replace(after, ended_on=self.today)
        if after.status == ACTIVE != before.status:
            self._check_only(product, before.id)
        self._pairs.setdefault(before.id, _Pair(before, before))
        if self._put(after) != before:
            self.touched.add(after.id)

    def _is_new(self, entry: str) -> bool:
        """Whether nothing in the database can be about it yet."""
        return entry in self._pairs and self._pairs[entry].before is None

    def _check_only(self, product: Product, but: str | None) -> None:
        """A product has one active agreement: `but` is the one that makes room, or that is meant itself."""
        if not self._is_new(product.id):
            self._only_active(product.id, but or "")

    def _only_active(self, product: str, but: str) -> None:
        active = (AGREEMENTS.c.product == product) & (AGREEMENTS.c.status == ACTIVE) & (AGREEMENTS.c.id != but)
        joined = AGREEMENTS.join(PRODUCTS, PRODUCTS.c.id == AGREEMENTS.c.product)
        wanted = select(AGREEMENTS.c.id, PRODUCTS.c.name).select_from(joined).where(active)
        other = self.connection.execute(wanted).first()
        if other is not None:
            raise Refused(f"product '{other.name}' has an active agreement, {other.id}, already: name it as the one "
                          f"that is superseded, or end it first")

    def _known_product(self, operator: str, name: str) -> Product | None:
        mine = (PRODUCTS.c.operator == operator) & (PRODUCTS.c.name == name)
        if self._is_new(operator):
            return None
        row = self.connection.execute(select(PRODUCTS).where(mine)).mappings().first()
        return _read_product(dict(row), self.ring) if row else None

    def _keep_known(self, operator: Operator) -> None:
        self._operators[operator.name] = operator.id
        self._pairs.setdefault(operator.id, _Pair(operator, operator))

    def _put(self, after: R) -> R:
        """Keeps the new form of a record; one without an id gets the next number of its kind."""
        if after.id == NEW:
            after = replace(after, id=self._next(_LETTERS[type(after)]))
        before = self._pairs[after.id].before if after.id in self._pairs else None
        self._pairs[after.id] = _Pair(before, after)
        if isinstance(after, Operator):
            self._operators[after.name] = after.id
        return after

    def _next(self, letter: str) -> str:
        if letter not in self._last:
            self._last[letter] = next_number(self.connection, letter) - 1
        self._last[letter] += 1
        return entry_id(letter, self._last[letter])


R = TypeVar("R", Operator, Product, Agreement)
_TABLES: Mapping[type[Record], Table] = {Operator: OPERATORS, Product: PRODUCTS, Agreement: AGREEMENTS}
_LETTERS: Mapping[type[Record], str] = {Operator: "O", Product: "P", Agreement: "A"}
TABLES: Mapping[str, Table] = {letter: _TABLES[kind] for kind, letter in _LETTERS.items()}
"""Where entries of a kind lie."""
