"""An author's first half hour: what `soppa new-process` writes is whole, and the tutorial's process is what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.main import main

DOCS = Path(__file__).parents[2] / "docs" / "definitions.md"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "home" / "workflows").mkdir()
    monkeypatch.setenv("SOPPA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def begun(home: Path, name: str = "field_trip_app") -> Path:
    assert main(["new-process", name]) == 0
    return home / "workflows" / name


def test_a_new_process_is_proved_as_it_is(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = begun(home)
    assert (folder.parent / "process.schema.json").is_file()
    assert (folder / "process.yaml").read_text().startswith("# yaml-language-server: $schema=../process.schema.json\n")
    assert main(["check", "field_trip_app"]) == 0
    assert "good (3 configurations proved, 2 of 2 scenarios as expected)" in capsys.readouterr().out


@pytest.mark.parametrize(("folder", "says"), [
    ("other/workflows", "next: soppa check field_trip_app --home other, then docs/definitions.md"),
    ("elsewhere", "next: put it into "),
])  # fmt: skip
def test_what_to_type_next_is_said_of_a_folder_elsewhere(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: str,
    says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new-process", "field_trip_app", "--dir", folder]) == 0
    assert says in capsys.readouterr().out


@pytest.mark.parametrize(("name", "code", "sentence"), [
    ("Field Trip", 2, "'Field Trip' is no name of a process"),
    ("../x", 2, "'../x' is no name of a process"),
    ("taken", 1, "is there already: choose another name"),
])  # fmt: skip
def test_what_cannot_be_begun_is_told_and_nothing_is_written(
    home: Path, capsys: pytest.CaptureFixture[str], name: str, code: int, sentence: str
) -> None:
    (home / "workflows" / "taken").mkdir()
    before = sorted(home.rglob("*"))
    assert main(["new-process", name]) == code
    assert sentence in capsys.readouterr().err
    assert sorted(home.rglob("*")) == before


def test_the_tutorial_does_what_it_says(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = begun(home)
    (block,) = re.findall(r"```yaml\n(.*?)```", DOCS.read_text("utf-8"), flags=re.DOTALL)
    (folder / "process.yaml").write_text(block)
    assert main(["check", "field_trip_app"]) != 0
    for mail in ("approved.en.md", "refused.en.md"):
        path = folder / "mails" / mail
        path.write_text(path.read_text().replace("fact_what", "fact_app"))
    capsys.readouterr()
    assert main(["check", "field_trip_app"]) == 0
    assert "2 of 2 scenarios as expected" in capsys.readouterr().out
    for words in (["diagram", "field_trip_app"], ["mail", "preview", "field_trip_app"]):
        assert main(words) == 0
    (folder / "process.yaml").write_text(block.replace("is deleted, to: removed}", "is deleted}"))
    assert main(["check", "field_trip_app"]) != 0
    assert "state 'in_use' has no way on" in capsys.readouterr().err
