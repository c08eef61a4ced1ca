"""The migrations make what the tables say, on both databases, and are the same schema that the program asks for."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select, update

from storage.database import open_engine
from storage.dialects import with_conditions
from storage.driver import SCHEMA
from storage.tables import METADATA, TASKS
from storage.upgrade import config_for, is_empty, migrate
from tests.integration.stored import NOW, change, load, opened, start, task


def test_the_migrations_make_the_tables_as_they_are_declared(empty_database_url: str) -> None:
    migrate(empty_database_url)
    engine = open_engine(empty_database_url)
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        assert compare_metadata(context, with_conditions(METADATA)) == []
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


def test_the_upgrade_takes_names_of_outsiders_from_beside_their_tasks(database_url: str) -> None:
    asked = replace(task("2026-0001"), assignees=(), role=None, party="parent")
    done = replace(asked, outcome="confirm", done_by="Eva Ruiz", done_by_id="parent", done_at=NOW)
    with opened(database_url) as store:
        case = change(store, start(store), tasks=(done,))
        with store.base.writing() as connection:
            connection.execute(update(TASKS).values(done_by="Eva Ruiz"))
            with Operations.context(MigrationContext.configure(connection)):
                import_module("storage.migrations.versions.0019_names_of_parties").upgrade()
        with store.base.reading() as connection:
            assert connection.scalars(select(TASKS.c.done_by)).all() == [None]
        assert load(store, case.id).tasks == (done,)
        assert store.views.verify_history(case.id) == []
