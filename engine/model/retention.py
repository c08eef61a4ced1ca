"""How long what is personal is kept: classes of data with purpose, term and the event that starts the term.

The terms are data, a district's own over those that are shipped. Where the law gives a least term, no district goes
below it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from engine import nodes
from engine.law.calendar import ONE_DAY
from engine.nodes import Faults, Node

What = Literal["case", "audience", "brief", "access", "act", "person", "operator"]
"""What is removed at once."""

Start = Literal["case_ended", "school_year_ended", "agreement_ended", "sent", "expired", "act_begun", "left"]
SHIPPED, OWN = "shipped", "district"
_TERM = re.compile(r"([1-9]\d{0,2}) (year|month|day)s?")
_CERTAINTIES = ("T", "P", "S", "M", "D")
_SCHOOL_YEAR_ENDS = (6, 30)
_OF_CASES: tuple[Start, ...] = ("case_ended", "school_year_ended", "agreement_ended")


@dataclass(frozen=True, slots=True)
class Term:
    """Whole years, months or days after the event."""

    number: int
    unit: Literal["year", "month", "day"]

    def __str__(self) -> str:
        return f"{self.number} {self.unit}{'s' if self.number != 1 else ''}"

    def after(self, day: dt.date) -> dt.date:
        """The last day of the term; a day that the month does not have is the first of the next."""
        if self.unit == "day":
            return day + dt.timedelta(days=self.number)
        months = day.month - 1 + self.number * (12 if self.unit == "year" else 1)
        year, month = day.year + months // 12, months % 12 + 1
        try:
            return day.replace(year=year, month=month)
        except ValueError:
            return dt.date(year + month // 12, month % 12 + 1, 1)

    @property
    def days(self) -> int:
        """About how long, to compare two terms."""
        return self.number * {"year": 365, "month": 30, "day": 1}[self.unit]


@dataclass(frozen=True, slots=True)
class Kind:
    """A class of personal data. `least` is the shortest term that the law allows, None where it is silent.
    `certificate`: the commission must have agreed to the destruction. `by` says whose term it is, `reason` why a
    district's own."""

    name: str
    title: str
    holds: str
    purpose: str
    what: What
    processes: tuple[str, ...]
    start: Start
    term: Term
    least: Term | None
    citation: str
    certainty: str
    note: str
    certificate: bool
    by: str = SHIPPED
    reason: str = ""

    def due_on(self, start: dt.date) -> dt.date:
        """The first day on which it is not kept any more."""
        day = start
        if self.start == "school_year_ended":
            ends = dt.date(start.year, *_SCHOOL_YEAR_ENDS)
            day = ends if start <= ends else ends.replace(year=start.year + 1)
        return self.term.after(day) + ONE_DAY

    def cut_off(self, as_of: dt.date) -> dt.date:
        """What began before this day is due."""
        day = as_of - dt.timedelta(days=self.term.days + self.term.number + 10)
        while self.due_on(day) <= as_of:
            day += ONE_DAY
        return day

    @property
    def basis(self) -> str:
        """Where the term comes from, in a few words."""
        if self.certainty == "D":
            return "the district's own choice: the law gives no number"
        return f"{self.citation} [{self.certainty}]"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What goes with something else, or by another way."""

    name: str
    title: str
    holds: str
    kept: str


@dataclass(frozen=True, slots=True)
class Disposal:
    """What must have been agreed before records are destroyed, and so many days before."""

    says: str
    citation: str
    certainty: str
    days_ahead: int


@dataclass(frozen=True, slots=True)
class Retention:
    version: str
    kinds: Mapping[str, Kind]
    elsewhere: tuple[Elsewhere, ...]
    disposal: Disposal

    def of_process(self, process: str) -> Kind:
        """The class of a process's cases; that of the district's own processes where none names it."""
        cases = [kind for kind in self.kinds.values() if kind.what == "case"]
        named = (kind for kind in cases if process in kind.processes)
        rest = (kind for kind in cases if not kind.processes)
        return next(named, None) or next(rest)

    def only(self, what: What) -> Kind:
        """The one class of what is no case."""
        return next(kind for kind in self.kinds.values() if kind.what == what)


def read_term(word: str) -> Term | None:
    """A term such as `7 years`; None for anything else."""
    found = _TERM.fullmatch(word)
    return Term(int(found[1]), found[2]) if found else None  # type: ignore[arg-type]


def read_retention(node: Node) -> Retention:
    """The shipped table. Raises `FaultyInput` with all its faults."""
    faults = Faults()
    top = nodes.fields(node, faults, required=("retention", "version", "disposal", "classes"), optional=("elsewhere",),
                       what="the table of retention")  # fmt: skip
    kinds = {key.text: _kind(key.text, value, faults) for key, value in nodes.named(top.get("classes"), faults)}
    elsewhere = tuple(_elsewhere(key.text, value, faults) for key, value in nodes.named(top.get("elsewhere"), faults))
    disposal = _disposal(top.get("disposal"), faults)
    faults.raise_if_any()
    return Retention(nodes.text(top["version"], faults) or "", kinds, elsewhere, disposal)


def overlaid(shipped: Retention, node: Node) -> Retention:
    """The table with a district's own terms. Raises `FaultyInput`: for a class that is not known, and for a term below
    what the law allows."""
    faults, kinds = Faults(), dict(shipped.kinds)
    for key, value in nodes.named(node, faults, "retention.yaml"):
        kind = shipped.kinds.get(key.text)
        if kind is None:
            faults.add(key, f"there is no class '{key.text}'{nodes.nearest(key.text, shipped.kinds)}")
        else:
            kinds[key.text] = _own(kind, value, faults)
    faults.raise_if_any()
    return replace(shipped, kinds=kinds)


def _own(kind: Kind, node: Node, faults: Faults) -> Kind:
    top = nodes.fields(node, faults, required=("reason",), optional=("term", "start", "certificate"), what=kind.name)
    term = _term(top.get("term"), "term", faults) or kind.term
    start = _start(top.get("start"), kind.what, faults) or kind.start
    certificate = nodes.boolean(top.get("certificate"), faults, "certificate")
    if kind.certificate and certificate is False:
        faults.add(top["certificate"], f"{kind.name}: no record of a district is destroyed without the commission's "
                                       "certificate: leave this key out")  # fmt: skip
    if kind.least is not None and term.days < kind.least.days:
        law = f"{kind.citation} [{kind.certainty}]"
        message = f"{kind.name}: {term} is below what the law allows ({law}): write {kind.least} or more"
        faults.add(top.get("term", node), message)
    reason = nodes.text(top.get("reason"), faults, "reason") or ""
    needed = kind.certificate if certificate is None else certificate
    return replace(kind, term=term, start=start, certificate=needed, by=OWN, reason=reason)


def _kind(name: str, node: Node, faults: Faults) -> Kind:
    top = nodes.fields(node, faults, what=name,
                       required=("title", "holds", "purpose", "what", "start", "term", "certainty", "certificate"),
                       optional=("processes", "least", "citation", "note"))  # fmt: skip
    what = nodes.choice(top.get("what"), faults, get_args(What), "what") or "case"
    found = Kind(
        name=name,
        title=_word(top, "title", faults),
        holds=_word(top, "holds", faults),
        purpose=_word(top, "purpose", faults),
        what=cast("What", what),
        processes=nodes.each(top.get("processes"), faults, _process, "processes"),
        start=_start(top.get("start"), what, faults) or "case_ended",
        term=_term(top.get("term"), "term", faults) or Term(100, "year"),
        least=_term(top.get("least"), "least", faults),
        citation=_word(top, "citation", faults),
        certainty=nodes.choice(top.get("certainty"), faults, _CERTAINTIES, "certainty") or "",
        note=_word(top, "note", faults),
        certificate=nodes.boolean(top.get("certificate"), faults, "certificate") is not False,
    )
    if (found.certainty == "D") != (not found.citation):
        faults.add(node, f"{name}: a term has a citation of the law, or it is the district's own (certainty D)")
    return found


def _elsewhere(name: str, node: Node, faults: Faults) -> Elsewhere:
    top = nodes.fields(node, faults, required=("title", "holds", "kept"), what=name)
    return Elsewhere(name, _word(top, "title", faults), _word(top, "holds", faults), _word(top, "kept", faults))


def _disposal(node: Node | None, faults: Faults) -> Disposal:
    top = nodes.fields(node, faults, required=("says", "citation", "certainty", "days_ahead"), what="disposal")
    days = nodes.integer(top.get("days_ahead"), faults, "days_ahead") or 0
    return Disposal(_word(top, "says", faults), _word(top, "citation", faults), _word(top, "certainty", faults), days)


def _word(top: Mapping[str, Node], key: str, faults: Faults) -> str:
    return nodes.text(top.get(key), faults, key) or ""


def _process(node: Node, faults: Faults) -> str | None:
    return nodes.text(node, faults, "processes")


def _term(node: Node | None, what: str, faults: Faults) -> Term | None:
    word = nodes.text(node, faults, what)
    term = read_term(word) if word is not None else None
    if word is not None and term is None and node is not None:
        faults.add(node, f"{what}: '{word}' is no term: write 7 years, 18 months or 90 days")
    return term


def _start(node: Node | None, what: str, faults: Faults) -> Start | None:
    """Of cases a district may choose what starts the term; of everything else there is one event."""
    known: Iterable[str] = _OF_CASES if what in ("case", "audience") else get_args(Start)
    return nodes.choice(node, faults, known, "start")  # type: ignore[return-value]
