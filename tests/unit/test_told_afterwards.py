"""A duty that staff say was done on an earlier day: the clock ends on that day and not on the day of the answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pytest

import workflows
from engine.deciding.decide import decide, start
from engine.errors import FaultyInput, Unmet
from engine.model.case import Case, Contact, FactValue
from engine.model.definition import Definition
from engine.model.messages import CompleteTask, StartCase
from tests.office import actor, office

PROCESS = """process: posted
version: 1
title: Posted
cites: [Sample]
start: {needs: [signed_on]}
facts:
  signed_on: {type: date, label: Signed on}
  public_on: {type: date, label: Public on}
clocks:
  post: {rule: R-POST-CONTRACT, title: Post, anchor: signed_on, ladder: SHORT, owner: web,
         satisfied_by: [{event: publish.published, on: public_on}]}
states:
  ready: {title: Ready, initial: true, tasks: [{id: publish, role: web, title: Publish, due: 1 business_days,
          form: [{fact: public_on, optional: true}], outcomes: {published: ended}}]}
  ended: {title: Ended, final: ended}
"""
D = dt.date
MONDAY = D(2027, 3, 1)
NOW = dt.datetime(2027, 3, 1, 18, 0, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(days=30)


def compiled(text: str) -> Definition:
    return workflows.compile_source(text, "posted.yaml", {})


@pytest.mark.parametrize(("said", "ended"), [
    (MONDAY + dt.timedelta(days=4), MONDAY + dt.timedelta(days=4)),
    (None, MONDAY + dt.timedelta(days=30)),
    (MONDAY + dt.timedelta(days=31), MONDAY + dt.timedelta(days=30)),
])  # fmt: skip
def test_the_clock_ends_on_the_day_that_was_said_and_never_after_the_answer(said: D | None, ended: D) -> None:
    definition, web = compiled(PROCESS), actor("its")
    case = start(definition, StartCase("1", web, {"signed_on": MONDAY}, {}), NOW, office()).case
    values = {} if said is None else {"public_on": said}
    done = decide(definition, case, CompleteTask("1-1", "published", values, web), LATER, office())
    clock = done.case.clocks["post"]
    assert (clock.status, clock.ended_on) == ("satisfied", ended)
    (line,) = [line for line in done.events if line.kind == "clock_satisfied"]
    assert line.detail["on"] == str(ended)


CONTRACT = workflows.Catalogue(None).newest("contract_posting")
SAID: Mapping[str, FactValue] = {"posted_url": "https://d.example/a", "posted_on": MONDAY}


def ready() -> Case:
    """A posting that waits for the web page since Monday."""
    given: Mapping[str, FactValue] = {"product": "Reader", "entered_on": MONDAY}
    begun = StartCase("1", actor("ada"), given, {"operator": Contact("Acme", "a@a.example")})
    case = start(CONTRACT, begun, NOW, office()).case
    words = "operator_name business_address data_elements uses disclosed_to subcontractors public_file"
    form: Mapping[str, FactValue] = dict.fromkeys(words.split(), "x")
    return answered(case, "prepare", "ready", {**form, "searchable": True}, "ada")


def answered(case: Case, task: str, outcome: str, values: Mapping[str, FactValue], by: str) -> Case:
    (found,) = [one for one in case.tasks if one.name == task and one.is_open]
    return decide(CONTRACT, case, CompleteTask(found.id, outcome, values, actor(by)), LATER, office()).case


def test_nothing_is_public_before_it_was_agreed() -> None:
    with pytest.raises(Unmet) as refused:
        answered(ready(), "publish", "published", {**SAID, "posted_on": MONDAY - dt.timedelta(days=1)}, "its")
    assert "cannot be public before it was entered into" in str(refused.value)


def test_what_was_posted_wrongly_opens_the_duty_again_and_the_old_day_does_not_end_it() -> None:
    public = answered(ready(), "publish", "published", SAID, "its")
    saw: dict[str, FactValue] = {"wrong_on": MONDAY + dt.timedelta(days=2), "wrong_what": "Page 3 is missing"}
    wrong = answered(public, "verify", "wrong", saw, "ada")
    again = wrong.clocks["posting_again"]
    assert (wrong.clocks["posting"].ended_on, again.status, again.legal) == (MONDAY, "running", D(2027, 3, 15))
    with pytest.raises(Unmet, match="not that of the wrong one"):
        answered(wrong, "publish", "published", SAID, "its")


@pytest.mark.parametrize(("wrong", "message"), [
    ("{event: publish.published, on: today}", "on: there is no 'today' in facts"),
    ("{event: publish.published}", "satisfied_by needs the key 'on'"),
    ("{event: publish.done, on: public_on}", "nothing named 'publish.done' can happen"),
])  # fmt: skip
def test_a_fault_in_the_way_it_is_written(wrong: str, message: str) -> None:
    with pytest.raises(FaultyInput) as found:
        compiled(PROCESS.replace("{event: publish.published, on: public_on}", wrong))
    assert message in str(found.value)
