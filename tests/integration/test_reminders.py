"""Reminders of a whole house, through a real relay: within the mail window only, whenever their rung fired, and to
whoever is outside one mail a day. The officer's first brief of a week names what nobody has reviewed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from cli.demo.district import READWELL
from cli.demo.run import FakeClock, person
from cli.demo.sink import Mail, MailSink
from cli.home import Home
from cli.serving.daemon import beat_until_quiet, heart_of
from cli.serving.worker import Heart
from cli.wiring import House
from engine.language.mailtexts import unreviewed
from engine.model.case import SYSTEM, Case, Contact, FactValue
from engine.model.messages import Decision, Effect, Notify, Pace, Send
from tests.databases import sample_house
from tests.office import CHICAGO

LEARN = Contact("Learn Inc", "privacy@learn.example")
CARLA, PRIYA = "carla@prairie-creek.example", "priya@prairie-creek.example"
FACTS: dict[str, FactValue] = {"item": "Reading level", "where_seen": "The app", "right_value": "B"}


def local(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=CHICAGO).astimezone(dt.UTC)


@dataclass
class Office:
    """A district whose operators have been told on Monday, September 14, 2026; a third of their 90 days has passed on
    Tuesday, October 13."""

    house: House
    heart: Heart
    clock: FakeClock
    sink: MailSink
    seen: int = field(default=0)

    def at(self, when: str, *, officers: bool = False) -> list[Mail]:
        """The mails that leave at this local time; those of the privacy officer only when they are asked for."""
        self.clock.now = local(when)
        beat_until_quiet(self.heart)
        new = self.sink.mails[self.seen:]
        self.seen += len(new)
        return [mail for mail in new if officers or mail.envelope_to != PRIYA]

    def chase(self, operator: Contact = LEARN) -> Case:
        """A case in which an operator has got the district's notice."""
        custodian, service = person(self.house, "carla"), self.house.service
        parties = {"operator": operator, "parent": Contact("Ana Ruiz", "ana@families.example", "es")}
        case = service.start("operator_fix", FACTS, parties, custodian, self.clock())
        for task, outcome, values in (("notify", "send", {}), ("stamp_receipt", "stamped", {"operator_received_on":
                                                                                           dt.date(2026, 9, 14)})):
            asked = case.open_task(task)
            assert asked is not None
            given: dict[str, FactValue] = dict(values)
            case = service.complete_task(asked.id, outcome, given, custodian, self.clock())
        return case

    def correct_party(self, case_id: str, contact: Contact) -> None:
        parties = {"operator": contact, "parent": Contact("Ana Ruiz", "ana@families.example", "es")}
        self.keep(case_id, parties=parties)

    def news(self, case_id: str) -> None:
        """A line for the privacy officer's next brief."""
        self.keep(case_id, Notify("person:priya", "news", "mail", "Look at it", 8))

    def keep(self, case_id: str, *effects: Effect, **values: object) -> None:
        with self.house.store.begin() as unit:
            case = unit.case(case_id)
            after = replace(case, revision=case.revision + 1, **values)  # type: ignore[arg-type]
            unit.keep(case, Decision(after, effects, ()), SYSTEM, self.clock())


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    clock = FakeClock(local("2026-09-14T12:00"))
    with (
        MailSink() as sink,
        sample_house(Home(tmp_path / "home"), sink, 8080, clock) as house,
        heart_of(house, tells_gaps=False) as heart,
    ):
        yield Office(house, heart, clock, sink)


def sent(mails: list[Mail]) -> list[tuple[str, str]]:
    """To whom, and the subject up to its first sign."""
    return sorted((mail.envelope_to, mail.subject.partition(":")[0]) for mail in mails)


BRIEF = "Brief for Tuesday, October 13, 2026"
REMINDER = (LEARN.email, "Reminder")


