"""Dates for the preview of a mail: as if a case had reached the district two weeks ago, counted like real ones."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from engine.errors import SoppaError
from engine.law.calendar import ONE_DAY
from engine.law.clocks import Calendars, Derived, Rule, derive
from engine.law.targets import count_back, due_in
from engine.model.definition import ClockDef, Definition, MailDef, Source, TaskDef

SINCE_RECEIPT, AHEAD, CONTRACT_DAYS = 10, 10, 30
"""Business days since the day of receipt, and until a day that is to come; the days that a contract gives."""


@dataclass(frozen=True, slots=True)
class SampleDates:
    """`today` is a business day; each date that has happened lies at or before it."""

    definition: Definition
    today: dt.date
    calendars: Calendars

    def fact(self, name: str) -> dt.date:
        """What has happened follows what comes before it by one business day; what is to come is some days off."""
        fact = self.definition.facts[name]
        first = max((self._source(source) for source in fact.not_before), default=None)
        if not fact.past and not self._starts_a_clock(name):
            ahead = due_in(self.today, AHEAD, "business_days", self.calendars)
            return ahead if first is None else max(ahead, self._next(first))
        receipt = count_back(self.today, SINCE_RECEIPT, "business_days", self.calendars)
        return receipt if first is None else min(self.today, self._next(first))

    def clock(self, name: str) -> Derived | None:
        """As if all that it may count from had happened; None where it is beyond the tables."""
        wanted = self.definition.clocks[name]
        day = min(self._source(source) for source in wanted.anchor.sources)
        try:
            return derive(self._rule(wanted), day, self.calendars)
        except SoppaError:
            return None

    def due(self, task: TaskDef) -> dt.date:
        """The task's target, of a state entered today."""
        due = task.due
        if due is None:
            return due_in(self.today, 5, "business_days", self.calendars)
        of = due.of or ""
        clock = self.clock(of) if of in self.definition.clocks else None
        start = clock.trigger if clock else self.fact(of) if of in self.definition.facts else self.today
        end = clock.target if clock else start
        if due.before and end is not None:
            return count_back(end, due.amount, due.unit, self.calendars)
        return due_in(start, due.amount, due.unit, self.calendars)

    def state_until(self, mail: MailDef) -> dt.date:
        """The last day of a state that ends by itself: that of the mail's task, else the first such one."""
        states = [state for state in self.definition.states.values() if state.after is not None]
        own = [state for state in states if mail.task and state.task(mail.task)]
        after = next((state.after for state in (*own, *states) if state.after is not None), None)
        if after is None:
            return due_in(self.today, AHEAD, "business_days", self.calendars)
        return due_in(self.today, after.amount, after.unit, self.calendars)

    def _rule(self, wanted: ClockDef) -> Rule:
        shorter = wanted.days_fact is not None and (wanted.rule.length or 0) > CONTRACT_DAYS
        return replace(wanted.rule, length=CONTRACT_DAYS) if shorter else wanted.rule

    def _source(self, source: Source) -> dt.date:
        if source.kind == "fact":
            return self.fact(source.name)
        clock = self.clock(source.name) if source.kind == "clock" else None
        return clock.legal if clock is not None and clock.legal is not None else self.today

    def _starts_a_clock(self, name: str) -> bool:
        return any(name in clock.anchor.names("fact") for clock in self.definition.clocks.values())

    def _next(self, day: dt.date) -> dt.date:
        return self.calendars.strict.on_or_after(day + ONE_DAY)


def sample_dates(definition: Definition, today: dt.date, calendars: Calendars) -> SampleDates:
    return SampleDates(definition, calendars.strict.on_or_before(today), calendars)
