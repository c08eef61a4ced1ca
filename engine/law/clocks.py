"""Deadlines: from a rule, a trigger date, calendars and holds to dates, with every step of the way.

All dates are local dates of the district; day 0 is the day of the event and is not counted (5 ILCS 70/1.11). Nothing is
counted in hours, and units never convert. `derive` is pure: the same arguments give the same answer for ever.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from zoneinfo import ZoneInfo

from engine.errors import OutsideCalendar, UsageError
from engine.law.calendar import ONE_DAY, Calendar, SchoolDays
from engine.law.days import day_name
from engine.law.quarters import fiscal_quarter, quarter_days
from engine.law.rules import HoldPolicy as HoldPolicy
from engine.law.rules import Rule as Rule

ROLL_CITATION = "5 ILCS 70/1.11"
MAX_GRACE = 3
FISCAL_YEAR = "fiscal_year"
"""Stands for the start of the district's fiscal year among the dates of a cycle."""

HOLD_REVIEW = dt.timedelta(days=14)


NOT_ENTERED = SchoolDays("not entered")
"""Until a district enters its days of attendance every school day is provisional."""


@dataclass(frozen=True, slots=True, eq=False)
class Calendars:
    """The calendars that dates are counted in; `statutory` for legal dates, `strict` for targets. `fiscal_year_start`
    is the district's, as `MM-DD`. Equal to themselves alone, as each `Calendar` is."""

    statutory: Calendar
    strict: Calendar
    school: SchoolDays = NOT_ENTERED
    fiscal_year_start: str = "07-01"

    def legal_for(self, rule: Rule) -> Calendar:
        """The calendar that the legal date of this rule is counted in. Raises `UsageError` for an unknown name."""
        for calendar in (self.statutory, self.strict):
            if calendar.id == rule.calendar:
                return calendar
        raise UsageError(
            f"{rule.id} counts in calendar '{rule.calendar}', which is not loaded: write "
            f"'{self.statutory.id}' or '{self.strict.id}'"
        )

    def versions(self) -> tuple[str, ...]:
        """Every calendar in force, as `id@version`."""
        own = (f"{self.statutory.id}@{self.statutory.version}", f"{self.strict.id}@{self.strict.version}")
        return (*own, f"{FISCAL_YEAR}@{self.fiscal_year_start}", f"attendance@{self.school.version}")

    def versions_for(self, rule: Rule) -> tuple[str, ...]:
        """Those that bear on the dates of one rule."""
        if rule.unit == "school_days":
            return self.versions()[3:]
        if rule.kind in ("no_number", "quota"):
            return ()
        return self.versions()[: 3 if rule.kind == "cycle" else 2]


