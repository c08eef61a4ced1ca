"""Bringing a database to the newest schema."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from storage.database import open_engine, translated

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(url: str) -> None:
    """Makes the database if there is none, and runs every migration it lacks, all in one transaction."""
    engine = open_engine(url, create=True)
    with translated(), engine.begin() as connection:
        build(connection, "head")
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
