"""The inventory: a CSV file with one row a product, read strictly into the register's fields.

What is wrong with the file as a whole stops everything; what is wrong with a row stops that row. Nothing is guessed: a
date typed 3/4/2026 is told with the reading it would get, and waits to be accepted.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from engine.errors import FaultyInput, UsageError
from engine.faults import Fault, Mark
from engine.model.case import Contact, FactValue
from engine.nodes import nearest
from registry.elements import unknown
from registry.fields import LISTINGS, MESSAGING, RELATIONSHIPS, TYPES

KEY = "operator_id"
COLUMNS = (
    KEY, "operator_name", "product_name", "product_url", "status", "service_relationship", "agreement_type",
    "agreement_signed_on", "agreement_posted_on", "agreement_expires_on", "last_attested_on", "k12_purpose", "subject",
    "grade_levels", "data_elements", "use_of_data", "disclosure_purpose", "business_address", "contact_email",
    "breach_contact_email", "contract_url", "subcontractors", "schools_using", "students_affected", "sponsor_email",
    "notes",
)  # fmt: skip
"""The columns that every inventory has."""

ALL_COLUMNS = (*COLUMNS, "messaging")
"""With those that it may have; an export has them all."""

FIELD_OF = {
    "operator_name": "operator", "product_name": "product", "status": "listing", "service_relationship": "relationship",
    "agreement_type": "type", "agreement_signed_on": "signed_on", "agreement_posted_on": "posted_on",
    "agreement_expires_on": "expires_on", "k12_purpose": "purpose", "grade_levels": "grades",
    "contact_email": "contact", "breach_contact_email": "breach_contact", "contract_url": "posted_url",
    "schools_using": "schools", "students_affected": "students", "sponsor_email": "sponsor",
}  # fmt: skip
"""The register's field behind a column; a column that is not here has its field's name."""

AGREEMENT_COLUMNS = ("agreement_signed_on", "agreement_posted_on", "agreement_expires_on", "last_attested_on",
                     "contract_url")
OPENS_A_FORMULA = "=+-@\t\r\n"
"""A cell that begins with one of these is computed by spreadsheets: in a CSV that goes out it gets an apostrophe."""

MAX_CELL = 4_000
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,63}")
_EMAIL = re.compile(r"[^@\s<>\"(),:;\[\]\\]+@[^@\s<>\"(),:;\[\]\\]+")
_URL = re.compile(r"https?://[^\s<>\"]+")
_AMERICAN = re.compile(r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]")


Weight = Literal["warning", "doubt", "fault"]
WARNING: Final = "warning"
DOUBT: Final = "doubt"
FAULT: Final = "fault"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its place, its key, its cells as typed (ends trimmed), and what could be read of them."""

    mark: Mark
    key: str
    cells: Mapping[str, str]
    values: Mapping[str, FactValue]
    typed: Mapping[str, str]

    @property
    def is_of_an_agreement(self) -> bool:
        return "type" in self.values


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about one cell. `warning`: it is imported all the same; `doubt`: only once the row is accepted;
    `fault`: never, until the file is corrected."""

    key: str
    line: int
    column: str
    weight: Weight
    message: str


def read_inventory(content: bytes, file: str) -> tuple[tuple[Row, ...], tuple[Finding, ...]]:
    """The rows of an inventory, and what cannot be read of them. Raises `FaultyInput` for a file that is no inventory:
    another encoding or other columns, quotes that are not closed, rows of another length."""
    rows = [_read(mark, cells) for mark, cells in _table(content, file)]
    findings = [finding for _, found in rows for finding in found]
    return tuple(row for row, _ in rows), (*findings, *_twice([row for row, _ in rows]))


def column_of(field: str) -> str:
    """The column that a field of the register is typed in."""
    return next((column for column, name in FIELD_OF.items() if name == field), field)


# --- the file ---------------------------------------------------------------------------------------------------------


def _table(content: bytes, file: str) -> list[tuple[Mark, dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(_text(content, file), newline=""), strict=True)
    try:
        faults = list(_wrong_columns(reader.fieldnames or (), file))
        if faults:
            raise FaultyInput(faults)
        rows = list(_numbered(reader, file))
    except csv.Error as error:
        where = Mark(file, max(reader.line_num, 1), 1)
        raise FaultyInput([Fault(where, "not readable as CSV: check the quotes, one may not be closed")]) from error
    faults = [Fault(mark, "this row has more or fewer cells than the header: check its commas and quotes")
              for mark, row in rows if None in row or None in row.values()]
    if faults:
        raise FaultyInput(faults)
    return [(mark, {name.strip(): cell for name, cell in row.items()}) for mark, row in rows]


def _numbered(reader: csv.DictReader[str], file: str) -> Iterator[tuple[Mark, dict[str, str]]]:
    """Each row with the line it begins on; a row may be several lines long."""
    begins = reader.line_num + 1
    for row in reader:
        yield Mark(file, begins, 1), row
        begins = reader.line_num + 1


def _text(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{file}:{line}: not UTF-8 at byte {error.start}: save the file as CSV in UTF-8") from error


def _wrong_columns(found: Sequence[str], file: str) -> Iterator[Fault]:
    names, mark = [name.strip() for name in found], Mark(file, 1, 1)
    for name in names:
        if name not in ALL_COLUMNS:
            yield Fault(mark, f"unknown column '{name}'{nearest(name, ALL_COLUMNS)}")
    for name in COLUMNS:
        if name not in names:
            yield Fault(mark, f"the column '{name}' is missing: the header needs {len(COLUMNS)} columns")
    if len(set(names)) < len(names):
        yield Fault(mark, "a column is there twice: keep one of each")


def _twice(rows: Iterable[Row]) -> Iterator[Finding]:
    """Two rows of one key: neither is taken, since nobody can tell which is meant."""
    by_key: dict[str, list[Row]] = {}
    for row in rows:
        by_key.setdefault(row.key, []).append(row)
    for key, same in by_key.items():
        for row in same if len(same) > 1 else ():
            others = ", ".join(str(other.mark.line) for other in same if other is not row)
            yield Finding(key, row.mark.line, KEY, FAULT, f"'{key}' stands on line {others} too: give each row its own")


# --- a row ------------------------------------------------------------------------------------------------------------


def _read(mark: Mark, typed: Mapping[str, str]) -> tuple[Row, list[Finding]]:
    cells = {name: _unquoted(cell).strip() for name, cell in typed.items()}
    key = cells[KEY]
    values: dict[str, FactValue] = {}
    findings: list[Finding] = []
    for column in ALL_COLUMNS[1:]:
        try:
            value = _READERS.get(column, _text_cell)(cells.get(column, ""))
        except _Unreadable as error:
            findings.append(Finding(key, mark.line, column, error.weight, str(error)))
            value = error.reading
        if value is not None:
            values[FIELD_OF.get(column, column)] = value
    wrong = (*_missing_in_row(cells), *_wrong_in_cells(cells))
    findings += [Finding(key, mark.line, column, FAULT, text) for column, text in wrong]
    return Row(mark, key, cells, _with_names(values), typed), findings


def _unquoted(cell: str) -> str:
    """A cell as it was before it went out: the apostrophe before a formula is taken away again."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] and cell[1] in OPENS_A_FORMULA else cell


