"""What the fast-forward prints: what fired, who was mailed, and how each deadline ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cli.commands.history import words_of
from cli.commands.show import as_mapping
from cli.dates import legal_and_target
from cli.demo.sink import MailSink
from cli.printing import day, say, table
from cli.wiring import House
from engine.model.case import Case, Clock
from engine.model.office import Office
from storage.chains.history import HistoryLine

SHOWN = frozenset({"case_started", "state_entered", "task_completed", "rung_fired", "clock_started", "clock_moved",
                   "clock_satisfied", "clock_voided", "told", "child_started", "case_ended"})


def print_timeline(house: House, cases: Sequence[Case], sink: MailSink) -> None:
    found, office = _found(house, cases)
    for number, case in enumerate(cases, 1):
        say(f"{number}. {_title(house, case)}\n")
        own = _found(house, [case])[0]
        words = {one.id: words_of(house, one) for one in own}
        table(["day", "case", "who", "what"], [
            [day(office.today(line.at)), case_id, words[case_id].lens.who(line.actor),
             words[case_id].of(line.kind, line.told)] for case_id, line in _lines(house, own)])
        say()
    table(["case", "clock", "legal deadline", "district target", "met"], [
        [case.id, clock.name, *legal_and_target(clock, house.definition(case).clocks), _ended(clock)]
        for case in found for clock in case.clocks.values()])
    say()
    table(["mails to", "number", "latest subject"], _readers(sink))
    say()
    for case in found:
        say(f"case {case.id} ({case.process}): {case.outcome or 'still open'}")


def _title(house: House, case: Case) -> str:
    definition = house.definitions.pinned(case.process, case.version, case.hash)
    return f"{definition.title['en']}: case {case.id}"


def timeline_mapping(house: House, cases: Sequence[Case], sink: MailSink) -> dict[str, object]:
    """The documented JSON keys."""
    found, _ = _found(house, cases)
    return {
        "cases": [as_mapping(case) for case in found],
        "happenings": [{"at": line.at, "case": case_id, "kind": line.kind, "detail": dict(line.told)}
                       for case_id, line in _lines(house, found)],
        "mails": [{"to": mail.envelope_to, "subject": mail.subject} for mail in sink.mails],
    }  # fmt: skip


def _found(house: House, cases: Sequence[Case]) -> tuple[list[Case], Office]:
    """The cases and their children as they ended, and the office."""
    with house.store.read() as unit:
        return [unit.case(case_id) for case_id in _family(house, cases)], house.office(unit)


def _lines(house: House, cases: Iterable[Case]) -> list[tuple[str, HistoryLine]]:
    """What happened in all of them that is worth showing, in the order of time."""
    lines = [(case.id, line) for case in cases for line in house.store.views.history(case.id) if line.kind in SHOWN]
    return sorted(lines, key=lambda entry: (entry[1].at, entry[0], entry[1].seq))


def _family(house: House, cases: Iterable[Case]) -> list[str]:
    """The cases and all that they have started, each once."""
    found: dict[str, None] = {}
    waiting = [case.id for case in cases]
    while waiting:
        case_id = waiting.pop(0)
        if case_id not in found:
            found[case_id] = None
            waiting += house.store.views.children(case_id)
    return list(found)


def _ended(clock: Clock) -> str:
    """When it was met, else what became of it; of a window its last day besides, which has no column."""
    how = f"{'' if clock.status == 'satisfied' else clock.status + ' '}{day(clock.ended_on)}"
    return f"{how} (last day {day(clock.legal)})" if clock.is_window else how


def _readers(sink: MailSink) -> list[list[str]]:
    latest = {mail.envelope_to: mail.subject for mail in sink.mails}
    return [[reader, str(sum(mail.envelope_to == reader for mail in sink.mails)), subject]
            for reader, subject in sorted(latest.items())]
