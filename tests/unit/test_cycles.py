"""Standing schedules: when a cycle starts, what moves it, and which one starts after the program was off."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from engine.deciding.decide import start
from engine.errors import FaultyInput, OutsideCalendar, UsageError
from engine.law.calendar import Calendar
from engine.model.case import FactValue
from engine.model.cycles import NOTHING, Cycle, Planned, latest, next_cycle, start_date
from engine.model.definition import Definition, ScheduleDef
from engine.model.messages import Notify, OfSchedule, StartCase
from engine.model.office import Office
from engine.proof.prove import check
from engine.proof.simulate import play
from tests.office import actor, office
from tests.registers import CHECK_IN, COLLECT, D, Shelf, compiled, entry

YEARLY = ScheduleDef(True, of="anniversary", before=90)
ON_EXPIRY = ScheduleDef(True, of="expires_on", before=60)
TWICE = ScheduleDef(False, ("11-17", "05-17"))
IN_MONTH = replace(YEARLY, in_month=True)
NOTICE = ScheduleDef(False, of="first_attendance_day", before=60, catches_up=True)


def at(text: str) -> dt.datetime:
    """A UTC instant, such as `2026-12-01 13:00`."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def cycle(
    schedule: ScheduleDef, now: str, planned: Planned = NOTHING, of: Office | None = None, **dates: FactValue
) -> tuple[D, str] | None:
    found = next_cycle(schedule, dates, planned, at(now), of or office())
    return None if found is None else (found.on, f"{found.at:%Y-%m-%d %H:%M}")


def waits(on: D, moment: str, last: D | None = None) -> Planned:
    return Planned(Cycle(on, at(moment)), last=last)


@pytest.mark.parametrize(("signed", "now", "on", "moment", "why"), [
    (D(2024, 4, 7), "2026-11-01 12:00", D(2027, 4, 7), "2027-01-07 13:00", "90 days before, at seven in the morning"),
    (D(2024, 9, 1), "2026-11-01 12:00", D(2027, 9, 1), "2027-06-03 12:00", "in summer an hour earlier in UTC"),
    (D(2026, 10, 1), "2026-11-01 12:00", D(2027, 10, 1), "2027-07-03 12:00", "never on the day of signing itself"),
    (D(2024, 4, 7), "2027-01-07 12:59", D(2027, 4, 7), "2027-01-07 13:00", "a minute before it begins"),
    (D(2024, 4, 7), "2027-01-07 13:00", D(2028, 4, 7), "2028-01-08 13:00", "what began before is not started any more"),
    (D(2024, 2, 29), "2026-11-01 12:00", D(2027, 2, 28), "2026-11-30 13:00", "a leap day comes back on the 28th"),
    (D(2024, 2, 29), "2027-11-30 12:00", D(2028, 2, 29), "2027-12-01 13:00", "and in a leap year on the 29th"),
    (D(2027, 3, 1), "2026-11-01 12:00", D(2028, 3, 1), "2027-12-02 13:00", "signed for a day that is still to come"),
])  # fmt: skip
def test_the_first_cycle_of_an_anniversary(signed: D, now: str, on: D, moment: str, why: str) -> None:
    assert cycle(YEARLY, now, signed_on=signed) == (on, moment), why


@pytest.mark.parametrize(("now", "on", "moment"), [
    ("2026-11-01 12:00", D(2026, 11, 17), "2026-11-17 13:00"),
    ("2026-11-17 13:00", D(2027, 5, 17), "2027-05-17 12:00"),
    ("2027-05-17 11:59", D(2027, 5, 17), "2027-05-17 12:00"),
])  # fmt: skip
def test_days_of_the_year_come_in_their_order(now: str, on: D, moment: str) -> None:
    assert cycle(TWICE, now) == (on, moment)


