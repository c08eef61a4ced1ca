"""The timers of one decision: gathered in its order, and written with as few statements as keep that order."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from sqlalchemy import Connection

from storage import direct, prepared
from storage.statements import insert_new
from storage.tables import TIMERS


@dataclass(slots=True)
class Timers:
    """`begins` says that the case is new: none of its timers can be in the database yet, so what is cancelled is known
    here. A key that was cancelled is set again only where that is wanted."""

    connection: Connection
    case_id: str
    begins: bool
    _set: dict[str, dt.datetime | None] = field(default_factory=dict)
    _cancelled: list[str] = field(default_factory=list)
    _again: dict[str, dt.datetime] = field(default_factory=dict)

    def set(self, key: str, at: dt.datetime, *, again: bool = False) -> None:
        if self._cancelled:
            self.flush()
        self._set.setdefault(key, at)
        if again:
            self._again[key] = at

    def cancel(self, prefix: str) -> None:
        if self.begins:
            self._set = {key: None if key.startswith(prefix) else at for key, at in self._set.items()}
            return
        if self._set:
            self.flush()
        self._cancelled.append(prefix)

    def flush(self) -> None:
        rows = [{"case_id": self.case_id, "key": key, "at": at, "attempts": 0} for key, at in self._set.items()]
        insert_new(self.connection, TIMERS, rows)
        again = [{"its_case": self.case_id, "its_key": key, "its_at": at} for key, at in self._again.items()]
        direct.write_all(self.connection, prepared.SET_AGAIN, again)
        prefixes = [{"its_case": self.case_id, "its_prefix": prefix} for prefix in self._cancelled]
        direct.write_all(self.connection, prepared.CANCEL_TIMERS, prefixes)
        self._set, self._cancelled, self._again = {}, [], {}
