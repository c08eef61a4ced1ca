"""The answers of the shipped scenarios, taken back and given again: the case is as it was, and then as it became. Those
of a breach too, since no other process has regions, though its definition allows no undo."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace

import pytest

import workflows
from engine.deciding.decide import decide
from engine.errors import SoppaError
from engine.model.case import Actor, Case, Task
from engine.model.definition import Definition
from engine.model.messages import Command, CompleteTask, Decision, Send
from engine.model.office import Office
from engine.model.roles import ROLES
from engine.model.undoable import TAKEN_BACK, Kept, Undo
from engine.proof import rehearse, simulate
from tests.office import calendars

CATALOGUE = workflows.Catalogue()
LAW = workflows.lawbook()
BARRED = ("started another case", "told", "register", "mail to many", "outside the program", "glass")


def as_it_stands(case: Case) -> object:
    """All that is not a running number."""
    void = {name: one.reason for name, one in case.clocks.items() if one.status == "void" and one.reason != TAKEN_BACK}
    clocks = {name: (one.status, one.anchor, one.legal, one.target, one.ended_on) for name, one in case.clocks.items()
              if one.status != "void"}  # fmt: skip
    tasks = Counter((task.name, task.state, task.assignees, task.party, task.due, task.outcome) for task in case.tasks)
    places = [(place.state, place.entered_at) for place in case.places]
    return (places, case.facts, case.parties, case.happened, case.children, case.outcome, case.ended_at, case.flags,
            void, clocks, tasks)  # fmt: skip


def sends(decision: Decision) -> list[tuple[str, str]]:
    return sorted((effect.mail, effect.recipient) for effect in decision.effects if isinstance(effect, Send))


class Tried:
    """Takes back what a story decides, beside the story; counts what was taken back and what was barred."""

    def __init__(self) -> None:
        self.back = 0
        self.barred = Counter[str]()

    def decide(self, definition: Definition, case: Case, command: Command, now: dt.datetime, office: Office
               ) -> Decision:  # fmt: skip
        if isinstance(command, CompleteTask):
            task = case.task(command.task_id)
            if task is not None and task.party is None:
                self.try_out(definition, case, replace(command, actor=somebody(task)), now, office)
        return decide(definition, case, command, now, office)

    def try_out(self, definition: Definition, case: Case, command: CompleteTask, now: dt.datetime, office: Office
                ) -> None:  # fmt: skip
        office, definition = replace(office, undo_minutes=10), replace(definition, undo=True)
        try:
            first = decide(definition, case, command, now, office)
        except SoppaError:  # the story says what it refuses
            return
        given = first.answered
        assert given is not None
        if given.barred:
            self.barred[given.barred] += 1
            return
        kept = Kept(command.actor.id, now, given.until, first.case.revision, given.answers, "", case)
        undone = decide(definition, first.case, Undo(command.actor, "", kept), now, office)
        assert as_it_stands(undone.case) == as_it_stands(case)
        again = decide(definition, undone.case, command, now, office)
        assert as_it_stands(again.case) == as_it_stands(first.case)
        assert sends(again) == sends(first)
        assert Counter(event.kind for event in again.events) == Counter(event.kind for event in first.events)
        self.back += 1


def somebody(task: Task) -> Actor:
    """Who may do anything, under the name of who was asked."""
    who = next(iter(task.assignees), "somebody")
    return Actor("person", who, who.capitalize(), frozenset(ROLES))


@pytest.mark.parametrize("process", CATALOGUE.processes())
def test_what_a_story_answers_can_be_taken_back_and_given_again(process: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tried, definition = Tried(), CATALOGUE.newest(process)
    monkeypatch.setattr(simulate, "decide", tried.decide)
    office = rehearse.rehearsal_office(calendars(), LAW.references)
    for scenario in definition.scenarios[:6]:
        assert list(rehearse.differences(scenario, definition, CATALOGUE, office)) == []
    assert tried.back or tried.barred
    assert all(any(word in why for word in BARRED) for why in tried.barred)
