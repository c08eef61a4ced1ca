"""The store keeps a decision whole or not at all, on both databases; races have one winner."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from engine.errors import (
    AlreadyDecided,
    Contradiction,
    LostRace,
    NotAllowed,
    Refused,
    SoppaError,
    UsageError,
    WrongEnvironment,
)
from engine.model.messages import (
    CancelTimers,
    ChildEnded,
    Decision,
    Event,
    Send,
    SetTimer,
    StartCase,
    StartChild,
    TellParent,
)
from engine.model.office import Person
from storage.database import open_engine
from storage.driver import SQLITE, wal_is_safe
from storage.sealing import new_ring
from storage.store import SqlStore, open_store
from storage.tables import CASES, HISTORY, OUTBOX, TASKS, TIMERS
from tests.integration.stored import ANN, MINUTE, NOW, TODAY, change, clock, load, new_case, opened, start, task

ADA = Person("ada", "Ada", "ada@d.org", frozenset({"privacy"}), "ada", absent=(TODAY, TODAY + dt.timedelta(days=2)))


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    with opened(database_url) as store:
        yield store


def test_a_case_comes_back_as_it_was_kept(store: SqlStore) -> None:
    case = start(store)
    assert load(store, case.id) == case


def test_a_changed_case_comes_back_changed(store: SqlStore) -> None:
    case = start(store)
    done = replace(case.tasks[0], outcome="complete", done_by="Ann Lee", done_at=NOW)
    after = change(store, case, tasks=(done, task(case.id, 2)), facts={**case.facts, "count": 4}, state="determining")
    assert load(store, case.id) == after


def test_a_task_that_was_left_behind_is_still_known(store: SqlStore) -> None:
    case = start(store)
    after = change(store, case, tasks=())
    with store.read() as unit:
        assert unit.case(case.id) == after and unit.case_of_task(case.tasks[0].id) == case.id


def test_numbers_of_cases_are_dense_and_per_year(store: SqlStore) -> None:
    with store.begin() as unit:
        numbers = [unit.new_case_id(dt.date(year, 1, 2)) for year in (2026, 2026, 2027)]
    assert numbers == ["2026-0001", "2026-0002", "2027-0001"]


def test_a_number_that_was_rolled_back_is_given_again(store: SqlStore) -> None:
    with pytest.raises(KeyError), store.begin() as unit:  # noqa: PT012 the transaction is what raises
        unit.new_case_id(TODAY)
        raise KeyError
    with store.begin() as unit:
        assert unit.new_case_id(TODAY) == "2026-0001"


def test_unknown_case_and_task_name_the_nearest(store: SqlStore) -> None:
    case = start(store)
    with store.read() as unit, pytest.raises(UsageError, match=case.id):
        unit.case("2026-001")
    with store.read() as unit, pytest.raises(UsageError, match=f"unknown task '{case.id}-9'"):
        unit.case_of_task(f"{case.id}-9")


def test_nothing_of_a_decision_stays_when_its_block_raises(store: SqlStore) -> None:
    with pytest.raises(KeyError), store.begin() as unit:  # noqa: PT012 the transaction is what raises
        case = new_case("2026-0001")
        unit.keep(None, Decision(case, (SetTimer("after/1", NOW),), (Event("case_started"),)), ANN, NOW)
        raise KeyError
    with store.base.reading() as connection:
        counts = [connection.scalar(select(func.count()).select_from(table)) for table in (CASES, TIMERS, HISTORY)]
    assert counts == [0, 0, 0]


def test_a_reading_unit_cannot_write(store: SqlStore) -> None:
    with pytest.raises(SoppaError, match="read-only"), store.read() as unit:
        unit.set_high_water(NOW)


def test_of_two_completers_one_loses_the_race(store: SqlStore) -> None:
    case = start(store)
    barrier = threading.Barrier(2)
    done: list[str] = []

    def complete(who: str) -> None:
        seen = load(store, case.id)
        barrier.wait(timeout=10)
        try:
            change(store, seen, outcome=who)
            done.append(who)
        except LostRace:
            done.append("lost")

    _together(lambda: complete("first"), lambda: complete("second"))
    assert done.count("lost") == 1 and load(store, case.id).outcome in {"first", "second"} & set(done)
    assert load(store, case.id).revision == case.revision + 1


def test_eight_racing_counters_lose_no_update(store: SqlStore) -> None:
    case = start(store)

    def count() -> None:
        for _ in range(5):
            with store.begin() as unit:
                seen = unit.case(case.id)
                after = replace(seen, revision=seen.revision + 1, next_task=seen.next_task + 1)
                unit.keep(seen, Decision(after, (), (Event("told"),)), ANN, NOW)

    _together(*[count] * 8)
    assert load(store, case.id).next_task == case.next_task + 40
    assert store.views.verify_history(case.id) == []


def test_the_same_new_case_twice_is_a_lost_race(store: SqlStore) -> None:
    case = start(store)
    with pytest.raises(LostRace), store.begin() as unit:
        unit.keep(None, Decision(case, (), ()), ANN, NOW)


def test_a_superseded_clock_keeps_its_dates_and_gets_a_reason(store: SqlStore) -> None:
    case = start(store)
    moved = replace(clock(2), legal=dt.date(2027, 3, 1), reason="day 0 moved")
    change(store, case, clocks={"district_fix": moved})
    (first, why), (second, still) = store.views.clocks(case.id)
    assert (first.legal, why) == (dt.date(2027, 2, 1), "day 0 moved") and (second, still) == (moved, None)
    assert load(store, case.id).clocks == {"district_fix": moved}


def test_a_clock_that_ends_stays_one_generation(store: SqlStore) -> None:
    case = start(store)
    ended = replace(clock(), status="satisfied", ended_on=TODAY)
    change(store, case, clocks={"district_fix": ended})
    assert store.views.clocks(case.id) == ((ended, None),)


def test_due_timers_come_earliest_first_and_no_earlier_than_due(store: SqlStore) -> None:
    start(store, SetTimer("b", NOW), SetTimer("a", NOW - MINUTE), SetTimer("later", NOW + MINUTE))
    with store.begin() as unit:
        assert [timer.key for timer in unit.due_timers(NOW, 50)] == ["a", "b"]
        assert [timer.key for timer in unit.due_timers(NOW, 1)] == ["a"]


def test_a_timer_that_fired_is_never_set_again(store: SqlStore) -> None:
    case = start(store, SetTimer("rung/c/1/legal/2026-11-24", NOW))
    with store.begin() as unit:
        unit.timers_fired(unit.due_timers(NOW, 50), NOW)
    change(store, case, SetTimer("rung/c/1/legal/2026-11-24", NOW))
    with store.begin() as unit:
        assert unit.due_timers(NOW, 50) == ()


def test_timers_are_cancelled_by_prefix_taken_literally(store: SqlStore) -> None:
    case = start(store, SetTimer("rung/a_b/1", NOW), SetTimer("rung/axb/1", NOW), SetTimer("after/1", NOW))
    other = start(store, SetTimer("rung/a_b/1", NOW))
    change(store, case, CancelTimers("rung/a_b/"))
    with store.begin() as unit:
        left = {(timer.case_id, timer.key) for timer in unit.due_timers(NOW, 50)}
    assert left == {(case.id, "rung/axb/1"), (case.id, "after/1"), (other.id, "rung/a_b/1")}


def test_workers_never_take_the_same_timer(store: SqlStore) -> None:
    for _ in range(10):
        start(store, SetTimer("after/1", NOW), SetTimer("after/2", NOW))
    taken: list[int] = []

    def work() -> None:
        while True:
            with store.begin() as unit:
                timers = unit.due_timers(NOW, 3)
                unit.timers_fired(timers, NOW)
            taken.extend(timer.id for timer in timers)
            with store.base.reading() as connection:
                if not connection.scalar(select(func.count()).where(TIMERS.c.at.is_not(None))):
                    return

    _together(work, work, work)
    assert len(taken) == len(set(taken)) == 20


def test_a_savepoint_undoes_its_own_block_only(store: SqlStore) -> None:
    with store.begin() as unit:
        unit.set_high_water(NOW)
        with pytest.raises(UsageError), unit.savepoint():  # noqa: PT012 the transaction is what raises
            unit.set_high_water(NOW + MINUTE)
            raise UsageError("sick")
    assert store.high_water() == NOW


def test_a_child_and_its_parent_get_their_messages(store: SqlStore) -> None:
    case = start(store, StartChild("fix", "operator_fix", {"on": TODAY}, {}), TellParent("2026-0001", "fix", "done"))
    with store.begin() as unit:
        first, second = unit.messages(10, NOW)
        begin = first.read()
        assert isinstance(begin, StartCase)
        assert first.case_id == begin.case_id == "2026-0002"
        assert (begin.parent, begin.process) == (case.id, "operator_fix")
        assert begin.facts == {"on": TODAY}
        assert second.read() == ChildEnded("fix", case.id, "done") and second.case_id == "2026-0001"
        unit.message_done(first)
    with store.begin() as unit:
        assert [message.id for message in unit.messages(10, NOW)] == [second.id]


def test_messages_of_one_case_come_one_at_a_time(store: SqlStore) -> None:
    start(store, *[TellParent("2026-0001", f"child{n}", "done") for n in range(3)])
    with store.begin() as unit:
        (message,) = unit.messages(10, NOW)
    assert message.read() == ChildEnded("child0", "2026-0001", "done")


def test_the_fifth_failure_opens_an_incident_and_others_go_on(store: SqlStore) -> None:
    start(store, SetTimer("sick", NOW), SetTimer("well", NOW))
    with store.begin() as unit:
        sick = next(timer for timer in unit.due_timers(NOW, 50) if timer.key == "sick")
    assert [store.failed("timer", sick.id, "KeyError", NOW) for _ in range(5)] == [1, 2, 3, 4, 5]
    (incident,) = store.views.incidents()
    assert (incident.kind, incident.ref, incident.tries, incident.error) == ("timer", sick.id, 5, "KeyError")
    with store.begin() as unit:
        assert [timer.key for timer in unit.due_timers(NOW, 50)] == ["well"]
    store.retry_incident(incident.id, NOW)
    with store.begin() as unit:
        assert [timer.key for timer in unit.due_timers(NOW, 50)] == ["sick", "well"]
    assert store.views.incidents() == () and len(store.views.incidents(closed=True)) == 1
    with pytest.raises(Refused, match="closed already"):
        store.retry_incident(incident.id, NOW)


def test_a_sick_message_waits_for_a_person(store: SqlStore) -> None:
    start(store, TellParent("2026-0001", "fix", "done"))
    with store.begin() as unit:
        (message,) = unit.messages(10, NOW)
    for _ in range(5):
        store.failed("message", message.id, "Refused", NOW)
    assert not store.has_work(NOW)
    store.retry_incident(store.views.incidents()[0].id, NOW)
    assert store.has_work(NOW)


def test_has_work_sees_timers_messages_and_mails(store: SqlStore) -> None:
    case = start(
        store, SetTimer("later", NOW + MINUTE), Send("told", "1", "1", "party:parent", not_before=NOW + MINUTE)
    )
    assert not store.has_work(NOW) and store.has_work(NOW + MINUTE)
    change(store, case, TellParent(case.id, "fix", "done"))
    assert store.has_work(NOW)


@pytest.mark.parametrize(
    "values",
    [{"case_id": "2026-0001", "key": "k"}],
)
def test_the_database_itself_refuses_a_second_timer_of_a_key(store: SqlStore, values: dict[str, str]) -> None:
    start(store, SetTimer("k", NOW))
    with pytest.raises(IntegrityError), store.base.engine.begin() as connection:
        connection.execute(insert(TIMERS).values(**values, at=NOW, attempts=0))


def test_the_database_itself_refuses_an_unknown_state_of_a_mail(store: SqlStore) -> None:
    start(store, Send("told", "1", "1", "party:parent"))
    with pytest.raises(IntegrityError), store.base.engine.begin() as connection:
        connection.execute(update(OUTBOX).values(state="delivered"))


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("UPDATE outbox SET state = 'delivered'", "ck_outbox_state"),
        ("UPDATE cases SET revision = 0", "ck_cases_revision"),
        ("UPDATE cases SET state = NULL", "cases.state"),
        ("INSERT INTO timers (case_id, key, attempts) VALUES ('2026-0099', 'k', 0)", ""),
    ],
    ids=["a word that is none of the list", "a number out of its range", "nothing", "a case that is not there"],
)
def test_a_row_that_breaks_a_rule_is_a_fault_of_ours_and_no_race(store: SqlStore, statement: str, rule: str) -> None:
    start(store, Send("told", "1", "1", "party:parent"))
    with pytest.raises(Contradiction) as caught:
        store.base.write(lambda connection: connection.execute(text(statement)))
    said = str(caught.value)
    assert said.startswith("the database refused a row that breaks its rules (") and rule in said
    assert "\n" not in said and "delivered" not in said and "0099" not in said


def test_a_row_that_is_there_already_is_a_race(store: SqlStore) -> None:
    case = start(store, SetTimer("k", NOW))
    again = insert(TIMERS).values(case_id=case.id, key="k", at=NOW, attempts=0)
    with pytest.raises(LostRace):
        store.base.write(lambda connection: connection.execute(again))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE history SET detail = '{}'",
        "UPDATE history SET hash = 'x'",
        "UPDATE history SET at = at",
        "DELETE FROM history",
    ],
)
def test_history_refuses_to_be_changed(store: SqlStore, statement: str) -> None:
    case = start(store)
    with pytest.raises(DBAPIError, match="append-only"), store.base.engine.begin() as connection:
        connection.execute(text(statement))
    assert store.views.verify_history(case.id) == []


def test_history_tells_what_was_personal_to_those_with_the_ring(store: SqlStore) -> None:
    case = start(store, events=(Event("fact_recorded", {"fact": "child"}, {"value": "Ana Ruiz"}),))
    (line,) = store.views.history(case.id)
    assert (line.seq, line.at, line.actor, line.personal) == (1, NOW, "person:ann", {"value": "Ana Ruiz"})
    assert store.views.history_head(case.id) == line.hash


def test_a_personal_part_that_no_purge_has_emptied_is_missed(store: SqlStore) -> None:
    case = start(store, events=(Event("a", {}, {"value": "Ana"}), Event("b")))
    with store.base.writing() as connection:
        connection.execute(update(HISTORY).values(sealed=None))
    assert store.views.verify_history(case.id) == [
        f"case {case.id}: line 1 of its history was emptied, and no purge says so"]


def test_another_personal_part_is_noticed(store: SqlStore) -> None:
    case = start(store, events=(Event("a", {}, {"value": "Ana"}),))
    forged = store.base.ring.seal(b'{"value":"Eve"}', f"history/{case.id}/1")
    with store.base.writing() as connection:
        connection.execute(update(HISTORY).values(sealed=forged))
    assert store.views.verify_history(case.id) == [f"case {case.id}: the personal part of line 1 was changed"]


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ('UPDATE history SET detail = \'{"a":"forged"}\' WHERE seq = 2', "line 2 of its history, or the one before"),
        ("UPDATE history SET actor = 'person:eve' WHERE seq = 3", "line 3 of its history"),
        ("DELETE FROM history WHERE seq = 2", "line 2 of its history is missing"),
    ],
)
def test_tampering_past_the_triggers_breaks_the_chain(store: SqlStore, statement: str, fault: str) -> None:
    case = start(store, events=(Event("a"), Event("b"), Event("c")))
    with store.base.writing() as connection:
        _drop_triggers(connection.dialect.name, connection.exec_driver_sql)
        connection.exec_driver_sql(statement)
    assert any(fault in found for found in store.views.verify_history(case.id))


def test_nothing_personal_stands_in_the_tables_in_clear(store: SqlStore) -> None:
    start(
        store, StartChild("fix", "operator_fix", {"child": "Ana Ruiz"}, {}), events=(Event("a", {}, {"v": "Ana Ruiz"}),)
    )
    found = []
    with store.base.reading() as connection:
        for table in CASES.metadata.sorted_tables:
            rows = connection.execute(select(table)).all()
            found += [(table.name, value) for row in rows for value in row if _holds(value, b"Ruiz")]
    assert found == []


def test_a_party_who_answered_stands_in_the_tables_by_its_part_in_the_case(store: SqlStore) -> None:
    asked = replace(task("2026-0001"), assignees=(), role=None, party="parent")
    done = replace(asked, outcome="confirm", done_by="Eva Ruiz", done_by_id="parent", done_at=NOW)
    case = change(store, start(store), tasks=(done,))
    assert load(store, case.id).tasks == (done,)
    with store.base.reading() as connection:
        rows = [value for row in connection.execute(select(TASKS)).all() for value in row]
    assert not [value for value in rows if _holds(value, b"Ruiz")]


def test_a_line_that_was_written_with_a_name_in_clear_stays_whole_and_is_read_alike(store: SqlStore) -> None:
    detail = {"task": "2026-0001-1", "outcome": "confirm", "by": "Eva Ruiz"}
    case = start(store, events=(Event("task_completed", detail),))
    sealed = Event("task_completed", {"task": "2026-0001-2", "outcome": "confirm"}, {"by": "Eva Ruiz"})
    with store.begin() as unit:
        unit.case(case.id)
        unit.note(case.id, sealed, ANN, NOW)
        answers = [unit.answer_of(case.id, number) for number in ("2026-0001-1", "2026-0001-2")]
    assert [answer and answer.by for answer in answers] == ["Eva Ruiz", "Eva Ruiz"]
    assert [line.told["by"] for line in store.views.history(case.id)] == ["Eva Ruiz", "Eva Ruiz"]
    assert store.views.verify_history(case.id) == []


def test_people_come_back_as_saved_and_can_be_changed(store: SqlStore) -> None:
    store.save_person(ADA)
    store.save_person(replace(ADA, name="Ada L.", absent=None))
    assert list(store.people()) == [replace(ADA, name="Ada L.", absent=None)]
    with pytest.raises(UsageError, match="login 'ada' belongs to ada already"):
        store.save_person(replace(ADA, id="eve"))


def test_a_two_person_act_needs_another_person_and_happens_once(store: SqlStore) -> None:
    act = store.acts.add("move_legal_date", None, {"why": "x"}, "ada", NOW, dt.timedelta(days=1))
    assert [waiting.payload for waiting in store.acts.waiting(NOW)] == [{"why": "x"}]
    with pytest.raises(NotAllowed):
        store.acts.confirm(act.id, "ada", NOW)
    with pytest.raises(Refused, match="waited too long"):
        store.acts.confirm(act.id, "bob", NOW + dt.timedelta(days=2))
    assert store.acts.confirm(act.id, "bob", NOW).confirmed_by == "bob"
    with pytest.raises(AlreadyDecided):
        store.acts.confirm(act.id, "cem", NOW)
    assert store.acts.waiting(NOW) == ()


def test_another_key_ring_is_refused_with_one_sentence(database_url: str) -> None:
    with opened(database_url), pytest.raises(WrongEnvironment, match="lost key"):
        open_store(database_url, new_ring())


def test_a_database_without_tables_is_refused(empty_database_url: str) -> None:
    open_engine(empty_database_url, create=True).dispose()  # there now, on either kind
    with pytest.raises(WrongEnvironment, match="no tables of soppa"):
        open_store(empty_database_url, new_ring())


def test_a_database_of_another_schema_is_refused(database_url: str) -> None:
    with opened(database_url) as store:
        with store.base.writing() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(WrongEnvironment, match="schema 9999, this program needs"):
            open_store(database_url, store.base.ring)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606])
def test_a_file_that_others_may_read_is_refused(sqlite_url: str, tmp_path: Path, mode: int) -> None:
    with opened(sqlite_url) as store:
        ring = store.base.ring
    path = tmp_path / "soppa.sqlite"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(mode)
    with pytest.raises(WrongEnvironment, match=f"chmod 600 {path}"):
        open_store(sqlite_url, ring)


def test_a_file_that_is_no_database_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    path = tmp_path / "soppa.sqlite"
    path.write_bytes(b"This is no database, but it is long enough to be looked at." * 20)
    path.chmod(0o600)
    with pytest.raises(WrongEnvironment, match="damaged or no database"):
        open_store(sqlite_url, new_ring())


def test_a_missing_file_is_never_made_by_looking(sqlite_url: str, tmp_path: Path) -> None:
    with pytest.raises(WrongEnvironment, match="there is no database"):
        open_store(sqlite_url, new_ring())
    assert not (tmp_path / "soppa.sqlite").exists()


@pytest.mark.parametrize(
    ("version", "safe"),
    [("3.40.1", False), ("3.44.5", False), ("3.44.6", True), ("3.45.0", False), ("3.50.6", False), ("3.50.7", True),
     ("3.51.2", False), ("3.51.3", True), ("3.53.0", True), ("4.0.0", True)],
)  # fmt: skip
def test_wal_is_for_builds_with_the_fix(version: str, safe: bool) -> None:
    assert wal_is_safe(version) is safe


def test_sqlite_keeps_what_it_promised(sqlite_url: str) -> None:
    with opened(sqlite_url) as store, store.base.engine.connect() as connection:
        asked = ("synchronous", "foreign_keys", "secure_delete", "journal_mode")
        said = {pragma: connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() for pragma in asked}
        strict = connection.exec_driver_sql("SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict = 0")
        loose = {name for (name,) in strict if not name.startswith(("sqlite_", "alembic_"))}
    journal = "wal" if wal_is_safe(SQLITE.sqlite_version) else "delete"
    assert said == {"synchronous": 2, "foreign_keys": 1, "secure_delete": 1, "journal_mode": journal}
    assert loose == set()


def test_a_process_killed_in_mid_transaction_leaves_nothing(sqlite_url: str) -> None:
    with opened(sqlite_url) as store:
        case = start(store)
        before = load(store, case.id)
        child = subprocess.Popen([sys.executable, "-c", _HALF_DONE, sqlite_url], stdout=subprocess.PIPE)
        assert child.stdout is not None and child.stdout.readline() == b"half done\n"
        os.kill(child.pid, signal.SIGKILL)
        child.wait(timeout=10)
        child.stdout.close()
        assert load(store, case.id) == before
        assert change(store, before, outcome="ours").outcome == "ours"


_HALF_DONE = """
import sys, time
from storage.database import open_engine
engine = open_engine(sys.argv[1])
with engine.begin() as connection:
    connection.exec_driver_sql("UPDATE cases SET revision = revision + 1, outcome = 'half'")
    print("half done", flush=True)
    time.sleep(60)
"""


def _together(*works: Callable[[], None]) -> None:
    """Runs them at once; the first error of any is raised here."""
    errors: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    if errors:
        raise errors[0]


def _drop_triggers(dialect: str, run: Callable[[str], object]) -> None:
    on = "" if dialect == "sqlite" else " ON history"
    for name in ("history_no_update", "history_cut_once", "history_no_delete"):
        run(f"DROP TRIGGER {name}{on}")


def _holds(value: object, word: bytes) -> bool:
    content = value if isinstance(value, bytes) else str(value).encode()
    return word in content
