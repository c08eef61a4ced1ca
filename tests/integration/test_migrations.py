"""The migrations make what the tables say, on both databases, and are the same schema that the program asks for."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from storage.database import open_engine
from storage.driver import SCHEMA
from storage.tables import METADATA
from storage.upgrade import config_for, is_empty, migrate


def test_the_migrations_make_the_tables_as_they_are_declared(empty_database_url: str) -> None:
    migrate(empty_database_url)
    engine = open_engine(empty_database_url)
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_the_newest_migration_is_the_schema_asked_for(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url, create=True)
    with engine.begin() as connection:
        assert ScriptDirectory.from_config(config_for(connection)).get_current_head() == SCHEMA
    engine.dispose()


def test_migrating_again_changes_nothing(empty_database_url: str) -> None:
    migrate(empty_database_url)
    migrate(empty_database_url)
    engine = open_engine(empty_database_url)
    tables = set(inspect(engine).get_table_names())
    engine.dispose()
    assert tables == {*METADATA.tables, "alembic_version"}


def test_a_database_is_empty_until_its_tables_are_made(empty_database_url: str) -> None:
    assert is_empty(empty_database_url)
    migrate(empty_database_url)
    assert not is_empty(empty_database_url)