def test_a_rung_fires_at_seven_and_its_mails_leave_when_the_window_opens(office: Office) -> None:
    office.chase()
    office.at("2026-09-14T12:00")
    assert office.at("2026-10-13T07:00") == []
    assert sent(office.at("2026-10-13T07:30")) == [(CARLA, BRIEF)]
    assert office.at("2026-10-13T07:59") == []
    assert sent(office.at("2026-10-13T08:00")) == [REMINDER]
    assert office.at("2026-10-13T16:00") == []


@pytest.mark.parametrize(("back", "why"), [
    ("2026-10-13T21:00", "a night after downtime"),
    ("2026-10-14T05:00", "early in the morning"),
])
def test_what_fires_at_night_leaves_the_next_morning(office: Office, back: str, why: str) -> None:
    office.chase()
    office.at("2026-10-12T12:00")
    assert office.at(back) == [], why
    assert sent(office.at("2026-10-14T07:30")) == [(CARLA, "Brief for Wednesday, October 14, 2026")]
    assert sent(office.at("2026-10-14T08:00")) == [REMINDER]


@pytest.mark.parametrize(("back", "leaves"), [
    ("2026-10-17T10:00", "2026-10-19"),
    ("2026-11-26T10:00", "2026-11-27"),
    ("2026-11-11T10:00", "2026-11-12"),
])
def test_what_fires_on_a_saturday_or_a_holiday_leaves_on_the_next_business_day(
        office: Office, back: str, leaves: str) -> None:
    office.chase()
    office.at("2026-09-14T12:00")
    assert office.at(back) == []
    told = [to for to, _ in sent(office.at(f"{leaves}T07:30"))]
    assert [to for to in told if not to.startswith("ivan@")] == [CARLA]  # his website posting begins on November 17
    assert sent(office.at(f"{leaves}T08:00")) == [REMINDER]


def test_what_waited_when_the_daemon_stopped_leaves_the_next_morning_as_one_mail(office: Office) -> None:
    office.chase()
    office.at("2026-09-14T12:00")
    assert office.at("2026-10-13T07:00") == []
    assert office.at("2026-10-13T22:00") == []
    assert sent(office.at("2026-10-14T12:00")) == [(CARLA, "Brief for Wednesday, October 14, 2026"), REMINDER]
    assert office.at("2026-10-15T12:00") == []


def test_months_of_downtime_fold_into_one_reminder_a_reader(office: Office) -> None:
    office.chase()
    office.chase()
    office.at("2026-09-14T12:00")
    office.at("2026-12-19T12:00")
    mails = [*office.at("2026-12-21T07:30"), *office.at("2026-12-21T08:00"), *office.at("2026-12-21T13:00")]
    to = [mail.envelope_to for mail in mails]
    assert len(to) == len(set(to)) and LEARN.email in to
    reminder = next(mail for mail in mails if mail.envelope_to == LEARN.email)
    assert reminder.subject == "Reminder: 2 legal deadlines (2 cases)"
    assert "passed on Monday, December 14, 2026" in " ".join(reminder.part("plain").split())


def test_a_chased_operator_gets_one_mail_a_week_for_all_its_cases(office: Office) -> None:
    for email in ("privacy@learn.example", "Privacy@Learn.Example"):
        office.chase(replace(LEARN, email=email))
    office.chase(READWELL)
    office.at("2026-12-20T12:00")
    found: dict[str, list[dt.date]] = {}
    for day in range(21):
        today = dt.date(2026, 12, 21) + day * dt.timedelta(days=1)
        for mail in [*office.at(f"{today}T07:30"), *office.at(f"{today}T09:00")]:
            if mail.subject.startswith("Reminder"):
                found.setdefault(mail.envelope_to.lower(), []).append(today)
    mondays = [dt.date(2026, 12, 21), dt.date(2026, 12, 28), dt.date(2027, 1, 4)]
    assert found == {"privacy@learn.example": mondays, "privacy@readwell.example": mondays}


