"""Why a date is what it is: each clock of a case with its rule, day 0 and where that comes from, and every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cli.evidence.words import Words, day
from engine.errors import SoppaError
from engine.law.clocks import Derived, Rule, derive
from engine.model.case import Clock
from engine.model.definition import ClockDef, Source
from engine.model.office import Office
from storage.looking.evidence import ChainLine, Generation, that_stand

_EXPLAINED = ("kind", "duty_of", "rule_title", "citation", "certainty", "reading", "note", "source", "trigger",
              "trigger_from", "period")  # fmt: skip


def dates_of(
    generations: Sequence[Generation], lines: Sequence[ChainLine], words: Words, office: Office
) -> list[dict[str, object]]:
    """Every generation of every clock in the order in which their periods began."""
    clocks = words.lens.definition.clocks
    ordered = sorted(generations, key=lambda one: (one.clock.anchor, one.clock.name, one.clock.generation))
    return [{**_stored(one, words), **_explained(one, clocks.get(one.clock.name), lines, words, office)}
            for one in ordered]


def _stored(one: Generation, words: Words) -> dict[str, object]:
    """What a clock is, and the dates that were told."""
    clock, superseded = one.clock, one.superseded_because is not None
    return {
        "clock": clock.name,
        "title": words.clock(clock.name),
        "generation": clock.generation,
        "status": "superseded" if superseded else clock.status,
        "superseded_because": one.superseded_because or None,
        "rule": clock.rule,
        "rule_version": clock.rule_version,
        "calendars": list(clock.calendars),
        "trigger_date": clock.anchor,
        "nominal_due": clock.nominal,
        "legal_due": clock.legal,
        "target_due": None if clock.is_window else clock.target,
        "agreed": clock.agreed,
        "provisional": clock.provisional,
        "holds": [{"from": hold.started, "released_on": hold.released} for hold in clock.holds],
        "ended_on": None if superseded else clock.ended_on,
    }


def _explained(
    one: Generation, known: ClockDef | None, lines: Sequence[ChainLine], words: Words, office: Office
) -> dict[str, object]:
    """Rule, day 0 and steps, by the definition that the case is on now; a clock that this one does not have any more
    stays with what was told."""
    if known is None:
        gone = "The definition that the case is on now has this clock no more: what was told stands."
        return {**dict.fromkeys(_EXPLAINED), "steps": [], "counted_again": gone}
    rule = replace(known.rule, length=one.clock.length)
    derived, fault = _derived(one.clock, rule, office)
    return {
        "kind": rule.kind_of_date,
        "duty_of": rule.duty_of,
        "rule_title": rule.title,
        "citation": rule.citation,
        "certainty": rule.certainty_in_words,
        "reading": rule.reading,
        "note": rule.note or None,
        "source": rule.source or None,
        "trigger": rule.anchor,
        "trigger_from": _origin(one.clock, known, lines, words),
        "period": _period(rule),
        "steps": [str(step) for step in derived.steps] if derived else [],
        "counted_again": _again(one.clock, derived, fault),
    }


def _period(rule: Rule) -> str | None:
    """How long, in words."""
    if rule.length is None or rule.unit is None or rule.kind != "period":
        return {"tied": f"with {rule.tied_to}", "no_number": "the law gives no number of days"}.get(rule.kind)
    return f"{rule.length} {rule.unit.replace('_', ' ')}"


def _derived(clock: Clock, rule: Rule, office: Office) -> tuple[Derived | None, str]:
    """The dates counted once more from what the clock is."""
    try:
        return derive(rule, clock.anchor, office.calendars, clock.holds, clock.policy, clock.grace, clock.agreed), ""
    except SoppaError as error:
        return None, str(error)


def _again(clock: Clock, derived: Derived | None, fault: str) -> str:
    if derived is None:
        return f"These dates cannot be counted again here: {fault}."
    if (derived.legal, derived.target) == (clock.legal, clock.target):
        return "Counted again from the rule, day 0 and the calendars when this file was made: the same dates."
    if clock.legal is None:
        return "The date that this one follows has none, so this one has none either."
    now, then = ", ".join(derived.calendars), ", ".join(clock.calendars)
    named = "last day" if clock.is_window else "legal date"
    return (f"Counted again when this file was made, the {named} would be {derived.legal} in {now}. What was told "
            f"stays: {clock.legal}, counted in {then}.")


def _origin(clock: Clock, known: ClockDef, lines: Sequence[ChainLine], words: Words) -> str:
    """Which line of the history gave day 0: of several sources the one that says this very date."""
    found = [(source, line) for source in known.anchor.sources if (line := _line_of(source, clock, lines)) is not None]
    exact = (pair for pair in found if str(clock.anchor) in (*pair[1].words.values(), *pair[1].personal.values()))
    source, line = next(exact, found[0] if found else (None, None))
    if source is None or line is None:
        return "the case itself"
    return f"{_said(source, words)}, in line {line.seq} of the history ({words.lens.who(line.actor)})"


def _line_of(source: Source, clock: Clock, lines: Sequence[ChainLine]) -> ChainLine | None:
    """The last line before the clock's dates were set that holds what day 0 was taken from."""
    begun = next((line.seq for line in lines if _sets(line, clock.name)
                  and line.words.get("generation") == str(clock.generation)), len(lines) + 1)  # fmt: skip
    before = reversed(that_stand([line for line in lines if line.seq < begun]))
    return next((line for line in before if _gives(line, source)), None)


def _sets(line: ChainLine, clock: str) -> bool:
    return line.kind in ("clock_started", "clock_moved") and line.words.get("clock") == clock


def _gives(line: ChainLine, source: Source) -> bool:
    said = line.words
    if source.kind == "fact":
        return line.kind == "fact_recorded" and said.get("fact") == source.name
    if source.kind == "clock":
        return _sets(line, source.name)
    what, _, name = source.name.partition(".")
    match line.kind:
        case "told":
            return what == "told" and said.get("mail") == name
        case "audience_told":
            return what == said.get("what") and said.get("mail") == name
        case "state_entered":
            return what == "entered" and said.get("state") == name
        case "task_completed":
            return f"{said.get('name')}.{said.get('outcome')}" == source.name
    return False


def _said(source: Source, words: Words) -> str:
    if source.kind == "fact":
        return f"what was recorded as “{words.fact(source.name)}”"
    if source.kind == "clock":
        return f"the legal date of “{words.clock(source.name)}”"
    return words.event(source.name)


def in_one_sentence(date: Mapping[str, object]) -> str:
    """How one date stands: due, met, late."""
    legal, ended = date["legal_due"], date["ended_on"]
    if date["status"] == "satisfied" and legal and ended:
        late = (ended - legal).days  # type: ignore[operator]
        early = "on its last day" if late == 0 else f"{abs(late)} day{'s' if abs(late) != 1 else ''} " + (
            "late" if late > 0 else "before its last day")  # fmt: skip
        return f"{'done' if date['kind'] == 'last day' else 'met'} on {day(str(ended))}, {early}"
    if date["status"] == "satisfied":
        return f"met on {day(str(ended))}"
    return {"running": "still running", "void": "does not apply any more", "expired": "its time has passed",
            "superseded": "the next ones took its place"}[str(date["status"])]  # fmt: skip