def test_days_may_begin_so_many_days_earlier_and_follow_the_fiscal_year() -> None:
    schedule = ScheduleDef(False, ("01-01", "fiscal_year"), before=45)
    assert cycle(schedule, "2026-11-01 12:00") == (D(2027, 1, 1), "2026-11-17 13:00")
    assert cycle(schedule, "2026-12-01 12:00") == (D(2027, 7, 1), "2027-05-17 12:00")


def attesting_in(month: int | None) -> Office:
    return replace(office(), attestation_month=month)


@pytest.mark.parametrize(("month", "signed", "now", "on", "moment", "why"), [
    (None, D(2024, 4, 7), "2026-11-01 12:00", D(2027, 4, 7), "2027-01-07 13:00", "without a month, 90 days before"),
    (3, D(2024, 4, 7), "2026-11-01 12:00", D(2027, 3, 1), "2027-03-01 13:00", "on the first of the district's month"),
    (3, D(2026, 12, 2), "2026-12-03 12:00", D(2028, 3, 1), "2028-03-01 13:00", "not an agreement of 89 days before"),
    (3, D(2026, 11, 30), "2026-12-03 12:00", D(2027, 3, 1), "2027-03-01 13:00", "but one of 91 days before"),
    (3, D(2024, 4, 7), "2027-03-01 12:59", D(2027, 3, 1), "2027-03-01 13:00", "a minute before it begins"),
    (3, D(2024, 4, 7), "2027-03-01 13:00", D(2028, 3, 1), "2028-03-01 13:00", "what began before does not start"),
])  # fmt: skip
def test_a_district_may_have_one_month_for_all_attestations(
    month: int | None, signed: D, now: str, on: D, moment: str, why: str
) -> None:
    assert cycle(IN_MONTH, now, of=attesting_in(month), signed_on=signed) == (on, moment), why


def test_a_month_that_is_set_or_changed_starts_nothing_at_once_and_nobody_is_asked_twice_in_half_a_year() -> None:
    before = waits(D(2026, 9, 10), "2026-06-12 12:00")
    march = cycle(IN_MONTH, "2026-05-01 12:00", before, attesting_in(3), signed_on=D(2020, 9, 10))
    assert march == (D(2027, 3, 1), "2027-03-01 13:00")
    before = waits(D(2027, 3, 1), "2027-03-01 13:00")
    june = cycle(IN_MONTH, "2027-02-20 12:00", before, attesting_in(6), signed_on=D(2020, 9, 10))
    assert june == (D(2027, 6, 1), "2027-06-01 12:00")
    asked = Planned(last=D(2026, 12, 15))
    assert cycle(IN_MONTH, "2026-12-20 12:00", asked, attesting_in(3), signed_on=D(2020, 12, 15)) == (
        D(2028, 3, 1), "2028-03-01 13:00")


def test_a_month_that_was_missed_starts_once_and_says_how_late() -> None:
    due, signed = Cycle(D(2027, 3, 1), at("2027-03-01 13:00")), {"signed_on": D(2020, 9, 10)}
    assert latest(IN_MONTH, signed, due, at("2029-04-02 12:00"), attesting_in(3)) == (
        Cycle(D(2029, 3, 1), at("2029-03-01 13:00")), 2)
    planned_before = Cycle(D(2027, 9, 10), at("2027-06-12 12:00"))
    found, missed = latest(IN_MONTH, signed, planned_before, at("2027-06-14 12:00"), attesting_in(3))
    assert (found.on, found.at <= at("2027-06-14 12:00"), missed) == (D(2027, 9, 10), True, 0)


def entered(*begins: D) -> Office:
    """A district that has entered school years which begin on these days."""
    known = office().calendars
    return replace(office(), calendars=replace(known, school=replace(known.school, begins=begins)))


