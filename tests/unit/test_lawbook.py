"""Each fault of a rule pack, a calendar and a ladder with its line and sentence; and what the shipped law holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

import workflows
from engine.errors import FaultyInput
from engine.language.lawbook import CERTAINTIES, read_calendar, read_ladders, read_rules
from engine.nodes import Node
from workflows.reader import read_yaml

LAW = workflows.lawbook()
D = dt.date

NAMED_IN_PROCESSES = {
    "R-ANNUAL-NOTICE",
    "R-BREACH-AG",
    "R-BREACH-OPERATOR",
    "R-BREACH-PARENT",
    "R-COPY-ISSRA",
    "R-COPY-SOPPA",
    "R-CORR-CONFIRM",
    "R-CORR-DISTRICT",
    "R-CORR-OPERATOR",
    "R-HEAR-CONF",
    "R-HEAR-DECIDE",
    "R-HEAR-HELD",
    "R-POST-CONTRACT",
    "R-POST-SEMI-CY",
    "R-POST-SEMI-FY",
    "R-SUBLIST",
}

RULES = """\
pack: sample
version: "1"
effective: 2026-07-01
rules:
  R-ONE:
    title: One
    kind: period
    length: 10
    unit: business_days
    calendar: il-statutory
    anchor: the request was received
    citation: 105 ILCS 85/27
    certainty: T
