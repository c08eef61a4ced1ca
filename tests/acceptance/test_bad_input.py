"""Words that make no sense, through the real door: one plain sentence, the right exit code, and no fault of ours."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from cli.main import COMMANDS, app, main

OPERATING = (Path(__file__).parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("content", "sentence"), [
    ('id,name,email,roles\n"x,X,x@b.example,staff\n', "check the quotes"),
    ("id,nam\nx,y\n", "did you mean 'name'?"),
    ("", "the column 'id' is missing"),
    ("id,name,email,roles\nx,X,x@b.example,\nx,Y,y@b.example,\n", "is on line 2 already"),
    ("id,name,email,roles\nx,X,x@b.example\n", "more or fewer cells"),
])
def test_a_broken_table_of_people_is_told_with_its_place(content: str, sentence: str, tmp_path: Path,
                                                         capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "people.csv"
    file.write_text(content)
    assert main(["people", "import", str(file), "--home", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"soppa: {file}:") and sentence in said


@pytest.mark.parametrize(("words", "sentence"), [
    (["quue"], "did you mean 'queue'?"),
    (["deadline", "R-BREACH-PARENT", "--from", "2026-12-18", "--zone", "Mars/X"], "there is no time zone 'Mars/X'"),
    (["deadline", "R-BREACH-PARENT", "--from", "2026-12-18T10:00"], "has no time zone"),
    (["deadline", "R-BREACH-PARENT", "--from", "2060-12-18"], "is outside calendar"),
    (["deadline", "R-NOPE", "--from", "2026-12-18"], "there is no rule"),
])
def test_wrong_words_are_one_sentence(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith("soppa: ") and said.count("\n") == 1 and sentence in said


@pytest.mark.parametrize("group", [[], ["people"], ["mail"], ["acts"]])
def test_a_group_without_a_command_shows_its_help(group: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(group) == 2
    assert ("\nCommands:\n" if group else "\nEvery day:\n") in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example(name: str) -> None:
    with click.Context(app) as ctx:
        command = app.get_command(ctx, name)
    assert command is not None and command.help
    assert f"soppa {name}" in (command.epilog or "")


@pytest.mark.parametrize("name", ["init", "check", "serve", "queue", "show", "explain", "do", "history", "people",
                                  "acts", "clock", "incidents", "mail", "record"])
def test_what_an_office_uses_is_described(name: str) -> None:
    assert f"soppa {name}" in OPERATING
