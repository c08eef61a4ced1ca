"""The SQLite module to use, and what its version may do. Imports neither ORM nor PostgreSQL."""

from __future__ import annotations

from types import ModuleType
from typing import Any, cast

try:
    from pysqlite3 import dbapi2
except ImportError:  # no wheel for this machine
    import sqlite3 as dbapi2

SCHEMA = "0037"
"""The newest migration; a database at any other is refused."""


def wrong_schema(found: str | None) -> str:
    """What every command says of a database with another schema, or with none."""
    if found is None:
        return "the database has no tables of soppa: make them with soppa init"
    told = f"the database has schema {found}, this program needs {SCHEMA}"
    if found > SCHEMA:
        return f"{told}: install the newer soppa that it belongs to"
    return f"{told}: soppa upgrade brings it there"


BUSY_SECONDS = 30.0
_FIXED_LINES = ((3, 44, 6), (3, 50, 7), (3, 51, 3))

SQLITE: ModuleType = dbapi2


def wal_is_safe(version: str) -> bool:
    """Whether this SQLite has the fix of the WAL-reset fault: 3.44.6+, 3.50.7+ of their lines, or 3.51.3 and later."""
    parts = tuple(int(part) for part in version.split("."))
    return parts >= _FIXED_LINES[-1] or any(parts[:2] == line[:2] and parts >= line for line in _FIXED_LINES)


def connect_readonly(path: str) -> Any:
    """A raw connection that cannot write."""
    uri = f"file:{_escaped(path)}?mode=ro"
    return cast(Any, SQLITE).connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def _escaped(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
