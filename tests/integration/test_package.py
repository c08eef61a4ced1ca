"""The wheel, installed where the source tree is not, holds all it needs and runs."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.files import pdf

ROOT = Path(__file__).parents[2]
PACKAGES = ("workflows", "engine", "storage", "notifiers", "registry", "web", "cli")


def run(*command: str | Path, cwd: Path) -> str:
    """What a command says, on either stream; fails with it when the command does."""
    apart = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE", "COV_"))}
    done = subprocess.run(command, cwd=cwd, env=apart, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", place, cwd=ROOT)
    (built,) = place.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs' folder of a new environment that holds our wheel.

    It borrows the libraries of this one through a path file. Path files found on that path are not read, so our
    editable install stays out, and nothing is fetched.
    """
    place = tmp_path_factory.mktemp("elsewhere")
    venv.create(place, symlinks=True, with_pip=False)
    programs = place / "bin"
    run(
        *(sys.executable, "-m", "pip", "--python", programs / "python", "--disable-pip-version-check"),
        *("install", "--quiet", "--no-deps", "--no-index", wheel),
        cwd=place,
    )
    (site_packages,) = place.glob("lib/python*/site-packages")
    (site_packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return programs


def test_the_wheel_holds_every_file_of_our_packages(wheel: Path) -> None:
    ours = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert ours - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_the_installed_command_shows_its_help(elsewhere: Path, tmp_path: Path) -> None:
    assert "Usage: soppa" in run(elsewhere / "soppa", "--help", cwd=tmp_path)


def test_the_installed_command_computes_a_deadline_from_the_shipped_rules(elsewhere: Path, tmp_path: Path) -> None:
    said = run(elsewhere / "soppa", "deadline", "R-CORR-DISTRICT", "--from", "2026-03-02", "--json", cwd=tmp_path)
    assert '"legal_due"' in said


def test_the_installed_child_looks_into_a_file(elsewhere: Path, tmp_path: Path) -> None:
    child = [str(elsewhere / "python"), "-I", "-m", "cli.inspection.child"]
    said = subprocess.run(child, input=pdf(), capture_output=True, cwd=tmp_path, env={}, timeout=60, check=True).stdout
    assert said == b"pdf"


def test_the_installed_packages_are_the_wheels(elsewhere: Path, tmp_path: Path) -> None:
    place = run(elsewhere / "python", "-c", "import engine; print(engine.__file__)", cwd=tmp_path)
    assert Path(place.strip()).is_relative_to(elsewhere.parent)
