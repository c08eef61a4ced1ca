"""How many days a mail to many takes at the quota of the relay, which whatever else leaves uses as well."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from cli.printing import day
from engine.law.calendar import ONE_DAY


@dataclass(frozen=True, slots=True)
class Forecast:
    """`mails` are still to leave. Letters to many stop at `letters` of the relay's `quota`, and about `others` mails a
    day take their part of that. `room` is what is left of today once the letters go out, None before."""

    mails: int
    quota: int
    letters: int
    others: int
    legal: dt.date | None
    today: dt.date
    room: int | None = None

    @property
    def days(self) -> int:
        """Days with mails, today among them once the letters go out."""
        if self.room is None:
            return _days(self.mails, self.a_day)
        return 1 + _days(max(0, self.mails - self.room), self.a_day)

    @property
    def a_day(self) -> int:
        return max(1, self.letters - self.others)

    @property
    def start_by(self) -> dt.date | None:
        """The last day on which to begin; None without a legal date, and once they go out."""
        return self.legal - ONE_DAY * (self.days - 1) if self.legal and self.room is None else None

    @property
    def done_on(self) -> dt.date | None:
        return self.today + ONE_DAY * (self.days - 1) if self.room is not None else None

    def sentence(self) -> str:
        kept = [f"{self.letters:,} for letters"] if self.letters != self.quota else []
        kept += [f"about {self.others:,} other mails a day"] if self.others else []
        at = f"at your relay's daily quota of {self.quota:,}" + (f" ({', '.join(kept)})" if kept else "")
        legal = f" (legal deadline {day(self.legal)})" if self.legal else ""
        if self.done_on is None:
            by = f"; start by {day(self.start_by)}{legal}" if self.start_by else ""
            return f"{at} this takes {self.days:,} day{'s' * (self.days != 1)}{by}"
        late = ": TOO LATE, post the rest or ask for a higher quota" if self.legal and self.done_on > self.legal else ""
        return f"{at} the {self.mails:,} mails that wait have left on {day(self.done_on)}{legal}{late}"

    def mapping(self) -> Mapping[str, object]:
        return {"mails": self.mails, "daily_quota": self.quota, "days": self.days, "start_by": self.start_by,
                "done_on": self.done_on, "others_a_day": self.others}  # fmt: skip


def _days(mails: int, a_day: int) -> int:
    return -(-mails // a_day)
