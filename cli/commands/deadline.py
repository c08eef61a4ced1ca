"""`soppa deadline`: one date under one rule, with every step. Needs no home and no database."""

from __future__ import annotations

import datetime as dt
import textwrap
from dataclasses import replace
from zoneinfo import ZoneInfo

import click

import workflows
from cli import completion
from cli.commands.rules import quota_words
from cli.dates import WINDOW
from cli.options import json_option, read_date, read_dates
from cli.printing import WIDTH, day, numbered, pairs, print_json, say
from engine.errors import UsageError
from engine.law.calendar import SchoolDays
from engine.law.clocks import NOT_ENTERED, Calendars, Derived, Hold, HoldPolicy, Rule, derive, local_date
from engine.nodes import nearest

NO_DATE = "legal duty without a date: the law gives no number of days"


@click.command(epilog="Example: soppa deadline R-BREACH-PARENT --from 2026-12-18")
@click.argument("rule", shell_complete=completion.rules)
@click.option("--from", "start", required=True, metavar="DATE|INSTANT",
              help="The day of the event (day 0), or the instant with its offset.")
@click.option("--hold", "holds", multiple=True, metavar="FROM/TO",
              help="A law-enforcement hold; leave TO empty while it stands.")
@click.option("--hold-policy", "policy", type=click.Choice(["asap", "toll"]), default="asap", show_default=True)
@click.option("--school-closed", "closed", metavar="DATE,DATE..DATE", default=None,
              help="Weekdays without attendance, for rules in school days.")
@click.option("--fiscal-year", "fiscal", metavar="MM-DD", default="07-01", show_default=True,
              help="Start of the district's fiscal year, for the semiannual updates.")
@click.option("--zone", default="America/Chicago", show_default=True, help="Zone of an instant.")
@json_option
def command(rule: str, start: str, holds: tuple[str, ...], policy: HoldPolicy, closed: str | None, fiscal: str,
            zone: str, as_json: bool) -> None:
    """Count the deadline of RULE from an event, step by step under the statute."""
    read_zone(zone)
    calendars = _calendars(closed, read_month_day(fiscal))
    derived = derive(find_rule(rule), read_trigger(start, zone), calendars, _holds(holds), policy)
    if as_json:
        print_json(as_mapping(derived))
    else:
        print_derived(derived)


def read_month_day(word: str) -> str:
    """A day of every year. Raises `UsageError`."""
    try:
        dt.date.fromisoformat(f"2001-{word}")
    except ValueError:
        raise UsageError(f"--fiscal-year: '{word}' is no day of every year: write it as 07-01") from None
    return word


def find_rule(rule_id: str) -> Rule:
    rules = workflows.lawbook().rules
    if rule_id not in rules:
        raise UsageError(f"there is no rule '{rule_id}'{nearest(rule_id, rules)}: soppa rules lists them")
    return rules[rule_id]


def read_trigger(word: str, zone: str) -> dt.date:
    """A local date, or the local date of an instant. Raises `UsageError` for a naive instant."""
    if "T" not in word.upper() and ":" not in word:
        return read_date(word, "--from")
    try:
        instant = dt.datetime.fromisoformat(word)
    except ValueError:
        raise UsageError(f"--from: '{word}' is no instant: write it as 2027-03-14T05:50Z") from None
    if instant.tzinfo is None:
        raise UsageError(f"--from: '{word}' has no time zone: add Z or an offset such as -06:00")
    return local_date(instant, read_zone(zone))


def read_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UsageError(f"there is no time zone '{name}': write it as America/Chicago") from None


def as_mapping(derived: Derived) -> dict[str, object]:
    """The documented JSON keys."""
    window = derived.rule.kind == "window"
    return {"rule": derived.rule.id, "trigger_date": derived.trigger, "nominal_due": derived.nominal,
            "legal_due": derived.legal,
            "target_due": None if window else derived.target, "steps": [str(step) for step in derived.steps]}


def print_derived(derived: Derived) -> None:
    rule = derived.rule
    say(textwrap.fill(f"{rule.id}  {rule.title}", WIDTH, subsequent_indent=" " * (len(rule.id) + 2)))
    say(textwrap.fill(f"{rule.citation} [{rule.certainty}: {rule.certainty_in_words}]", WIDTH, subsequent_indent="  "))
    say()
    pairs(_dates(derived))
    if rule.kind == "window":
        say()
        say(textwrap.fill(WINDOW, WIDTH))
    say()
    numbered([str(step) for step in derived.steps])
    if rule.reading:
        say()
        say(textwrap.fill(f"A reading, not the letter of the law: {rule.reading}", WIDTH))


def _dates(derived: Derived) -> dict[str, str]:
    if derived.rule.kind == "quota":
        return {"limit": quota_words(derived.rule), "legal deadline": "none: a limit on requests is nobody's duty"}
    if derived.rule.kind == "no_number":
        return {"legal deadline": NO_DATE}
    if derived.held_since is not None:
        return {"legal deadline": f"none while the hold of {day(derived.held_since)} stands",
                "review the hold": day(derived.review_on)}
    mark = " (provisional)" if derived.provisional else ""
    if derived.rule.kind == "window":
        return {"last day": day(derived.legal) + mark}
    return {"legal deadline": day(derived.legal) + mark, "district target": day(derived.target) + mark}


def _calendars(closed: str | None, fiscal: str) -> Calendars:
    law = workflows.lawbook()
    school = replace(NOT_ENTERED, holidays=frozenset(law.calendars["il-school"].days_off))
    if closed is not None:
        school = SchoolDays("command line", read_dates(closed, "--school-closed"), dt.date.min, dt.date.max)
    return Calendars(law.calendars["il-statutory"], law.calendars["il-strict"], school, fiscal)


def _holds(words: tuple[str, ...]) -> list[Hold]:
    return [_hold(word) for word in words]


def _hold(word: str) -> Hold:
    first, slash, last = word.partition("/")
    if not slash:
        raise UsageError(f"--hold: '{word}' is not FROM/TO: write 2027-05-10/2027-06-04, "
                         f"or 2027-05-10/ while it stands")
    return Hold(read_date(first, "--hold"), read_date(last, "--hold") if last else None)
