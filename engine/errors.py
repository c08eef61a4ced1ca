"""What can go wrong, whose fault it is and which exit code tells it.

    SoppaError
    ├── UsageError              2   the words of the call make no sense: unknown name, wrong type, bad date
    │   ├── FaultyInput         2   a document or table with one or more faults, each with its place
    │   │   └── FaultySettings 78   the settings of a home, its calendars: nothing starts before they are mended
    │   ├── WrongDate           2   a date that cannot be: in the future, before what comes first or the law itself
    │   └── OutsideCalendar     2   a date beyond the last (or before the first) day of a calendar
    ├── Refused                 1   the call is well formed, but the case does not allow it
    │   ├── Unmet               1   the answer comes too early: what it requires is not there yet
    │   ├── NotAllowed          1   this person may not do this
    │   ├── NeedsSecond         1   another person must confirm it first
    │   ├── AlreadyDecided      1   somebody was first; says who and when
    │   ├── Stale               1   what the person saw has changed since
    │   └── LostRace            1   another transaction won; callers may load and decide again
    ├── Contradiction           1   a row breaks the database's rules: a fault in soppa, and no race
    └── WrongEnvironment       78   schema, key, file mode, set-up: nothing starts until it is mended

Every message is one plain sentence: what is wrong, where, and what to do. It never holds a child's data.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Literal

from engine.faults import Fault


class SoppaError(Exception):
    """Base of all errors that a person may see; `str(error)` is the sentence to show."""

    exit_code = 1


class UsageError(SoppaError):
    exit_code = 2


class FaultyInput(UsageError):
    """A document with faults; all of them, in the order of the file."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class FaultySettings(FaultyInput):
    """The settings of a home, or its own calendars, have faults: nothing starts until they are mended."""

    exit_code = 78


class WrongDate(UsageError):
    """A date of fact `fact` that cannot be: it lies in the `future`, is `before` or `after` the day `other`, which
    `label` names in each language, or before the law of that `label` was in force (`law`)."""

    def __init__(
        self, fact: str, day: dt.date, why: Literal["future", "before", "after", "law"], other: dt.date,
        label: Mapping[str, str],
    ) -> None:
        self.fact, self.why, self.other, self.label = fact, why, other, label
        if why == "future":
            super().__init__(f"{fact}: {day} is in the future; today is {other}")
        elif why == "law":
            law = f"when the law began to count ({label['en']})"
            super().__init__(f"{fact}: {day} is before {other}, {law}: correct it")
        else:
            super().__init__(f"{fact}: {day} is {why} {other} ({label['en']}): correct one of the two dates")


class OutsideCalendar(UsageError):
    """The date asked for lies outside the dated table of its calendar."""


class Refused(SoppaError):
    exit_code = 1


class Unmet(Refused):
    """What an answer requires is not there yet; `texts` are all the sentences, by language."""

    def __init__(self, outcome: str, texts: Sequence[Mapping[str, str]]) -> None:
        self.texts = tuple(texts)
        lines = "\n".join(f"  - {text['en']}" for text in texts)
        super().__init__(f"outcome '{outcome}' is not open yet:\n{lines}")


class NotAllowed(Refused):
    """This person may not do this; the sentence says who may."""


class NeedsSecond(Refused):
    """One of the acts that take two persons: another one must confirm it first."""


class AlreadyDecided(Refused):
    """The task was done by somebody else first."""


class Stale(Refused):
    """The task or the facts that the person saw have changed; look again and decide again."""


class LostRace(Refused):
    """The case changed between reading and writing; nothing was written."""


class Contradiction(SoppaError):
    """A row breaks a rule of the database: a fault in soppa itself. Nothing was written."""


class WrongEnvironment(SoppaError):
    exit_code = 78