@pytest.mark.parametrize(("begins", "now", "on", "moment", "why"), [
    ((D(2026, 8, 19), D(2027, 8, 18)), "2026-11-01 12:00", D(2027, 8, 18), "2027-06-19 12:00", "as it is entered"),
    ((D(2026, 8, 19),), "2026-11-01 12:00", D(2027, 8, 19), "2027-06-20 12:00", "else on the day of the last year"),
    ((), "2026-11-01 12:00", D(2027, 8, 15), "2027-06-16 12:00", "else on the usual day"),
    ((D(2027, 8, 18),), "2027-07-01 18:00", D(2027, 8, 18), "2027-07-02 12:00", "the next morning, when it is late"),
    ((D(2027, 8, 18),), "2027-08-18 12:00", D(2028, 8, 18), "2028-06-19 12:00", "not once the day has come"),
])  # fmt: skip
def test_a_schedule_may_begin_before_the_first_day_of_attendance(
    begins: tuple[D, ...], now: str, on: D, moment: str, why: str
) -> None:
    assert cycle(NOTICE, now, of=entered(*begins)) == (on, moment), why


def test_a_first_day_that_is_entered_moves_what_waits_and_starts_no_second_cycle() -> None:
    before = waits(D(2027, 8, 19), "2027-06-20 12:00")
    assert cycle(NOTICE, "2027-05-01 12:00", before, entered(D(2027, 8, 11))) == (D(2027, 8, 11), "2027-06-12 12:00")
    assert cycle(NOTICE, "2027-06-18 12:00", before, entered(D(2027, 8, 11))) == (D(2027, 8, 11), "2027-06-12 12:00")
    started = Planned(last=D(2027, 8, 15))
    assert cycle(NOTICE, "2027-06-18 12:00", started, entered(D(2027, 8, 20))) == (D(2028, 8, 20), "2028-06-21 12:00")


def test_business_days_are_counted_back_in_the_strict_calendar() -> None:
    schedule = ScheduleDef(False, ("01-04",), before=5, unit="business_days")
    assert cycle(schedule, "2026-11-01 12:00") == (D(2027, 1, 4), "2026-12-24 13:00")


def test_a_date_beyond_the_calendar_is_an_error_and_no_guess() -> None:
    schedule = ScheduleDef(True, of="expires_on", before=5, unit="business_days")
    with pytest.raises(OutsideCalendar):
        cycle(schedule, "2026-11-01 12:00", expires_on=D(2042, 1, 1))


def test_a_date_of_the_register_comes_once() -> None:
    assert cycle(ON_EXPIRY, "2026-11-01 12:00", expires_on=D(2027, 3, 1)) == (D(2027, 3, 1), "2026-12-31 13:00")
    started = Planned(last=D(2027, 3, 1))
    assert cycle(ON_EXPIRY, "2027-01-05 12:00", started, expires_on=D(2027, 3, 1)) is None
    later = cycle(ON_EXPIRY, "2027-01-05 12:00", started, expires_on=D(2028, 3, 1))
    assert later == (D(2028, 3, 1), "2028-01-01 13:00")


@pytest.mark.parametrize("schedule", [YEARLY, ON_EXPIRY])
def test_without_a_date_in_the_register_nothing_is_planned(schedule: ScheduleDef) -> None:
    assert cycle(schedule, "2026-11-01 12:00") is None
    assert cycle(schedule, "2026-11-01 12:00", waits(D(2027, 3, 1), "2026-12-01 13:00")) is None


@pytest.mark.parametrize(("signed", "on", "moment", "why"), [
    (D(2024, 3, 5), D(2027, 3, 5), "2026-12-05 13:00", "a few days later"),
    (D(2024, 2, 1), D(2027, 2, 1), "2026-11-03 13:00", "earlier, and its moment has passed: it is due at once"),
    (D(2021, 3, 5), D(2027, 3, 5), "2026-12-05 13:00", "another year is the same anniversary"),
    (D(2026, 3, 5), D(2027, 3, 5), "2026-12-05 13:00", "also a later one"),
])  # fmt: skip
def test_a_cycle_that_waits_moves_with_its_date(signed: D, on: D, moment: str, why: str) -> None:
    before = waits(D(2027, 3, 1), "2026-12-01 13:00")
    assert cycle(YEARLY, "2026-11-20 12:00", before, signed_on=signed) == (on, moment), why


