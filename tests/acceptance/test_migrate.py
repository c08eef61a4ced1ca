"""Open cases move to another version of their process: what changes, what stays live, and what may not happen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.demo.district import PEOPLE, SETTINGS
from cli.home import Home
from cli.main import main
from cli.wiring import open_house
from engine.model.case import Case
from tests.databases import new_home

FIRST = """
process: loan
version: 1
title: Loan
cites: [105 ILCS 85/33(c)(3)]
start: {needs: [received_on], by: [custodian]}
facts:
  received_on: {type: date, label: Received}
  kind: {type: choice, of: [book, map], label: Kind}
clocks:
  lend: {rule: R-CORR-DISTRICT, title: Lend, anchor: received_on, satisfied_by: [give.given],
         void_by: [entered.refused], ladder: LONG, owner: custodian}
states:
  asked:
    title: Asked
    initial: true
    tasks:
      - {id: look, role: custodian, title: Look, form: [kind], due: 5 business_days,
         outcomes: {fine: lending, no: refused}}
      - {id: hint, role: custodian, title: Hint, offered: true, outcomes: {given: {label: Hint given}}}
  lending:
    title: Lending
    tasks: [{id: give, role: custodian, title: Give, due: 5 business_days, outcomes: {given: lent}}]
  lent: {title: Lent, final: lent}
  refused: {title: Refused, final: refused}
"""
HINT = "      - {id: hint, role: custodian, title: Hint, offered: true, outcomes: {given: {label: Hint given}}}\n"
PRICE = """      - {id: price, role: privacy, title: The price, due: 5 business_days, outcomes: {said: {label: Said}}}
    joined: lending
    join: all
"""
SECOND = FIRST.replace("version: 1", "version: 2").replace(HINT, PRICE) + "migrates: {asked: wanted}\n"
SECOND = SECOND.replace("  asked:\n    title: Asked\n", "  wanted:\n    title: Wanted\n")
SECOND = SECOND.replace("outcomes: {fine: lending, no: refused}", "outcomes: {fine: {label: Fine}, no: refused}")


@dataclass
class Place:
    home: Home

    def write(self, text: str) -> None:
        folder = self.home.workflows / "loan"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "process.yaml").write_text(text)

    def start(self, received_on: str = "2026-11-02") -> None:
        assert main(["start", "loan", "-f", f"received_on={received_on}", "--as", "carla"]) == 0

    def case(self, number: str = "2026-0001") -> Case:
        with open_house(self.home) as house, house.store.read() as unit:
            return unit.case(number)


@pytest.fixture
def place(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Home(tmp_path / "home")
    new_home(made, SETTINGS.format(public_url="http://localhost:8080", bind="127.0.0.1:8080", smtp_port=9)
             + f'database: "{database_url}"\n')
    monkeypatch.setenv("SOPPA_HOME", str(made.root))
    with open_house(made, create=True) as house:
        for person in PEOPLE:
            house.store.save_person(person)
    there = Place(made)
    there.write(FIRST)
    there.start()
    return there


APPLY = ["migrate", "loan", "--to", "2", "--apply", "--reason", "the price is asked now", "--as", "priya"]


def test_a_case_moves_with_its_clock_and_its_open_tasks(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    before = place.case()
    place.write(SECOND)
    assert main(["migrate", "loan", "--to", "2", "--as", "priya"]) == 0
    shown = capsys.readouterr().out
    assert "would move from version 1, at asked" in shown
    assert "closed: hint" in shown
    assert "opened: price" in shown
    assert place.case() == before
    assert main(APPLY) == 0
    after = place.case()
    assert (after.version, after.state) == (2, "wanted")
    assert after.clocks == before.clocks
    look, was = after.open_task("look"), before.open_task("look")
    assert look is not None
    assert was is not None
    assert (look.id, look.due, look.generation) == (was.id, was.due, was.generation)
    assert after.open_task("hint") is None
    assert after.open_task("price") is not None
    with open_house(place.home) as house:
        line = next(line for line in house.store.views.history(after.id) if line.kind == "case_migrated")
        assert line.personal["reason"] == "the price is asked now"
        assert not house.store.views.verify_history(after.id)
    capsys.readouterr()
    assert main(APPLY) == 0
    assert "every open case of loan runs on version 2" in capsys.readouterr().out
    assert main(["do", "2026-0001", "price", "said", "--as", "priya"]) == 0
    assert main(["do", "2026-0001", "look", "fine", "-f", "kind=book", "--as", "carla"]) == 0
    assert place.case().state == "lending"


@pytest.mark.parametrize(("old", "new", "sentence"), [
    ("rule: R-CORR-DISTRICT", "rule: R-CORR-CONFIRM", None),
    ("rule: R-CORR-CONFIRM", "rule: R-CORR-DISTRICT", "would lengthen"),
    ("clocks:\n  lend:", "clocks:\n  other:", "would be dropped"),
    ("anchor: received_on", "anchor: {event: look.fine}", "would lengthen: 2027-02-01 would become no date"),
    ("satisfied_by: [give.given]", "satisfied_by: [give.given, entered.wanted]", None),
    ("migrates: {asked: wanted}\n", "", "which version 2 has not: name its heir in migrates"),
])  # fmt: skip
def test_what_would_change_a_legal_date_for_the_worse_stays(
    place: Place, capsys: pytest.CaptureFixture[str], old: str, new: str, sentence: str | None
) -> None:
    if old == "rule: R-CORR-CONFIRM":
        place.write(FIRST.replace("rule: R-CORR-DISTRICT", old).replace("version: 1", "version: 3"))
        place.start()
        case, second = "2026-0002", SECOND.replace("version: 2", "version: 4")
    else:
        case, second = "2026-0001", SECOND.replace(old, new)
    assert old in SECOND or old == "rule: R-CORR-CONFIRM"
    before = place.case(case)
    place.write(second)
    number = "4" if "version: 4" in second else "2"
    code = main([*APPLY[:3], number, *APPLY[4:], "--case", case])
    out = capsys.readouterr().out
    assert code == (1 if sentence else 0), out
    if sentence:
        assert sentence in out
        assert place.case(case) == before
    else:
        assert place.case(case).version == 2


@pytest.mark.parametrize(("words", "sentence"), [
    (["--to", "7"], "--to 7: version 2 of loan is on file, and only that can be moved to"),
    (["--to", "2", "--apply"], "needs a reason: add --reason"),
    (["--to", "2", "--case", "2026-9999"], "unknown case '2026-9999'"),
])  # fmt: skip
def test_wrong_words_change_nothing(
    place: Place, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    place.write(SECOND)
    before = place.case()
    assert main(["migrate", "loan", *words, "--as", "priya"]) == 2
    assert sentence in capsys.readouterr().err
    assert place.case() == before