def test_new_tasks_and_notices_leave_at_once_at_any_hour(office: Office) -> None:
    office.at("2026-09-19T23:00")
    office.chase()
    assert LEARN.email in [to for to, _ in sent(office.at("2026-09-19T23:00"))]


def test_a_reminder_follows_a_corrected_address(office: Office) -> None:
    first, second = office.chase(), office.chase()
    office.at("2026-09-14T12:00")
    office.at("2026-10-13T07:00")
    office.correct_party(second.id, replace(LEARN, email="dpo@learn.example"))
    mails = {mail.envelope_to: mail.part("plain") for mail in office.at("2026-10-13T08:00")}
    assert mails.keys() == {CARLA, LEARN.email, "dpo@learn.example"}
    assert first.id in mails["privacy@learn.example"] and second.id not in mails["privacy@learn.example"]
    assert second.id in mails["dpo@learn.example"] and first.id not in mails["dpo@learn.example"]
    assert office.at("2026-10-14T08:00") == []


def test_a_reminder_whose_reader_lost_the_address_goes_to_the_custodian(office: Office) -> None:
    case = office.chase()
    office.at("2026-09-14T12:00")
    office.at("2026-10-13T07:00")
    office.correct_party(case.id, replace(LEARN, email=None))
    assert sent(office.at("2026-10-13T08:00")) == [(CARLA, BRIEF)]
    told = " ".join(office.at("2026-10-14T07:30")[0].part("plain").split())
    assert case.id in told and "reads no mail, please tell them on paper" in told


def test_an_operator_on_paper_is_in_the_custodians_brief_only(office: Office) -> None:
    case = office.chase(Contact("Learn Inc", None, address="1 Sample Street"))
    office.at("2026-09-14T12:00")
    (brief,) = [*office.at("2026-10-13T07:30"), *office.at("2026-10-13T09:00")]
    told = " ".join(brief.part("plain").split())
    assert brief.envelope_to == CARLA
    assert case.id in told and "(Operator (or ISBE): reads no mail, please tell them on paper)" in told


def test_an_answer_before_eight_spares_the_reminder(office: Office) -> None:
    case = office.chase()
    office.at("2026-09-14T12:00")
    office.at("2026-10-13T07:31")
    task = case.open_task("record_answer")
    assert task is not None
    day = dt.date(2026, 10, 12)
    values: dict[str, FactValue] = {"fixed_on": day, "confirmed_on": day, "fixed_where": "App", "downstream_done": True}
    office.house.service.complete_task(task.id, "confirm", values, person(office.house, "carla"), office.clock())
    assert LEARN.email not in [to for to, _ in sent(office.at("2026-10-13T09:00"))]
    assert [row.state for row in office.house.store.views.outbox() if row.recipient.startswith("contact:")] == [
        "cancelled"]


# --- what nobody has reviewed ----------------------------------------------------------------------------------------


def told_to_officer(office: Office, case: Case, day: str) -> str:
    """The officer's brief of a day, to which a line of news was left at night."""
    office.at(f"{day}T01:00")
    office.news(case.id)
    (brief,) = (mail for mail in office.at(f"{day}T07:30", officers=True) if mail.envelope_to == PRIYA)
    return " ".join(brief.part("plain").split())


def test_the_first_brief_of_a_week_counts_the_mails_in_use_that_nobody_reviewed(office: Office) -> None:
    case = office.chase()
    said = "To know: 4 Spanish mails in use are not reviewed yet: soppa check names them."
    days = ("2026-09-15", "2026-09-16", "2026-09-22", "2026-09-23")
    assert [said in told_to_officer(office, case, day) for day in days] == [True, False, True, False]