def test_a_date_of_the_register_moves_however_far() -> None:
    before = waits(D(2027, 3, 1), "2026-12-31 13:00")
    assert cycle(ON_EXPIRY, "2026-11-20 12:00", before, expires_on=D(2030, 3, 1)) == (D(2030, 3, 1), "2029-12-31 13:00")


def test_a_cycle_that_is_due_stays_until_it_has_started() -> None:
    before = waits(D(2027, 3, 1), "2026-12-01 13:00")
    assert cycle(YEARLY, "2026-12-01 13:00", before, signed_on=D(2024, 6, 1)) == (D(2027, 3, 1), "2026-12-01 13:00")


def test_a_day_of_signing_that_is_corrected_starts_no_second_cycle() -> None:
    started = Planned(last=D(2027, 3, 1))
    assert cycle(YEARLY, "2026-12-02 12:00", started, signed_on=D(2024, 3, 20)) == (D(2028, 3, 20), "2027-12-21 13:00")


@pytest.mark.parametrize(("now", "on", "missed"), [
    ("2026-12-01 13:00", D(2027, 3, 1), 0),
    ("2027-12-01 13:00", D(2027, 3, 1), 0),
    ("2027-12-02 13:00", D(2028, 3, 1), 1),
    ("2030-06-01 12:00", D(2030, 3, 1), 3),
])  # fmt: skip
def test_after_a_long_time_off_only_the_latest_cycle_starts(now: str, on: D, missed: int) -> None:
    due = Cycle(D(2027, 3, 1), at("2026-12-01 13:00"))
    found, before = latest(YEARLY, {"signed_on": D(2024, 3, 1)}, due, at(now), office())
    assert (found.on, before) == (on, missed)


def test_days_of_the_year_that_were_missed_are_counted() -> None:
    due = Cycle(D(2026, 11, 17), at("2026-11-17 13:00"))
    found, missed = latest(TWICE, {}, due, at("2028-01-01 12:00"), office())
    assert (found, missed) == (Cycle(D(2027, 11, 17), at("2027-11-17 13:00")), 2)


def test_a_retried_cycle_is_late_since_the_moment_that_was_planned() -> None:
    due = Cycle(D(2027, 3, 1), at("2026-12-20 09:31"))
    assert latest(YEARLY, {"signed_on": D(2024, 3, 1)}, due, at("2026-12-20 09:31"), office())[0].at == at(
        "2026-12-01 13:00")


def test_a_case_starts_at_seven_whatever_the_clocks_on_the_wall_do() -> None:
    spring = ScheduleDef(False, ("03-14",))
    assert cycle(spring, "2027-03-01 12:00") == (D(2027, 3, 14), "2027-03-14 12:00")
    lord_howe = replace(office(), zone=ZoneInfo("Australia/Lord_Howe"))
    found = next_cycle(spring, {}, NOTHING, at("2027-03-01 12:00"), lord_howe)
    assert found is not None
    assert found.at == at("2027-03-13 20:00")


# --- the case of a cycle ---------------------------------------------------------------------------------------------


def started(now: str, planned: D, missed: int = 0) -> tuple[str, list[dict[str, str]], tuple[str, ...], list[str]]:
    definition = compiled(CHECK_IN)
    facts: dict[str, FactValue] = {"agreement": "A-0001", "cycle_on": D(2027, 3, 1), "why": "yearly"}
    command = StartCase("2026-0001", actor("ada"), facts, {}, cycle=OfSchedule(planned, missed))
    decision = start(definition, command, at(now), replace(office(), register={"A-0001": entry()}))
    told = [dict(event.detail) for event in decision.events if event.kind == "cycle_started"]
    brief = [effect.text for effect in decision.effects if isinstance(effect, Notify) and effect.kind == "news"]
    return str(decision.case.subject), told, decision.case.flags, brief


