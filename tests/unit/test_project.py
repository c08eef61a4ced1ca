"""The repository keeps its promises: a lock that any index can serve, and no trace of the machine it was made on."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
OURS = {"workflows", "engine", "storage", "notifiers", "web", "cli", "tests", "bench"}
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
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


@pytest.mark.parametrize("trace", ["://", "-index", "--find-links", "--trusted-host", "file:", " @ "])
def test_the_lock_names_no_registry_and_no_folder(trace: str) -> None:
    body = "\n".join(line for line in LOCK.splitlines() if not line.startswith("#"))
    assert trace not in body


def test_every_pin_has_a_hash() -> None:
    entries = re.split(r"^(?=\w)", LOCK, flags=re.M)[1:]
    assert len(entries) == len(PINS)
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


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
