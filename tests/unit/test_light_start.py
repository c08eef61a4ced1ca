"""What starts often starts light: for `--help`, completion, `queue` and `register list` nothing heavy is imported."""

import subprocess
import sys

import pytest

from cli.main import COMMANDS

HEAVY = {"sqlalchemy", "sqlmodel", "alembic", "pydantic", "fastapi", "starlette", "uvicorn", "aiosmtplib", "jinja2",
         "rich", "textual", "apscheduler", "cryptography", "psycopg", "asyncio"}


@pytest.mark.parametrize("imported", ["cli.main", *(f"cli.commands.{name.replace('-', '_')}" for name in COMMANDS)])
def test_nothing_heavy_is_imported(imported: str) -> None:
    code = f"import sys, {imported}; sys.stdout.write(' '.join(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True).stdout
    modules = {name.partition(".")[0] for name in said.split()}
    assert imported.partition(".")[0] in modules
    assert modules & HEAVY == set()


def test_the_daemon_does_without_what_migrates_and_prints() -> None:
    code = "import sys, cli.serving.daemon, cli.serving.worker, storage.store; sys.stdout.write(' '.join(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True).stdout
    modules = {name.partition(".")[0] for name in said.split()}
    assert "apscheduler" in modules and modules & {"alembic", "mako", "pygments", "typst", "fastapi", "rich"} == set()
    assert modules & {"psycopg", "icalendar"} == set() and "sqlalchemy.dialects.postgresql" not in said.split()


def test_settings_are_read_without_what_decides() -> None:
    code = "import sys, cli.settings; sys.stdout.write(' '.join(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True).stdout
    heavy = ("engine.deciding", "engine.language", "engine.proof")
    assert [name for name in said.split() if name.startswith(heavy)] == []


def test_a_queue_is_shown_without_what_counts_days() -> None:
    code = "import sys, cli.commands.queue; sys.stdout.write(' '.join(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True).stdout
    counts = {"engine.law.calendar", "engine.law.clocks", "engine.law.ladders"}
    assert "engine.law.days" in said.split() and counts.isdisjoint(said.split())
