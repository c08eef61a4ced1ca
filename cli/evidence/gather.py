"""Evidence of a case as one plain document: what the JSON file holds, and what the PDF is made from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli.documents import Documents
from cli.evidence.dates import dates_of
from cli.evidence.lens import Lens, person_labels, safe_hashes
from cli.evidence.letters import copies_of, letters_of, told_of
from cli.evidence.notes import CHAIN, LEFT_OUT, LETTERS, PERSONAL, SEALS
from cli.evidence.words import WEIGHTY, Words
from engine.deciding.forms import KEPT_DOCUMENT, file_name
from engine.errors import UsageError
from engine.model.case import Case, FactValue
from engine.model.definition import Definition, say
from engine.model.office import Office
from engine.words import written
from storage.chains.history import preimage
from storage.looking.evidence import ChainLine, Records, that_stand

FORMAT = "soppa-evidence-1"

@dataclass(frozen=True, slots=True)
class Subject:
    """A case with all that is told of it; `line` is the number of the line that records this taking."""

    case: Case
    definition: Definition
    records: Records
    office: Office
    documents: Documents
    line: int
    taken_at: dt.datetime


def evidence_of(subject: Subject, *, redacted: bool) -> dict[str, object]:
    """The documented keys, in plain values, dates and instants."""
    case, lines = subject.case, subject.records.lines
    words = _words(subject, redacted)
    taken = next(line for line in lines if line.seq == subject.line)
    return {
        "format": FORMAT,
        "redacted": redacted,
        "district": subject.office.district,
        "zone": subject.office.zone.key,
        "taken": {"at": subject.taken_at, "by": words.lens.who(taken.actor), "line": subject.line},
        "case": _case(subject, words),
        "parties": [] if redacted else _parties(subject),
        "people": {} if redacted else {person: words.lens.names.get(person, person) for person in words.lens.labels},
        "dates": dates_of(subject.records.generations, lines, words, subject.office),
        "facts": _facts(subject, words),
        "holds": _holds(case, words),
        "told": told_of(subject.records, words, subject.office.zone),
        "letters": letters_of(subject.records, words),
        "copies": [] if redacted else copies_of(subject.records.copies),
        "documents": [] if redacted else _documents(subject, words),
        "history": _history(lines, words),
        "chain": {"lines": len(lines), "head": lines[-1].hash, "whole": not subject.records.faults,
                  "faults": list(subject.records.faults)},
        "seals": [] if redacted else [
            {"number": seal.number, "at": _instant(seal.at), "heads": seal.heads, "before": seal.before,
             "hash": seal.hash} for seal in subject.records.seals],
        "notes": [CHAIN, LEFT_OUT] if redacted else [CHAIN, SEALS, PERSONAL, LETTERS],
    }  # fmt: skip


def _words(subject: Subject, redacted: bool) -> Words:
    case, lines = subject.case, subject.records.lines
    names = {person.id: person.name for person in subject.office.people.values()}
    labels = person_labels(lines, names)
    parties = {name: party.name for name, party in case.parties.items()}
    began = subject.office.today(case.started_at)
    lens = Lens(subject.definition, names, labels, parties, began, redacted)
    return Words(lens, {task.id: task.name for task in subject.records.tasks})


def _case(subject: Subject, words: Words) -> dict[str, object]:
    case, definition = subject.case, subject.definition
    return {
        "case": case.id, "process": case.process, "title": say(definition.title, "en"), "version": case.version,
        "definition_sha256": case.hash, "cites": list(definition.cites), "state": words.state(case.state),
        "started_at": case.started_at, "ended_at": case.ended_at, "outcome": case.outcome, "parent": case.parent,
        "children": list(subject.records.children), "about": case.subject, "flags": list(case.flags),
    }  # fmt: skip


def _parties(subject: Subject) -> list[dict[str, object]]:
    return [
        {"party": name, "label": say(subject.definition.parties[name].label, "en") if name in subject.definition.parties
         else name, "name": party.name, "email": party.email, "address": party.address or None,
         "language": party.language}
        for name, party in subject.case.parties.items()
    ]  # fmt: skip


def _facts(subject: Subject, words: Words) -> list[dict[str, object]]:
    former: dict[str, list[dict[str, object]]] = {}
    for one in subject.records.former:
        former.setdefault(one.name, []).append({"value": words.lens.fact(one.name, one.value), "until": one.until})
    stands = that_stand(subject.records.lines)
    recorded = {line.words.get("fact"): line for line in stands if line.kind == "fact_recorded"}
    told = [_fact(words, name, value, recorded.get(name), former.get(name, []))
            for name, value in subject.case.facts.items()]
    return sorted(told, key=lambda fact: fact["line"] or len(subject.records.lines))


def _fact(words: Words, name: str, value: FactValue, line: ChainLine | None, former: Sequence[Mapping[str, object]]
          ) -> dict[str, Any]:
    shown = words.lens.fact(name, value)
    return {
        "fact": name, "label": words.fact(name), "value": shown, "left_out": shown is None, "former": list(former),
        "recorded_at": line.at if line else None, "by": words.lens.who(line.actor) if line else None,
        "line": line.seq if line else None,
    }  # fmt: skip


def _holds(case: Case, words: Words) -> list[dict[str, object]]:
    shown: list[dict[str, object]] = [
        {"hold": hold.id, "status": hold.status, "from": hold.started, "until": hold.until,
         "released_on": hold.released} for hold in case.holds
    ]  # fmt: skip
    if words.lens.redacted:
        return shown
    return [{**plain, "agency": hold.agency, "officer": hold.officer, "matter": hold.matter,
             "reason": hold.reason or None, "placed_by": hold.placed_by}
            for plain, hold in zip(shown, case.holds, strict=True)]


def _documents(subject: Subject, words: Words) -> list[dict[str, object]]:
    """Every kept file that a fact, a former fact or a hold names, and whether it is still what was kept."""
    named = [(words.fact(name), written(value)) for name, value in subject.case.facts.items()]
    named += [(f"{words.fact(one.name)} (until {one.until:%Y-%m-%d})", written(one.value))
              for one in subject.records.former]
    for hold in subject.case.holds:
        named += [(f"Paper of hold {hold.id}", paper) for paper in (hold.paper, hold.release_paper) if paper]
    return [_document(label, value, subject.documents) for label, value in named if KEPT_DOCUMENT.fullmatch(value)]


def _document(label: str, value: str, documents: Documents) -> dict[str, object]:
    found = KEPT_DOCUMENT.fullmatch(value)
    assert found is not None  # noqa: S101 - asked before
    try:
        size, state = len(documents.read(value)[0]), "kept, and its content has this hash"
    except UsageError as error:
        size, state = None, str(error)
    return {"what": label, "called": file_name(value) or None, "kind": found["kind"], "sha256": found["hash"],
            "bytes": size, "state": state}


def _history(lines: Sequence[ChainLine], words: Words) -> list[dict[str, object]]:
    return [_line(line, words, shown) for line, shown in zip(lines, safe_hashes(lines, words.lens), strict=True)]


def _line(line: ChainLine, words: Words, shown: str | None) -> dict[str, object]:
    detail, is_open = words.lens.detail(line), words.lens.is_open(line)
    told = {**detail, **({} if words.lens.redacted else line.personal)}
    return {
        "seq": line.seq,
        "at": _instant(line.at),
        "actor": line.actor if is_open else None,
        "who": words.lens.who(line.actor),
        "kind": line.kind,
        "says": words.of(line.kind, told),
        "weighty": line.kind in WEIGHTY,
        "detail": detail,
        "personal": None if words.lens.redacted or not line.personal else dict(line.personal),
        "hashed": preimage(line.seq, line.at, line.actor, line.kind, line.detail, line.digest) if is_open else None,
        "hash": shown,
    }  # fmt: skip


def _instant(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat()