def test_a_case_that_starts_in_time_says_so_in_its_history_only() -> None:
    assert started("2026-12-01 13:00", D(2026, 12, 1)) == ("A-0001", [{"planned": "2026-12-01"}], (), [])


def test_a_late_one_is_flagged_and_told_to_the_privacy_officer() -> None:
    _, told, flags, brief = started("2026-12-20 13:00", D(2026, 12, 1), 2)
    assert told == [{"planned": "2026-12-01", "days_late": "19", "missed": "2"}]
    assert flags == ("started_late",)
    assert brief == ["Case 2026-0001 should have started on 2026-12-01: it started 19 days late; 2 before it never "
                     "started"]


def test_whoever_starts_a_scheduled_process_by_hand_gives_what_the_schedule_would() -> None:
    with pytest.raises(UsageError, match="check_in needs cycle_on, agreement, why to start"):
        start(compiled(CHECK_IN), StartCase("1", actor("ada"), {}, {}), at("2026-12-01 13:00"), office())


def test_a_story_of_a_scheduled_process_starts_with_its_facts() -> None:
    definition = compiled(CHECK_IN)
    story = play(definition, Shelf(definition), office(), D(2026, 12, 1), {}, {}, days=1)
    assert story.case.facts["cycle_on"] == D(2027, 3, 1)
    assert (story.case.facts["agreement"], story.case.facts["why"]) == ("A-0001", "yearly")
    given: dict[str, FactValue] = {"cycle_on": D(2027, 2, 1), "product": "Acme Maths"}
    story = play(definition, Shelf(definition), office(), D(2026, 12, 1), given, {}, days=1)
    assert (story.case.facts["cycle_on"], story.case.facts["product"]) == (D(2027, 2, 1), "Acme Maths")


def test_the_date_of_a_storys_cycle_is_counted_forward() -> None:
    business = ScheduleDef(False, ("01-04",), before=5, unit="business_days")
    assert start_date(business, D(2026, 12, 24), office()) == D(2027, 1, 4)


# --- compiled and proved ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("definition", [compiled(CHECK_IN), compiled(COLLECT)], ids=lambda each: each.process)
def test_the_sample_processes_are_proved(definition: Definition) -> None:
    assert check(definition).good, check(definition).flaws


@pytest.mark.parametrize(("text", "old", "new", "message"), [
    (CHECK_IN, "of: anniversary", "of: aniversary", "of: 'aniversary' is unknown (did you mean 'anniversary'?)"),
    (CHECK_IN, "of: anniversary", "of: deletion_days", "of: 'deletion_days' is unknown"),
    (CHECK_IN, "90 calendar_days", "90 school_days", "counts back calendar_days or business_days"),
    (CHECK_IN, "for: agreements", "for: products", "for: 'products' is unknown"),
    (CHECK_IN, "for: agreements, ", "", "only a schedule 'for: agreements' has their dates"),
    (CHECK_IN, "facts: {why: yearly}", "facts: {why: often}", "facts: 'often' is unknown"),
    (CHECK_IN, "facts: {why: yearly}", "facts: {product: x}", "fact 'product' is taken from fact 'agreement'"),
    (CHECK_IN, "cycle_on: {type: date, label: Anniversary}", "other_on: {type: date, label: Anniversary}",
     "declare the fact 'cycle_on', a date"),
    (CHECK_IN, "\nfacts:\n", "\nstart: {needs: [uses]}\nfacts:\n", "start needs 'uses', which no schedule gives"),
    (COLLECT, "[11-17, 05-17]", "[11-17, 02-29]", "'02-29' is no day of every year"),
    (COLLECT, "[11-17, 05-17]", "[Nov 17]", "'Nov 17' is no day of every year"),
    (COLLECT, "[11-17, 05-17]", "[]", "on names no day"),
    (COLLECT, "[11-17, 05-17]", "{before: 5 business_days}", "on needs the key 'of'"),
    (COLLECT, "[11-17, 05-17]", "{before: 5 business_days, of: first_day}", "write [MM-DD, …] or first_attendance_day"),
    (COLLECT, "[11-17, 05-17]", "{before: 5 calendar_days, of: [01-01], instead: attestation_month}",
     "a month takes the place of an anniversary"),
    (CHECK_IN, "of: anniversary", "of: anniversary, instead: march", "instead: 'march' is unknown"),
])  # fmt: skip
def test_a_faulty_schedule_is_told_with_its_place(text: str, old: str, new: str, message: str) -> None:
    assert old in text
    with pytest.raises(FaultyInput) as broken:
        compiled(text.replace(old, new))
    assert message in str(broken.value)


