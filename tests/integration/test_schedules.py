"""Standing schedules on a real database: cycles appear, move and go with their agreements, and each starts once."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest
from sqlalchemy import event, func, select, update

from engine.errors import Refused, UsageError
from engine.model.case import Case, Contact, FactValue, Suggestion, TableRow
from engine.model.definition import Definition
from engine.service import Service
from registry.values import NEW
from storage.store import SqlStore
from storage.tables import CASES, CYCLES, PRODUCTS
from tests.integration.stored import ANN, opened
from tests.office import PEOPLE, actor, office
from tests.registers import CHECK_IN, COLLECT, EXPIRY, SIGNING, Shelf, compiled
from workflows import Catalogue

D = dt.date
NOW = dt.datetime(2026, 11, 1, 12, 0, tzinfo=dt.UTC)
ACME: Mapping[str, FactValue] = {"operator": "Acme Learning", "product": "Acme Maths", "type": "vendor_dpa",
                                 "signed_on": D(2024, 3, 1)}


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    with opened(database_url) as store:
        for person in PEOPLE.values():
            store.save_person(person)
        yield store


def service(store: SqlStore, *texts: str, month: int | None = None) -> Service:
    ours = replace(office(), attestation_month=month)
    return Service(store, Shelf(*map(compiled, texts or (CHECK_IN, COLLECT))), lambda people: ours)


def write(of: Service, store: SqlStore, values: Mapping[str, FactValue], agreement: str | None = None,
          now: dt.datetime = NOW) -> None:  # fmt: skip
    """Writes the register as an import does: a new agreement, or fields of one."""
    with store.begin() as unit:
        writer = unit.register_writer(ANN, now, "import")
        known = store.register.about(agreement)[0] if agreement else None
        writer.enter(values, known, agreement=None if agreement else NEW)
        writer.flush()
        of.plan(unit, writer.touched, now)


def waiting(store: SqlStore) -> list[tuple[str, str, D]]:
    wanted = select(CYCLES).where(CYCLES.c.at.is_not(None)).order_by(CYCLES.c.process, CYCLES.c.subject)
    with store.base.reading() as connection:
        return [(row.process, row.subject, row.occurrence) for row in connection.execute(wanted)]


def cases(store: SqlStore) -> list[Case]:
    with store.read() as unit:
        ids = unit.connection.scalars(select(CASES.c.id).order_by(CASES.c.id)).all()
        return [unit.case(case_id) for case_id in ids]


def later(**days: int) -> dt.datetime:
    return NOW + dt.timedelta(**days)


def test_an_agreement_that_is_entered_waits_for_its_next_anniversary(store: SqlStore) -> None:
    write(service(store), store, ACME)
    assert waiting(store) == [("check_in", "A-0001", D(2027, 3, 1))]


def test_a_decision_that_enters_an_agreement_plans_it_in_the_same_transaction(store: SqlStore) -> None:
    of = service(store, CHECK_IN, SIGNING)
    facts: Mapping[str, FactValue] = {"product": "Maths", "operator": "Acme", "entered_on": D(2026, 10, 30)}
    case = of.start("signing", facts, {}, ANN, NOW)
    with store.base.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(CYCLES)) == 0
    elements = frozenset({"Student name: First and/or last name"})
    of.complete_task(f"{case.id}-1", "signed", {"elements": elements}, actor("ada"), NOW)
    assert waiting(store) == [("check_in", "A-0001", D(2027, 10, 30))]


def test_a_cycle_starts_at_its_moment_with_its_facts_and_plans_the_next_one(store: SqlStore) -> None:
    of = service(store)
    write(of, store, ACME)
    moment = dt.datetime(2026, 12, 1, 13, 0, tzinfo=dt.UTC)
    assert not store.has_work(moment - dt.timedelta(seconds=1))
    assert of.tick(moment - dt.timedelta(seconds=1)) == 0
    assert store.has_work(moment)
    assert of.tick(moment) == 1
    (case,) = cases(store)
    assert (case.process, case.subject, case.initiator) == ("check_in", "A-0001", "system")
    assert case.facts["cycle_on"] == D(2027, 3, 1)
    assert (case.facts["agreement"], case.facts["why"], case.facts["product"]) == ("A-0001", "yearly", "Acme Maths")
    assert case.flags == ()
    assert waiting(store) == [("check_in", "A-0001", D(2028, 3, 1))]
    assert of.tick(moment) == 0


def test_after_two_years_off_the_latest_cycle_starts_and_says_that_it_is_late(store: SqlStore) -> None:
    of = service(store)
    write(of, store, ACME)
    assert of.tick(dt.datetime(2028, 12, 10, 12, 0, tzinfo=dt.UTC)) == 1
    (case,) = cases(store)
    assert (case.facts["cycle_on"], case.flags) == (D(2029, 3, 1), ("started_late",))
    (line,) = [line for line in store.views.history(case.id) if line.kind == "cycle_started"]
    assert line.detail == {"planned": "2028-12-01", "days_late": "9", "missed": "2"}
    assert waiting(store) == [("check_in", "A-0001", D(2030, 3, 1))]


def test_a_date_that_is_corrected_moves_what_waits(store: SqlStore) -> None:
    of = service(store)
    write(of, store, ACME)
    write(of, store, {"signed_on": D(2024, 3, 20)}, "A-0001")
    assert waiting(store) == [("check_in", "A-0001", D(2027, 3, 20))]
    write(of, store, {"grades": "K-8"}, "A-0001")
    assert waiting(store) == [("check_in", "A-0001", D(2027, 3, 20))]


def test_a_date_that_is_corrected_after_the_start_starts_no_second_cycle(store: SqlStore) -> None:
    of, moment = service(store), dt.datetime(2026, 12, 2, 12, 0, tzinfo=dt.UTC)
    write(of, store, ACME)
    of.tick(moment)
    write(of, store, {"signed_on": D(2024, 3, 20)}, "A-0001", moment)
    assert waiting(store) == [("check_in", "A-0001", D(2028, 3, 20))]
    of.tick(dt.datetime(2027, 2, 1, 12, 0, tzinfo=dt.UTC))
    assert len(cases(store)) == 1


def test_a_last_day_that_is_corrected_while_its_case_is_open_starts_no_second_one(store: SqlStore) -> None:
    of, moment = service(store, EXPIRY), dt.datetime(2027, 1, 5, 12, 0, tzinfo=dt.UTC)
    write(of, store, {**ACME, "expires_on": D(2027, 3, 1)})
    assert of.tick(moment) == 1
    for corrected in (D(2027, 3, 31), D(2028, 3, 1)):
        write(of, store, {"expires_on": corrected}, "A-0001", moment)
        assert waiting(store) == []
    of.tick(moment + dt.timedelta(days=90))
    assert len(cases(store)) == 1


def test_a_short_extension_is_asked_about_again(store: SqlStore) -> None:
    """The case has ended: what it wrote is a new last day, however near."""
    of, moment = service(store, EXPIRY), dt.datetime(2027, 1, 5, 12, 0, tzinfo=dt.UTC)
    write(of, store, {**ACME, "expires_on": D(2027, 3, 1)})
    of.tick(moment)
    (case,) = cases(store)
    (task,) = (task for task in case.tasks if task.is_open)
    of.complete_task(task.id, "goes_on", {"until": D(2027, 4, 15)}, actor("ada"), moment)
    assert waiting(store) == [("term", "A-0001", D(2027, 4, 15))]


def test_an_agreement_that_ends_or_is_superseded_waits_no_more(store: SqlStore) -> None:
    of = service(store)
    write(of, store, ACME)
    write(of, store, {"supersedes": "A-0001", "type": "vendor_dpa", "signed_on": D(2026, 10, 1)})
    assert waiting(store) == [("check_in", "A-0002", D(2027, 10, 1))]
    write(of, store, {"status": "ended"}, "A-0002")
    assert waiting(store) == []


def test_a_cycle_whose_agreement_has_ended_unseen_is_taken_away_without_a_case(store: SqlStore) -> None:
    of = service(store)
    write(of, store, ACME)
    with store.base.writing() as connection:
        connection.exec_driver_sql("UPDATE agreements SET status = 'ended'")
    assert of.tick(later(days=60)) == 1
    assert (cases(store), waiting(store)) == ([], [])


def test_schedules_that_are_new_plan_what_is_there_and_those_that_are_gone_take_it_away(store: SqlStore) -> None:
    write(service(store, SIGNING), store, ACME)
    assert waiting(store) == []
    assert service(store).replan(NOW, limit=1)
    assert waiting(store) == [("check_in", "A-0001", D(2027, 3, 1)), ("collect", "", D(2026, 11, 17))]
    assert not service(store).replan(NOW)
    assert service(store, COLLECT).replan(NOW)
    assert waiting(store) == [("collect", "", D(2026, 11, 17))]


def test_a_schedule_that_changes_moves_what_waits(store: SqlStore) -> None:
    of = service(store, CHECK_IN)
    of.replan(NOW)
    write(of, store, ACME)
    changed = CHECK_IN.replace("90 calendar_days", "30 calendar_days").replace("version: 1", "version: 2")
    assert service(store, changed).replan(NOW)
    with store.base.reading() as connection:
        assert connection.scalar(select(CYCLES.c.at)) == dt.datetime(2027, 1, 30, 13, 0, tzinfo=dt.UTC)


def test_the_districts_attestation_month_moves_what_waits_and_starts_once_a_year_also_after_downtime(
    store: SqlStore,
) -> None:
    yearly = CHECK_IN.replace("of: anniversary", "of: anniversary, instead: attestation_month")
    of = service(store, yearly)
    of.replan(NOW)
    write(of, store, ACME)
    assert waiting(store) == [("check_in", "A-0001", D(2027, 3, 1))]
    of = service(store, yearly, month=5)
    assert of.replan(NOW)
    assert not service(store, yearly, month=5).replan(NOW)
    assert waiting(store) == [("check_in", "A-0001", D(2027, 5, 1))]
    assert of.tick(dt.datetime(2028, 5, 3, 12, 0, tzinfo=dt.UTC)) == 1
    (case,) = cases(store)
    assert (case.facts["cycle_on"], case.flags) == (D(2028, 5, 1), ("started_late",))
    assert waiting(store) == [("check_in", "A-0001", D(2029, 5, 1))]


def test_a_process_without_a_subject_starts_on_its_days(store: SqlStore) -> None:
    of = service(store, COLLECT)
    of.replan(NOW)
    assert of.tick(dt.datetime(2026, 11, 17, 13, 0, tzinfo=dt.UTC)) == 1
    (case,) = cases(store)
    assert (case.subject, case.facts["cycle_on"]) == ("", D(2026, 11, 17))
    assert waiting(store) == [("collect", "", D(2027, 5, 17))]


def test_a_cycle_says_which_of_its_days_it_is_of(store: SqlStore) -> None:
    of = Service(store, Shelf(Catalogue().newest("website_posting")), lambda people: office())
    assert of.replan(NOW)
    assert of.tick(dt.datetime(2026, 11, 17, 13, 0, tzinfo=dt.UTC)) == 1
    assert of.tick(dt.datetime(2027, 5, 17, 12, 0, tzinfo=dt.UTC)) > 0
    begun = [(case.facts["cycle_on"], case.facts["season"], list(case.clocks)) for case in cases(store)]
    calendar_year, fiscal_year = "calendar_year", "fiscal_year"
    assert begun == [(D(2027, 1, 1), calendar_year, [calendar_year]), (D(2027, 7, 1), fiscal_year, [fiscal_year])]


def test_each_cycle_starts_once_whoever_ticks(store: SqlStore) -> None:
    of = service(store)
    for number in range(12):
        write(of, store, {**ACME, "product": f"Maths {number}"})
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda _: service(store).tick(later(days=40), 5), range(8)))
    while service(store).tick(later(days=40), 5):
        pass
    assert sum(done) >= 12
    assert sorted(str(case.subject) for case in cases(store)) == [f"A-{n:04d}" for n in range(1, 13)]


def test_the_database_refuses_a_second_start_of_one_occurrence(store: SqlStore) -> None:
    of = service(store)
    write(of, store, ACME)
    of.tick(later(days=40))
    with store.base.writing() as connection:
        connection.execute(update(CYCLES).where(CYCLES.c.at.is_not(None)).values(at=None, fired_at=NOW))
    row = {"process": "check_in", "subject": "A-0001", "occurrence": D(2027, 3, 1), "missed": 0, "attempts": 0}
    with pytest.raises(Exception, match="nothing was written"), store.base.writing() as connection:
        connection.execute(CYCLES.insert().values(**row))


class Broken(Shelf):
    """A catalogue in which one process cannot be read any more."""

    def newest(self, process: str) -> Definition:
        if process == "check_in":
            raise ValueError("broken")
        return super().newest(process)


def test_a_start_that_fails_five_times_is_an_incident_and_the_others_go_on(store: SqlStore) -> None:
    write(service(store), store, ACME)
    service(store).replan(NOW)
    broken = Service(store, Broken(compiled(CHECK_IN), compiled(COLLECT)), lambda people: office())
    now = later(days=40)
    for _ in range(5):
        now += dt.timedelta(hours=1)
        broken.tick(now)
    assert [case.process for case in cases(store)] == ["collect"]
    (incident,) = store.views.incidents()
    assert (incident.kind, incident.error, incident.tries) == ("cycle", "ValueError", 5)
    assert [process for process, _, _ in waiting(store)] == ["collect"]
    write(service(store), store, {"signed_on": D(2024, 3, 9)}, "A-0001", now)
    assert [process for process, _, _ in waiting(store)] == ["collect"]
    store.retry_incident(incident.id, now)
    assert service(store).tick(now) == 1
    late = next(case for case in cases(store) if case.process == "check_in")
    assert (late.facts["cycle_on"], late.flags) == (D(2027, 3, 1), ("started_late",))


def test_an_agreement_that_cannot_be_read_holds_back_nobody_but_itself(store: SqlStore) -> None:
    of = service(store, CHECK_IN)
    for number in range(3):
        write(of, store, {**ACME, "product": f"Maths {number}"})
    with store.base.writing() as connection:
        connection.execute(update(PRODUCTS).where(PRODUCTS.c.name == "Maths 1").values(sealed=b"torn"))
    of.tick(later(days=40))
    assert [case.subject for case in cases(store)] == ["A-0001", "A-0003"]
    assert [subject for _, subject, _ in waiting(store)] == ["A-0001", "A-0002", "A-0003"]


def test_a_definition_whose_first_case_failed_is_adopted_with_the_next(store: SqlStore) -> None:
    check_in = compiled(CHECK_IN)
    with store.begin() as unit:
        for fails in (True, False):
            with suppress(Refused), unit.savepoint():
                unit.adopt(check_in, lambda its: its.process)
                if fails:
                    raise Refused("its case cannot begin")
        assert unit.adopted("check_in", check_in.version) == (check_in.hash, "check_in")


def test_cases_that_start_together_are_looked_up_together(store: SqlStore) -> None:
    """What is looked at before a case begins is read for several of them, however many there are."""
    of = service(store, CHECK_IN)
    for number in range(8):
        write(of, store, {**ACME, "product": f"Maths {number}"})
    asked: list[str] = []
    event.listen(store.base.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    looks = []
    for limit in (1, 7):
        asked.clear()
        assert of.tick(later(days=40), limit) == limit
        first = (re.search(r"FROM (\w+)", words) for words in asked if words.startswith("SELECT"))
        looks.append(Counter(table[1] for table in first if table))
    assert [looks[1][table] for table in ("agreements", "cycles", "cases", "definitions")] == [1, 3, 1, 1]


def answer(of: Service, case: Case, task: str, outcome: str, now: dt.datetime, **values: FactValue) -> Case:
    found = case.open_task(task)
    assert found is not None
    return of.complete_task(found.id, outcome, values, actor("ada"), now)


def went_through(of: Service, store: SqlStore, now: dt.datetime, uses: int, state: str = "same") -> Case:
    """A year's check-in from its start to its end."""
    of.tick(now)
    case = cases(store)[-1]
    rows = (TableRow("data", {"state": state}), TableRow("security", {"state": "same"}))
    case = answer(of, case, "attest", "sent", now, uses=uses, changed=False, areas=rows)
    return answer(of, case, "review", "fine", now, attested_on=of.make_office(()).today(now))


