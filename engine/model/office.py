"""The office: what a decision must know of the district besides the case. A frozen value, read before each decision."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from zoneinfo import ZoneInfo

from engine.law.clocks import Calendars, HoldPolicy
from engine.model.case import Case
from engine.model.register import Entry


@lru_cache(maxsize=1024)
def _at_local(zone: ZoneInfo, day: dt.date, hour: int, minute: int) -> dt.datetime:
    """Kept for a while: cases of one day have the same dates."""
    return dt.datetime.combine(day, dt.time(hour, minute), tzinfo=zone).astimezone(dt.UTC)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works for the district. `absent` is a closed range of local dates; `signs_from` and `signs_until`
    bound the days on which they stand on the Board's list of authorized signers."""

    id: str
    name: str
    email: str
    roles: frozenset[str]
    login: str | None = None
    language: str = "en"
    deputy: str | None = None
    supervisor: str | None = None
    absent: tuple[dt.date, dt.date] | None = None
    active: bool = True
    signs_from: dt.date | None = None
    signs_until: dt.date | None = None

    def may_sign(self, day: object) -> bool:
        """Whether they stood on the list on this local date: as long as they have the role `signer`, or as the dates on
        file say (105 ILCS 85/27(b))."""
        listed = "signer" in self.roles or self.signs_from is not None or self.signs_until is not None
        begun = isinstance(day, dt.date) and (self.signs_from is None or self.signs_from <= day)
        return listed and begun and (self.signs_until is None or day <= self.signs_until)  # type: ignore[operator]

    def is_away(self, day: dt.date) -> bool:
        return not self.active or (self.absent is not None and self.absent[0] <= day <= self.absent[1])


@dataclass(frozen=True, slots=True)
class Holder:
    """Who answers for a role today, and for whom if they stand in."""

    person: Person
    instead_of: Person | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """Facts of the world that a letter must give and that change, such as an agency's address. `as_of` is the local
    date on which they were looked up; `texts` by name, then by language."""

    name: str
    as_of: dt.date
    texts: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Logo:
    """The district's picture on pages and letters; `alt` is for who does not see it."""

    content: bytes
    media_type: str
    alt: str


@dataclass(frozen=True, slots=True, eq=False)
class Office:
    """The district as decisions see it. `zone` is the zone of every local date, `processes` are those that it has. Of
    the `register` only the agreements are here that the decision in hand names; `next_agreement` is the number that a
    new one gets. `others` are the cases among which the decision in hand counts, None where it counts none. The packet
    of a Board meeting closes `packet_days` days before it; no meetings: none were entered. An answer may be taken back
    for `undo_minutes`, and its mails wait so long; 0: never. Each is only itself, so that what follows from one can be
    kept by it."""

    district: str
    zone: ZoneInfo
    calendars: Calendars
    people: Mapping[str, Person]
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    second_person: str | None = None
    contacts: Mapping[str, str] = field(default_factory=dict)
    languages: tuple[str, ...] = ("en",)
    public_url: str = "http://localhost:8080"
    fiscal_year_start: str = "07-01"
    attestation_month: int | None = None
    hold_policy: HoldPolicy = "asap"
    asap_grace: int = 1
    references: Mapping[str, Reference] = field(default_factory=dict)
    thresholds: Mapping[str, int] = field(default_factory=dict)
    board_meetings: tuple[dt.date, ...] = ()
    packet_days: int = 7
    logo: Logo | None = None
    processes: frozenset[str] = frozenset()
    register: Mapping[str, Entry] = field(default_factory=dict)
    next_agreement: int = 1
    others: tuple[Case, ...] | None = None
    undo_minutes: int = 0

    def today(self, now: dt.datetime) -> dt.date:
        return now.astimezone(self.zone).date()

    def at_local(self, day: dt.date, hour: int, minute: int = 0) -> dt.datetime:
        """That local wall-clock moment as an aware UTC instant; in a gap the first moment after it."""
        return _at_local(self.zone, day, hour, minute)

    def open_meetings(self, today: dt.date) -> tuple[dt.date, ...]:
        """The Board's meetings whose packets are open still, the next one first."""
        closes = dt.timedelta(days=self.packet_days)
        return tuple(day for day in self.board_meetings if day - closes >= today)

    def person(self, person_id: str) -> Person | None:
        return self.people.get(person_id)

    def holders(self, role: str, day: dt.date) -> tuple[Holder, ...]:
        """The people who answer for a role on that day, in order of their ids, each at most once.

        Somebody away is followed through deputies (bounded by the number of people, so a circle ends); a role with
        nobody present falls to its stand-in, and then to the privacy officer. Empty when there is nobody at all.
        """
        holders = self.own_holders(role, day)
        for other in (self.stand_ins.get(role), *(p.id for p in self.with_role("privacy"))):
            person = self.people.get(other) if other else None
            if not holders and person is not None and not person.is_away(day):
                holders = [Holder(person)]
        unique = {holder.person.id: holder for holder in reversed(holders)}
        return tuple(unique[key] for key in sorted(unique))

    def own_holders(self, role: str, day: dt.date) -> list[Holder]:
        """Those who hold a role, or the deputies of whoever is away; without the fall-back of `holders`."""
        return [holder for person in self.with_role(role) for holder in self.present(person, day)]

    def anybody_there(self, people: Iterable[str], day: dt.date) -> bool:
        found = [person for person in map(self.people.get, people) if person is not None]
        return any(not person.is_away(day) for person in found)

    def with_role(self, role: str) -> list[Person]:
        """Who holds a role, there or away."""
        return sorted((p for p in self.people.values() if role in p.roles and p.active), key=lambda p: p.id)

    def present(self, person: Person, day: dt.date) -> tuple[Holder, ...]:
        """The person, or the first of their deputies who is there on that day; empty when nobody is."""
        current: Person | None = person
        for _ in range(len(self.people)):
            if current is None:
                break
            if not current.is_away(day):
                return (Holder(current, None if current is person else person),)
            current = self.people.get(current.deputy) if current.deputy else None
        return ()
