"""What a year was: cases, mails, rungs, each legal deadline met or missed, and whether the mail budget was held."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from cli.year.run import Year
from engine.model.office import Person
from storage.looking.counts import Counts, LegalDate, Sent

BREACH = "breach_response"
Pairs = Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Budget:
    """One line of the mail budget: whose, how much at most, the most there was, and when."""

    whose: str
    limit: int
    most: int
    when: str

    @property
    def held(self) -> bool:
        return self.most <= self.limit


@dataclass(frozen=True, slots=True)
class Report:
    cases: Pairs
    mails: Pairs
    rungs: Pairs
    deadlines: Pairs
    budgets: Sequence[Budget]
    incidents: int
    refused: Sequence[str]


def report_of(year: Year) -> Report:
    counts, people = Counts(year.house.store.base), year.house.store.people()
    sent = list(counts.sent())
    return Report(
        cases={(process, outcome or "still open"): count for (process, outcome), count in counts.cases().items()},
        mails=_mails(people, sent),
        rungs=counts.rungs(),
        deadlines=Counter((date.rule, _ended(date, year.today)) for date in counts.legal_dates()),
        budgets=tuple(budgets(people, sent, year.house.settings.zone)),
        incidents=counts.incidents(),
        refused=tuple(year.refused),
    )


def _mails(people: Iterable[Person], sent: Iterable[Sent]) -> Pairs:
    """By whom they were to and by kind: each person of the office, the others together."""
    together = {"sponsor": "teachers", "principal": "principals"}
    names = {
        person.email: next((name for role, name in together.items() if role in person.roles), person.id)
        for person in people
    }
    return Counter((names.get(one.to, _outside(one.to)), one.mail) for one in sent)


def _outside(address: str) -> str:
    return "families" if "@families." in address else "vendors"


def _ended(date: LegalDate, today: dt.date) -> str:
    """Met, missed, void, or still to come."""
    if date.status == "satisfied" and date.ended_on is not None:
        return "met" if date.ended_on <= date.legal else "missed"
    if date.status == "running":
        return "to come" if date.legal >= today else "missed"
    return date.status


def budgets(people: Iterable[Person], sent: Sequence[Sent], zone: ZoneInfo) -> Iterator[Budget]:
    """The budget of a district: officer, superintendent, teachers, vendors. A brief is a mail of its reader's day and
    week, and none about a request; a breach leaves at once, whatever else a vendor has got that day."""
    known = {person.email: person.roles for person in people}

    def to(role: str) -> list[Sent]:
        return [one for one in sent if role in known.get(one.to, ())]

    def day(one: Sent) -> str:
        return str(one.at.astimezone(zone).date())

    def week(one: Sent) -> str:
        return "{}-W{:02d}".format(*one.at.astimezone(zone).isocalendar())

    breach = {week(one) for one in sent if one.process == BREACH}
    calm = [one for one in to("privacy") if week(one) not in breach]
    yield _most("officer, mails a day", 2, map(day, calm))
    yield _most("officer, mails a week", 10, map(week, calm))
    yield _most("officer, mails a week in a breach", 25, (week(one) for one in to("privacy") if week(one) in breach))
    plain = [one for one in to("superintendent") if week(one) not in breach]
    yield _most("superintendent, mails a week but for breaches", 1, map(week, plain))
    yield _most("teacher, mails a request", 2, (f"{one.case_id} {one.to}" for one in to("sponsor") if one.case_id))
    vendors = [one for one in sent
               if one.to not in known and _outside(one.to) == "vendors" and one.process != BREACH]
    yield _most("vendor contact, mails a day", 1, (f"{day(one)} {one.to}" for one in vendors))


def _most(whose: str, limit: int, things: Iterable[str]) -> Budget:
    when, most = max(Counter(things).items(), key=lambda item: item[1], default=("", 0))
    return Budget(whose, limit, most, when)
