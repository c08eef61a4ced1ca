"""Deadlines: from a rule, a trigger date, calendars and holds to dates, with every step of the way.

All dates are local dates of the district; day 0 is the day of the event and is not counted (5 ILCS 70/1.11). Nothing is
counted in hours, and units never convert. `derive` is pure: the same arguments give the same answer for ever.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo

from engine.calendar import ONE_DAY, Calendar, SchoolDays
from engine.errors import OutsideCalendar, UsageError

RuleKind = Literal["period", "on_date", "tied", "no_number", "quota", "window"]
UnitName = Literal["calendar_days", "business_days", "school_days"]
HoldPolicy = Literal["asap", "toll"]
ROLL_CITATION = "5 ILCS 70/1.11"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the law, or of a district, as data. Certainty tags: T read, P partly read, S second-hand,
    M recalled (have counsel confirm), D a district's own."""

    id: str
    version: str
    title: str
    kind: RuleKind
    citation: str
    certainty: str
    anchor: str
    length: int | None = None
    unit: UnitName | None = None
    rolls: bool = True
    holds: tuple[HoldPolicy, ...] = ()
    duty_of: Literal["district", "operator", "other"] = "district"
    on: tuple[str, ...] = ()
    tied_to: str | None = None
    reading: str | None = None
    keeps_day: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Calendars:
    """The calendars that dates are counted in; `statutory` for legal dates, `strict` for targets."""

    statutory: Calendar
    strict: Calendar
    school: SchoolDays | None = None

    def versions(self) -> tuple[str, ...]:
        own = (f"{self.statutory.id}@{self.statutory.version}", f"{self.strict.id}@{self.strict.version}")
        return own if self.school is None else (*own, f"attendance@{self.school.version}")


@dataclass(frozen=True, slots=True)
class Hold:
    """A law-enforcement hold, from `started` to the day its end became known to the school; `released` None while it
    stands."""

    started: dt.date
    released: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a derivation: what was done (`trigger`, `count`, `skipped`, `nominal`, `rolled`, `legal`, `target`,
    `hold`), the date it gave, and a sentence."""

    what: str
    day: dt.date | None
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Derived:
    """The dates of one clock. All three are None where the rule has no number, and while a hold stands
    (`held_since`, `review_on`). `provisional`: counted beyond the entered attendance calendar."""

    rule: Rule
    trigger: dt.date
    nominal: dt.date | None
    legal: dt.date | None
    target: dt.date | None
    steps: tuple[Step, ...]
    calendars: tuple[str, ...]
    provisional: bool = False
    held_since: dt.date | None = None
    review_on: dt.date | None = None


@dataclass(slots=True)
class _Steps:
    lines: list[Step] = field(default_factory=list)

    def add(self, what: str, day: dt.date | None, text: str) -> None:
        self.lines.append(Step(what, day, text))


def day_name(day: dt.date) -> str:
    """`Wed Jun 3 2026`."""
    return f"{day:%a %b} {day.day} {day.year}"


def local_date(instant: dt.datetime, zone: ZoneInfo) -> dt.date:
    """The local date of an instant. Raises `UsageError` for a naive one: it names no moment."""
    if instant.tzinfo is None:
        raise UsageError(f"'{instant.isoformat()}' has no time zone: add Z or an offset such as -06:00")
    return instant.astimezone(zone).date()


def derive(
    rule: Rule,
    trigger: dt.date,
    calendars: Calendars,
    holds: Iterable[Hold] = (),
    policy: HoldPolicy = "asap",
    grace: int = 1,
) -> Derived:
    """The nominal, legal and target date of `rule` counted from `trigger`, with each step.

    `policy` and `grace` (business days, 0 to 3) say what a released hold does; a hold that the rule does not allow, that
    began after the due date, or that ended before the trigger has no effect. Raises `OutsideCalendar`.
    """
    steps = _Steps()
    steps.add("trigger", trigger, f"Day 0 is {day_name(trigger)}: {rule.anchor}; it is not counted")
    if rule.kind in ("no_number", "quota"):
        steps.add("no_number", None, f"{rule.citation} gives no number of days; the district sets its own target")
        return Derived(rule, trigger, None, None, None, tuple(steps.lines), calendars.versions())
    if rule.kind == "on_date":
        return _on_date(rule, trigger, calendars, steps)
    if rule.length is None or rule.unit is None:
        steps.add("tied", trigger, f"Due with the event itself, on {day_name(trigger)}")
        return Derived(rule, trigger, trigger, trigger, trigger, tuple(steps.lines), calendars.versions())
    counted = _count(rule, rule.length, trigger, calendars, steps)
    united = unite(holds) if rule.holds else ()
    return _with_holds(counted, united, policy, grace, calendars, steps)


def due_in(day: dt.date, amount: int, unit: str, calendars: Calendars) -> dt.date:
    """A district's target: so many days after `day`. Business days are those of `il-strict`; calendar days are taken
    back to the last business day on or before."""
    if unit == "business_days":
        return calendars.strict.nth_after(day, amount)[0]
    if unit == "school_days":
        return _school(calendars).nth_after(day, amount)[0]
    return max(day, calendars.strict.on_or_before(day + dt.timedelta(days=amount)))


def count_back(day: dt.date, amount: int, unit: str, calendars: Calendars) -> dt.date:
    """A district's target: so many days before `day`, on a business day of `il-strict`."""
    if unit == "business_days":
        return calendars.strict.nth_before(day, amount)
    return calendars.strict.on_or_before(day - dt.timedelta(days=amount))


