"""What an officer should know before an inventory is imported: duties missed, gaps, and rows that may be one product.

Judged on one day, under the rule and the calendars handed in. Each finding names its row and column.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.errors import OutsideCalendar
from engine.law.calendar import months_after
from engine.law.clocks import Calendars, Rule, derive
from engine.law.days import day_name
from engine.model.register import ACTIVE
from registry.inventory import DOUBT, FAULT, KEY, OPENS_A_FORMULA, WARNING, Finding, Row, Weight, column_of
from registry.likeness import alike, name_key, url_key
from registry.values import Holding

APPROVED = ("approved", "approved_no_data", "guardian_release")
IN_FORCE = (*APPROVED, "renewal_pending")
OF_OPERATOR = ("business_address", "contact", "breach_contact")


@dataclass(frozen=True, slots=True)
class Judge:
    """`posting` is the rule under which an agreement is posted, `today` the local date on which rows are judged."""

    today: dt.date
    posting: Rule
    calendars: Calendars

    def findings(self, rows: Sequence[Row], known: Sequence[Holding] = ()) -> Iterator[Finding]:
        """`known` are the products of the register, matched to their rows; a row that has its product is no twin."""
        for row in rows:
            for column, weight, message in self._of_row(row):
                yield Finding(row.key, row.mark.line, column, weight, message)
        yield from _twins(rows, known)
        yield from _contradictions(rows)
        yield from _left_as_they_are(rows, known)

    def _of_row(self, row: Row) -> Iterator[tuple[str, Weight, str]]:
        for column, cell in row.typed.items():
            if column != "notes" and cell != cell.strip():
                yield column, WARNING, "has blanks at its ends: it is imported without them"
            if row.cells[column][:1] and row.cells[column][0] in OPENS_A_FORMULA:
                yield column, WARNING, "begins like a spreadsheet's formula: kept as typed, and defused in every export"
        if row.values.get("students") and "data_elements" not in row.values:
            count = row.values["students"]
            yield "data_elements", WARNING, f"is empty, and {count} students are affected: name what the product takes"
        if row.is_of_an_agreement and row.values.get("listing") in IN_FORCE:
            yield from self._of_agreement(row.values)

    def _of_agreement(self, values: Mapping[str, object]) -> Iterator[tuple[str, Weight, str]]:
        signed, expires, attested = (values.get(name) for name in ("signed_on", "expires_on", "last_attested_on"))
        if "business_address" not in values:
            yield "business_address", WARNING, "is missing; the public list must name it (105 ILCS 85/27(a))"
        if isinstance(expires, dt.date) and expires < self.today and values.get("listing") in APPROVED:
            yield "agreement_expires_on", WARNING, f"expired on {day_name(expires)}, and the status still says approved"
        if not isinstance(signed, dt.date):
            return
        yield from self._of_posting(signed, values.get("posted_on"), values.get("posted_url"))
        if attested is None and months_after(signed, 12) < self.today:
            yield "last_attested_on", WARNING, f"never attested, and in force since {day_name(signed)}"

    def _of_posting(self, signed: dt.date, posted: object, url: object) -> Iterator[tuple[str, Weight, str]]:
        try:
            legal = derive(self.posting, signed, self.calendars).legal
        except OutsideCalendar:
            yield "agreement_signed_on", WARNING, "lies outside the calendar: whether it was posted in time is unknown"
            return
        rule = f"{self.posting.citation}, by {day_name(legal)}" if legal else self.posting.citation
        if isinstance(posted, dt.date) and legal is not None and posted > legal:
            yield "agreement_posted_on", WARNING, f"posted on {day_name(posted)}, too late ({rule})"
        if posted is None and url is None and legal is not None and self.today > legal:
            yield "agreement_posted_on", WARNING, f"signed on {day_name(signed)} and never posted ({rule})"


# --- rows beside each other -------------------------------------------------------------------------------------------


def matched(rows: Iterable[Row], holdings: Iterable[Holding]) -> dict[str, Holding]:
    """The products of the register by the keys of their rows. One that came from no inventory belongs to the row with
    its very names."""
    by_key = {holding.key: holding for holding in holdings}
    own = {(holding.operator.name, holding.product.name): holding for holding in by_key.values()
           if holding.product.key is None}
    found = {}
    for row in rows:
        names = str(row.values.get("operator")), str(row.values.get("product"))
        holding = by_key.get(row.key) or own.get(names)
        if holding is not None:
            found[row.key] = holding
    return found


@dataclass(frozen=True, slots=True)
class _Named:
    """A product as others are compared with it."""

    where: str
    operator: str
    product: str
    url: str


@dataclass(slots=True)
class _Seen:
    by_product: dict[str, list[_Named]] = field(default_factory=dict)
    by_url: dict[str, list[_Named]] = field(default_factory=dict)

    def add(self, one: _Named) -> None:
        self.by_product.setdefault(one.product, []).append(one)
        if one.url:
            self.by_url.setdefault(one.url, []).append(one)

    def twin(self, one: _Named) -> _Named | None:
        """The first product that may be the same: one name and likely one operator, or one address and alike names."""
        for other in self.by_product.get(one.product, ()):
            if alike(one.operator, other.operator):
                return other
        return next((other for other in self.by_url.get(one.url, ()) if alike(one.product, other.product)), None)


def _twins(rows: Sequence[Row], known: Sequence[Holding]) -> Iterator[Finding]:
    seen, keys = _Seen(), matched(rows, known).keys()
    taken = {(holding.operator.name, holding.product.name): holding for holding in known}
    for holding in known:
        seen.add(_named(f"{holding.product.id} in the register", holding.operator.name, holding.product.name,
                        holding.product.url))
    exact = dict[tuple[object, object], Row]()
    for row in rows:
        operator, product = str(row.values.get("operator")), str(row.values.get("product"))
        one = _named(f"row {row.key}", operator, product, row.values.get("product_url"))
        first, twin = exact.setdefault((operator, product), row), seen.twin(one)
        if first is not row:
            yield Finding(row.key, row.mark.line, "product_name", FAULT,
                          f"row {first.key} has this product of this operator already: a product has one row")
        elif row.key not in keys and (operator, product) in taken:
            there = taken[operator, product]
            yield Finding(row.key, row.mark.line, KEY, FAULT, f"{there.product.id} in the register is this very "
                          f"product, from row {there.key}: give this row that key, or take it out")
        elif twin is not None and row.key not in keys:
            yield Finding(row.key, row.mark.line, "operator_name", DOUBT,
                          f"is nearly {twin.where}: if they are two, accept the row; if they are one, take it out")
        seen.add(one)


def _named(where: str, operator: str, product: str, url: object) -> _Named:
    return _Named(where, name_key(operator), name_key(product), url_key(url))


def _contradictions(rows: Iterable[Row]) -> Iterator[Finding]:
    """What two rows of one operator say of it differently: the first one counts."""
    first: dict[tuple[object, str], Row] = {}
    for row in rows:
        for name in OF_OPERATOR:
            said = row.values.get(name)
            earlier = first.setdefault((row.values.get("operator"), name), row) if said is not None else row
            if said != earlier.values.get(name):
                yield Finding(row.key, row.mark.line, column_of(name), WARNING,
                              f"differs from row {earlier.key}, which is of the same operator: that one's counts")


def _left_as_they_are(rows: Sequence[Row], known: Sequence[Holding]) -> Iterator[Finding]:
    """Rows that name no agreement where the register has one in force: an import ends none."""
    there = matched(rows, known)
    for row in rows:
        agreement = there[row.key].agreement if row.key in there else None
        if agreement is not None and agreement.status == ACTIVE and not row.is_of_an_agreement:
            yield Finding(row.key, row.mark.line, "agreement_type", WARNING,
                          f"is empty, and the register has {agreement.id} in force: that stays as it is")