def test_a_start_that_was_put_off_says_for_which_day_it_was_planned(store: SqlStore) -> None:
    """Also where the schedule catches up, and nothing but the row knows the morning it was moved to."""
    of, planned = service(store, EXPIRY), dt.datetime(2026, 12, 31, 13, 0, tzinfo=dt.UTC)
    write(of, store, {**ACME, "expires_on": D(2027, 3, 1)})
    with store.base.reading() as connection:
        ref = connection.scalar(select(CYCLES.c.id)) or 0
    for died in (True, True, True, False):
        store.failed("cycle", ref, "it failed", planned + dt.timedelta(days=3), died=died)
    assert of.tick(planned + dt.timedelta(days=4)) == 1
    (case,) = cases(store)
    (line,) = [line for line in store.views.history(case.id) if line.kind == "cycle_started"]
    assert line.detail == {"planned": "2026-12-31", "days_late": "4"}


def test_the_next_cycle_is_suggested_the_answers_of_the_last_one(store: SqlStore) -> None:
    of = service(store, CHECK_IN)
    write(of, store, ACME)
    first = went_through(of, store, dt.datetime(2026, 12, 2, 3, 0, tzinfo=dt.UTC), 12)
    assert (first.outcome, first.suggested) == ("renewed", {})
    (holding,) = store.register.about("A-0001")
    assert holding.agreement is not None
    assert holding.agreement.last_attested_on == D(2026, 12, 1)
    of.tick(dt.datetime(2027, 12, 5, 13, 0, tzinfo=dt.UTC))
    second = cases(store)[-1]
    assert (second.after, second.subject) == (first.id, "A-0001")
    assert second.suggested["uses"] == Suggestion(12, D(2026, 12, 1), first.id)
    assert set(second.suggested) == {"uses", "changed", "areas"}
    assert "uses" not in second.facts
    with store.base.reading() as connection:
        assert b"uses" not in bytes(connection.scalar(select(CASES.c.sealed).where(CASES.c.id == second.id)) or b"")


