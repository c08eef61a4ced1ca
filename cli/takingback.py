"""What the screens say of an answer that may be taken back still."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cli.printing import count
from engine.model.undoable import TAKEN_BACK

if TYPE_CHECKING:
    from cli.wiring import House
    from engine.model.case import Actor, Case
    from storage.undoing import MayUndo


def may_undo(house: House, case_ids: Iterable[str], who: str | None = None) -> Mapping[str, MayUndo]:
    """Of these cases those whose last answer may be taken back now: by this person, or by whoever gave it."""
    found = house.store.undoing.of(case_ids, house.clock())
    return {case: one for case, one in found.items() if not one.barred and who in (None, one.by)}


def sentence(case_id: str, one: MayUndo, zone: ZoneInfo) -> str:
    """Such as `2 mails leave at 10:42; until then soppa undo 2026-0001 takes it back`."""
    until = clock_time(one.until, zone)
    waits = [f"{one.mails} {'mail leaves' if one.mails == 1 else 'mails leave'}"] if one.mails else []
    waits += [f"{count(one.cases, 'other case')} {'hears' if one.cases == 1 else 'hear'} of it"] if one.cases else []
    if not waits:
        return f"until {until} soppa undo {case_id} takes the answer back"
    return f"{' and '.join(waits)} at {until}; until then soppa undo {case_id} takes it back"


def clock_time(at: dt.datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%H:%M}"


def mapping(one: MayUndo | None) -> dict[str, object] | None:
    """The documented JSON keys."""
    return None if one is None else {"until": one.until, "by": one.by, "mails": one.mails,
                                          "cases": one.cases}


@dataclass(frozen=True, slots=True)
class TakenBack:
    """The case as it is again, the tasks whose answers were taken back, and how many mails will not leave."""

    case: Case
    tasks: list[str]
    mails: int

    @property
    def sentence(self) -> str:
        gone = f", {count(self.mails, 'mail')} will not leave" if self.mails else ""
        return f"case {self.case.id}: the answer to {' and '.join(self.tasks)} is taken back{gone}"


def take_back(house: House, before: Case, actor: Actor, reason: str = "") -> TakenBack:
    """Raises `Refused` or `NotAllowed` with the reason; nothing is changed then."""
    case = house.service.undo(before.id, actor, house.clock(), reason)
    lines = house.store.views.history(case.id)
    undone = [line for line in lines if line.kind == "answer_undone"]
    tasks = [line.detail["name"] for line in undone if line.at == undone[-1].at]
    mails = [mail for mail in house.store.views.outbox(case_id=case.id)
             if mail.reply == TAKEN_BACK and mail.settled_at == undone[-1].at]  # fmt: skip
    return TakenBack(case, tasks, len(mails))