def unite(holds: Iterable[Hold]) -> tuple[Hold, ...]:
    """Overlapping and touching holds as one; an open hold swallows all that begin after it."""
    united: list[Hold] = []
    for hold in sorted(holds, key=lambda h: (h.started, h.released or dt.date.max)):
        last = united[-1] if united else None
        if last is not None and (last.released is None or hold.started <= last.released):
            end = None if None in (last.released, hold.released) else max(last.released, hold.released)  # type: ignore[type-var]
            united[-1] = Hold(last.started, end)
        else:
            united.append(hold)
    return tuple(united)


def fiscal_quarter(day: dt.date) -> tuple[int, int]:
    """The State fiscal year (it begins Jul 1 of the year before) and quarter 1-4 (23 Ill. Adm. Code 380.20(d))."""
    return day.year + (day.month >= 7), (day.month - 7) % 12 // 3 + 1


def _count(rule: Rule, length: int, trigger: dt.date, calendars: Calendars, steps: _Steps) -> Derived:
    if rule.unit == "business_days":
        return _business(rule, length, trigger, calendars, steps)
    if rule.unit == "school_days":
        return _school_days(rule, length, trigger, calendars, steps)
    nominal = trigger + dt.timedelta(days=length)
    steps.add("nominal", nominal, f"Day {length} (calendar days, all counted) is {day_name(nominal)}")
    return _from_nominal(rule, trigger, nominal, calendars, steps)


def _from_nominal(rule: Rule, trigger: dt.date, nominal: dt.date, calendars: Calendars, steps: _Steps) -> Derived:
    legal = _roll(rule, nominal, calendars.statutory, steps)
    target = max(trigger, calendars.strict.on_or_before(nominal))
    steps.add("target", target, _target_text(target, nominal))
    return Derived(rule, trigger, nominal, legal, target, tuple(steps.lines), calendars.versions())


def _roll(rule: Rule, nominal: dt.date, calendar: Calendar, steps: _Steps) -> dt.date:
    if not rule.rolls:
        steps.add("legal", nominal, f"Legal date {day_name(nominal)}: this date does not move")
        return nominal
    legal, passed = calendar.roll_forward(nominal)
    for day, reason in passed:
        steps.add(
            "rolled", day, f"{day_name(day)} does not count as the last day ({reason}): the next day, {ROLL_CITATION}"
        )
    steps.add(
        "legal", legal, f"Legal date {day_name(legal)}, to the end of that day ({calendar.id}@{calendar.version})"
    )
    return legal


def _business(rule: Rule, length: int, trigger: dt.date, calendars: Calendars, steps: _Steps) -> Derived:
    legal, passed = calendars.statutory.nth_after(trigger, length)
    for day, reason in passed:
        steps.add("skipped", day, f"{day_name(day)} is not counted ({reason})")
    steps.add("nominal", legal, f"Business day {length} is {day_name(legal)}")
    steps.add(
        "legal",
        legal,
        f"Legal date {day_name(legal)}, to the end of that day "
        f"({calendars.statutory.id}@{calendars.statutory.version}; 'business day' is a reading)",
    )
    target, _ = calendars.strict.nth_after(trigger, length)
    steps.add("target", target, f"Target {day_name(target)}: the same count in {calendars.strict.id}")
    return Derived(rule, trigger, legal, legal, target, tuple(steps.lines), calendars.versions())


def _school_days(rule: Rule, length: int, trigger: dt.date, calendars: Calendars, steps: _Steps) -> Derived:
    legal, closed, provisional = _school(calendars).nth_after(trigger, length)
    for day in closed:
        steps.add("skipped", day, f"{day_name(day)} is not counted (no attendance)")
    steps.add("nominal", legal, f"School day {length} is {day_name(legal)}")
    steps.add("legal", legal, f"Legal date {day_name(legal)}, to the end of that day; the target is the same")
    if provisional:
        steps.add("provisional", legal, "Provisional: the attendance calendar is not entered that far")
    return Derived(rule, trigger, legal, legal, legal, tuple(steps.lines), calendars.versions(), provisional)


