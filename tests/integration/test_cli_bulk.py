"""`soppa do --where`: looked at once, answered alike, each case for itself; what is refused is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli import bulk
from cli.demo.district import PEOPLE, SETTINGS
from cli.home import Home
from cli.main import main
from cli.wiring import open_house
from engine.service import Service
from tests.databases import new_home
from tests.registers import CHECK_IN

SAMPLE = Path(__file__).parents[2] / "cli" / "year" / "operators-sample.csv"
GUARDED = CHECK_IN.replace(
    "outcomes: {fine: renewed}}", 'outcomes: {fine: {to: renewed, when: "uses < 90"}, open: reviewing}}'
)
"""Whoever has very many teachers is not renewed in passing."""

FINE = ("do", "check_in", "review", "fine", "-f", "attested_on=2026-10-01", "--as", "priya")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Home:
    """Four check-ins in review: 0002 and 0003 as last time, 0004 with another number, 0005 with very many."""
    made = Home(tmp_path / "home")
    new_home(made, SETTINGS.format(public_url="http://localhost:8080", bind="127.0.0.1:8080", smtp_port=9))
    (made.workflows / "check_in").mkdir()
    (made.workflows / "check_in" / "process.yaml").write_text(GUARDED, "utf-8")
    with open_house(made, create=True) as house:
        for person in PEOPLE:
            house.store.save_person(person)
    monkeypatch.setenv("SOPPA_HOME", str(made.root))
    asked(capsys, "register", "import", str(SAMPLE), "--as-of", "2026-11-01", "--apply", "--as", "priya")
    first = check_in(capsys, "12")
    asked(capsys, "do", first, "review", "fine", "-f", "attested_on=2026-10-01", "--as", "priya")
    for uses in ("12", "12", "40", "95"):
        check_in(capsys, uses, "--after", first)
    return made


def asked(capsys: pytest.CaptureFixture[str], *words: str, code: int | None = None) -> Any:
    found = main([*words, "--json"])
    streams = capsys.readouterr()
    assert found in ((0, 1) if code is None else (code,)), streams.err
    return json.loads(streams.out)


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main([*words]) == code, capsys.readouterr()
    streams = capsys.readouterr()
    return streams.err if code else streams.out


def check_in(capsys: pytest.CaptureFixture[str], uses: str, *more: str) -> str:
    case = asked(capsys, "start", "check_in", "-f", "agreement=A-0001", "-f", "cycle_on=2027-04-07", "-f", "why=yearly",
                 "--as", "priya", *more)["case"]
    areas = '[{"key": "data", "state": "same"}, {"key": "security", "state": "same"}]'
    asked(capsys, "do", case, "attest", "sent", "-f", f"uses={uses}", "-f", "changed=no", "-f", f"areas={areas}",
          "--as", "priya")
    return str(case)


def states(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    return {f"000{number}": asked(capsys, "show", f"2026-000{number}")["state"] for number in range(2, 6)}


@pytest.mark.usefixtures("home")
def test_the_unchanged_ones_are_looked_at_once_and_answered_alike(capsys: pytest.CaptureFixture[str]) -> None:
    shown = said(capsys, *FINE, "--where", "unchanged")
    assert "2026-0002" in shown and "2026-0003" in shown and "2026-0004" not in shown
    assert "The same in all 2" in shown and "uses     12" in shown
    assert "Nothing is answered yet. Look once, then add --yes to answer 2 tasks alike." in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert set(states(capsys).values()) == {"reviewing"}
    assert "2 of 2 tasks answered: review, fine" in said(capsys, *FINE, "--where", "unchanged", "--yes")
    assert states(capsys) == {"0002": "renewed", "0003": "renewed", "0004": "reviewing", "0005": "reviewing"}
    assert said(capsys, *FINE, "--where", "unchanged", "--yes") == "no open task is meant\n"


@pytest.mark.usefixtures("home")
def test_who_would_be_refused_is_named_and_the_others_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    shown = said(capsys, *FINE, "--where", "uses > 0")
    assert "case 2026-0005 would be refused: outcome 'fine' is not open now: it needs uses < 90 (“" in shown
    assert "Not the same (how often)\n  uses  12 (2); 40 (1); 95 (1)\n" in shown and "to answer 3 tasks alike" in shown
    told = said(capsys, *FINE, "--where", "uses > 0", "--yes", code=1)
    assert told.startswith("soppa: case 2026-0005: outcome 'fine' is not open now: it needs uses < 90 (“")
    assert told.endswith("” is 95)\n")
    assert states(capsys) == {"0002": "renewed", "0003": "renewed", "0004": "renewed", "0005": "reviewing"}


@pytest.mark.usefixtures("home")
def test_json_names_each_case_and_its_refusal(capsys: pytest.CaptureFixture[str]) -> None:
    before = asked(capsys, *FINE, "--where", "uses >= 40", code=0)
    assert before.keys() == {"process", "task", "outcome", "applied", "cases"}
    assert [(one["case"], one["unchanged"], one["refusal"] is None) for one in before["cases"]] == [
        ("2026-0004", False, True), ("2026-0005", False, False)]  # fmt: skip
    assert before["cases"][0]["about"].startswith("Droskmere Hub")
    after = asked(capsys, *FINE, "--where", "uses >= 40", "--yes", code=1)
    assert (after["applied"], [one["refusal"] is None for one in after["cases"]]) == (True, [True, False])


@pytest.mark.usefixtures("home")
def test_a_break_in_the_middle_is_finished_by_the_same_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Service.complete_task

    def broken(self: Service, task_id: str, *args: Any, **more: Any) -> Any:
        if task_id.startswith("2026-0003"):
            raise KeyboardInterrupt
        return whole(self, task_id, *args, **more)

    with monkeypatch.context() as once:
        once.setattr(Service, "complete_task", broken)
        said(capsys, *FINE, "--where", "unchanged", "--yes", code=1)
    assert states(capsys)["0002"] == "renewed" and states(capsys)["0003"] == "reviewing"
    assert "1 of 1 task answered" in said(capsys, *FINE, "--where", "unchanged", "--yes")


@pytest.mark.usefixtures("home")
def test_a_case_that_changed_after_it_was_picked_is_refused_and_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = bulk._tried

    def meanwhile(house: Any, wanted: Any, pick: Any) -> Any:
        found = tried(house, wanted, pick)
        if pick.case.id == "2026-0003":
            actor = house.actor("priya")
            house.service.record(pick.case.id, {"uses": 13}, actor, house.clock(), "typing error")
        return found

    monkeypatch.setattr(bulk, "_tried", meanwhile)
    told = said(capsys, *FINE, "--where", "unchanged", "--yes", code=1)
    assert told.startswith("soppa: case 2026-0003: the facts of task 2026-0003-2 have changed since you opened it")
    assert states(capsys)["0002"] == "renewed" and states(capsys)["0003"] == "reviewing"


@pytest.mark.parametrize(("words", "says"), [
    (("do", "chek_in", "review", "fine", "--where", "unchanged"), "did you mean 'check_in'?"),
    (("do", "check_in", "reviw", "fine", "--where", "unchanged"), "did you mean 'review'?"),
    (("do", "check_in", "review", "fin", "--where", "unchanged"), "did you mean 'fine'?"),
    (("do", "check_in", "review", "fine", "--where", "use > 3"), "did you mean 'uses'?"),
    (("do", "check_in", "review", "fine", "--where", "uses >"), "--where, column"),
    (("do", "check_in", "review", "fine", "--where", "unchanged", "-f", "uses=many"), "uses: type a whole number"),
    (("do", "check_in", "review", "fine", "--where", "unchanged", "-f", "uses=3"), "does not ask for 'uses'"),
    (("do", "check_in", "review", "fine", "--where", "unchanged", "--also", "x"), "are for one case"),
    (("do", "2026-0002", "review", "fine", "--yes"), "--yes belongs to --where"),
])  # fmt: skip
@pytest.mark.usefixtures("home")
def test_words_that_make_no_sense_answer_nothing(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
                                                 ) -> None:
    told = said(capsys, *words, *(() if "--yes" in words else ("--yes",)), "--as", "priya", code=2)
    assert says in told
    assert set(states(capsys).values()) == {"reviewing"}
