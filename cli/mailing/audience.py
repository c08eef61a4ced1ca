"""An audience as a CSV file, a row for each guardian and student: the children of one guardian in one letter, barred
guardians left out."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cli.staff.people import EMAIL
from engine.errors import FaultyInput, UsageError
from engine.faults import Fault, Mark
from engine.nodes import nearest
from storage.mailing.recipients import Member

REQUIRED = ("guardian", "student", "school")
OPTIONAL = ("address", "email", "language", "paper", "consent", "leaked", "barred", "why")
COLUMNS = (*REQUIRED, *OPTIONAL)
YES_NO = ("paper", "consent", "leaked", "barred")
MOST = 10_000
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_STARTS = {b"%PDF": "a PDF", b"PK\x03\x04": "a workbook or another zip file", b"\xd0\xcf\x11\xe0": "an old Office file",
           b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"{\\rtf": "a text document"}  # fmt: skip
_NAMES = {";": "semicolons", "\t": "tabs"}
_BLANKS = dict.fromkeys(map(ord, "\u00a0\u2007\u202f"), " ")
"""Blanks that a text editor has put in and nobody sees."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
Cells = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Families:
    """What a file says: who is told, whom no letter may reach, which rows were folded into another, which guardians
    share a mail address and get a letter each, and what a person should look at before anything leaves."""

    members: tuple[Member, ...]
    barred: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()
    written_in: Mapping[str, int] = field(default_factory=dict)
    called: str = ""
    sha256: str = ""


def read_families(path: Path) -> Families:
    """The families of a file. Raises `FaultyInput` with every fault and its row, `UsageError` for an unreadable one."""
    content = _content(path)
    rows, faults = _rows(path, _text(path, content))
    faults += [Fault(mark, message) for mark, cells in rows for message in faults_of_row(cells)]
    bars = _bars(rows)
    faults += _doubtful(rows, bars)
    if faults:
        raise FaultyInput(sorted(faults, key=lambda fault: fault.mark.line))
    if not rows:
        raise UsageError(f"{path}: there is no family in this file: nothing was changed")
    told = [(mark, cells) for mark, cells in rows if bars.of(cells) is None]
    members, folded = _fold(told)
    if len(members) > MOST:
        raise UsageError(
            f"{path}: {len(members):,} families are more than {MOST:,}: ask counsel how to tell so many"
        )
    return Families(members, tuple(_left_out(rows, bars)), folded, tuple(_shared(told)), tuple(_warned(told, bars)),
                    _languages(members), path.name, hashlib.sha256(content).hexdigest())  # fmt: skip


def faults_of_row(cells: Cells) -> Iterator[str]:
    """What is wrong with one row, each as a sentence."""
    yield from _unclean(cells)
    yield from (f"{name}: is empty" for name in REQUIRED if not cells[name])
    email, address = cells.get("email", ""), cells.get("address", "")
    if email and not (EMAIL.fullmatch(email) and "." in email.rpartition("@")[2]):
        yield f"email '{email}' is not a mail address: mend it, or leave it empty and give a postal address"
    if not email and not address:
        yield "neither email nor address: this family could not be told"
    if cells.get("paper") == "yes" and not address:
        yield "paper: a letter is wished, and there is no postal address"
    if cells.get("why") and cells.get("barred") != "yes":
        yield "why: a reason is given, and 'barred' does not say yes: write yes, or take the reason out"
    if cells.get("language", "") and not _LANGUAGE.fullmatch(cells["language"]):
        yield f"language '{cells['language']}': write its code, such as en or es"


def _unclean(cells: Cells) -> Iterator[str]:
    for name, cell in cells.items():
        if cell.startswith(_FORMULA):
            yield f"{name}: the cell begins with '{cell[0]}' and would be a formula in a spreadsheet: take the sign out"
        if any(not char.isprintable() and char != "\n" for char in cell):
            yield f"{name}: there is a control character in this cell: type it again"
    for name in YES_NO:
        if cells.get(name, "") not in ("", "yes", "no"):
            yield f"{name}: '{cells[name]}' is neither yes nor no"


