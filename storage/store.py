"""The store: `open_store` checks a database and gives the ports of `engine.ports` on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from engine.errors import SoppaError, WrongEnvironment
from engine.model.office import Person
from storage import direct, incidents, prepared, undoing
from storage.base import Base
from storage.database import check_schema, open_engine
from storage.entrance import people
from storage.entrance.acts import Acts
from storage.entrance.links import SqlLinks
from storage.found import Found
from storage.looking.views import Views
from storage.mailing.outbox import SqlOutbox, add_notice
from storage.mailing.window import MailWindow
from storage.register import SqlRegister
from storage.sealing import Ring
from storage.tables import META
from storage.unit import SqlUnit, read_mark, write_mark

WEEKDAYS = MailWindow(ZoneInfo("America/Chicago"))
_KEY_CHECK = b"soppa"


def open_store(
    url: str, ring: Ring, *, create: bool = False, window: MailWindow = WEEKDAYS, upgrading: bool = False
) -> SqlStore:
    """The store behind a URL; `create` makes or upgrades its tables first, `upgrading` is for an upgrade that wants to
    see what it has done.

    Raises `WrongEnvironment` with one sentence for a database that is missing, damaged, read-only, open to others, of
    another schema, or sealed with another key ring.
    """
    if create:
        from storage.upgrade import migrate  # Alembic is a quarter of what would be loaded, for what is seldom done

        migrate(url)
    base = Base(open_engine(url), ring, window)
    try:
        check_schema(base.engine, upgrading=upgrading)
        _check_key(base, create)
    except SoppaError:
        base.engine.dispose()
        raise
    return SqlStore(base)


def _check_key(base: Base, create: bool) -> None:
    """The database holds one known word under its key: a ring that cannot read it is the wrong one."""
    with base.reading() as connection:
        found = read_mark(connection, "key_check")
    if found is not None:
        try:
            known = base.ring.open(bytes.fromhex(found), "meta/key_check") == _KEY_CHECK
        except WrongEnvironment:
            known = False
        if not known:
            raise WrongEnvironment(
                "lost key: this key ring cannot read this database; put keys/ring back from its own backup"
            )
    elif create:
        with base.writing() as connection:
            write_mark(connection, "key_check", base.ring.seal(_KEY_CHECK, "meta/key_check").hex())
    else:
        raise WrongEnvironment("the database was never given a key: make it with soppa init")


class _Rehearsed(Exception):
    """Ends a rehearsal: nothing of it is kept."""


class SqlStore:
    """Implements `engine.ports.Store`; `outbox`, `links`, `views`, `acts`, `register` and `undoing` are its
    other sides.

    `now` is always an aware instant. Nothing is cached: what one process commits, the next call of another sees.
    """

    def __init__(self, base: Base) -> None:
        self.base = base
        self.outbox = SqlOutbox(base)
        self.links = SqlLinks(base)
        self.views = Views(base)
        self.acts = Acts(base)
        self.register = SqlRegister(base)
        self.undoing = undoing.Undoing(base)

    def close(self) -> None:
        self.base.engine.dispose()

    @contextmanager
    def begin(self) -> Iterator[SqlUnit]:
        with self.base.writing() as connection:
            base = replace(self.base, window=self.base.window.of_one_moment())
            yield SqlUnit(connection, base, Found(connection), writes=True)

    @contextmanager
    def rehearse(self) -> Iterator[SqlUnit]:
        """A writing transaction that is rolled back at the end of the block: what would be."""
        with suppress(_Rehearsed), self.begin() as unit:
            yield unit
            raise _Rehearsed

    @contextmanager
    def read(self) -> Iterator[SqlUnit]:
        with self.base.reading() as connection:
            yield SqlUnit(connection, self.base, Found(connection), writes=False)

    def failed(
        self,
        kind: Literal["timer", "cycle", "message", "mail"],
        ref: int,
        error: str,
        now: dt.datetime,
        *,
        died: bool = False,
    ) -> int:
        return self.base.write(lambda connection: incidents.failed(connection, kind, ref, error, now, died=died))

    def retry_incident(self, incident_id: int, now: dt.datetime) -> None:
        """Puts what waits for a person back to work with five fresh tries. Raises `UsageError`, `Refused`."""
        self.base.write(lambda connection: incidents.retry(connection, incident_id, now))

    def has_work(self, now: dt.datetime) -> bool:
        """Whether anything is due: looks at the first leaf of four indexes, takes no lock."""
        with self.base.reading() as connection:
            return bool(direct.scalar(connection, prepared.IS_WORK_DUE, {"now": now}))

    def people(self) -> Sequence[Person]:
        with self.read() as unit:
            return unit.people()

    def save_person(self, person: Person) -> None:
        """Adds a person or changes the one with this id. Raises `UsageError` for a login that another has."""
        self.base.write(lambda connection: people.save(connection, person))

    def set_totp(self, person_id: str, secret: str | None) -> None:
        """Stores (or takes away) the secret of a person's authenticator. Raises `UsageError` for an unknown person."""
        self.base.write(lambda connection: people.set_totp(connection, self.base.ring, person_id, secret))

    def mark(self, name: str) -> str | None:
        """A mark of the database, such as `demo`."""
        with self.base.reading() as connection:
            return read_mark(connection, name)

    def set_mark(self, name: str, value: str) -> None:
        self.base.write(lambda connection: write_mark(connection, name, value))

    def high_water(self) -> dt.datetime | None:
        with self.read() as unit:
            return unit.high_water()

    def set_high_water(self, now: dt.datetime) -> None:
        with self.begin() as unit:
            unit.set_high_water(now)

    def tell_gap(
        self, last: dt.datetime, now: dt.datetime, recipients: Collection[str], mail: str, words: Mapping[str, str]
    ) -> bool:
        """Moves the high-water mark on from `last`, and queues a notice to each of these; False, and nothing done, when
        another worker has moved it."""

        def work(connection: Connection) -> bool:
            locked = select(META.c.value).where(META.c.name == "high_water").with_for_update()
            found = connection.scalar(locked)
            if found is None or dt.datetime.fromisoformat(found) != last:
                return False
            for recipient in recipients:
                add_notice(connection, self.base.ring, recipient, mail, None, words, now)
            write_mark(connection, "high_water", now.astimezone(dt.UTC).isoformat())
            return True

        return self.base.write(work)