def test_a_renewed_agreement_is_suggested_the_answers_about_the_one_before(store: SqlStore) -> None:
    of = service(store, CHECK_IN)
    write(of, store, ACME)
    first = went_through(of, store, dt.datetime(2026, 12, 2, 12, 0, tzinfo=dt.UTC), 12)
    write(of, store, {"supersedes": "A-0001", "type": "vendor_dpa", "signed_on": D(2027, 3, 1)},
          now=dt.datetime(2027, 3, 1, 12, 0, tzinfo=dt.UTC))
    of.tick(dt.datetime(2027, 12, 5, 13, 0, tzinfo=dt.UTC))
    second = cases(store)[-1]
    assert (second.subject, second.after) == ("A-0002", first.id)


def test_what_was_answered_between_two_cycles_is_suggested_and_the_rest_from_the_cycle_before(store: SqlStore) -> None:
    asked_less = CHECK_IN.replace("form: [uses, changed", "form: [{fact: uses, optional: true}, changed")
    of, between = service(store, asked_less), dt.datetime(2027, 3, 2, 12, 0, tzinfo=dt.UTC)
    write(of, store, ACME)
    first = went_through(of, store, dt.datetime(2026, 12, 2, 12, 0, tzinfo=dt.UTC), 12)
    facts: Mapping[str, FactValue] = {"agreement": "A-0001", "cycle_on": D(2027, 3, 1), "why": "breach"}
    early = of.start("check_in", facts, {}, actor("ada"), between)
    rows = (TableRow("data", {"state": "changed"}), TableRow("security", {"state": "same"}))
    early = answer(of, early, "attest", "sent", between, changed=True, areas=rows)
    answer(of, early, "review", "fine", between, attested_on=D(2027, 3, 2))
    of.tick(dt.datetime(2027, 12, 5, 13, 0, tzinfo=dt.UTC))
    third = cases(store)[-1]
    assert third.after == early.id
    assert {name: one.case for name, one in third.suggested.items()} == {
        "uses": first.id, "changed": early.id, "areas": early.id}