def test_a_process_counts_while_a_case_of_it_is_open(office: Office) -> None:
    case = office.chase()
    started = office.house.service.start(
        "correction_request", {"received_on": dt.date(2026, 9, 14), "item": "x"},
        {"parent": Contact("Ana Ruiz", "ana@families.example", "es")}, person(office.house, "carla"), office.clock())
    of_both = 4 + len([*unreviewed(office.house.definitions.newest("correction_request"))])
    assert f"To know: {of_both} Spanish mails" in told_to_officer(office, case, "2026-09-15")
    office.keep(started.id, ended_at=office.clock())
    assert "To know: 4 Spanish mails" in told_to_officer(office, case, "2026-09-22")
    office.keep(case.id, ended_at=office.clock())
    assert "not reviewed" not in told_to_officer(office, case, "2026-09-29")


def test_nobody_but_the_officer_hears_of_it(office: Office) -> None:
    office.chase()
    office.at("2026-09-14T12:00")
    office.at("2026-10-13T07:00")
    (brief,) = office.at("2026-10-13T07:30")
    assert brief.envelope_to == CARLA and "reviewed" not in brief.part("plain")


def asked(office: Office, products: int) -> list[str]:
    """So many directives to be sent, each a task of the officer due within two business days."""
    service, officer = office.house.service, person(office.house, "priya")
    facts: dict[str, FactValue] = {"why": "ended", "scope": "All products"}
    parties = {"operator": LEARN}
    return [service.start("deletion_order", facts, parties, officer, office.clock()).id for _ in range(products)]


def test_of_a_days_urgent_tasks_the_first_is_mailed_at_once_and_the_others_stand_in_the_next_brief(
    office: Office,
) -> None:
    first, *others = asked(office, 3)
    now = [mail for mail in office.at("2026-09-14T12:05", officers=True) if mail.envelope_to == PRIYA]
    assert [first in mail.subject for mail in now] == [True]
    (brief,) = [mail for mail in office.at("2026-09-15T07:35", officers=True) if mail.envelope_to == PRIYA]
    text = brief.raw.decode()
    assert all(case in text for case in others)
    asked(office, 1)
    assert [mail for mail in office.at("2026-09-15T12:05", officers=True) if mail.envelope_to == PRIYA]


def test_what_can_wait_stands_in_the_superintendents_one_brief_a_week(office: Office) -> None:
    case = office.chase()
    later, sooner = (Notify("person:sam", "task", name, name, 0, day, task_id=None)
                     for name, day in (("later", dt.date(2026, 9, 24)), ("sooner", dt.date(2026, 9, 17))))
    office.keep(case.id, later, sooner)
    sams = [mail for mail in office.at("2026-09-15T07:35") if mail.envelope_to == "sam@prairie-creek.example"]
    assert ["later" in mail.raw.decode() for mail in sams] == [False]
    assert "sooner" in sams[0].raw.decode()
    assert not [mail for mail in office.at("2026-09-18T07:35") if mail.envelope_to == "sam@prairie-creek.example"]
    (weekly,) = [mail for mail in office.at("2026-09-21T07:35") if mail.envelope_to == "sam@prairie-creek.example"]
    assert "later" in weekly.raw.decode()


def test_an_operator_gets_one_mail_a_day_for_all_its_products(office: Office) -> None:
    for case in asked(office, 3):
        office.keep(case, Send("certified_operator", "9", "1", "party:operator", pace="free"))
    to_operator = [
        [mail.envelope_to for mail in office.at(when) if mail.envelope_to == LEARN.email]
        for when in ("2026-09-14T12:05", "2026-09-14T16:00", "2026-09-15T08:05", "2026-09-16T08:05", "2026-09-17T08:05")
    ]
    assert to_operator == [[LEARN.email], [], [LEARN.email], [LEARN.email], []]


FULL_WEEK = [f"2026-09-{day}T08:05" for day in (15, 16, 17, 18, 21)]
"""The five business days after that of the start, as they begin for operators."""


def to_operator(office: Office, *times: str) -> list[list[str]]:
    return [[words_of(mail) for mail in office.at(when) if mail.envelope_to == LEARN.email] for when in times]


