"""Mails in doubt are settled together: shown first, each for itself, and never one that somebody else has settled."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.demo.sink import MailSink
from cli.home import Home
from cli.mailing.settling import Picked, in_doubt, settle
from cli.main import main
from cli.wiring import House, machine_clock, open_house
from tests.processes import sample_home

DAY = dt.timedelta(days=1)
NOW = dt.datetime(2026, 9, 14, 17, 0, tzinfo=dt.UTC)


@pytest.fixture
def house(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Four mails in doubt: two of one day, one of the next, one that is an act's."""
    with MailSink() as sink:
        home = sample_home(tmp_path, sink, 8080, database_url)
    monkeypatch.setenv("SOPPA_HOME", str(home))
    with open_house(Home(home), machine_clock) as house:
        for kind, reply, when in (("code", "set back to noon", NOW), ("code", "cut", NOW), ("code", "cut", NOW + DAY),
                                  ("act", "cut", NOW)):  # fmt: skip
            house.store.outbox.notify("person:sam", kind, None, {"code": "1"}, when)
            (row,) = house.store.outbox.claim(when, 1)
            house.store.outbox.settle(row, "uncertain", reply, when)
        yield house


def states(house: House) -> dict[int, str]:
    return {row.id: row.state for row in house.store.views.outbox()}


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("--all", [1, 2, 3, 4]),
        ("--mail act", [4]),
        ("--reply BACK", [1]),
        ("--since 2026-09-15", [3]),
        ("--until 2026-09-14 --mail code", [1, 2]),
        ("1 3", [1, 3]),
    ],
)
def test_mails_are_picked_by_what_they_have_in_common(
    house: House, capsys: pytest.CaptureFixture[str], words: str, numbers: list[int]
) -> None:
    capsys.readouterr()
    assert main(["mail", "settle", *words.split(), "failed", "--json", "--as", "priya"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert ([one["id"] for one in said["mails"]], said["applied"]) == (numbers, False)
    assert set(states(house).values()) == {"uncertain"}
    assert main(["mail", "settle", *words.split(), "failed", "--yes", "--as", "priya"]) == 0
    assert states(house) == {number: "failed" if number in numbers else "uncertain" for number in (1, 2, 3, 4)}


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("accepted", 2, "which mails? write their numbers"),
        ("1 maybe", 2, "'maybe' is not what became of a mail"),
        ("x accepted", 2, "'x' is no number of a mail"),
        ("--all --mail code accepted", 2, "say two things"),
        ("--since 2026-09-15 --until 2026-09-14 failed", 2, "lies before --since"),
        ("--since tomorrow failed", 2, "is not a date"),
        ("1 99 failed --yes", 2, "unknown mail 99"),
        ("--case 2026-0001 failed --yes", 2, "2026-0001"),
    ],
)
def test_a_pick_that_says_nothing_changes_nothing(
    house: House, capsys: pytest.CaptureFixture[str], words: str, code: int, says: str
) -> None:
    capsys.readouterr()
    assert main(["mail", "settle", *words.split(), "--as", "priya"]) == code
    said = capsys.readouterr().err
    assert says in said and said.count("\n") == 1
    assert set(states(house).values()) == {"uncertain"}


def test_one_that_somebody_else_has_settled_stays_as_it_is(house: House) -> None:
    rows = in_doubt(house, Picked(mail="code"), None)
    house.store.views.resolve_uncertain(2, True, "sam", NOW + DAY)
    settled = settle(house, rows, False, "priya", NOW + DAY)
    assert ([row.id for row in settled.done], [row.id for row in settled.late]) == ([1, 3], [2])
    assert states(house) == {1: "failed", 2: "accepted", 3: "failed", 4: "uncertain"}


def test_people_read_what_would_be_settled(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["mail", "settle", "--all", "accepted", "--as", "priya"]) == 0
    assert "4 mails would be accepted: add --yes" in capsys.readouterr().out
    assert main(["mail", "settle", "2", "accepted", "--as", "priya"]) == 0
    assert capsys.readouterr().out == "mail 2: accepted\n"
