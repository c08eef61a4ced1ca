"""Prepared statements, sent by the driver itself inside SQLAlchemy's transaction.

What SQLAlchemy works out each time that a statement is sent (its words, the order and the form of its values) is
worked out once here, from its own compiled form. Connections, transactions and errors stay SQLAlchemy's. A statement
with a list of any length is written with `among`, not with `in_`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Boolean, Connection, Date, DateTime, Select
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.types import TypeDecorator, TypeEngine

from storage.dialects import dialect_of
from storage.rows import Row

Statement = Select[Any] | UpdateBase
Values = Mapping[str, Any]
Form = Callable[[Any], Any] | None
"""What makes of a value that which the driver takes, or the other way round; None where both are the same."""


def write(connection: Connection, statement: Statement, values: Values) -> int:
    """Sends a statement; how many rows it has changed."""
    return int(_sent(connection, statement, values).rowcount)


def write_all(connection: Connection, statement: Statement, rows: Sequence[Values]) -> int:
    """Sends it for each of these rows, which have the same columns; how many it has changed in all."""
    if len(rows) == 1:
        return write(connection, statement, rows[0])
    return int(_sent(connection, statement, rows[0], rows).rowcount) if rows else 0


def read(connection: Connection, statement: Statement, values: Values) -> list[Row]:
    """The rows, by the names of their columns."""
    columns = _columns(statement, connection.dialect.name)
    return [_row(columns, found) for found in _sent(connection, statement, values).fetchall()]


def first(connection: Connection, statement: Statement, values: Values) -> Row | None:
    found = _sent(connection, statement, values).fetchone()
    return None if found is None else _row(_columns(statement, connection.dialect.name), found)


def scalar(connection: Connection, statement: Statement, values: Values) -> Any:
    """The first column of the first row; None where there is no row."""
    found = first(connection, statement, values)
    return None if found is None else next(iter(found.values()))


def say(connection: Connection, *sentences: str) -> None:
    """Sends what needs no values, such as the words of a savepoint; to PostgreSQL all of it in one trip."""
    if connection.dialect.name == "sqlite":
        for sentence in sentences:
            _execute(connection, sentence)
    else:
        _execute(connection, "; ".join(sentences), prepare=False)  # what is prepared is one statement


class _Written:
    """A statement in the words of one database. Of its values those of `names` are given each time, the others stand in
    the statement itself."""

    def __init__(self, statement: Statement, dialect: Dialect, names: tuple[str, ...]) -> None:
        columns = None if isinstance(statement, Select) else [name for name in names if not name.startswith("its_")]
        made = statement.compile(dialect=dialect, column_keys=columns)
        if made.post_compile_params:
            raise TypeError(f"this statement holds a list of any length: {made.string}")
        usual = {column.key: column.default.arg for column in made.insert_prefetch}  # type: ignore[union-attr]
        forms = {name: _bind(made.binds[name].type, dialect) for name in made.params}
        self.text = made.string
        self.own = {name: value for name, value in (made.params | usual).items() if name not in names}
        self.by_name = made.positiontup is None
        self.order = tuple(made.positiontup or forms)
        self.forms = tuple((place, form) for place, name in enumerate(self.order) if (form := forms[name]))

    def given(self, values: Values) -> Any:
        """Values as the driver takes them."""
        each = {**values, **self.own} if self.own else values
        found = [each[name] for name in self.order]
        for place, form in self.forms:
            found[place] = form(found[place])
        return dict(zip(self.order, found, strict=True)) if self.by_name else found


@cache
def _written(statement: Statement, kind: str, names: tuple[str, ...]) -> _Written:
    return _Written(statement, dialect_of(kind), names)


@cache
def _columns(statement: Statement, kind: str) -> tuple[tuple[str, Form], ...]:
    """The columns that a statement gives."""
    columns = statement.exported_columns.items()
    return tuple((name or "", _result(column.type, dialect_of(kind))) for name, column in columns)


def _bind(kind: TypeEngine[Any], dialect: Dialect) -> Form:
    form = kind.dialect_impl(dialect).bind_processor(dialect)
    plain = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    if form is None or not isinstance(plain, Boolean | Date | DateTime):
        return form
    known = lru_cache(maxsize=1024)(form)
    return _moment(known) if isinstance(plain, DateTime) else known


def _moment(form: Callable[[Any], Any]) -> Form:
    """A case is written with some thirty instants, most of which are the same: their forms are kept. Two of one zone
    may be alike and not the same, where its clocks are put back, so they are told apart in UTC."""

    def moment(value: dt.datetime | None) -> Any:
        told_apart = value is None or value.tzinfo is None or value.tzinfo is dt.UTC
        return form(value if told_apart else value.astimezone(dt.UTC))  # type: ignore[union-attr]

    return moment


def _result(kind: TypeEngine[Any], dialect: Dialect) -> Form:
    return kind.dialect_impl(dialect).result_processor(dialect, None)


def _row(columns: Sequence[tuple[str, Form]], found: Sequence[Any]) -> Row:
    return {name: form(value) if form else value for (name, form), value in zip(columns, found, strict=True)}


def _sent(connection: Connection, statement: Statement, values: Values, rows: Sequence[Values] = ()) -> Any:
    """The driver's cursor after it. Whoever listens to the engine hears of it, as of any other statement."""
    written = _written(statement, connection.dialect.name, tuple(values))
    given = [written.given(row) for row in rows] if rows else written.given(values)
    return _execute(connection, written.text, given, many=bool(rows))


def _execute(connection: Connection, text: str, given: Any = (), *, many: bool = False, **how: Any) -> Any:
    cursor = connection.connection.cursor()
    for listener in connection.dispatch.before_cursor_execute:
        listener(connection, cursor, text, given, None, many)
    try:
        (cursor.executemany if many else cursor.execute)(text, given, **how)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _wrapped(connection, text, error, cursor) from error
    return cursor


def _wrapped(connection: Connection, text: str, error: Exception, cursor: Any) -> BaseException:
    """What SQLAlchemy makes of an error of the driver."""
    dialect = connection.dialect
    gone = dialect.is_disconnect(error, connection.connection, cursor)  # type: ignore[arg-type]
    return DBAPIError.instance(text, None, error, dialect.loaded_dbapi.Error, hide_parameters=True,
                               connection_invalidated=gone, dialect=dialect)
