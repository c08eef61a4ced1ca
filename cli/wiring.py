"""The only place where the parts meet, and the only one that reads the clock.

The parts are loaded when a house is opened, so that what needs none (help, completion) stays fast.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cli.home import Home, check_home
from cli.identity import acting, reading
from cli.needtoknow import Reader, closed_of, closed_to
from cli.settings import Settings, read_settings
from engine.errors import NotAllowed, WrongEnvironment

if TYPE_CHECKING:
    from cli.documents import Documents
    from engine.law.calendar import Calendar
    from engine.model.case import Actor, Case
    from engine.model.definition import Definition
    from engine.model.office import Office, Person
    from engine.ports import Unit
    from engine.service import Service
    from storage.store import SqlStore
    from workflows import Catalogue

PACKAGES = ("cli", "engine", "workflows", "storage", "notifiers", "registry", "web")
Clock = Callable[[], dt.datetime]


def machine_clock() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Adopted:
    """The definitions on file and, for cases that run on an older one, those that the database adopted."""

    catalogue: Catalogue
    store: SqlStore
    _kept: dict[str, Definition] = field(default_factory=dict)

    def newest(self, process: str) -> Definition:
        return self.catalogue.newest(process)

    def processes(self) -> tuple[str, ...]:
        return self.catalogue.processes()

    def scheduled(self) -> Sequence[Definition]:
        return self.catalogue.scheduled()

    def pinned(self, process: str, version: int, digest: str) -> Definition:
        """Raises `WrongEnvironment` when neither has it."""
        try:
            return self.catalogue.pinned(process, version, digest)
        except WrongEnvironment:
            if digest not in self._kept:
                with self.store.read() as unit:
                    adopted = unit.adopted(process, version)
                if adopted is None or adopted[0] != digest:
                    raise
                self._kept[digest] = _definition(adopted[1])
            return self._kept[digest]

    def source(self, definition: Definition) -> str:
        return self.catalogue.source(definition)


@dataclass(frozen=True, slots=True)
class House:
    """Everything of one district, opened. `clock` gives aware UTC instants."""

    home: Home
    settings: Settings
    store: SqlStore
    definitions: Adopted
    service: Service
    clock: Clock

    @property
    def documents(self) -> Documents:
        from cli.documents import Documents

        return Documents(self.home.documents, self.store.base.ring)

    def office(self, unit: Unit) -> Office:
        return self.make_office(unit.people())

    def make_office(self, people: Iterable[Person]) -> Office:
        return _office(self.settings, people, self.home)

    def active(self) -> frozenset[str]:
        """The ids of everybody who works here now."""
        return frozenset(person.id for person in self.store.people() if person.active)

    def reader(self, as_login: str | None = None) -> Actor | None:
        """Whoever reads at the terminal; None where everything is for everybody. Raises `NotAllowed`."""
        return reading(self.store.people(), as_login=as_login, demo=self.settings.demo)

    def case(self, case_id: str, who: Actor | None) -> Case:
        """A case, for somebody who may read it. Raises `NotAllowed`."""
        with self.store.read() as unit:
            found = unit.case(case_id)
        self.check_open(who, found.id)
        return found

    def check_open(self, who: Actor | None, case_id: str | None) -> None:
        """Raises `NotAllowed` where the case that something belongs to is not for this person."""
        if who is not None and self.closed_of(who, [case_id]):
            raise NotAllowed(f"case {case_id} is for those who need to know, and {who.name} has no part in it: ask "
                             f"the privacy officer")

    def definition(self, case: Case) -> Definition:
        """The one that the case runs on."""
        return self.definitions.pinned(case.process, case.version, case.hash)

    def closed(self, who: Actor | None, cases: Mapping[str, str]) -> frozenset[str]:
        """Of these cases, each with its process, those that are not for this person to read."""
        if who is None:
            return frozenset()
        reader = Reader(who.id, who.roles, who.id == self.settings.second_person)
        return closed_to(reader, cases, self.home, database_url(self.home, self.settings))

    def closed_of(self, who: Actor | None, cases: Iterable[str | None]) -> frozenset[str]:
        """The same of the numbers of cases."""
        if who is None:
            return frozenset()
        reader = Reader(who.id, who.roles, who.id == self.settings.second_person)
        return closed_of(reader, cases, self.home, database_url(self.home, self.settings))

    def actor(self, as_login: str | None = None, on_behalf_of: str | None = None) -> Actor:
        """The person at the terminal. Raises `NotAllowed`."""
        return acting(self.store.people(), as_login=as_login, demo=self.settings.demo, on_behalf_of=on_behalf_of)


@contextmanager
def open_house(
    home: Home, clock: Clock = machine_clock, *, create: bool = False, upgrading: bool = False
) -> Iterator[House]:
    """Opens a district for the length of the block; `create` makes the tables of a new database, `upgrading` opens one
    whose upgrade has not come to its end.

    Raises `WrongEnvironment` for a home, key, database or installation that is not as it must be.
    """
    from cli.upkeep.ringfile import open_ring
    from engine.service import Service
    from storage.mailing.window import MailWindow
    from storage.store import open_store
    from workflows import Catalogue

    check_home(home)
    check_origin()
    settings = read_settings(home.settings)
    hours = settings.mail_window
    window = MailWindow(settings.zone, lambda day: _counted_in(settings, home).is_business_day(day),
                        frozenset(settings.weekly_briefs), hours.people, hours.contacts, hours.until)
    store = open_store(database_url(home, settings), open_ring(home.ring), create=create, window=window,
                       upgrading=upgrading)
    try:
        definitions = Adopted(Catalogue(home.workflows if home.workflows.is_dir() else None), store)
        service = Service(store, definitions, lambda people: _office(settings, people, home))
        yield House(home, settings, store, definitions, service, clock)
    finally:
        store.close()


def _counted_in(settings: Settings, home: Home) -> Calendar:
    """The calendar of the district's own targets, in which the office's business days are counted."""
    from cli.office import calendars_of

    return calendars_of(settings, home).strict


def _office(settings: Settings, people: Iterable[Person], home: Home) -> Office:
    from cli.office import make_office

    return make_office(settings, people, home)


def _definition(source: str) -> Definition:
    from workflows import from_source

    return from_source(source)


def database_url(home: Home, settings: Settings) -> str:
    return settings.database or f"sqlite:///{home.database}"


def is_sqlite(home: Home, settings: Settings) -> bool:
    return database_url(home, settings).startswith("sqlite")


def check_origin() -> None:
    """Our packages have common names: each must stand beside this one. Raises `WrongEnvironment` for a stranger."""
    ours = Path(__file__).parent.parent
    for name in PACKAGES:
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None or Path(found.origin).parent.parent != ours:
            where = found.origin if found else "nowhere"
            raise WrongEnvironment(f"another package named '{name}' was found before soppa's own ({where}): "
                                   f"install soppa in an environment of its own")


def new_token() -> str:
    return secrets.token_urlsafe(32)
