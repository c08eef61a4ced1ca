"""Answers taken back, in real rows of both databases: what the tables say afterwards, who loses a race, what a kill in
the middle leaves."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select, update

import workflows
from engine.errors import AlreadyDecided, NotAllowed, Refused, SoppaError, Stale
from engine.model.case import Actor, Case, Contact, FactValue
from engine.model.definition import Definition
from engine.model.handed import BriefLine
from engine.model.messages import AddNote, Decision, Event, Send
from engine.model.undoable import Answered
from engine.service import Service
from storage.mailing import briefs
from storage.mailing.outbox import LEASE
from storage.sealing import Ring, new_ring
from storage.store import SqlStore, open_store
from storage.tables import BRIEF_LINES, HISTORY, KEPT_ANSWERS, OUTBOX, TIMERS
from storage.upkeep.verifying import verify
from tests.integration.stored import ANN, new_case
from tests.office import PEOPLE, actor, calendars, office
from tests.unit.test_decide import VERIFIED

CATALOGUE = workflows.Catalogue()
NOW = dt.datetime(2026, 9, 14, 15, 0, tzinfo=dt.UTC)
SECOND, MINUTE = dt.timedelta(seconds=1), dt.timedelta(minutes=1)
ENDS = NOW + 10 * MINUTE
OFFICE = replace(office(), undo_minutes=10)
PARENT = Contact("Pat Parent", "pat@home.example")


@dataclass
class House:
    """A district whose answers may be taken back."""

    url: str
    ring: Ring
    store: SqlStore
    service: Service

    def started(self) -> Case:
        """A request that waits for its custodian; the mails of its start have left."""
        facts: dict[str, FactValue] = {"received_on": dt.date(2026, 9, 11), "item": "The birth date is wrong"}
        case = self.service.start("correction_request", facts, {"parent": PARENT}, actor("cus"), NOW - 5 * MINUTE)
        self.leave(NOW - MINUTE)
        return self.case(case.id)

    def answer(self, case: Case, task: str, outcome: str, values: dict[str, FactValue], by: str = "cus",
               now: dt.datetime = NOW) -> Case:
        found = self.case(case.id).open_task(task)
        assert found is not None
        return self.service.complete_task(found.id, outcome, values, actor(by), now)

    def verified(self, case: Case, now: dt.datetime = NOW) -> Case:
        return self.answer(case, "verify", "complete", VERIFIED, now=now)

    def undo(self, case: Case, now: dt.datetime = NOW + MINUTE, by: str = "cus") -> Case:
        return self.service.undo(case.id, actor(by), now)

    def case(self, case_id: str) -> Case:
        with self.store.read() as unit:
            return unit.case(case_id)

    def leave(self, now: dt.datetime) -> list[str]:
        """What the relay takes at this instant; it is accepted, and the case hears of it."""
        rows = self.store.outbox.claim(now, 50)
        for row in rows:
            assert self.store.outbox.record([row], (), now)
            self.store.outbox.settle(row, "accepted", "250 OK", now)
        self.service.advance(now)
        return [row.mail for row in rows]

    def mails(self, case: Case) -> list[tuple[str, str, str]]:
        lines = sorted(self.store.views.outbox(case_id=case.id), key=lambda line: line.id)
        return [(line.mail, line.recipient, line.state) for line in lines]

    def timers(self, case: Case) -> dict[str, dt.datetime]:
        with self.store.base.reading() as connection:
            mine = (TIMERS.c.case_id == case.id) & TIMERS.c.at.is_not(None)
            return {row.key: row.at for row in connection.execute(select(TIMERS.c.key, TIMERS.c.at).where(mine))}

    def lines(self, case: Case) -> set[tuple[str, str]]:
        """What stands in briefs that wait: (reader, subject)."""
        mine = (OUTBOX.c.id == BRIEF_LINES.c.outbox_id) & (OUTBOX.c.state == "queued")
        wanted = select(OUTBOX.c.recipient, BRIEF_LINES.c.subject).join(BRIEF_LINES, mine)
        with self.store.base.reading() as connection:
            found = connection.execute(wanted.where(BRIEF_LINES.c.case_id == case.id))
            return {(row.recipient, row.subject) for row in found}

    def kept(self) -> int:
        with self.store.base.reading() as connection:
            return connection.scalar(select(func.count()).select_from(KEPT_ANSWERS)) or 0

    def wrong(self) -> list[str]:
        with self.store.base.reading() as connection:
            return verify(connection, self.ring, CATALOGUE.pinned, calendars(), lambda done, whole: None).wrong


def opened(url: str, ring: Ring) -> House:
    store = open_store(url, ring, create=True)
    return House(url, ring, store, Service(store, CATALOGUE, lambda people: OFFICE))


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    made = opened(database_url, new_ring())
    for person in PEOPLE.values():
        made.store.save_person(person)
    yield made
    made.store.close()


# --- what the tables say afterwards ----------------------------------------------------------------------------------


def test_an_answer_that_was_taken_back_left_nothing_but_its_history(house: House) -> None:
    case = house.started()
    timers, mails, lines = house.timers(case), house.mails(case), house.lines(case)
    after = house.verified(case)
    assert house.timers(case) != timers and after.state == "asking_owner"
    again = house.undo(case)
    tasks = tuple(replace(task, generation=2) for task in case.tasks)
    assert again == house.case(case.id) == replace(
        case, revision=after.revision + 1, entries=after.entries, next_task=after.next_task, tasks=tasks)
    assert house.timers(case) == timers and house.lines(case) >= lines
    new = house.mails(case)[len(mails):]
    assert new and {state for *_, state in new[:-1]} <= {"cancelled"}
    assert house.wrong() == [] and house.kept() == 0
    past = [line.kind for line in house.store.views.history(case.id)]
    assert past.count("task_completed") == past.count("answer_undone") == 1


def test_the_mails_of_an_answer_wait_and_leave_when_its_minutes_are_over(house: House) -> None:
    case = house.started()
    house.verified(case)
    mine = house.store.undoing.of([case.id], NOW)[case.id]
    assert (mine.by, mine.until, mine.barred) == ("cus", ENDS, "") and mine.mails >= 1
    assert house.leave(ENDS - SECOND) == []
    assert len(house.leave(ENDS)) == mine.mails
    assert house.wrong() == []


def test_it_is_not_offered_where_a_mail_does_not_wait(house: House) -> None:
    first, second = house.started(), house.started()
    late = dt.datetime(2026, 9, 16, 4, 55, tzinfo=dt.UTC)
    house.verified(first)
    house.verified(second, late)
    assert not house.store.undoing.of([first.id], NOW)[first.id].barred
    assert house.store.undoing.of([second.id], late)[second.id].barred
    (mail,) = [line.id for line in house.store.views.outbox(case_id=first.id) if line.answer is not None]
    house.store.views.retry_mail(mail, NOW)
    assert house.store.undoing.of([first.id], NOW)[first.id].barred


def test_taken_back_and_answered_again_each_mail_leaves_once(house: House) -> None:
    case = house.started()
    first = [mail for mail in house.mails(house.verified(case)) if mail[2] == "queued"]
    house.undo(case)
    house.verified(case, NOW + 2 * MINUTE)
    waiting = [mail for mail in house.mails(case) if mail[2] == "queued"]
    assert [mail for mail in waiting if mail[0] != "task"] == [mail for mail in first if mail[0] != "task"]
    assert house.leave(NOW + 12 * MINUTE)
    assert house.case(case.id).state == "asking_owner" and house.wrong() == []


def told_wrong(house: House) -> Case:
    """A case whose custodian has decided that the district is wrong, by an answer whose state sends no mail."""
    case = house.started()
    house.verified(case)
    house.leave(ENDS)
    house.answer(case, "advise", "answered", {"owner_view": "wrong", "owner_basis": "Birth certificate"}, "dan", ENDS)
    house.leave(ENDS + 11 * MINUTE)
    return house.case(case.id)


LATER = ENDS + 20 * MINUTE


def test_the_mail_of_an_outcome_that_stays_in_its_entry_can_be_sent_again(house: House) -> None:
    case = told_wrong(house)
    values: dict[str, FactValue] = {"basis": "Birth certificate"}
    for minutes in (0, 1):
        now = LATER + minutes * MINUTE
        house.answer(case, "decide", "wrong_district", values, now=now)
        if minutes == 0:
            house.undo(case, now + SECOND)
    told = [mail for mail in house.mails(case) if mail[0] == "told_wrong_district"]
    assert told == [("told_wrong_district", "party:parent", "cancelled"),
                    ("told_wrong_district", "party:parent", "queued")]
    assert "told_wrong_district" in house.leave(LATER + 12 * MINUTE)
    assert house.wrong() == []


def test_a_duty_that_an_answer_ended_runs_again_as_a_new_generation(house: House) -> None:
    case = house.started()
    ended = house.answer(case, "withdraw", "withdrawn", {"withdrawn_on": dt.date(2026, 9, 14)})
    assert not ended.is_open and ended.clocks["district_fix"].status == "void"
    again = house.undo(case)
    clock = again.clocks["district_fix"]
    assert again.is_open and (clock.status, clock.generation) == ("running", 2)
    assert clock.legal == case.clocks["district_fix"].legal
    assert sorted(key for key in house.timers(case) if key.startswith("rung/")) == sorted(
        key.replace("/1/", "/2/", 1) for key in _rungs(case))
    assert house.wrong() == []


def _rungs(case: Case) -> list[str]:
    from engine.deciding.decide import start
    from engine.model.messages import SetTimer, StartCase

    command = StartCase(case.id, actor("cus"), {"received_on": dt.date(2026, 9, 11), "item": "x"}, {"parent": PARENT})
    effects = start(CATALOGUE.newest("correction_request"), command, NOW, OFFICE).effects
    return [one.key for one in effects if isinstance(one, SetTimer) and one.key.startswith("rung/")]


def asked_already(house: House) -> Case:
    """A case whose data owner has got a mail today: what it asks of him is a line of his next brief."""
    case = house.started()
    house.store.outbox.notify("person:dan", "quota", None, {}, NOW - MINUTE)
    house.leave(NOW - MINUTE)
    return case


def test_lines_of_the_answer_go_out_of_the_briefs_and_what_they_replaced_comes_back(house: House) -> None:
    case = asked_already(house)
    with house.store.begin() as unit:
        target = briefs.next_brief(unit.connection, house.store.base.window, "person:dan", NOW)
        before = BriefLine(case.id, "news", f"{case.id}-3", "an older word", -1, None, False, None)
        briefs.add_line(unit.connection, house.ring, target, before)
    house.verified(case)
    with house.store.base.reading() as connection:
        (line,) = briefs.lines_of(connection, house.ring, target)
        assert line.text != "an older word", "the test wants a line that takes another's place"
    house.undo(case)
    with house.store.base.reading() as connection:
        assert briefs.lines_of(connection, house.ring, target) == (before,)


def test_the_day_of_an_operators_one_mail_is_free_again(house: House) -> None:
    ask, given = Send("ask", "1", "1", "party:operator", pace="free"), Answered(ENDS, (), waits=True)
    with house.store.begin() as unit:
        case = replace(new_case(unit.new_case_id(NOW.date())), parties={"operator": Contact("Acme", "a@acme.example")})
        unit.keep(None, Decision(case, (), (Event("case_started"),)), ANN, NOW)
        asked = replace(case, revision=2)
        unit.keep(case, Decision(asked, (ask,), (), given), ANN, NOW)
        kept = unit.answered(case.id)
        undone = replace(case, revision=3)
        unit.keep(asked, Decision(undone, (), (), undoes=kept), ANN, NOW + MINUTE)
        unit.keep(undone, Decision(replace(case, revision=4), (ask,), (), given), ANN, NOW + MINUTE)
        again = unit.answered(case.id)
    before, today = sorted(house.store.views.outbox(case_id=case.id), key=lambda line: line.id)
    assert (before.state, before.reply) == ("cancelled", "the answer was taken back")
    assert (today.state, today.at) == ("queued", ENDS)
    with house.store.begin() as unit:
        other, fourth = replace(case, id=unit.new_case_id(NOW.date())), replace(case, revision=4)
        unit.keep(fourth, Decision(replace(case, revision=5), (), (), undoes=again), ANN, NOW + MINUTE)
        unit.keep(None, Decision(replace(other, tasks=()), (ask,), (Event("case_started"),)), ANN, NOW + MINUTE)
        unit.keep(replace(case, revision=5), Decision(replace(case, revision=6), (ask,), (), given), ANN, NOW + MINUTE)
    *_, last = sorted(house.store.views.outbox(case_id=case.id), key=lambda line: line.id)
    assert last.state == "queued" and last.at is not None, "its day is taken by now, and it waits for the next"
    assert house.store.base.today(last.at) > NOW.date()


# --- when nothing is taken back --------------------------------------------------------------------------------------


def refused(house: House, case: Case, now: dt.datetime = NOW + MINUTE, by: str = "cus") -> str:
    before, history = house.case(case.id), house.store.views.history_head(case.id)
    with pytest.raises(SoppaError) as error:
        house.undo(case, now, by)
    assert (house.case(case.id), house.store.views.history_head(case.id)) == (before, history)
    assert isinstance(error.value, Refused | NotAllowed)
    return str(error.value)


def test_not_when_the_minutes_are_over_nor_by_another(house: House) -> None:
    case = house.started()
    house.verified(case)
    assert "only they may take it back" in refused(house, case, by="ada")
    assert "within the last 10 minutes" in refused(house, case, ENDS)
    assert house.undo(case, ENDS - SECOND).state == "received"
    assert "within the last 10 minutes" in refused(house, case)


def test_not_when_anything_has_happened_since(house: House) -> None:
    case = house.started()
    house.verified(case)
    house.service.tend(case.id, AddNote("She rang", actor("cus")), NOW + SECOND)
    assert "something else has happened" in refused(house, case)
    assert house.store.undoing.of([case.id], NOW + SECOND) == {}


@pytest.mark.parametrize("state", ["handing_over", "accepted", "uncertain", "failed"])
def test_not_when_a_mail_is_on_its_way_or_gone(house: House, state: str) -> None:
    case = house.started()
    house.verified(case)
    mine = (OUTBOX.c.case_id == case.id) & (OUTBOX.c.state == "queued") & OUTBOX.c.answer.is_not(None)
    house.store.base.write(lambda connection: connection.execute(update(OUTBOX).where(mine).values(state=state)))
    assert "a mail of the last answer has left" in refused(house, case)


def test_not_when_a_brief_with_a_line_of_it_is_being_written(house: House) -> None:
    case = asked_already(house)
    house.verified(case)
    mine = OUTBOX.c.id.in_(select(BRIEF_LINES.c.outbox_id).where(BRIEF_LINES.c.answer.is_not(None)))
    claimed = {"state": "claimed", "at": None, "lease_until": NOW + LEASE}
    count = house.store.base.write(
        lambda connection: connection.execute(update(OUTBOX).where(mine).values(claimed)).rowcount)
    assert count and "a mail of the last answer has left" in refused(house, case)


def test_what_is_kept_is_forgotten_when_its_minutes_are_over(house: House) -> None:
    house.verified(house.started())
    assert (house.store.undoing.sweep(ENDS - SECOND), house.kept()) == (0, 1)
    assert (house.store.undoing.sweep(ENDS), house.kept()) == (1, 0)
    assert house.store.undoing.sweep(ENDS) == 0


def test_the_newest_version_says_for_all_cases_whether_anything_is_taken_back(house: House) -> None:
    case = house.started()
    house.verified(case)
    forbidding = Forbidding(CATALOGUE.newest("correction_request"))
    house.service.definitions = forbidding
    assert "no answer of 'correction_request' is taken back" in refused(house, case)
    other = house.started()
    house.verified(other)
    assert house.store.undoing.of([other.id], NOW) == {} and house.kept() == 1


class Forbidding:
    """A shelf whose newest version takes nothing back, while its cases run on the one before."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition

    def newest(self, process: str) -> Definition:
        return replace(self.definition, version=2, hash="2", undo=False)

    def processes(self) -> Collection[str]:
        return CATALOGUE.processes()

    def scheduled(self) -> Sequence[Definition]:
        return CATALOGUE.scheduled()

    def pinned(self, process: str, version: int, digest: str) -> Definition:
        return replace(self.newest(process), undo=True) if version == 2 else self.definition

    def source(self, definition: Definition) -> str:
        return "{}"


