"""Fixtures for every suite: a home folder, and a new real database on each of the two kinds."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("any machine", deadline=None)  # a busy one is no fault of the code
settings.load_profile("any machine")

_KINDS = ("sqlite", pytest.param("postgres", marks=pytest.mark.postgres))
_NOTHING = "NOTHING RAN ON POSTGRESQL"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home folder that only its owner may open."""
    place = tmp_path / "home"
    place.mkdir(mode=0o700)
    return place


@pytest.fixture(params=_KINDS)
def database_url(request: pytest.FixtureRequest) -> str:
    """The SQLAlchemy URL of a new database that has our tables: a test that asks for it runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_with_tables")
    return url


@pytest.fixture(params=_KINDS)
def empty_database_url(request: pytest.FixtureRequest) -> str:
    """The SQLAlchemy URL of a new database without any tables, on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'soppa.sqlite'}"


@pytest.fixture
def sqlite_with_tables(tmp_path: Path, sqlite_url: str) -> str:
    from tests import databases  # loads the migrations, which most runs of a few tests do without

    databases.put_tables(tmp_path / "soppa.sqlite")
    return sqlite_url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database; mark a test that asks for it by name with `postgres`."""
    from tests import postgres  # loads two database libraries

    with postgres.fresh_database(postgres_server) as url:
        yield url


@pytest.fixture
def postgres_with_tables(postgres_server: str, postgres_template: str) -> Iterator[str]:
    from tests import postgres

    with postgres.fresh_database(postgres_server, postgres_template) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    from tests import databases

    with databases.postgres_template(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """One server for the whole run, or for each worker's part of it. Without one, its tests are skipped, and fail where
    CI is set."""
    from tests import postgres

    try:
        with postgres.server() as url:
            yield url
    except postgres.NoServer as reason:
        told = f"{_NOTHING}: {reason}"
        if os.environ.get("CI"):
            pytest.fail(told, pytrace=False)
        pytest.skip(told)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says it once more at the end; by the reports, since the fixture may have run in a worker."""
    reports = (*terminalreporter.getreports("skipped"), *terminalreporter.getreports("error"))
    found = (re.search(f"{_NOTHING}: [^\\n]*", _said_by(report)) for report in reports)
    said = next(filter(None, found), None)
    if said:
        terminalreporter.write_line(said.group(), red=True, bold=True)


def _said_by(report: pytest.TestReport) -> str:
    return report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