@dataclass(frozen=True, slots=True)
class _Bars:
    """Who is barred from whom: lines by student and guardian, whatever the other rows of the two say."""

    by_name: Mapping[tuple[str, str], int]
    by_email: Mapping[tuple[str, str], int]
    by_address: Mapping[tuple[str, str], int]
    elsewhere: Mapping[str, tuple[str, int]]
    """Of each barred guardian a student and the line."""

    def of(self, cells: Cells) -> int | None:
        """The line that bars the guardian of a row from its student."""
        return self.by_name.get((_plain(cells["student"]), _bare(cells["guardian"])))


def _bars(rows: Sequence[tuple[Mark, Cells]]) -> _Bars:
    barred = [(mark.line, cells) for mark, cells in rows if cells.get("barred") == "yes"]

    def lines(column: str, alike: Callable[[str], str]) -> Mapping[tuple[str, str], int]:
        return {(_plain(cells["student"]), alike(cells[column])): line for line, cells in reversed(barred)
                if alike(cells.get(column, ""))}  # fmt: skip

    elsewhere = {_bare(cells["guardian"]): (cells["student"], line) for line, cells in reversed(barred)}
    return _Bars(lines("guardian", _bare), lines("email", _plain), lines("address", _bare), elsewhere)


def _doubtful(rows: Sequence[tuple[Mark, Cells]], bars: _Bars) -> Iterator[Fault]:
    """A mail about a student to the address of somebody who is barred from that student, under another name."""
    for mark, cells in rows:
        line = bars.by_email.get((_plain(cells["student"]), _plain(cells.get("email", ""))))
        if line and bars.of(cells) is None:
            yield Fault(mark, f"{cells['guardian']} has the mail address of one barred on line {line}: which holds?")


def _left_out(rows: Sequence[tuple[Mark, Cells]], bars: _Bars) -> Iterator[str]:
    for mark, cells in rows:
        if cells.get("barred") == "yes":
            yield f"{cells['guardian']} (line {mark.line}){': ' * bool(cells.get('why'))}{cells.get('why', '')}"
        elif line := bars.of(cells):
            yield f"{cells['guardian']} (line {mark.line}), barred from {cells['student']} on line {line}"


def _warned(told: Sequence[tuple[Mark, Cells]], bars: _Bars) -> Iterator[str]:
    """A bar counts for one student: who is told of another all the same, and whose letter may fall into wrong hands."""
    for mark, cells in told:
        if found := bars.elsewhere.get(_bare(cells["guardian"])):
            student, line = found
            sentence = f"{cells['guardian']} is told of {cells['student']}, barred from {student} (line {line})"
            yield f"line {mark.line}: {sentence}"
        there = bars.by_address.get((_plain(cells["student"]), _bare(cells.get("address", ""))))
        if there is not None:
            yield f"line {mark.line}: {cells['guardian']} has the postal address of one barred on line {there}"


def _shared(told: Sequence[tuple[Mark, Cells]]) -> Iterator[str]:
    """Two guardians of one mail address are two people, and are told both."""
    first: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    for mark, cells in told:
        email, name = _plain(cells.get("email", "")), _plain(cells["guardian"])
        if email and first.setdefault(email, cells["guardian"]).lower() != name and (email, name) not in seen:
            seen.add((email, name))
            yield f"line {mark.line}: {cells['guardian']} and {first[email]}"


def _plain(cell: str) -> str:
    """However it is cased, spaced and encoded."""
    return " ".join(unicodedata.normalize("NFKC", cell).casefold().split())


def _bare(cell: str) -> str:
    """And whatever accents and points it is written with: who is barred as José Ruiz-Paz is so as Jose Ruiz Paz."""
    letters = unicodedata.normalize("NFKD", cell).casefold()
    return "".join(char for char in letters if not unicodedata.combining(char)
                   and (char.isalnum() or unicodedata.category(char) in ("Mn", "Mc")))  # fmt: skip


