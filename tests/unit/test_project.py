"""The repository keeps its promises: a lock that any index can serve, and no trace of the machine it was made on."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.browser import BROWSERS

ROOT = Path(__file__).parents[2]
OURS = {"workflows", "engine", "storage", "notifiers", "registry", "web", "cli", "tests", "bench"}
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
SERVER = (ROOT / "deploy" / "requirements.lock").read_text("utf-8")
"""What a server needs: no tools of ours."""
PIN = re.compile(r"^([\w.-]+)(?:\[[\w, ]+\])?==(\S+)", re.MULTILINE)
PINS = {canonicalize_name(name): version for name, version in PIN.findall(LOCK)}


def tracked(pattern: str = "") -> list[Path]:
    """The files that a clone would hold."""
    asked = subprocess.run(["git", "ls-files", "-z", *([pattern] if pattern else [])], cwd=ROOT, capture_output=True)
    if asked.returncode:
        pytest.skip("not a git clone")
    names = asked.stdout.decode("utf-8").split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(line) for lines in (project["dependencies"], *extras) for line in lines]


@pytest.mark.parametrize("lock", [LOCK, SERVER], ids=["all", "server"])
@pytest.mark.parametrize("trace", ["://", "-index", "--find-links", "--trusted-host", "file:", " @ "])
def test_the_lock_names_no_registry_and_no_folder(trace: str, lock: str) -> None:
    body = "\n".join(line for line in lock.splitlines() if not line.startswith("#"))
    assert trace not in body


@pytest.mark.parametrize("lock", [LOCK, SERVER], ids=["all", "server"])
def test_every_pin_has_a_hash(lock: str) -> None:
    entries = re.split(r"^(?=\w)", lock, flags=re.M)[1:]
    assert len(entries) == len(PIN.findall(lock))
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_a_server_gets_the_versions_that_were_tested_and_no_tools() -> None:
    server = {canonicalize_name(name): version for name, version in PIN.findall(SERVER)}
    assert server.items() <= PINS.items()
    assert not server.keys() & {"pytest", "mypy", "ruff", "playwright", "hypothesis"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["postgres"]]
    assert {canonicalize_name(Requirement(line).name) for line in needed} <= server.keys()


@pytest.mark.parametrize("requirement", declared(), ids=lambda requirement: requirement.name)
def test_the_lock_meets_what_the_project_declares(requirement: Requirement) -> None:
    assert requirement.specifier.contains(PINS[canonicalize_name(requirement.name)])


def test_every_library_we_import_is_locked() -> None:
    homes = packages_distributions()
    strangers = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in tracked("*.py")
        for name in imported(path) - OURS - sys.stdlib_module_names
        if not any(canonicalize_name(home) in PINS for home in homes.get(name, []))
    }
    assert strangers == set()


def imported(path: Path) -> set[str]:
    """The top-level names of the modules that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_no_tracked_file_names_a_folder_of_the_machine_it_was_written_on() -> None:
    folder = re.compile(rb"(?<![\w.~/-])/" + rb"(work|opt/pypi)/")
    assert [str(path.relative_to(ROOT)) for path in tracked() if folder.search(path.read_bytes())] == []


@pytest.fixture
def without_venv(tmp_path: Path) -> dict[str, str]:
    """An environment whose python3 has no ensurepip, as Debian's without python3-venv."""
    fake = tmp_path / "bin" / "python3"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; esac\nexec {sys.executable} "$@"\n')
    fake.chmod(0o755)
    return {**os.environ, "PATH": f"{fake.parent}:{os.environ['PATH']}", "PYTHON": "python3", "LC_ALL": "C"}


SAYS_VENV = "Python's venv module is missing: install the package python3-venv\n"


def test_a_missing_venv_module_is_one_sentence_and_78(without_venv: dict[str, str]) -> None:
    done = subprocess.run([ROOT / ".ci" / "needs"], env=without_venv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (78, SAYS_VENV)


@pytest.mark.parametrize("target", ["demo", "test"])
def test_make_tells_what_is_missing_before_it_begins(
    without_venv: dict[str, str], tmp_path: Path, target: str
) -> None:
    clone = tmp_path / "clone"
    (clone / ".ci").mkdir(parents=True)
    for name in ("Makefile", ".ci/needs", "requirements.lock"):
        shutil.copy(ROOT / name, clone / name)
    done = subprocess.run(["make", target], cwd=clone, env=without_venv, capture_output=True, text=True, check=False)
    assert done.stderr.startswith(SAYS_VENV)
    assert (done.returncode, "Error 78" in done.stderr) == (2, True)
    assert not (clone / ".venv").exists()


def test_the_checks_and_the_browser_tests_know_the_same_browsers() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    line = next(line for line in script.splitlines() if "missing+=(chromium)" in line)
    assert tuple(re.findall(r"has ([a-z-]+)", line)) == BROWSERS