def test_what_only_tells_an_operator_something_waits_on_where_a_week_is_full(office: Office) -> None:
    for case in asked(office, 8):
        office.keep(case, Send("certified_operator", "9", "1", "party:operator", pace="free"))
    times = ("2026-09-14T12:05", *FULL_WEEK, "2026-09-22T08:05", "2026-09-23T08:05", "2026-09-24T08:05")
    assert [len(mails) for mails in to_operator(office, *times)] == [1] * 8 + [0]


def test_what_asks_an_operator_stands_in_its_next_brief_where_a_week_is_full(office: Office) -> None:
    cases = asked(office, 8)
    for case in cases:
        line = Notify("party:operator", "task", "9", "Send the list", 0, dt.date(2026, 10, 12))
        office.keep(case, Send("certified_operator", "9", "1", "party:operator", pace="free", line=line))
    days = to_operator(office, "2026-09-14T12:05", *FULL_WEEK, "2026-09-22T08:05", "2026-09-23T08:05")
    assert [len(mails) for mails in days] == [1] * 7 + [0]
    assert all(case in days[6][0] for case in cases[6:])


@pytest.mark.parametrize(("pace", "mails"), [("now", [3, 0, 0, 0]), ("soon", [1, 1, 1, 0])])
def test_what_is_urgent_does_not_wait_and_what_a_parent_waits_for_waits_two_days(
    office: Office, pace: Pace, mails: list[int]
) -> None:
    for case in asked(office, 3):
        office.keep(case, Send("certified_operator", "9", "1", "party:operator", pace=pace))
    found = to_operator(office, "2026-09-14T12:05", *FULL_WEEK[:3])
    assert [len(day) for day in found] == mails


def test_a_second_nudge_about_a_task_is_not_lost_where_the_day_is_taken(office: Office) -> None:
    case, other = office.chase(), asked(office, 1)[0]
    task = case.open_task("answer")
    assert task is not None
    nudge = Send("nudge", task.id, "2026-09-14", "party:operator", task.id, words={"nudged_by": "Priya"}, pace="free")
    office.keep(case.id, nudge)
    _, first = to_operator(office, "2026-09-14T12:05", FULL_WEEK[0])
    office.keep(other, Send("certified_operator", "9", "1", "party:operator", pace="free"))
    office.keep(case.id, replace(nudge, occurrence="2026-09-15"))
    second = to_operator(office, *FULL_WEEK[1:3])
    assert [["once more" in words for words in day] for day in (first, *second)] == [[True], [False], [True]]


def test_an_urgent_task_of_a_saturday_stands_in_mondays_brief(office: Office) -> None:
    office.at("2026-09-19T09:00")
    (case,) = asked(office, 1)
    assert [mail for mail in office.at("2026-09-19T09:05", officers=True) if mail.envelope_to == PRIYA] == []
    (brief,) = [mail for mail in office.at("2026-09-21T07:35", officers=True) if mail.envelope_to == PRIYA]
    assert case in brief.raw.decode()


def test_what_this_weeks_brief_has_named_is_not_brought_to_mind_again_to_whoever_reads_weekly(office: Office) -> None:
    case = office.chase()
    (task,) = [task for task in case.tasks if task.is_open][:1]
    named = Notify("person:sam", "task", task.id, "Approve it", 0, dt.date(2026, 9, 18), task_id=task.id)
    office.keep(case.id, named)
    sams = [mail for mail in office.at("2026-09-15T07:35") if mail.envelope_to == "sam@prairie-creek.example"]
    assert len(sams) == 1
    office.keep(case.id, replace(named, kind="reminder", strength=2))
    office.keep(case.id, replace(named, kind="target", strength=5))
    assert not [mail for mail in office.at("2026-09-16T07:35") if mail.envelope_to == "sam@prairie-creek.example"]
    office.keep(case.id, Notify("person:sam", "target", "operator_fix", "It is due", 5, dt.date(2026, 9, 17)))
    assert [mail for mail in office.at("2026-09-17T07:35") if mail.envelope_to == "sam@prairie-creek.example"]