def _rows(path: Path, text: str) -> tuple[list[tuple[Mark, Cells]], list[Fault]]:
    """The rows that have a cell for each column, and a fault for each of the others."""
    rows, faults = list[tuple[Mark, Cells]](), list[Fault]()
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
        wrong = list(_wrong_columns(reader.fieldnames or (), str(path)))
        if wrong:
            raise FaultyInput(wrong)
        for row in reader:
            mark = Mark(str(path), reader.line_num, 1)
            if None in row or None in row.values():
                faults.append(Fault(mark, "more or fewer cells than the header: check commas and quotes"))
                continue
            rows.append((mark, {key: value.translate(_BLANKS).strip() for key, value in row.items()}))
    except csv.Error:
        where = Mark(str(path), max(reader.reader.line_num, 1), 1)
        faults.append(Fault(where, "not readable as CSV from here on: check the quotes, one may not be closed"))
    return rows, faults


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}): check the name and its permissions") from error


def _text(path: Path, content: bytes) -> str:
    kind = next((kind for start, kind in _STARTS.items() if content.startswith(start)), None)
    if kind is not None:
        raise UsageError(f"{path}: this is {kind}, whatever its name says: save the list as CSV in UTF-8")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 at byte {error.start}: save the file as CSV in UTF-8") from error
    if "\x00" in text:
        raise UsageError(f"{path}: this is no CSV file: save the list as CSV in UTF-8")
    if not text.strip():
        raise UsageError(f"{path}: this file is empty: nothing was changed")
    return text


def _wrong_columns(found: Iterable[str], file: str) -> Iterator[Fault]:
    names, mark = list(found), Mark(file, 1, 1)
    if len(names) == 1 and (sign := next((sign for sign in ";\t" if sign in names[0]), None)):
        yield Fault(mark, f"the columns are parted by {_NAMES[sign]}: save the file as CSV with commas")
        return
    for name in names:
        if name not in COLUMNS:
            yield Fault(mark, f"unknown column '{name}'{nearest(name, COLUMNS)}")
    for name in REQUIRED:
        if name not in names:
            yield Fault(mark, f"the column '{name}' is missing: the header needs {', '.join(REQUIRED)}")
    if len(set(names)) < len(names):
        yield Fault(mark, "a column is there twice: keep one of each")


def _fold(rows: Iterable[tuple[Mark, Cells]]) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    """One letter for all children of one guardian: rows of one name and mail address, or without one of one name and
    postal address, however their letters are cased. The first row says how the guardian is written to."""
    found: dict[tuple[str, str], Member] = {}
    folded: list[str] = []
    for mark, cells in rows:
        key = (_plain(cells["guardian"]), _plain(cells.get("email") or cells.get("address", "")))
        first = found.get(key)
        if first is None:
            found[key] = _member(cells)
            continue
        students = _with(first.students, cells["student"])
        again = "a second time" if students == first.students else f"with {first.students[0]}"
        folded.append(f"line {mark.line}: {cells['student']} {again}, {first.name}")
        found[key] = replace(
            first,
            address=first.address or address_lines(cells.get("address", "")),
            students=students,
            schools=_with(first.schools, cells["school"]),
            paper=first.paper or cells.get("paper") == "yes",
            leaked=first.leaked or cells.get("leaked") == "yes",
            consent=first.consent and cells.get("consent") == "yes",
        )
    return tuple(found.values()), tuple(folded)


def _member(cells: Cells) -> Member:
    return Member(
        name=cells["guardian"],
        email=cells.get("email") or None,
        address=address_lines(cells.get("address", "")),
        language=cells.get("language") or "en",
        paper=cells.get("paper") == "yes",
        consent=cells.get("consent") == "yes",
        leaked=cells.get("leaked") == "yes",
        students=(cells["student"],),
        schools=(cells["school"],),
    )


def address_lines(cell: str) -> str:
    """A postal address, its lines parted by line breaks or semicolons."""
    return "\n".join(part.strip() for part in re.split(r"[;\n]", cell) if part.strip())


def _with(some: tuple[str, ...], more: str) -> tuple[str, ...]:
    return some if _plain(more) in map(_plain, some) else (*some, more)


def _languages(members: Iterable[Member]) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for member in members:
        found[member.language] = found.get(member.language, 0) + 1
    return dict(sorted(found.items(), key=lambda item: -item[1]))
