"""Numbers of the district: read from its settings when a case starts, never typed, and kept with the case."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import pytest

import workflows
from cli.commands.check import check_thresholds
from engine.deciding.decide import decide, start
from engine.errors import FaultyInput, UsageError
from engine.model.case import SYSTEM
from engine.model.definition import Definition
from engine.model.messages import CompleteTask, RecordFacts, StartCase
from tests.office import actor, office

NOW = dt.datetime(2027, 3, 1, 18, 0, tzinfo=dt.UTC)
TEXT = """
process: buying
version: 1
title: Buying
cites: [105 ILCS 85/27]
facts:
  amount: {type: int, label: Amount}
  board_amount: {type: int, threshold: 25000, label: From here on the Board decides}
states:
  open:
    title: Open
    initial: true
    tasks:
      - id: ask
        role: privacy
        title: Ask
        form: [amount]
        due: 5 business_days
        outcomes: {ask: [{when: amount >= board_amount, to: board}, {else: bought}]}
  board: {title: Board, final: board}
  bought: {title: Bought, final: bought}
"""


def compiled(text: str = TEXT) -> Definition:
    return workflows.compile_source(text, "buying.yaml", {})


@pytest.mark.parametrize(("own", "amount", "state"), [
    ({}, 24_999, "bought"), ({}, 25_000, "board"),
    ({"board_amount": 10_000}, 10_000, "board"), ({"board_amount": 10_000}, 9_999, "bought"),
    ({"board_amount": 0}, 0, "board"),
])  # fmt: skip
def test_the_districts_own_number_counts_else_that_of_the_process(
    own: Mapping[str, int], amount: int, state: str
) -> None:
    district = replace(office(), thresholds=own)
    case = start(compiled(), StartCase("2027-0001", SYSTEM, {}, {}), NOW, district).case
    task = case.open_task("ask")
    assert task is not None
    answer = CompleteTask(task.id, "ask", {"amount": amount}, actor("ada"))
    assert decide(compiled(), case, answer, NOW, replace(office(), thresholds={"board_amount": 1})).case.state == state


def test_nobody_types_a_threshold() -> None:
    with pytest.raises(UsageError, match="a threshold of the district: set it in 'thresholds'"):
        start(compiled(), StartCase("2027-0001", SYSTEM, {"board_amount": 1}, {}), NOW, office())
    case = start(compiled(), StartCase("2027-0001", SYSTEM, {}, {}), NOW, office()).case
    with pytest.raises(UsageError, match="threshold of the district"):
        decide(compiled(), case, RecordFacts({"board_amount": 1}, actor("ada"), "cheaper"), NOW, office())


@pytest.mark.parametrize(("old", "new", "message"), [
    ("{type: int, threshold: 25000,", "{type: text, threshold: 25000,", "only an int fact is a threshold"),
    ("threshold: 25000", "threshold: much", "threshold must be a whole number"),
    ("form: [amount]", "form: [amount, board_amount]", "'board_amount' is a threshold of the district"),
])  # fmt: skip
def test_a_broken_threshold_is_told(old: str, new: str, message: str) -> None:
    with pytest.raises(FaultyInput) as broken:
        compiled(TEXT.replace(old, new))
    assert message in str(broken.value)


def test_a_number_that_no_process_asks_for_is_named() -> None:
    district = replace(office(), thresholds={"bord_amount": 1})
    with pytest.raises(UsageError, match="no process asks for 'bord_amount' \\(did you mean 'board_amount'"):
        check_thresholds(district, [compiled()])
    check_thresholds(replace(office(), thresholds={"board_amount": 1}), [compiled()])