def test_from_april_the_first_brief_of_a_week_asks_for_the_next_school_year(office: Office) -> None:
    """The days of attendance of the sample district are known until May 2028."""
    case = office.chase()
    for month in ("2027-09", "2028-03"):
        office.at(f"{month}-14T12:00")
    said = "To know: the days of school attendance of 2028-29 are not known yet"
    days = ("2028-03-28", "2028-04-04", "2028-04-05", "2028-04-11")
    assert [said in told_to_officer(office, case, day) for day in days] == [False, True, False, True]


# --- the officer's week ----------------------------------------------------------------------------------------------


def officers_mail(office: Office, when: str) -> Mail | None:
    return next((mail for mail in office.at(when, officers=True) if mail.envelope_to == PRIYA), None)


def words_of(mail: Mail | None) -> str:
    assert mail is not None
    return " ".join(mail.part("plain").split())


def test_on_mondays_a_quiet_week_is_said_to_be_one(office: Office) -> None:
    office.at("2026-09-18T12:00")
    monday = officers_mail(office, "2026-09-21T07:30")
    assert monday is not None
    assert monday.subject == "Brief for Monday, September 21, 2026: all quiet"
    assert "All quiet. No legal deadline has passed or falls within the next seven days" in words_of(monday)
    assert [officers_mail(office, f"2026-09-{day}T07:30") for day in (22, 23, 24, 25)] == [None] * 4
    assert officers_mail(office, "2026-09-28T07:30") is not None


def test_a_week_that_begins_with_a_holiday_begins_on_the_next_day(office: Office) -> None:
    office.at("2026-10-09T12:00")
    assert officers_mail(office, "2026-10-12T07:30") is None
    assert officers_mail(office, "2026-10-13T07:30") is not None


def test_the_officers_brief_names_the_legal_dates_of_the_week_and_whom_the_office_waits_for(office: Office) -> None:
    case = office.chase()
    office.at("2026-12-09T12:00")
    monday = officers_mail(office, "2026-12-14T07:30")
    assert monday is not None and "1 legal deadline" in monday.subject
    told = words_of(monday)
    week, waiting = told.partition("Waiting on whom")[::2]
    assert "Legal this week" in week and case.id in week
    assert "Monday, December 14, 2026 (105 ILCS 85/33(c)(3))" in week
    assert "Operator (or ISBE)" in waiting and "/n/" in waiting
    assert "Seal of the histories" in told


def test_a_party_that_reads_no_mail_has_no_link(office: Office) -> None:
    office.chase(Contact("Learn Inc", None, address="1 Sample Street"))
    office.at("2026-09-18T12:00")
    told = words_of(officers_mail(office, "2026-09-21T07:30"))
    assert "Ask again: reads no mail" in told


def test_what_waits_for_the_officer_is_no_line_of_others(office: Office) -> None:
    asked(office, 1)
    office.at("2026-09-18T12:00")
    assert "Waiting on whom" not in words_of(officers_mail(office, "2026-09-21T07:30"))


def test_a_nudge_that_keeps_to_an_operators_one_mail_a_day_still_says_who_asks(office: Office) -> None:
    for case in [office.chase() for _ in range(2)]:
        task = case.open_task("answer")
        assert task is not None
        said = {"nudged_by": "Priya Raman"}
        office.keep(case.id, Send("nudge", task.id, "2026-09-14", "party:operator", task.id, words=said, pace="free"))
    times = (*FULL_WEEK[1:4], "2026-09-21T08:05")  # each case's own notice has the first two days
    asks = [["Priya Raman asks you once more" in words_of(mail) for mail in office.at(when)
             if mail.envelope_to == LEARN.email] for when in times]  # fmt: skip
    assert [sum(day) for day in asks] == [1, 1, 0, 0]
