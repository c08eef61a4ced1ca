"""A window, another party's right, is named as what it is wherever its date stands: no deadline, no target."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import pytest

import workflows
from cli.commands.show import show
from cli.dates import dates_in_words, dates_told, kind_of, windows_of
from cli.evidence.lens import Lens
from cli.evidence.words import Words
from cli.main import main
from engine.deciding.migrating import migrate
from tests.office import actor, office
from tests.unit.test_date_order import at, decided

TODAY = dt.date(2027, 3, 10)
CLOCKS = workflows.Catalogue().newest("correction_request").clocks


@pytest.mark.parametrize("rule", ["R-HEAR-APPEAL", "R-HEAR-RULING"])
def test_the_terminal_counts_a_last_day(rule: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deadline", rule, "--from", "2027-03-03"]) == 0
    said = capsys.readouterr().out
    assert "last day  Thu Apr 1 2027 (provisional)" in said and "A window" in said
    assert "legal deadline" not in said and "arget" not in said and "Legal date" not in said


def test_json_gives_a_window_no_target(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deadline", "R-HEAR-APPEAL", "--from", "2027-03-03", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["legal_due"], found["target_due"]) == ("2027-04-01", None)


def test_a_case_shows_until_when_its_window_is_open(capsys: pytest.CaptureFixture[str]) -> None:
    story = decided()
    show(story.case, story.definition, office(), TODAY, {})
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("hear_appeal"))
    assert line.split("  ")[-1] == "open until Wed Mar 31 2027"
    assert line.count("Mar 31 2027") == 1


def test_its_dates_in_a_sentence() -> None:
    clock = decided().case.clocks["hear_appeal"]
    assert dates_in_words(clock, CLOCKS) == "last day Wed Mar 31 2027"
    assert kind_of(clock, {}) == "last day"


def test_a_timeline_names_the_last_day_of_a_window_alone() -> None:
    case = decided().case
    dates = {"legal": "2027-03-31", "target": "2027-03-31"}
    assert dates_told({"clock": "hear_appeal", **dates}, windows_of([case])) == "last day 2027-03-31"
    assert dates_told({"clock": "district_fix", **dates}, windows_of([case])) == "legal 2027-03-31, target 2027-03-31"


@pytest.mark.parametrize(("kind", "detail", "says"), [
    ("clock_started", {"anchor": "2027-03-03", "legal": "2027-03-31", "target": "2027-03-31"},
     "began: day 0 Wed Mar 3 2027, last day Wed Mar 31 2027."),
    ("clock_moved", {"was": "2027-03-31", "legal": "2027-04-01", "reason": "the calendar"},
     "Last day of “The parent or the district may appeal” moved from Wed Mar 31 2027 to Thu Apr 1 2027."),
    ("clock_satisfied", {"on": "2027-04-02", "legal": "2027-03-31"},
     "done on Fri Apr 2 2027 (last day Wed Mar 31 2027)."),
])  # fmt: skip
def test_history_and_evidence_say_a_last_day(kind: str, detail: dict[str, str], says: str) -> None:
    story = decided()
    lens = Lens(story.definition, {}, {}, {}, TODAY, redacted=False)
    assert says in Words(lens, {}).of(kind, {"clock": "hear_appeal", **detail})


def test_a_right_is_kept_by_a_migration_like_any_legal_date() -> None:
    story = decided()
    own = replace(CLOCKS["hear_appeal"], window=False, rule=replace(CLOCKS["hear_appeal"].rule, certainty="D"))
    new = replace(story.definition, version=2, clocks={**story.definition.clocks, "hear_appeal": own})
    moved = migrate(story.definition, new, story.case, actor("ada"), "ours", at(TODAY), office())
    assert "the legal clock 'hear_appeal' would be a district target" in moved.refusals