def _on_date(rule: Rule, trigger: dt.date, calendars: Calendars, steps: _Steps) -> Derived:
    """The next of the rule's dates on or after the trigger; a fixed date is no period and does not roll."""
    dates = [dt.date(year, int(on[:2]), int(on[3:])) for year in (trigger.year, trigger.year + 1) for on in rule.on]
    nominal = min(day for day in dates if day >= trigger)
    steps.add("nominal", nominal, f"The next date named by the rule is {day_name(nominal)}")
    return _from_nominal(rule, trigger, nominal, calendars, steps)


def _with_holds(
    counted: Derived, holds: tuple[Hold, ...], policy: HoldPolicy, grace: int, calendars: Calendars, steps: _Steps
) -> Derived:
    effective = [hold for hold in holds if _has_effect(hold, counted, steps)]
    if not effective:
        return _finish(counted, steps)
    standing = next((hold for hold in effective if hold.released is None), None)
    if standing is not None:
        review = standing.started + dt.timedelta(days=14)
        steps.add("hold", standing.started, f"Held since {day_name(standing.started)}: no date while the hold stands")
        return _finish(counted, steps, legal=None, target=None, held_since=standing.started, review_on=review)
    if policy == "toll":
        return _tolled(counted, effective, calendars, steps)
    return _as_soon_as_possible(counted, effective, grace, calendars, steps)


def _has_effect(hold: Hold, counted: Derived, steps: _Steps) -> bool:
    if counted.legal is not None and hold.started > counted.legal:
        steps.add("hold", hold.started, f"The hold of {day_name(hold.started)} began after the due date: no effect")
        return False
    if hold.released is not None and hold.released <= counted.trigger:
        steps.add("hold", hold.started, f"The hold of {day_name(hold.started)} ended before day 0: no effect")
        return False
    return True


def _as_soon_as_possible(
    counted: Derived, holds: list[Hold], grace: int, calendars: Calendars, steps: _Steps
) -> Derived:
    released = max(hold.released for hold in holds if hold.released is not None)
    legal, target = counted.legal or released, counted.target or released
    soonest = calendars.statutory.nth_after(released, grace)[0] if grace else released
    legal = max(legal, soonest)
    target = min(legal, max(target, calendars.strict.on_or_after(released)))
    steps.add(
        "hold",
        released,
        f"Hold released {day_name(released)}; {grace} business day after it is "
        f"{day_name(soonest)} (a reading of 'as soon as')",
    )
    steps.add("legal", legal, f"Legal date {day_name(legal)}: the later of the original date and that day")
    steps.add("target", target, f"Target {day_name(target)}: the later of the original target and the release")
    return _finish(counted, steps, legal=legal, target=target)


def _tolled(counted: Derived, holds: list[Hold], calendars: Calendars, steps: _Steps) -> Derived:
    held = sum((_days_held(hold, counted.trigger) for hold in holds), 0)
    nominal = (counted.nominal or counted.trigger) + held * ONE_DAY
    steps.add("hold", nominal, f"Held {held} calendar days: day {counted.rule.length} moves to {day_name(nominal)}")
    legal = _roll(counted.rule, nominal, calendars.statutory, steps)
    target = calendars.strict.on_or_before(nominal)
    steps.add("target", target, _target_text(target, nominal))
    return _finish(counted, steps, nominal=nominal, legal=legal, target=target)


def _days_held(hold: Hold, trigger: dt.date) -> int:
    return ((hold.released or hold.started) - max(hold.started, trigger)).days


def _finish(counted: Derived, steps: _Steps, **changes: object) -> Derived:
    values: dict[str, object] = {
        name: getattr(counted, name)
        for name in (
            "rule",
            "trigger",
            "nominal",
            "legal",
            "target",
            "calendars",
            "provisional",
            "held_since",
            "review_on",
        )
    }
    return Derived(**{**values, **changes, "steps": tuple(steps.lines)})  # type: ignore[arg-type]


def _target_text(target: dt.date, nominal: dt.date) -> str:
    if target == nominal:
        return f"Target {day_name(target)}: a business day by the strict calendar"
    return f"Target {day_name(target)}: the last business day before {day_name(nominal)} by the strict calendar"


def _school(calendars: Calendars) -> SchoolDays:
    if calendars.school is None:
        raise OutsideCalendar("no attendance calendar is entered: add the school days of this year to district.yaml")
    return calendars.school
