"""Reminders to people outside: who reads them, in which language, with which links; and where they go otherwise."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Literal

import pytest

from engine.law.clocks import Calendars
from engine.model.case import Case, Clock, Contact, Task
from engine.model.definition import Definition
from engine.model.handed import BriefLine, OutboxRow
from engine.model.office import Office, Person
from notifiers import compose as c
from notifiers.contacts import astray
from tests.office import CHICAGO
from workflows import Catalogue, lawbook

NOW = dt.datetime(2028, 1, 11, 18, 0, tzinfo=dt.UTC)
LEGAL = dt.date(2028, 1, 18)
KEY = "contact:k1:learn@example.org"
LEARN = Contact("Learn Inc", "learn@example.org")
DANA = Person("dana", "Dana Brooks", "dana@district.example", frozenset({"privacy"}))
CARO = Person("caro", "Caro Vega", "caro@district.example", frozenset({"custodian"}))
ROW = OutboxRow(1, None, "brief", "brief", "2028-01-11", KEY, None, "claimed", 1, 1)
ANSWER = Task("2028-0001-4", "answer", "notified", 3, 1, "Confirm", (), None, "operator", None, NOW, offered=True)


@pytest.fixture(scope="module")
def definition() -> Definition:
    return Catalogue().newest("operator_fix")


@pytest.fixture(scope="module")
def office() -> Office:
    book = lawbook().calendars
    return Office("Lake District 12", CHICAGO, Calendars(book["il-statutory"], book["il-strict"]),
                  {p.id: p for p in (DANA, CARO)}, public_url="https://privacy.district.example",
                  contacts={"privacy": "Privacy Office, privacy@district.example, 555-0100"})


def case(number: int, operator: Contact = LEARN, *tasks: Task, status: Literal["running", "satisfied"] = "running",
         legal: dt.date = LEGAL) -> Case:
    clock = Clock("operator_fix", 1, "R-CORR-OPERATOR", "1", ("il-strict",), legal, 90, (), status, legal, legal, legal)
    definition = Catalogue().newest("operator_fix")
    started = NOW + number * dt.timedelta(days=1)
    return Case(f"2028-000{number}", definition.process, definition.version, definition.hash, "notified", 3, started, 1,
                started, "caro", parties={"operator": operator, "parent": Contact("Ana", None, paper=True)},
                tasks=tasks, clocks={"operator_fix": clock})


def line(of: Case, kind: str = "reminder", party: str | None = "operator", **more: object) -> BriefLine:
    made = BriefLine(of.id, kind, "operator_fix", "x", 1, of.clocks["operator_fix"].legal, True, None, party)
    return replace(made, **more)  # type: ignore[arg-type]


def composed(office: Office, definition: Definition, *cases: Case, lines: tuple[BriefLine, ...] = ()
             ) -> c.Composed | None:
    numbers = itertools.count(1)
    desk = c.Desk("soppa@district.example", "Lake District 12", lambda: f"token-{next(numbers)}")
    return c.compose(ROW, matters(definition, *cases), lines or tuple(map(line, cases)), office, desk, NOW)


def matters(definition: Definition, *cases: Case) -> Mapping[str, c.Matter]:
    return {one.id: c.Matter(one, definition) for one in cases}


def mail(made: c.Composed | None) -> EmailMessage:
    assert made is not None
    found = message_from_bytes(made.raw, policy=default)
    assert isinstance(found, EmailMessage)
    return found


def text(made: c.Composed | None) -> str:
    part = mail(made).get_body(("plain",))
    assert part is not None
    return " ".join(f"{mail(made)['Subject']} {part.get_content()}".split())


def test_all_cases_of_a_contact_stand_in_one_mail(office: Office, definition: Definition) -> None:
    made = composed(office, definition, case(1), case(2, legal=LEGAL + dt.timedelta(days=1)))
    said = text(made)
    assert mail(made)["To"] == "Learn Inc <learn@example.org>"
    assert said.startswith("Reminder: 2 legal deadlines (2 cases) Dear Learn Inc,")
    assert said.index("2028-0001") < said.index("2028-0002")
    assert "Tuesday, January 18, 2028 (legal deadline, 105 ILCS 85/33(c)(3))" in said
    assert "has passed" not in said and "In-Reply-To" not in mail(made)


def test_each_line_leads_to_the_open_task_of_its_party_or_to_where_the_case_stands(
        office: Office, definition: Definition) -> None:
    made = composed(office, definition, case(1, LEARN, ANSWER), case(2))
    assert made is not None
    links = [(link.purpose, link.case_id, link.recipient, link.task_id) for link in made.links]
    assert links == [("task", "2028-0001", "party:operator", "2028-0001-4"),
                     ("status", "2028-0002", "party:operator", None)]
    assert "/t/token-1" in text(made) and "/s/token-2" in text(made)


def test_a_date_that_has_passed_is_said_to_have_passed(office: Office, definition: Definition) -> None:
    said = text(composed(office, definition, case(1, legal=dt.date(2028, 1, 7))))
    assert said.startswith("Reminder: 1 legal deadline (case 2028-0001)")
    assert "passed on Friday, January 7, 2028 (legal deadline," in said
    assert "Please answer today." in said


def test_a_contact_is_written_to_in_its_own_language(office: Office, definition: Definition) -> None:
    made = composed(office, definition, case(1, replace(LEARN, name="Ana Núñez", language="es")))
    assert mail(made)["Content-Language"] == "es"
    said = text(made)
    assert said.startswith("Recordatorio: 1 plazo legal (caso 2028-0001) Estimado/a Ana Núñez:")
    assert "La empresa o entidad corrige el dato y lo confirma" in said
    assert "martes, 18 de enero de 2028 (plazo legal, 105 ILCS 85/33(c)(3))" in said


def test_a_target_of_a_task_is_called_the_districts_own(office: Office, definition: Definition) -> None:
    asked = replace(ANSWER, due=LEGAL, offered=False)
    wanted = line(case(1), subject=asked.id, task_id=asked.id, legal=False)
    said = text(composed(office, definition, case(1, LEARN, asked), lines=(wanted,)))
    assert said.startswith("Reminder: 1 district target (case 2028-0001)")
    assert "they are not legal deadlines" in said


@pytest.mark.parametrize(("older", "newer", "language"), [("en", "es", "es"), ("es", "en", "en")])
def test_two_parties_at_one_address_are_both_greeted_in_the_language_of_the_newest_case(
        office: Office, definition: Definition, older: str, newer: str, language: str) -> None:
    first = case(1, Contact("Ana Ruiz", "Home@example.org", older))
    second = case(2, Contact("Jo Ruiz", "home@example.org", newer))
    made = composed(office, definition, second, first)
    assert made is not None
    assert (mail(made)["Content-Language"], made.address) == (language, "home@example.org")
    assert f"Ana Ruiz {'y' if language == 'es' else 'and'} Jo Ruiz" in text(made)


def test_what_has_ended_is_left_out_and_a_mail_without_lines_is_not_sent(
        office: Office, definition: Definition) -> None:
    done = case(1, status="satisfied")
    closed = line(case(2), subject="2028-0002-9", task_id="2028-0002-9")
    assert composed(office, definition, done) is None
    assert composed(office, definition, case(2), lines=(closed,)) is None
    said = text(composed(office, definition, done, case(2)))
    assert "2028-0001" not in said and "2028-0002" in said


def test_nothing_personal_stands_in_a_reminder(office: Office, definition: Definition) -> None:
    facts = {fact.name: f"secret {fact.name}" for fact in definition.facts.values() if fact.personal}
    assert facts
    made = composed(office, definition, replace(case(1, LEARN, ANSWER), facts=facts))
    assert made is not None and "secret" not in text(made)


def moved(definition: Definition, office: Office, *cases: Case) -> dict[str, tuple[str, ...]]:
    found = astray(KEY, tuple(map(line, cases)), matters(definition, *cases), office, NOW.date(),
                   lambda address: f"contact:k1:{address.lower()}")
    return {line.case_id: readers for line, readers in found.items()}


@pytest.mark.parametrize(("contact", "readers"), [
    (LEARN, None),
    (replace(LEARN, email="LEARN@example.org"), None),
    (replace(LEARN, email="new@example.org"), ("contact:k1:new@example.org",)),
    (replace(LEARN, paper=True), ("person:caro",)),
    (replace(LEARN, email=None), ("person:caro",)),
])
def test_a_line_follows_its_party_to_a_new_address_or_to_the_custodian(
        office: Office, definition: Definition, contact: Contact, readers: tuple[str, ...] | None) -> None:
    found = moved(definition, office, case(1), case(2, contact))
    assert found == ({} if readers is None else {"2028-0002": readers})


def test_a_party_that_is_gone_is_the_custodians_too(office: Office, definition: Definition) -> None:
    assert moved(definition, office, replace(case(1), parties={})) == {"2028-0001": ("person:caro",)}


@pytest.mark.parametrize(("contact", "says"), [
    (replace(LEARN, email=None), "(Operator (or ISBE): reads no mail, please tell them on paper)"),
    (LEARN, ""),
])
def test_the_custodian_reads_whom_to_tell_on_paper(
        office: Office, definition: Definition, contact: Contact, says: str) -> None:
    one = case(1, contact)
    row = replace(ROW, recipient="person:caro")
    desk = c.Desk("soppa@district.example", "Lake District 12", lambda: "token")
    said = text(c.compose(row, matters(definition, one), [line(one, party=None)], office, desk, NOW))
    assert ("reads no mail" in said) == bool(says)
    assert says in said


def lists(number: int, product: str) -> Case:
    """An operator's list is due on the first of the year for one product; the district's target is a day before."""
    of = Catalogue().newest("subcontractor_list")
    due = dt.date(2029, 1, 1)
    clock = Clock("list", 1, "R-SUBLIST", "1", ("il-strict",), due, None, (), "running", due, due, due)
    task = Task(f"2028-000{number}-1", "give", "asked", 1, 1, "Give", (), None, "operator", dt.date(2028, 12, 29), NOW)
    made = replace(case(number, LEARN, task), process=of.process, version=of.version, hash=of.hash)
    return replace(made, state="asked", entry=1, clocks={"list": clock}, facts={"product": product})


def asks(of: Case, kind: str) -> BriefLine:
    (task,) = of.tasks
    return BriefLine(of.id, kind, task.id, task.title, 0, task.due, False, task.id, "operator")


def test_a_brief_that_only_asks_for_one_thing_says_so_in_its_subject(office: Office) -> None:
    of = Catalogue().newest("subcontractor_list")
    both = [replace(one, tasks=(replace(one.tasks[0], party=None, assignees=("caro",)),))
            for one in (lists(1, "Reader"), lists(2, "Maths"))]
    subjects = []
    for cases in (both[:1], both):
        lines = [replace(asks(one, "task"), party=None) for one in cases]
        desk = c.Desk("soppa@district.example", "Lake District 12", lambda: "token")
        row = replace(ROW, recipient="person:caro")
        subjects.append(str(mail(c.compose(row, matters(of, *cases), lines, office, desk, NOW))["Subject"]))
    assert subjects[0].startswith("Case 2028-0001: ") and subjects[0].endswith("(Reader)")
    assert subjects[1] == "Brief for Tuesday, January 11, 2028: 2 tasks and targets"


@pytest.mark.parametrize(("kind", "begins"), [
    ("task", "Please answer: 2 legal deadlines (2 cases) Dear Learn Inc, Lake District 12 asks you for what is below."),
    ("reminder", "Reminder: 2 legal deadlines (2 cases) Dear Learn Inc, This is a reminder from Lake District 12."),
])  # fmt: skip
def test_a_request_names_the_product_and_the_date_of_the_law_that_it_is_for(
        office: Office, kind: str, begins: str) -> None:
    both, of = (lists(1, "Reader"), lists(2, "Maths")), Catalogue().newest("subcontractor_list")
    made = composed(office, of, *both, lines=tuple(asks(one, kind) for one in both))
    said = text(made)
    assert said.startswith(begins)
    assert "third parties (Reader)" in said and "third parties (Maths)" in said
    assert said.count("Monday, January 1, 2029 (legal deadline, 105 ILCS 85/15(6))") == 2
    assert "December 29" not in said and "not legal deadlines" not in said


def test_a_request_without_a_legal_date_is_the_districts_own(office: Office) -> None:
    held = lists(1, "Reader")
    held = replace(held, clocks={"list": replace(held.clocks["list"], legal=None)})
    said = text(composed(office, Catalogue().newest("subcontractor_list"), held, lines=(asks(held, "task"),)))
    assert said.startswith("Please answer: 1 district target (case 2028-0001)")
    assert "December 29" in said and "they are not legal deadlines" in said