def test_a_case_started_by_hand_is_suggested_only_what_it_names(store: SqlStore) -> None:
    of = service(store, CHECK_IN, COLLECT)
    write(of, store, ACME)
    first = went_through(of, store, dt.datetime(2026, 12, 2, 12, 0, tzinfo=dt.UTC), 12)
    facts: Mapping[str, FactValue] = {"agreement": "A-0001", "cycle_on": D(2027, 3, 1), "why": "breach"}
    assert of.start("check_in", facts, {}, actor("ada"), NOW).suggested == {}
    after = of.start("check_in", facts, {}, actor("ada"), NOW, first.id)
    assert (after.after, after.suggested["uses"].value) == (first.id, 12)
    with pytest.raises(Refused, match=f"case {after.id} is still open"):
        of.start("check_in", facts, {}, actor("ada"), NOW, after.id)
    with pytest.raises(UsageError, match="is of process check_in: name one of collect"):
        of.start("collect", {"cycle_on": D(2026, 11, 17)}, {}, actor("ada"), NOW, first.id)
    with pytest.raises(UsageError, match="unknown case '2020-0001'"):
        of.start("check_in", facts, {}, actor("ada"), NOW, "2020-0001")


def test_a_renewed_agreement_is_not_asked_again_for_a_date_that_was_asked_for(store: SqlStore) -> None:
    of = Service(store, Shelf(Catalogue().newest("subcontractor_list")), lambda people: office())
    contact: Mapping[str, FactValue] = {"contact": (Contact("Ana", "ana@acme.example"),)}
    write(of, store, {**ACME, **contact}, now=later(days=20))
    assert waiting(store) == [("subcontractor_list", "A-0001", D(2027, 1, 1))]
    of.tick(later(days=20, hours=2))
    (case,) = cases(store)
    assert (case.facts["cycle_on"], case.flags) == (D(2027, 1, 1), ())
    write(of, store, {"supersedes": "A-0001", "type": "vendor_dpa", "signed_on": D(2026, 11, 20)}, now=later(days=23))
    assert waiting(store) == [("subcontractor_list", "A-0002", D(2027, 7, 1))]
