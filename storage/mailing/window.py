"""The mail window: when reminders may leave. What a person just asked for knows no window."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from zoneinfo import ZoneInfo

from engine.law.calendar import ONE_DAY
from engine.model.handed import CONTACT

BRIEF_FROM, CONTACT_FROM, UNTIL = dt.time(7, 30), dt.time(8), dt.time(17)
_SATURDAY = 5
_MINUTE = dt.timedelta(minutes=1)


def is_weekday(day: dt.date) -> bool:
    return day.weekday() < _SATURDAY


@dataclass(frozen=True, slots=True)
class MailWindow:
    """Open on business days until 17:00 local time: from 07:30 for the people of the district, from 08:00 for contacts
    outside. The business days are asked for only while there is a brief to write or to send. Whoever holds one of the
    roles `weekly` gets what can wait once a week. A district may set other times."""

    zone: ZoneInfo
    is_business_day: Callable[[dt.date], bool] = is_weekday
    weekly: frozenset[str] = frozenset()
    people_from: dt.time = BRIEF_FROM
    contacts_from: dt.time = CONTACT_FROM
    until: dt.time = UNTIL

    def of_one_moment(self) -> MailWindow:
        """The same, with business days that are each asked for once."""
        return replace(self, is_business_day=cache(self.is_business_day))

    def next_brief(self, recipient: str, now: dt.datetime, *, weekly: bool = False) -> tuple[dt.date, dt.datetime]:
        """The day of the reader's next brief, or of their next one a week, and the UTC instant it leaves at, not before
        `now`."""
        day, fits = now.astimezone(self.zone).date(), self._begins_week if weekly else self.is_business_day
        while self._opens(recipient, day) < now or not fits(day):
            day += ONE_DAY
        return day, self._opens(recipient, day)

    def days(self, recipient: str, now: dt.datetime) -> Iterator[tuple[dt.date, dt.datetime]]:
        """The days of the reader's briefs from `now` on, each with the UTC instant at which they leave."""
        while True:
            day, leaves = self.next_brief(recipient, now)
            yield day, leaves
            now = leaves + _MINUTE

    def starts(self, day: dt.date) -> dt.datetime:
        """The UTC instant at which a local day begins."""
        return self._at(day, dt.time())

    def _begins_week(self, day: dt.date) -> bool:
        """The first business day of a week."""
        earlier = (day - ONE_DAY * back for back in range(1, day.weekday() + 1))
        return self.is_business_day(day) and not any(map(self.is_business_day, earlier))

    def today(self, now: dt.datetime) -> dt.date | None:
        """The local date, if it is a business day."""
        day = now.astimezone(self.zone).date()
        return day if self.is_business_day(day) else None

    def is_hour(self, recipient: str, now: dt.datetime) -> bool:
        """Whether a brief may leave at this hour of a business day."""
        day = now.astimezone(self.zone).date()
        return self._opens(recipient, day) <= now < self._at(day, self.until)

    def _opens(self, recipient: str, day: dt.date) -> dt.datetime:
        return self._at(day, self.contacts_from if recipient.startswith(CONTACT) else self.people_from)

    def _at(self, day: dt.date, time: dt.time) -> dt.datetime:
        return dt.datetime.combine(day, time, tzinfo=self.zone).astimezone(dt.UTC)