@dataclass(frozen=True, slots=True)
class Hold:
    """A law-enforcement hold, from `started` to the day its end became known to the school; `released` None while it
    stands."""

    started: dt.date
    released: dt.date | None = None

    def __post_init__(self) -> None:
        if self.released is not None and self.released < self.started:
            raise UsageError(
                f"a hold cannot be released on {self.released.isoformat()}, before it began on "
                f"{self.started.isoformat()}: correct one of the dates"
            )


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a derivation: what was done (`trigger`, `skipped`, `cycle`, `nominal`, `rolled`, `legal`, `target`,
    `provisional`, `hold`, `tied`, `no_number`), the date it gave, and a sentence."""

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


def local_date(instant: dt.datetime, zone: ZoneInfo) -> dt.date:
    """The local date of an instant. Raises `UsageError` for a naive one: it names no moment."""
    return _aware(instant).astimezone(zone).date()


def derive(
    rule: Rule,
    trigger: dt.date,
    calendars: Calendars,
    holds: Iterable[Hold] = (),
    policy: HoldPolicy = "asap",
    grace: int = 1,
    agreed: dt.date | None = None,
) -> Derived:
    """The nominal, legal and target date of `rule` counted from `trigger`, with each step.

    `policy` and `grace` (business days, 0 to 3) say what a released hold does. A hold that the rule does not know, that
    began after the due date, or that ended before the trigger has no effect; a step says so. `agreed` is a later date
    that both sides agreed to, where the rule lets them. Raises `OutsideCalendar`, and `UsageError` for a policy that
    the rule does not allow.
    """
    return _derive(rule, trigger, calendars, tuple(holds), policy, grace, agreed)


@lru_cache(maxsize=512)
def _derive(
    rule: Rule,
    trigger: dt.date,
    calendars: Calendars,
    holds: tuple[Hold, ...],
    policy: HoldPolicy,
    grace: int,
    agreed: dt.date | None,
) -> Derived:
    """Kept for a while: cases of one day have the same dates, and each decision asks for those of a clock again."""
    steps = _Steps()
    counted_from = f"{rule.anchor}; it is not counted{f' ({ROLL_CITATION})' if rule.unit else ''}"
    steps.add("trigger", trigger, f"Day 0 is {day_name(trigger)}: {counted_from}")
    counted = _dates(rule, trigger, calendars, steps)
    for hold in unite(holds):
        counted = _held(counted, hold, policy, grace, calendars, steps)
    if agreed is not None:
        counted = _agreed(counted, agreed, calendars, steps)
    return replace(counted, steps=tuple(steps.lines))


def within_hours(begins: dt.datetime, hours: int) -> dt.datetime:
    """The end of a contract's term in hours, as UTC: elapsed time, whatever the clocks on the wall do. No statute
    counts so. Raises `UsageError` for an instant without a zone."""
    return _aware(begins).astimezone(dt.UTC) + dt.timedelta(hours=hours)


def unite(holds: Iterable[Hold]) -> tuple[Hold, ...]:
    """Overlapping and touching holds as one, in order; an open hold swallows all that begin after it."""
    united: list[Hold] = []
    for hold in sorted(holds, key=lambda h: (h.started, h.released or dt.date.max)):
        if united and _touches(united[-1], hold):
            united[-1] = Hold(united[-1].started, _later_end(united[-1].released, hold.released))
        else:
            united.append(hold)
    return tuple(united)


def _aware(instant: dt.datetime) -> dt.datetime:
    if instant.tzinfo is None:
        raise UsageError(f"'{instant.isoformat()}' has no time zone: add Z or an offset such as -06:00")
    return instant


def _touches(earlier: Hold, later: Hold) -> bool:
    return earlier.released is None or later.started <= earlier.released


def _later_end(one: dt.date | None, other: dt.date | None) -> dt.date | None:
    return None if one is None or other is None else max(one, other)


def _dates(rule: Rule, trigger: dt.date, calendars: Calendars, steps: _Steps) -> Derived:
    undated = Derived(rule, trigger, None, None, None, (), calendars.versions_for(rule))
    if rule.kind == "quota":
        steps.add("no_number", None, _quota_text(rule, trigger))
        return undated
    if rule.kind == "no_number":
        steps.add("no_number", None, f"{rule.citation} gives no number of days; the district sets its own target")
        return undated
    if rule.kind == "on_date":
        return _on_date(undated, calendars, steps)
    if rule.kind == "cycle":
        return _cycle(undated, calendars, steps)
    if rule.length is None or rule.unit is None:
        steps.add("tied", trigger, f"Due with the event itself, on {day_name(trigger)}")
        return replace(undated, nominal=trigger, legal=trigger, target=trigger)
    if rule.unit == "business_days":
        return _business(undated, rule.length, calendars, steps)
    if rule.unit == "school_days":
        return _school_days(undated, rule.length, calendars, steps)
    nominal = trigger + dt.timedelta(days=rule.length)
    steps.add("nominal", nominal, f"Day {rule.length} (calendar days, all counted) is {day_name(nominal)}")
    return _from_nominal(undated, nominal, calendars, steps)


def _quota_text(rule: Rule, day: dt.date) -> str:
    year, quarter = fiscal_quarter(day)
    first, after = quarter_days(day)
    last = after - ONE_DAY
    return (f"{rule.citation} limits how many there may be, {rule.length} in a State fiscal quarter, and sets nobody a "
            f"date; this one counts in quarter {quarter} of fiscal year {year}, {day_name(first)} to {day_name(last)}")


def _on_date(undated: Derived, calendars: Calendars, steps: _Steps) -> Derived:
    """The next of the rule's dates on or after the trigger; a fixed date is no period."""
    years = (undated.trigger.year, undated.trigger.year + 1)
    dates = [dt.date(year, int(on[:2]), int(on[3:])) for year in years for on in undated.rule.on]
    nominal = min(day for day in dates if day >= undated.trigger)
    steps.add("nominal", nominal, f"The next date named by the rule is {day_name(nominal)}")
    return _from_nominal(undated, nominal, calendars, steps)


