"""Bringing a database to the newest schema."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect

from storage.database import database_file, open_engine, reading, translated

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(url: str) -> None:
    """Makes the database if there is none, and runs every migration it lacks, all in one transaction."""
    engine = open_engine(url, create=True)
    with translated(), engine.begin() as connection:
        build(connection, "head")
    engine.dispose()


def is_empty(url: str) -> bool:
    """Whether there is no database yet, or none of our tables in it."""
    file = database_file(url)
    if file is not None and not file.exists():
        return True
    engine = open_engine(url)
    try:
        with translated(), reading(engine).connect() as connection:
            return not inspect(connection).has_table("alembic_version")
    finally:
        engine.dispose()


def build(connection: Connection, revision: str) -> None:
    """Runs the migrations up to this one (`head` is the newest) in the transaction at hand."""
    command.upgrade(config_for(connection), revision)


def config_for(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