def _missing_in_row(cells: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if not _ID.fullmatch(cells[KEY]):
        yield KEY, f"'{cells[KEY]}': use letters, digits, '.', '_' and '-'"
    for column in ("operator_name", "product_name", "status"):
        if not cells[column]:
            yield column, "is missing"
    if not cells["agreement_type"]:
        for column in AGREEMENT_COLUMNS:
            if cells[column]:
                yield column, "belongs to an agreement, and agreement_type is empty: name the type, or empty this cell"
    elif not cells["agreement_signed_on"]:
        yield "agreement_signed_on", "is missing, and the row has an agreement: give the day it was entered into"


def _wrong_in_cells(cells: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for column, cell in cells.items():
        if _CONTROL.search(cell.replace("\r\n", "\n").replace("\r", "\n")):
            yield column, "contains a control character: type it again"
        elif len(cell) > MAX_CELL:
            yield column, f"has more than {MAX_CELL:,} characters: shorten it"


def _with_names(values: Mapping[str, FactValue]) -> dict[str, FactValue]:
    """Addresses of mail as contacts, by the operator's name."""
    found = dict(values)
    for name in ("contact", "breach_contact"):
        if name in found:
            found[name] = (Contact(str(found.get("operator", "")), str(found[name])),)
    return found


class _Unreadable(ValueError):
    """A cell that is not taken as it is; `reading` is what it would be taken for once the row is accepted."""

    def __init__(self, message: str, weight: Weight = FAULT, reading: FactValue | None = None) -> None:
        self.weight = weight
        self.reading = reading
        super().__init__(message)


def _text_cell(cell: str) -> FactValue | None:
    return cell.replace("\r\n", "\n") or None


def _date_cell(cell: str) -> FactValue | None:
    if not cell:
        return None
    american = _AMERICAN.fullmatch(cell)
    try:
        if american is None:
            return dt.date.fromisoformat(cell if _ISO.fullmatch(cell) else "")
        reading = dt.date(*(int(american[part]) for part in ("year", "month", "day")))
    except ValueError:
        raise _Unreadable(f"'{cell}' is not a date: write it as 2026-07-01") from None
    said = f"{reading:%B} {reading.day}, {reading.year}"
    raise _Unreadable(f"'{cell}' is not written as 2026-07-01; month first it would be {said}", DOUBT, reading)


def _number_cell(cell: str) -> FactValue | None:
    if cell and not re.fullmatch(r"\d{1,9}", cell):
        raise _Unreadable(f"'{cell}' is not a whole number")
    return int(cell) if cell else None


def _choice_cell(words: Mapping[str, str]) -> Callable[[str], FactValue | None]:
    options = {word.casefold(): option for option, word in words.items()}

    def read(cell: str) -> FactValue | None:
        if cell and cell.casefold() not in options:
            raise _Unreadable(f"'{cell}' is unknown{nearest(cell, words.values())}")
        return options.get(cell.casefold())

    return read


def _elements_cell(cell: str) -> FactValue | None:
    pairs = [pair.strip() for pair in cell.split(";") if pair.strip()]
    wrong = [sentence for pair in pairs if (sentence := unknown(pair)) is not None]
    if wrong:
        raise _Unreadable("; ".join(wrong))
    return frozenset(pairs) or None


def _pattern_cell(pattern: re.Pattern[str], advice: str) -> Callable[[str], FactValue | None]:
    def read(cell: str) -> FactValue | None:
        if cell and not pattern.fullmatch(cell):
            raise _Unreadable(f"'{cell}' is not {advice}")
        return cell or None

    return read


_url_cell = _pattern_cell(_URL, "an address of the web: write it with https://")
_mail_cell = _pattern_cell(_EMAIL, "a mail address")
_READERS: Mapping[str, Callable[[str], FactValue | None]] = {
    **dict.fromkeys(("agreement_signed_on", "agreement_posted_on", "agreement_expires_on", "last_attested_on"),
                    _date_cell),
    **dict.fromkeys(("schools_using", "students_affected"), _number_cell),
    **dict.fromkeys(("product_url", "contract_url"), _url_cell),
    **dict.fromkeys(("contact_email", "breach_contact_email", "sponsor_email"), _mail_cell),
    "status": _choice_cell(LISTINGS),
    "service_relationship": _choice_cell(RELATIONSHIPS),
    "agreement_type": _choice_cell(TYPES),
    "data_elements": _elements_cell,
    "messaging": _choice_cell({option: option for option in MESSAGING}),
}