def _cycle(undated: Derived, calendars: Calendars, steps: _Steps) -> Derived:
    """The first update whose legal date is not before the trigger; each is due so many days after its start."""
    starts = sorted(
        dt.date(year, int(on[:2]), int(on[3:]))
        for year in range(undated.trigger.year - 1, undated.trigger.year + 2)
        for on in (calendars.fiscal_year_start if on == FISCAL_YEAR else on for on in undated.rule.on)
    )
    for start in starts:
        nominal = start + (undated.rule.length or 0) * ONE_DAY
        if _roll(undated.rule, nominal, calendars, _Steps()) >= undated.trigger:
            steps.add("cycle", start, f"The next update is that of {day_name(start)}")
            steps.add("nominal", nominal, f"It is due on day {undated.rule.length}, {day_name(nominal)}")
            return _from_nominal(undated, nominal, calendars, steps)
    raise OutsideCalendar(f"{undated.rule.id} has no update after {day_name(undated.trigger)}")


def _from_nominal(before: Derived, nominal: dt.date, calendars: Calendars, steps: _Steps) -> Derived:
    legal = _roll(before.rule, nominal, calendars, steps)
    target = max(before.trigger, calendars.strict.on_or_before(nominal))
    _add_target(steps, before.rule, target, _target_text(target, nominal, calendars))
    return replace(before, nominal=nominal, legal=legal, target=target)


def _roll(rule: Rule, nominal: dt.date, calendars: Calendars, steps: _Steps) -> dt.date:
    if not rule.rolls:
        steps.add("legal", nominal, f"{_named(rule)} {day_name(nominal)}: this date does not move")
        return nominal
    calendar = calendars.legal_for(rule)
    legal, passed = calendar.roll_forward(nominal)
    for day, reason in passed:
        steps.add(
            "rolled", day, f"{day_name(day)} does not count as the last day ({reason}): the next day, {ROLL_CITATION}"
        )
    steps.add("legal", legal, _legal_text(rule, legal, calendar))
    return legal


def _business(undated: Derived, length: int, calendars: Calendars, steps: _Steps) -> Derived:
    calendar = calendars.legal_for(undated.rule)
    legal, passed = calendar.nth_after(undated.trigger, length)
    for day, reason in passed:
        steps.add("skipped", day, f"{day_name(day)} is not counted ({reason})")
    steps.add("nominal", legal, f"Business day {length} is {day_name(legal)}")
    steps.add("legal", legal, _legal_text(undated.rule, legal, calendar))
    target, _ = calendars.strict.nth_after(undated.trigger, length)
    _add_target(steps, undated.rule, target, f"Target {day_name(target)}: the same count in {calendars.strict.id}")
    return replace(undated, nominal=legal, legal=legal, target=target)


def _school_days(undated: Derived, length: int, calendars: Calendars, steps: _Steps) -> Derived:
    legal, closed, provisional = calendars.school.nth_after(undated.trigger, length)
    for day in closed:
        steps.add("skipped", day, f"{day_name(day)} is not counted (no attendance)")
    steps.add("nominal", legal, f"School day {length} is {day_name(legal)}")
    same = "" if undated.rule.kind == "window" else "; the target is the same"
    steps.add("legal", legal, f"{_named(undated.rule)} {day_name(legal)}, to the end of that day{same}")
    if provisional:
        steps.add("provisional", legal, "Provisional: the attendance calendar is not entered that far")
    return replace(undated, nominal=legal, legal=legal, target=legal, provisional=provisional)


def _agreed(counted: Derived, agreed: dt.date, calendars: Calendars, steps: _Steps) -> Derived:
    """A date agreed to by both sides counts as it stands: later than the rule's own, and never rolled."""
    if not counted.rule.agreement or counted.legal is None or agreed <= counted.legal:
        steps.add("agreed", agreed, f"The agreement on {day_name(agreed)} has no effect: not later, or not allowed")
        return counted
    target = max(counted.trigger, calendars.strict.on_or_before(agreed))
    steps.add("agreed", agreed, f"Both sides agreed in writing to {day_name(agreed)}: that is the date instead")
    steps.add("target", target, _target_text(target, agreed, calendars))
    return replace(counted, legal=agreed, target=target)


