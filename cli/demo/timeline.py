"""What the fast-forward prints: what fired, who was mailed, and how each deadline ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cli.demo.sink import MailSink
from cli.printing import day, say, table
from cli.wiring import House
from engine.case import Case

SHOWN = {"case_started": "case starts", "state_entered": "now at", "task_completed": "answer", "rung_fired": "reminder",
         "clock_started": "clock starts", "clock_moved": "clock moves", "clock_satisfied": "clock met",
         "clock_voided": "clock void", "told": "told", "child_started": "case starts", "case_ended": "case ends"}


def print_timeline(house: House, cases: Sequence[Case], sink: MailSink) -> None:
    with house.store.read() as unit:
        found = [unit.case(case_id) for case_id in _family(house, cases)]
        office = house.office(unit)
    lines = sorted(((line.at, case.id, line) for case in found for line in house.store.views.history(case.id)
                    if line.kind in SHOWN), key=lambda entry: (entry[0], entry[1], entry[2].seq))
    table(["day", "case", "what", ""], [
        [day(office.today(at)), case_id, SHOWN[line.kind], _words(line.kind, line.detail)]
        for at, case_id, line in lines])
    say()
    table(["case", "clock", "legal deadline", "district target", "met"], [
        [case.id, clock.name, day(clock.legal), day(clock.target),
         f"{'' if clock.status == 'satisfied' else clock.status + ' '}{day(clock.ended_on)}"]
        for case in found for clock in case.clocks.values()])
    say()
    table(["mails to", "number", "latest subject"], _readers(sink))
    for case in found:
        say(f"case {case.id} ({case.process}): {case.outcome or 'still open'}")


def _family(house: House, cases: Iterable[Case]) -> list[str]:
    return [case_id for case in cases for case_id in (case.id, *house.store.views.children(case.id))]


def _words(kind: str, detail: dict[str, str]) -> str:
    named = ("state", "name", "clock", "of", "mail", "rung", "outcome")
    first = " ".join(detail[key] for key in named if key in detail)
    dates = ", ".join(f"{key} {detail[key]}" for key in ("legal", "target") if key in detail)
    to = f"→ {detail['to']}" if kind == "rung_fired" and detail.get("to") else ""
    by = f"by {detail['by']}" if kind == "task_completed" and detail.get("by") else ""
    return "  ".join(part for part in (first, dates, to, by) if part)


def _readers(sink: MailSink) -> list[list[str]]:
    latest = {mail.envelope_to: mail.subject for mail in sink.mails}
    return [[reader, str(sum(mail.envelope_to == reader for mail in sink.mails)), subject]
            for reader, subject in sorted(latest.items())]
