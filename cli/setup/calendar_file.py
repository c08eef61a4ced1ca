"""A file with a school calendar: what it really is, whatever its name says, and the CSV kind of it."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from cli.setup.schooldays import Entry, Kind
from engine.errors import FaultyInput, UsageError
from engine.faults import Fault, Mark
from engine.nodes import nearest

MAX_SIZE = 2_000_000
COLUMNS = ("date", "to", "kind", "name")
KINDS: tuple[Kind, ...] = ("attendance", "closed", "first", "last", "other")
_STRANGERS = (
    (b"%PDF", "a PDF: ask whoever made it for the calendar as CSV or iCalendar"),
    (b"PK\x03\x04", "a workbook or another zip: save it as CSV in UTF-8"),
    (b"\xd0\xcf\x11\xe0", "an old workbook: save it as CSV in UTF-8"),
    (b"<", "a web page: save the calendar that it links to, not the page"),
    (b"\x89PNG", "a picture: ask whoever made it for the calendar as CSV or iCalendar"),
)


def read_calendar_file(path: Path, zone: ZoneInfo, closed: Sequence[str], not_closed: Sequence[str]) -> Sequence[Entry]:
    """The entries of a CSV or iCalendar file. `closed` and `not_closed` are more words that say so of an event.

    Raises `UsageError` where it is neither or can't be read, `FaultyInput` with all its faults.
    """
    text = _text(path)
    is_calendar = text.lstrip().startswith("BEGIN:VCALENDAR")
    if path.suffix.lower() == ".ics" and not is_calendar:
        raise UsageError(f"{path} is named .ics, but holds no iCalendar (BEGIN:VCALENDAR is missing): name it .csv if "
                         f"it is a table, or save it anew")
    if path.suffix.lower() == ".csv" and is_calendar:
        raise UsageError(f"{path} is named .csv, but holds an iCalendar: name it .ics")
    if is_calendar:
        from cli.setup.ics import read_events

        return read_events(text, str(path), zone, closed, not_closed)
    return read_table(text, str(path))


def read_table(text: str, file: str) -> Sequence[Entry]:
    """The rows of a table with the columns `date` and, if wanted, `to`, `kind` and `name`; without a kind, closed."""
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        names = [name.strip().lower() for name in reader.fieldnames or ()]
        faults = list(_wrong_columns(names, file))
        rows = [] if faults else [(Mark(file, reader.line_num, 1), row) for row in reader]
    except csv.Error as error:
        where = Mark(file, max(reader.line_num, 1), 1)
        raise FaultyInput([Fault(where, "not readable as CSV: check the quotes, one may not be closed")]) from error
    faults += [Fault(mark, "this row has more or fewer cells than the header: check its commas and quotes")
               for mark, row in rows if None in row or None in row.values()]
    if faults:
        raise FaultyInput(faults)
    cells = [(mark, dict(zip(names, (cell.strip() for cell in row.values()), strict=True))) for mark, row in rows]
    entries = [_entry(row, mark, faults) for mark, row in cells if any(row.values())]
    if not entries:
        faults.append(Fault(Mark(file, 1, 1), "the table has no rows: it needs one a day or a range of days"))
    if faults:
        raise FaultyInput(faults)
    return [entry for entry in entries if entry is not None]


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}): check the name and its permissions") from error
    if len(content) > MAX_SIZE:
        raise UsageError(f"{path} has more than {MAX_SIZE:,} bytes: no school year is that long, export one alone")
    stranger = next((says for begins, says in _STRANGERS if content.lstrip().startswith(begins)), None)
    if stranger is not None or b"\0" in content:
        raise UsageError(f"{path} is {stranger or 'no text: save the calendar as CSV in UTF-8 or as iCalendar'}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 at byte {error.start}: save the file as CSV in UTF-8") from error


def _wrong_columns(names: Sequence[str], file: str) -> Iterator[Fault]:
    mark = Mark(file, 1, 1)
    if "date" not in names:
        yield Fault(mark, "the column 'date' is missing: the header is date,to,kind,name, of which date must be there")
        return
    strange = (name for name in names if name not in COLUMNS)
    yield from (Fault(mark, f"unknown column '{name}'{nearest(name, COLUMNS)}") for name in strange)
    if len(set(names)) < len(names):
        yield Fault(mark, "a column is there twice: keep one of each")


def _entry(row: Mapping[str, str], mark: Mark, faults: list[Fault]) -> Entry | None:
    first = _date(row["date"], "date", mark, faults)
    last = _date(row["to"], "to", mark, faults) if row.get("to") else first
    kind = row.get("kind", "").lower() or "closed"
    if kind not in KINDS:
        faults.append(Fault(mark, f"kind: '{kind}' is unknown{nearest(kind, KINDS)}"))
    if first is None or last is None or kind not in KINDS:
        return None
    if last < first:
        faults.append(Fault(mark, f"to: {last} lies before {first}"))
    return Entry(first, last, kind, row.get("name", ""), mark)


def _date(word: str, what: str, mark: Mark, faults: list[Fault]) -> dt.date | None:
    try:
        return dt.date.fromisoformat(word) if len(word) == 10 else _no_date(word)
    except ValueError:
        faults.append(Fault(mark, f"{what}: '{word}' is not a date: write it as 2026-09-07"))
        return None


def _no_date(word: str) -> dt.date:
    raise ValueError(word)
