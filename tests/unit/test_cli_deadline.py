"""`soppa deadline` and `soppa rules` through the real door: words, JSON keys, exit codes."""

from __future__ import annotations

import json

import pytest

from cli.main import main

KEYS = ["rule", "trigger_date", "nominal_due", "legal_due", "target_due", "steps"]


def deadline(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, object]:
    assert main(["deadline", *args, "--json"]) == 0
    answer: dict[str, object] = json.loads(capsys.readouterr().out)
    return answer


def test_json_has_exactly_the_documented_keys(capsys: pytest.CaptureFixture[str]) -> None:
    answer = deadline(capsys, "R-BREACH-PARENT", "--from", "2026-12-18")
    assert list(answer) == KEYS
    assert [answer[key] for key in KEYS[:5]] == [
        "R-BREACH-PARENT", "2026-12-18", "2027-01-17", "2027-01-19", "2027-01-15"]


@pytest.mark.parametrize(("args", "legal", "target"), [
    pytest.param(["R-BREACH-PARENT", "--from", "2027-03-14T05:50Z"], "2027-04-12", "2027-04-12",
                 id="E04: the local date of an instant"),
    pytest.param(["R-BREACH-PARENT", "--from", "2027-05-03", "--hold", "2027-05-10/2027-06-04"],
                 "2027-06-07", "2027-06-04", id="E05a: as soon as"),
    pytest.param(["R-BREACH-PARENT", "--from", "2027-05-03", "--hold", "2027-05-10/2027-06-04",
                  "--hold-policy", "toll"], "2027-06-28", "2027-06-25", id="E05b: toll"),
    pytest.param(["R-POST-CONTRACT", "--from", "2027-03-17"], "2027-04-01", "2027-03-31", id="E06: Good Friday"),
    pytest.param(["R-HEAR-DECIDE", "--from", "2027-01-06", "--school-closed",
                  "2026-11-25..2026-11-27,2026-12-21..2027-01-04,2027-01-18"], "2027-01-21", "2027-01-21",
                 id="E12: school days"),
    pytest.param(["R-BREACH-PARENT", "--from", "2027-05-03", "--hold", "2027-05-10/"], None, None,
                 id="an open hold has no date"),
    pytest.param(["R-DELETE", "--from", "2027-05-03"], None, None, id="the law gives no number"),
])
def test_dates(capsys: pytest.CaptureFixture[str], args: list[str], legal: str | None, target: str | None) -> None:
    answer = deadline(capsys, *args)
    assert (answer["legal_due"], answer["target_due"]) == (legal, target)
    assert answer["steps"]


def test_a_rule_without_a_number_says_so_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deadline", "R-DELETE", "--from", "2027-05-03"]) == 0
    assert "legal duty without a date" in capsys.readouterr().out


def test_a_limit_is_called_no_deadline(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deadline", "R-COPY-LIMIT", "--from", "2027-05-03"]) == 0
    told = capsys.readouterr().out
    assert "a limit on requests is nobody's duty" in told
    assert "target" not in told
    assert main(["rules"]) == 0
    assert "at most 2" in capsys.readouterr().out


@pytest.mark.parametrize(("args", "sentence"), [
    pytest.param(["R-BREACH-PARENTS", "--from", "2027-05-03"], "did you mean 'R-BREACH-PARENT'?", id="unknown rule"),
    pytest.param(["R-BREACH-PARENT", "--from", "2027-02-30"], "is not a date", id="no such day"),
    pytest.param(["R-BREACH-PARENT", "--from", "2027-03-14T05:50"], "has no time zone", id="naive instant"),
    pytest.param(["R-BREACH-PARENT", "--from", "2051-05-03"], "is outside calendar", id="beyond the table"),
    pytest.param(["R-BREACH-PARENT", "--from", "2027-05-03", "--hold", "2027-05-10"], "is not FROM/TO",
                 id="half a hold"),
    pytest.param(["R-BREACH-PARENT", "--from", "2027-05-03", "--hold", "2027-05-10/2027-05-01"],
                 "before it began", id="hold backwards"),
    pytest.param(["R-BREACH-PARENT", "--from", "2027-03-14T05:50Z", "--zone", "Mars"], "no time zone",
                 id="zone"),
    pytest.param(["R-HEAR-CONF", "--from", "2027-05-03", "--school-closed", "2027-06-01..2027-05-01"],
                 "no range of days", id="closed backwards"),
    pytest.param(["R-BREACH-PARENT"], "missing option '--from'", id="no start"),
])
def test_bad_words_get_one_sentence_and_code_2(capsys: pytest.CaptureFixture[str], args: list[str],
                                               sentence: str) -> None:
    assert main(["deadline", *args]) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.startswith("soppa: ")
    assert streams.err.count("\n") == 1
    assert sentence in streams.err


def test_an_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deadlin"]) == 2
    assert "did you mean 'deadline'?" in capsys.readouterr().err


def test_rules_list_every_rule_with_its_certainty(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--json"]) == 0
    rules = {rule["rule"]: rule for rule in json.loads(capsys.readouterr().out)}
    assert rules["R-CORR-DISTRICT"]["length"] == 90
    assert all(rule["citation"] and rule["certainty"] for rule in rules.values())