def test_calendars_are_not_needed_for_calendar_days() -> None:
    """A schedule in calendar days goes on beyond the last dated table."""
    empty = Calendar("none", "1", {}, D(2026, 1, 1), D(2026, 1, 2))
    bare = replace(office(), calendars=replace(office().calendars, strict=empty, statutory=empty))
    assert next_cycle(YEARLY, {"signed_on": D(2040, 3, 1)}, NOTHING, at("2044-01-01 12:00"), bare) is not None


CATCHING_UP = ScheduleDef(True, ("01-01", "07-01"), before=45, catches_up=True)
TERM = replace(ON_EXPIRY, catches_up=True)


@pytest.mark.parametrize(("now", "on", "moment", "why"), [
    ("2026-11-17 12:59", D(2027, 1, 1), "2026-11-17 13:00", "on its day"),
    ("2026-11-29 18:00", D(2027, 1, 1), "2026-11-30 13:00", "the next morning, since the date is still to come"),
    ("2026-11-30 12:00", D(2027, 1, 1), "2026-11-30 13:00", "and planned again it stays there"),
    ("2026-12-30 18:00", D(2027, 1, 1), "2026-12-31 13:00", "the day before"),
    ("2026-12-31 18:00", D(2027, 7, 1), "2027-05-17 12:00", "the next morning would be the day itself"),
    ("2027-01-02 18:00", D(2027, 7, 1), "2027-05-17 12:00", "what is over is over"),
])  # fmt: skip
def test_a_schedule_that_catches_up_asks_while_the_date_is_to_come(now: str, on: D, moment: str, why: str) -> None:
    assert cycle(CATCHING_UP, now) == (on, moment), why


def test_what_was_caught_up_is_not_late_and_not_started_twice() -> None:
    due = Cycle(D(2027, 1, 1), at("2026-11-30 13:00"))
    assert latest(CATCHING_UP, {}, due, at("2026-11-30 13:00"), office()) == (due, 0)
    started = Planned(last=D(2027, 1, 1))
    assert cycle(CATCHING_UP, "2026-11-30 13:01", started) == (D(2027, 7, 1), "2027-05-17 12:00")


def test_what_waits_for_its_morning_goes_on_waiting_when_it_is_planned_anew() -> None:
    """A daemon that starts after an import plans every agreement again, and nobody is mailed in the evening."""
    morning = waits(D(2027, 1, 15), "2026-11-30 13:00")
    assert cycle(TERM, "2026-11-29 20:00", morning, expires_on=D(2027, 1, 15)) == (D(2027, 1, 15), "2026-11-30 13:00")
    moved = cycle(TERM, "2026-11-29 20:00", morning, expires_on=D(2027, 1, 10))
    assert moved == (D(2027, 1, 10), "2026-11-11 13:00"), "a date that was corrected is due at once"


def test_an_end_of_term_that_is_near_is_asked_about_the_next_morning() -> None:
    assert cycle(TERM, "2026-11-29 18:00", expires_on=D(2027, 1, 15)) == (D(2027, 1, 15), "2026-11-30 13:00")
    assert cycle(TERM, "2026-11-29 18:00", expires_on=D(2026, 11, 28)) is None
    assert cycle(ON_EXPIRY, "2026-11-29 18:00", expires_on=D(2027, 1, 15)) is None
