"""`soppa deadline`: one rule, one trigger, and every step to the date. Needs no database and no district."""

from __future__ import annotations

import datetime as dt
import json
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

import workflows
from engine.calendar import ONE_DAY, SchoolDays
from engine.clocks import Calendars, Derived, Hold, Rule, derive, local_date
from engine.errors import UsageError
from engine.nodes import nearest


@click.command(epilog="Example: soppa deadline R-BREACH-PARENT --from 2026-05-04")
@click.argument("rule_id", metavar="RULE")
@click.option(
    "--from",
    "trigger",
    required=True,
    metavar="DATE|INSTANT",
    help="Day 0: a local date, or an instant with its offset (2027-03-14T05:50Z).",
)
@click.option(
    "--hold",
    "holds",
    multiple=True,
    metavar="FROM/TO",
    help="A written law-enforcement hold; leave TO out while it stands. May be given several times.",
)
@click.option("--hold-policy", type=click.Choice(["asap", "toll"]), default="asap", show_default=True)
@click.option("--school-closed", metavar="DATE,DATE..DATE", help="Weekdays without attendance, for school-day rules.")
@click.option("--zone", default="America/Chicago", show_default=True, help="The district's time zone.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    rule_id: str,
    trigger: str,
    holds: tuple[str, ...],
    hold_policy: str,
    school_closed: str | None,
    zone: str,
    as_json: bool,
) -> None:
    """Compute the date that RULE gives, and show each step of the way."""
    rule = _rule(rule_id)
    calendars = Calendars(
        workflows.calendar("il-statutory"),
        workflows.calendar("il-strict"),
        _school(school_closed) if rule.unit == "school_days" or school_closed else None,
    )
    derived = derive(rule, _trigger(trigger, zone), calendars, map(_hold, holds), hold_policy)  # type: ignore[arg-type]
    click.echo(json.dumps(as_values(derived), indent=2) if as_json else as_text(derived))


def as_values(derived: Derived) -> dict[str, object]:
    """The stable keys of `--json`; dates are ISO strings or null."""

    def iso(day: dt.date | None) -> str | None:
        return day.isoformat() if day else None

    return {
        "rule": derived.rule.id,
        "trigger_date": iso(derived.trigger),
        "nominal_due": iso(derived.nominal),
        "legal_due": iso(derived.legal),
        "target_due": iso(derived.target),
        "steps": [{"what": step.what, "date": iso(step.day), "text": step.text} for step in derived.steps],
    }


def as_text(derived: Derived) -> str:
    rule = derived.rule
    lines = [f"{rule.id}  {rule.title}", f"{rule.citation} [{rule.certainty}]  rule {rule.version}", ""]
    lines += [f"  {number}. {step.text}" for number, step in enumerate(derived.steps, 1)]
    lines += ["", *_answer(derived)]
    if rule.reading:
        lines += ["", f"This rests on a reading: {rule.reading}"]
    if rule.note:
        lines += ["", f"Note: {rule.note}"]
    return "\n".join(lines)


def _answer(derived: Derived) -> list[str]:
    if derived.held_since is not None:
        return [f"On hold since {_long(derived.held_since)}: no date; review the hold by {_long(derived.review_on)}"]
    if derived.legal is None:
        return ["legal duty without a date: the law gives no number, the district sets its own target"]
    name = "window closes" if derived.rule.kind == "window" else "legal deadline"
    answer = [f"{name + ':':<17}{_long(derived.legal)}", f"{'district target:':<17}{_long(derived.target)}"]
    if derived.rule.unit == "business_days" and derived.target != derived.legal:
        answer.reverse()
    return [*answer, "Provisional: enter the next attendance calendar"] if derived.provisional else answer


def _long(day: dt.date | None) -> str:
    return f"{day:%A, %B} {day.day}, {day.year}" if day else "none"


def _rule(rule_id: str) -> Rule:
    rules = workflows.rules()
    if rule_id.upper() not in rules:
        raise UsageError(f"unknown rule '{rule_id}'{nearest(rule_id.upper(), rules)}; 'soppa rules' lists them")
    return rules[rule_id.upper()]


def _trigger(text: str, zone: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return local_date(dt.datetime.fromisoformat(text), ZoneInfo(zone))
    except ValueError as error:
        raise UsageError(f"--from: '{text}' is no date (2026-05-04) and no instant (2027-03-14T05:50Z)") from error
    except ZoneInfoNotFoundError as error:
        raise UsageError(f"--zone: there is no time zone '{zone}': write one such as America/Chicago") from error


def _day(text: str, option: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option}: '{text}' is no date: write it as 2026-05-04") from error


def _hold(text: str) -> Hold:
    start, _, end = text.partition("/")
    hold = Hold(_day(start, "--hold"), _day(end, "--hold") if end else None)
    if hold.released is not None and hold.released < hold.started:
        raise UsageError(f"--hold: {text} ends before it begins: write FROM/TO")
    return hold


def _school(text: str | None) -> SchoolDays:
    """School days as given on the command line: every weekday of the tables but those named."""
    known = workflows.calendar("il-statutory")
    closed = {day for part in (text or "").split(",") if part for day in _range(part)}
    return SchoolDays("command line", frozenset(closed), known.first, known.last)


def _range(text: str) -> list[dt.date]:
    first, _, last = text.strip().partition("..")
    start, end = _day(first, "--school-closed"), _day(last or first, "--school-closed")
    if not start <= end <= start + 400 * ONE_DAY:
        raise UsageError(f"--school-closed: {text} must run forward, at most 400 days")
    return [start + n * ONE_DAY for n in range((end - start).days + 1)]
