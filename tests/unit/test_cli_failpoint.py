"""A failpoint is a thing of made-up homes: nothing but the mark `demo` wakes it."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pytest

from cli.serving.failpoint import VARIABLE, dying, taking_or_dying
from cli.settings import Settings
from engine.model.handed import OutboxRow
from engine.ports import InHandKind
from notifiers.compose import ComposeOne


def take(kind: InHandKind, ref: int) -> None:
    """Notes nothing."""


def compose(rows: Sequence[OutboxRow], now: object) -> ComposeOne:
    """Makes nothing."""
    return lambda row: None


@pytest.mark.parametrize(("demo", "named"), [(False, "timer/17"), (True, None), (False, None)])
def test_it_sleeps_outside_a_demo_home_and_unless_it_is_named(
    demo: bool, named: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if named:
        monkeypatch.setenv(VARIABLE, named)
    settings = Settings("A district", ZoneInfo("America/Chicago"), demo=demo)
    assert taking_or_dying(settings, take) is take
    assert dying(settings, compose) is compose


def test_other_rows_are_taken_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "timer/17")
    taken: list[tuple[str, int]] = []
    watched = taking_or_dying(Settings("A district", ZoneInfo("America/Chicago"), demo=True),
                              lambda kind, ref: taken.append((kind, ref)))  # fmt: skip
    watched("timer", 1)
    watched("message", 17)
    assert taken == [("timer", 1), ("message", 17)]