# --- races -----------------------------------------------------------------------------------------------------------


def test_a_mail_that_was_claimed_and_not_handed_over_is_stopped(house: House) -> None:
    """The mails of this answer do not wait (it is nearly midnight), and the relay has one in its hands."""
    case, late = house.started(), dt.datetime(2026, 9, 15, 4, 55, tzinfo=dt.UTC)
    house.verified(case, late)
    rows = house.store.outbox.claim(late, 50)
    assert any(row.case_id == case.id for row in rows)
    house.undo(case, late + SECOND)
    mine = [row for row in rows if row.case_id == case.id]
    assert house.store.outbox.record(mine, (), late + SECOND) == []
    assert "accepted" not in {state for _, _, state in house.mails(case)[2:]}


def at_once(*works: Callable[[], object]) -> list[object]:
    """What each gives, or what it raises; all begin together."""
    start, found = threading.Barrier(len(works)), list[Any]([None] * len(works))

    def run(number: int, work: Callable[[], object]) -> None:
        start.wait()
        try:
            found[number] = work()
        except SoppaError as error:
            found[number] = error

    threads = [threading.Thread(target=run, args=one) for one in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_of_two_at_once_one_takes_it_back(house: House) -> None:
    case = house.started()
    house.verified(case)
    ends = at_once(lambda: house.undo(case), lambda: house.undo(case))
    assert sorted(type(end).__name__ for end in ends) == ["Case", "Refused"]
    assert house.case(case.id).state == "received" and house.wrong() == []


def test_against_another_answer_one_of_the_two_stands(house: House) -> None:
    values: dict[str, FactValue] = {"owner_view": "wrong", "owner_basis": "Certificate"}
    for _ in range(3):
        case = house.started()
        task = house.verified(case).open_task("advise")
        assert task is not None
        advise = partial(house.service.complete_task, task.id, "answered", values, actor("dan"), NOW)
        ends = at_once(partial(house.undo, case), advise)
        states = {"received": (Case, (Stale, AlreadyDecided, Refused)), "determining": (Refused, (Case,))}
        undone, answered = states[house.case(case.id).state]
        assert isinstance(ends[0], undone) and isinstance(ends[1], answered)
    assert house.wrong() == []


def test_against_the_relay_either_the_mail_leaves_or_the_answer_is_taken_back(house: House) -> None:
    late = dt.datetime(2026, 9, 15, 4, 55, tzinfo=dt.UTC)

    def relay() -> Collection[int]:
        return house.store.outbox.record(house.store.outbox.claim(late, 50), (), late)

    for _ in range(3):
        case = house.started()
        house.verified(case, late)
        left, end = at_once(relay, partial(house.undo, case, late + SECOND))
        assert isinstance(left, Collection)
        mine = {line.id for line in house.store.views.outbox(case_id=case.id) if line.answer is not None}
        assert isinstance(end, Refused) == bool(mine & set(left)), (end, left)


# --- a kill in the middle --------------------------------------------------------------------------------------------


def killed_at(url: str, ring: Ring, case_id: str, number: int) -> bool:
    """Takes an answer back in a process that dies right before its so-many-th writing; whether it came so far."""
    child = os.fork()
    if child == 0:
        code = 1
        with suppress(BaseException):
            code = _die_in(opened(url, ring), case_id, number)
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def _die_in(house: House, case_id: str, number: int) -> int:
    seen = 0

    def die(connection: Engine, cursor: object, statement: str, *rest: object) -> None:
        nonlocal seen
        seen += statement.split()[0] in ("UPDATE", "INSERT", "DELETE")
        if seen == number:
            os._exit(9)

    event.listen(house.store.base.engine, "before_cursor_execute", die)
    house.service.undo(case_id, actor("cus"), NOW + MINUTE)
    return 0


def test_killed_in_the_middle_it_is_not_done_and_can_be_done_again(house: House) -> None:
    case = house.started()
    after = house.verified(case)
    mails, timers = house.mails(case), house.timers(case)
    number = 1
    while killed_at(house.url, house.ring, case.id, number):
        assert house.case(case.id) == after
        assert (house.mails(case), house.timers(case), house.kept()) == (mails, timers, 1)
        number += 5
    assert number > 10, "it died at no writing"
    assert house.case(case.id).state == "received" and house.wrong() == []


def test_what_is_kept_is_sealed_and_looked_at(house: House) -> None:
    house.verified(house.started())
    assert house.wrong() == []
    with house.store.base.reading() as connection:
        (sealed,) = connection.scalars(select(KEPT_ANSWERS.c.sealed)).all()
        told = connection.scalars(select(HISTORY.c.detail)).all()
    assert b"birth date" not in sealed and not any("2012-03-04" in line for line in told)
    spoilt = update(KEPT_ANSWERS).values(sealed=sealed[:-1])
    house.store.base.write(lambda connection: connection.execute(spoilt))
    assert "kept_answers" in house.wrong()[0]


def test_a_party_answers_for_good(house: House) -> None:
    case = house.started()
    house.answer(case, "verify", "incomplete", {"missing": "a copy", "requester_kind": "parent", "identity_ok": True})
    house.leave(ENDS)
    found = house.case(case.id).open_task("answer")
    assert found is not None
    pat = Actor("party", "parent", "Pat Parent")
    values: dict[str, FactValue] = {"item": "Name", "where_seen": "Report", "right_value": "Ana"}
    house.store.undoing.sweep(ENDS)
    house.service.complete_task(found.id, "sent", values, pat, ENDS + MINUTE)
    assert house.kept() == 0 and house.case(case.id).state == "received"