def _held(counted: Derived, hold: Hold, policy: HoldPolicy, grace: int, calendars: Calendars, steps: _Steps) -> Derived:
    """The dates after one more hold. Holds come in order, so that each is measured against the date it met."""
    without_effect = _why_no_effect(counted, hold)
    if without_effect is not None:
        steps.add("hold", hold.started, f"The hold of {day_name(hold.started)} has no effect: {without_effect}")
        return counted
    _check_policy(counted.rule, policy, grace)
    if hold.released is None:
        review = hold.started + HOLD_REVIEW
        steps.add(
            "hold",
            hold.started,
            f"Held since {day_name(hold.started)}: no date while the hold stands; review it on {day_name(review)}",
        )
        return replace(counted, legal=None, target=None, held_since=hold.started, review_on=review)
    if policy == "toll":
        return _tolled(counted, hold.started, hold.released, calendars, steps)
    return _as_soon_as_possible(counted, hold.released, grace, calendars, steps)


def _why_no_effect(counted: Derived, hold: Hold) -> str | None:
    if not counted.rule.holds or counted.legal is None:
        return f"{counted.rule.id} knows no hold"
    if hold.started > counted.legal:
        return f"it began after the due date, {day_name(counted.legal)}"
    if hold.released is not None and hold.released <= counted.trigger:
        return "it ended before day 1"
    return None


def _check_policy(rule: Rule, policy: HoldPolicy, grace: int) -> None:
    if policy not in rule.holds:
        raise UsageError(f"{rule.id} does not allow the hold policy '{policy}': use {' or '.join(rule.holds)}")
    if not 0 <= grace <= MAX_GRACE:
        raise UsageError(f"the grace after a hold is 0 to {MAX_GRACE} business days, not {grace}")


def _as_soon_as_possible(
    counted: Derived, released: dt.date, grace: int, calendars: Calendars, steps: _Steps
) -> Derived:
    calendar = calendars.legal_for(counted.rule)
    soonest = calendar.on_or_after(calendar.nth_after(released, grace)[0])  # without a grace the release itself rolls
    legal = max(counted.legal or released, soonest)
    target = min(legal, max(counted.target or released, calendars.strict.on_or_after(released)))
    plural = "" if grace == 1 else "s"
    steps.add(
        "hold",
        released,
        f"Hold released {day_name(released)}; {grace} business day{plural} after it is "
        f"{day_name(soonest)} (a reading of 'as soon as')",
    )
    steps.add("legal", legal, f"Legal date {day_name(legal)}: the later of the date before the hold and that day")
    steps.add("target", target, f"Target {day_name(target)}: the later of the target before the hold and the release")
    return replace(counted, legal=legal, target=target)


def _tolled(counted: Derived, started: dt.date, released: dt.date, calendars: Calendars, steps: _Steps) -> Derived:
    """Nominal moves by the days held after the trigger, then rolls like any other."""
    days = (released - max(started, counted.trigger)).days
    nominal = (counted.nominal or counted.trigger) + days * ONE_DAY
    steps.add(
        "hold",
        nominal,
        f"Held {days} calendar days, {day_name(max(started, counted.trigger))} to "
        f"{day_name(released)}: day {counted.rule.length} moves to {day_name(nominal)}",
    )
    return _from_nominal(counted, nominal, calendars, steps)


def _legal_text(rule: Rule, legal: dt.date, calendar: Calendar) -> str:
    reading = "; the count rests on a reading" if rule.reading else ""
    return f"{_named(rule)} {day_name(legal)}, to the end of that day ({calendar.id}@{calendar.version}{reading})"


def _named(rule: Rule) -> str:
    """What the steps call the date: others may act until the last day of a window, nobody must."""
    return "Last day" if rule.kind == "window" else "Legal date"


def _add_target(steps: _Steps, rule: Rule, target: dt.date, text: str) -> None:
    """A district sets itself no target for what others may do."""
    if rule.kind != "window":
        steps.add("target", target, text)


def _target_text(target: dt.date, nominal: dt.date, calendars: Calendars) -> str:
    if calendars.strict.on_or_before(target) != target:
        return f"Target {day_name(target)}: day 0 itself, no business day lies between it and the legal date"
    if target == nominal:
        return f"Target {day_name(target)}: a business day by the strict calendar"
    return f"Target {day_name(target)}: the last business day before {day_name(nominal)} by the strict calendar"
