"""What every part of the store works on: the connections, the keys, and the district's zone and mail window."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, Engine

from storage.database import again, reading, translated
from storage.mailing.window import MailWindow
from storage.sealing import Ring

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Base:
    engine: Engine
    ring: Ring
    window: MailWindow

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A writing transaction: commits at the end of the block, rolls back when it raises."""
        with translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one moment and cannot write."""
        with translated(), reading(self.engine).begin() as connection:
            yield connection

    def write(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in a writing transaction, and the whole of it again when another was in its way."""

        def once() -> T:
            with self.writing() as connection:
                return work(connection)

        return again(once)

    def today(self, now: dt.datetime) -> dt.date:
        return now.astimezone(self.window.zone).date()
