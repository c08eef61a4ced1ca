"""What a transaction has found, and may rely on until it ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from engine.model.definition import Definition
from engine.model.office import Person
from storage import direct, prepared
from storage.database import sentence_of
from storage.rows import PERSON_COLUMNS, read_person

Reader = tuple[str, bool, dt.datetime]
"""Who reads a brief, whether once a week, and the instant from which on it may leave."""


@dataclass(slots=True)
class Found:
    """`adopted` are definitions that stand in the database, `_people` those that were asked for last. `_briefs` are
    locked: nobody else begins to write one before this transaction ends."""

    connection: Connection
    adopted: set[Definition] = field(default_factory=set)
    _people: Sequence[Person] | None = None
    _briefs: dict[Reader, int] = field(default_factory=dict)
    _begun: bool = False
    _within: bool = False

    def people(self) -> Sequence[Person]:
        """Everybody, asked for anew."""
        rows = direct.read(self.connection, prepared.EVERYBODY, {})
        self._people = _read(tuple(tuple(row.values()) for row in rows))
        return self._people

    def roles(self, person_id: str) -> frozenset[str]:
        """The roles of a person, as whoever decided has seen them."""
        everybody = self.people() if self._people is None else self._people
        return next((person.roles for person in everybody if person.id == person_id), frozenset())

    def brief(self, reader: Reader, look: Callable[[], int]) -> int:
        """The outbox row of a reader's next brief; looked for once."""
        if reader not in self._briefs:
            self._briefs[reader] = look()
        return self._briefs[reader]

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """As promised by `Unit`. One is released with the beginning of the next, in one trip, or by the commit; so none
        stands within another."""
        if self._within:
            raise RuntimeError("a savepoint within another would release it")
        direct.say(self.connection, *(["RELEASE SAVEPOINT one"] if self._begun else []), "SAVEPOINT one")
        self._begun = self._within = True
        try:
            yield
        except BaseException as error:
            direct.say(self.connection, "ROLLBACK TO SAVEPOINT one")
            self._briefs.clear()  # new ones are gone, and so are the locks
            self.adopted.clear()
            if isinstance(error, DBAPIError):
                raise sentence_of(error) from error
            raise
        finally:
            self._within = False


@lru_cache(maxsize=1)
def _read(rows: tuple[tuple[Any, ...], ...]) -> tuple[Person, ...]:
    """Asked for before each decision, and made again only when a row of them has changed."""
    return tuple(read_person(dict(zip(PERSON_COLUMNS, row, strict=True))) for row in rows)