"""
CALENDAR = """\
calendar: sample
version: "1"
from: 2026-01-01
to: 2028-12-31
sunday: monday
holidays:
  - {name: New Year's Day, on: 01-01}
proclaimed:
  - {date: 2026-08-05, name: Flood}
"""
LADDERS = """\
version: "1"
ladders:
  SHORT:
    - {id: halfway, at: 1/2, to: [owner]}
    - {id: digest, at: +1 bus, to: [owner], every: week, times: 4}
"""


def faults(read: Callable[[Node], object], source: str, old: str, new: str) -> list[tuple[int, str]]:
    """Line and sentence of each fault after one change to a good document."""
    assert source.count(old) == 1
    with pytest.raises(FaultyInput) as caught:
        read(read_yaml(source.replace(old, new), "law.yaml"))
    assert {fault.mark.file for fault in caught.value.faults} == {"law.yaml"}
    return [(fault.mark.line, fault.message) for fault in caught.value.faults]


def calendar(*holidays: str, sunday: str = "monday") -> dict[dt.date, str]:
    """The days off of 2026 to 2028 in a calendar of these holidays."""
    lines = "".join(f"  - {{{holiday}}}\n" for holiday in holidays)
    text = f'calendar: c\nversion: "1"\nfrom: 2026-01-01\nto: 2028-12-31\nsunday: {sunday}\nholidays:\n{lines}'
    return dict(read_calendar(read_yaml(text, "c.yaml")).days_off)


def test_the_good_documents_are_read() -> None:
    rule = read_rules(read_yaml(RULES, "law.yaml"))["R-ONE"]
    assert (rule.length, rule.unit, rule.rolls, rule.duty_of, rule.version) == (
        10,
        "business_days",
        True,
        "district",
        "1",
    )
    read = read_calendar(read_yaml(CALENDAR, "law.yaml"))
    assert read.why_off(D(2026, 8, 5)) == "Flood"
    digest = read_ladders(read_yaml(LADDERS, "law.yaml"))["SHORT"].rungs[1]
    assert (digest.at, digest.to, digest.every, digest.times) == ("+1 bus", ("owner",), "week", 4)


@pytest.mark.parametrize(
    ("old", "new", "line", "sentence"),
    [
        ("pack: sample\n", "", 1, "a rule pack needs the key 'pack'"),
        ("effective: 2026-07-01", "effective: 2026-02-30", 3, "effective: there is no day 2026-02-30"),
        ("effective: 2026-07-01", "effective: July", 3, "effective must be a date such as 2026-07-01"),
        ("  R-ONE:", "  1-ONE:", 5, "'1-ONE' is not a name: use letters, digits, '_', '-' and '.'"),
        ("    title: One\n", "", 6, "R-ONE needs the key 'title'"),
        ("    citation: 105 ILCS 85/27\n", "", 6, "R-ONE needs the key 'citation'"),
        ("    certainty: T\n", "", 6, "R-ONE needs the key 'certainty'"),
        ("citation: 105 ILCS 85/27", "citation:", 12, "citation must be a text"),
        ("certainty: T", "certainty: X", 13, "certainty: 'X' is unknown (known: D, M, P, S, S/M, T, T/S)"),
        ("kind: period", "kind: perod", 7, "kind: 'perod' is unknown (did you mean 'period'?)"),
        ("anchor:", "ancor: x\n    anchor:", 11, "unknown key 'ancor' in R-ONE (did you mean 'anchor'?)"),
        ("length: 10", "length: ten", 8, "length must be a whole number"),
        ("length: 10", "length: 0", 6, "R-ONE: the length must be 1 or more"),
        ("    length: 10\n", "", 6, "R-ONE is a period: it needs a length and a unit"),
        (
            "unit: business_days",
            "unit: hours",
            9,
            "unit: 'hours' is unknown (known: business_days, calendar_days, school_days)",
        ),
        (
            "kind: period",
            "kind: no_number",
            6,
            "R-ONE is 'no_number' and counts nothing: leave 'length' out, or make it a period",
        ),
        ("kind: period", "kind: on_date", 6, "R-ONE falls on dates: it needs 'on: [MM-DD]'"),
        ("kind: period", "kind: tied", 6, "R-ONE is tied to another date: say which in 'tied_to'"),
        (
            "    calendar: il-statutory\n",
            "",
            6,
            "R-ONE needs the calendar that its days are counted in, such as il-statutory",
        ),
        ("business_days", "school_days", 6, "R-ONE uses no day of calendar 'il-statutory': leave 'calendar' out"),
        (
            "certainty: T",
            "certainty: T\n    on: [13-01]",
            14,
            "'13-01' is not a day of the year: write MM-DD, such as 07-01",
        ),
        (
            "certainty: T",
            "certainty: T\n    on: [02-29]",
            14,
            "'02-29' is not a day of the year: write MM-DD, such as 07-01",
        ),
        (
            "certainty: T",
            "certainty: T\n    hold: asap",
            14,
            "hold must be a list: write [a, b] or one '- item' a line",
        ),
        ("certainty: T", "certainty: T\n    hold: [tol]", 14, "hold: 'tol' is unknown (did you mean 'toll'?)"),
        ("certainty: T", "certainty: T\n    roll: back", 14, "roll: 'back' is unknown (known: forward, none)"),
        (
            "certainty: T",
            "certainty: T\n    duty_of: vendor",
            14,
            "duty_of: 'vendor' is unknown (known: district, operator, other)",
        ),
        ("certainty: T", "certainty: T\n    note:", 14, "note must be a text"),
        ("certainty: T", "certainty: T\n    reading: []", 14, "reading must be a text"),
        ("certainty: T", "certainty: T\n    keeps_day: yes", 14, "keeps_day must be true or false"),
    ],
)
def test_a_fault_of_a_rule_pack(old: str, new: str, line: int, sentence: str) -> None:
    found = faults(read_rules, RULES, old, new)
    assert any(at == line and said.startswith(sentence) for at, said in found), found


@pytest.mark.parametrize(
    ("old", "new", "line", "sentence"),
    [
        ("calendar: sample\n", "", 1, "a calendar needs the key 'calendar'"),
        ("to: 2028-12-31", "to: 2025-12-31", 4, "'to' is before 'from', 2026-01-01: turn them round"),
        ("from: 2026-01-01", "from: soon", 3, "from must be a date such as 2026-07-01"),
        ("from: 2026-01-01\n", "", 1, "a calendar needs the key 'from'"),
        ("sunday: monday", "sunday: friday", 5, "sunday: 'friday' is unknown (known: monday, stays)"),
        ("{name: New Year's Day, on: 01-01}", "{name: New Year's Day}", 7, "a holiday needs the key 'on'"),
        ("on: 01-01", "on: 01-01, yeers: even", 7, "unknown key 'yeers' in a holiday (did you mean 'years'?)"),
        ("on: 01-01", "on: 01-01, years: odd", 7, "years: 'odd' is unknown"),
        ("on: 01-01", "on: 01-01, since: lately", 7, "since must be a whole number"),
        ("on: 01-01", "on: 02-30", 7, "'02-30' is no day: write MM-DD"),
        ("on: 01-01", "on: 5th monday of 01", 7, "'5th monday of 01' is no day: write MM-DD"),
        ("on: 01-01", "on: 1st monday of 13", 7, "'1st monday of 13' is no day: write MM-DD"),
        ("on: 01-01", "on: tuesday after 1st sunday of 11", 7, "'tuesday after 1st sunday of 11' is no day"),
        ("date: 2026-08-05, ", "", 9, "a proclaimed day needs the key 'date'"),
        ("date: 2026-08-05", "date: 2026-13-05", 9, "date: there is no day 2026-13-05"),
    ],
)
def test_a_fault_of_a_calendar(old: str, new: str, line: int, sentence: str) -> None:
    found = faults(read_calendar, CALENDAR, old, new)
    assert any(at == line and said.startswith(sentence) for at, said in found), found


@pytest.mark.parametrize(
    ("old", "new", "line", "sentence"),
    [
        ('version: "1"\n', "", 1, "ladders needs the key 'version'"),
        ("  SHORT:", "  SHORT: {}\n  9:", 4, "'9' is not a name"),
        ("id: halfway, ", "", 4, "a rung needs the key 'id'"),
        ("at: 1/2, ", "", 4, "a rung needs the key 'at'"),
        ("at: 1/2, to: [owner]", "at: 1/2", 4, "a rung needs the key 'to'"),
        ("at: 1/2", "at: midway", 4, "'midway' is no place on a ladder: write 1/2, 'day 10', '-2 bus', '-14 cal'"),
        ("at: 1/2", "at: 1/0", 4, "'1/0' is no place on a ladder"),
        ("at: +1 bus", "at: +1 cal", 5, "'+1 cal' is no place on a ladder"),
        ("every: week", "every: day", 5, "every: 'day' is unknown"),
        ("times: 4", "times: four", 5, "times must be a whole number"),
        ("1/2, to: [owner]", "1/2, to: owner", 4, "to must be a list"),
        ("1/2, to: [owner]", "1/2, to: []", 4, "to names nobody: write whom this rung tells, such as [owner]"),
        ("1/2, to: [owner]", "1/2, to: null", 4, "to names nobody"),
        ("1/2, to: [owner]", "1/2, to: [custodien]", 4, "to: 'custodien' is unknown (did you mean 'custodian'?)"),
        ("1/2, to: [owner]", "1/2, to: [oner]", 4, "to: 'oner' is unknown (did you mean 'owner'?)"),
        ("id: digest", "id: halfway", 5, "ladder 'SHORT' has a rung 'halfway' on line 4 already"),
        (", every: week, times: 4", ", times: 4", 5, "times counts repetitions and this rung has none"),
        ("times: 4", "times: 0", 5, "times must be 1 or more, not 0"),
        ("  SHORT:", "  NONE: []\n  SHORT:", 3, "ladder 'NONE' has no rung: it would tell nobody"),
        ("id: halfway", "id: halfway, too: x", 4, "unknown key 'too' in a rung (did you mean 'to'?)"),
    ],
)
def test_a_fault_of_a_ladder(old: str, new: str, line: int, sentence: str) -> None:
    found = faults(read_ladders, LADDERS, old, new)
    assert any(at == line and said.startswith(sentence) for at, said in found), found


def test_one_reading_finds_all_faults_in_the_order_of_the_file() -> None:
    found = faults(read_rules, RULES.replace("length: 10", "length: ten"), "certainty: T", "certainty: X")
    lines = [line for line, _ in found]
    assert lines == sorted(lines)
    assert {8, 13} <= set(lines)


def test_how_a_holiday_may_be_written() -> None:
    off = calendar(
        "name: King, on: 3rd monday of 01",
        "name: Memorial, on: last monday of 05",
        "name: Good Friday, on: good friday",
        "name: Election, on: tuesday after 1st monday of 11, years: even",
        "name: New, on: 06-19, since: 2028",
    )
    by_name = {name: [day for day, found in off.items() if found == name] for name in off.values()}
    assert by_name["King"] == [D(2026, 1, 19), D(2027, 1, 18), D(2028, 1, 17)]
    assert by_name["Memorial"] == [D(2026, 5, 25), D(2027, 5, 31), D(2028, 5, 29)]
    assert by_name["Good Friday"] == [D(2026, 4, 3), D(2027, 3, 26), D(2028, 4, 14)]
    assert by_name["Election"] == [D(2026, 11, 3), D(2028, 11, 7)]
    assert by_name["New"] == [D(2028, 6, 19)]


def test_a_sunday_holiday_gives_its_monday_only_where_the_calendar_says_so() -> None:
    """Jul 4 2027 is a Sunday, Jul 4 2026 a Saturday: nothing moves from a Saturday."""
    moved = calendar("name: Independence, on: 07-04")
    assert moved[D(2027, 7, 5)] == "Independence, Monday after Sunday"
    assert {D(2026, 7, 3), D(2026, 7, 6)}.isdisjoint(moved)
    assert D(2027, 7, 5) not in calendar("name: Independence, on: 07-04", sunday="stays")


def test_the_shipped_pack_has_every_rule_that_a_process_names() -> None:
    assert set(LAW.rules) >= NAMED_IN_PROCESSES


@pytest.mark.parametrize("rule_id", sorted(LAW.rules))
def test_every_legal_rule_has_a_citation_a_certainty_and_a_source(rule_id: str) -> None:
    rule = LAW.rules[rule_id]
    assert rule.certainty in CERTAINTIES
    assert any(act in rule.citation for act in ("ILCS", "Ill. Adm. Code", "CFR"))
    assert rule.source
    assert rule.anchor


def test_the_shipped_calendars_and_ladders() -> None:
    assert set(LAW.calendars) == {"il-statutory", "il-strict", "il-school"}
    duties, ours = {"SHORT", "MID", "LONG", "SOFT", "DATE"}, {"CERTIFICATE", "ATTESTATION", "EXPIRY", "NOTICE"}
    assert set(LAW.ladders) == duties | ours
    strict, statutory = (set(LAW.calendars[name].days_off) for name in ("il-strict", "il-statutory"))
    assert strict < statutory
    assert {rule.calendar for rule in LAW.rules.values()} <= {None, "il-statutory", "il-strict"}
