"""From a case to its mails: the right reader, the right words, links bound to their task, nothing personal."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Literal

import pytest

from engine.errors import UsageError
from engine.law.clocks import Calendars
from engine.model.case import Case, Clock, Contact, Task
from engine.model.definition import Definition
from engine.model.handed import BriefLine, OutboxRow
from engine.model.office import Office, Person
from notifiers import compose as c
from notifiers import words
from notifiers.onpaper import code_letter, letter
from notifiers.preview import text_faults
from tests.office import CHICAGO
from tests.office import office as plain_office
from workflows import Catalogue, lawbook

NOW = dt.datetime(2028, 1, 11, 18, 0, tzinfo=dt.UTC)
DUE = dt.date(2028, 1, 18)
DANA = Person("dana", "Dana Brooks", "dana@district.example", frozenset({"privacy"}))
CARO = Person("caro", "Caro Vega", "caro@district.example", frozenset({"custodian"}), language="es")

PLAIN = replace(plain_office(), references=lawbook().references)


@pytest.fixture(scope="module")
def definition() -> Definition:
    return Catalogue().newest("correction_request")


@pytest.fixture(scope="module")
def office() -> Office:
    book = lawbook().calendars
    return Office("Lake District 12", CHICAGO, Calendars(book["il-statutory"], book["il-strict"]),
                  {p.id: p for p in (DANA, CARO)}, public_url="https://privacy.district.example",
                  contacts={"privacy": "Privacy Office, privacy@district.example, 555-0100"})


@pytest.fixture
def case(definition: Definition) -> Case:
    task = Task("2028-0001-1", "verify", "received", 1, 2, "Check who asks", ("caro",), "custodian", None, DUE, NOW)
    return Case("2028-0001", definition.process, definition.version, definition.hash, "received", 1, NOW, 1, NOW,
                "caro", parties={"parent": Contact("Ana Núñez", "ana@example.org", "es"),
                         "operator": Contact("Learn Inc", None)}, tasks=(task,))


def desk() -> c.Desk:
    numbers = itertools.count(1)
    return c.Desk("soppa@district.example", "Lake District 12", lambda: f"token-{next(numbers)}")


def row(mail: str, recipient: str, task: str | None = None, occurrence: str = "2") -> OutboxRow:
    return OutboxRow(1, None if mail == c.BRIEF else "2028-0001", mail, task or "s", occurrence, recipient, task,
                     "claimed", 1, 1)


def made(wanted: OutboxRow, case: Case, definition: Definition, office: Office, *lines: BriefLine) -> c.Composed | None:
    return c.compose(wanted, {case.id: c.Matter(case, definition)}, lines, office, desk(), NOW)


def text(composed: c.Composed | None) -> str:
    assert composed is not None
    mail = message_from_bytes(composed.raw, policy=default)
    assert isinstance(mail, EmailMessage)
    part = mail.get_body(("plain",))
    assert part is not None
    return f"{mail['Subject']}\n{part.get_content()}".replace("\r\n", "\n")


def test_a_task_mail_says_what_by_when_and_where_in_the_readers_language(
        case: Case, definition: Definition, office: Office) -> None:
    composed = made(row("task", "person:caro", "2028-0001-1"), case, definition, office)
    said = text(composed)
    assert "Estimado/a Caro Vega:" in said
    assert "martes, 18 de enero de 2028 (meta del" in said.replace("\n", " ")
    assert "https://privacy.district.example/t/token-1\n" in said
    assert "privacy@district.example" in said
    assert "555-0100" in said


def test_a_task_link_is_bound_to_its_reader_task_and_generation(
        case: Case, definition: Definition, office: Office) -> None:
    composed = made(row("task", "person:caro", "2028-0001-1"), case, definition, office)
    assert composed is not None
    (link,) = composed.links
    assert link.token_hash == c.token_hash("token-1")
    assert (link.recipient, link.task_id, link.task_generation) == ("person:caro", "2028-0001-1", 2)
    assert link.level == definition.states["received"].tasks[0].link
    assert link.expires_at == NOW + c.AT_LEAST


def test_a_mail_to_a_parent_without_a_task_links_to_the_cases_status(
        case: Case, definition: Definition, office: Office) -> None:
    received = replace(case, facts={"received_on": dt.date(2028, 1, 11)})
    mail = replace(definition.mails["receipt"], texts={"en": "Subject: s\n\nSee {{ fact_received_on }}: {{ link }}\n"})
    composed = made(row("receipt", "party:parent"), received, replace(definition, mails={"receipt": mail}), office)
    assert "See Tuesday, January 11, 2028:\nhttps://privacy.district.example/s/token-1\n" in text(composed)
    assert composed is not None
    (link,) = composed.links
    assert (link.purpose, link.recipient, link.level) == ("status", "party:parent", "code")


def test_a_task_mail_carries_its_date_for_the_calendar(case: Case, definition: Definition, office: Office) -> None:
    composed = made(row("task", "person:caro", "2028-0001-1"), case, definition, office)
    assert composed is not None
    mail = message_from_bytes(composed.raw, policy=default)
    calendar = next(part for part in mail.walk() if part.get_content_type() == "text/calendar")
    assert b"DTSTART;VALUE=DATE:20280118" in calendar.get_payload(decode=True)


@pytest.mark.parametrize("change", [{"outcome": "complete"}, {"generation": 3}, {"assignees": ("dana",)}])
def test_a_task_that_has_gone_is_not_mailed(case: Case, definition: Definition, office: Office,
                                            change: dict[str, object]) -> None:
    moved = replace(case, tasks=(replace(case.tasks[0], **change),))  # type: ignore[arg-type]
    assert made(row("task", "person:caro", "2028-0001-1"), moved, definition, office) is None


def test_a_nudge_says_who_asks_once_more_with_a_link_of_its_own(
        case: Case, definition: Definition, office: Office) -> None:
    nudge = replace(row("nudge", "person:caro", "2028-0001-1", "2028-01-11"), words={"nudged_by": "Dana Brooks"})
    composed = made(nudge, case, definition, office)
    said = text(composed).replace("\n", " ")
    assert "Recordatorio, caso 2028-0001: " in said and "Dana Brooks se lo pide una vez más" in said
    assert composed is not None and [(link.task_id, link.task_generation) for link in composed.links] == [
        ("2028-0001-1", 2)]
    assert b"text/calendar" not in composed.raw
    given_away = replace(case, tasks=(replace(case.tasks[0], assignees=("dana",)),))
    assert made(nudge, given_away, definition, office) is None


@pytest.mark.parametrize("reader", ["party:operator", "party:nobody", "person:gone"])
def test_a_reader_without_an_address_is_named(case: Case, definition: Definition, office: Office, reader: str) -> None:
    with pytest.raises(c.NoAddress, match=reader):
        made(row("task", reader, "2028-0001-1"), case, definition, office)


def brief_line(subject: str, said: str, strength: int, legal: bool, task: str | None = None) -> BriefLine:
    return BriefLine("2028-0001", "reminder", subject, said, strength, DUE, legal, task)


def with_clock(case: Case, status: Literal["running", "satisfied"] = "running") -> Case:
    clock = Clock("district_fix", 1, "R-CORR-DISTRICT", "1", ("il-strict",), DUE, 90, (), status, DUE, DUE, DUE)
    return replace(case, clocks={"district_fix": clock})


def test_the_brief_puts_legal_dates_first_keeps_the_strongest_line_and_drops_what_is_done(
        case: Case, definition: Definition, office: Office) -> None:
    lines = (brief_line("2028-0001-1", "Check who asks", 0, False, "2028-0001-1"),
             replace(brief_line("district_fix", "weak", 1, True), date=dt.date(2028, 3, 1)),
             brief_line("district_fix", "strong", 2, True),
             brief_line("2028-0001-9", "long done", 1, False, "2028-0001-9"))
    said = text(made(row("brief", "person:dana"), with_clock(case), definition, office, *lines))
    assert said.startswith("Brief for Tuesday, January 11, 2028: 1 legal deadline, 1 task or target")
    assert said.index("Legal deadlines") < said.index("The district corrects") < said.index("Check who asks")
    assert "March" not in said
    assert "long done" not in said


def test_a_brief_is_written_in_its_readers_language_with_the_links_of_its_reader(
        case: Case, definition: Definition, office: Office) -> None:
    lines = (brief_line("2028-0001-1", "Check who asks", 0, False, "2028-0001-1"),
             brief_line("district_fix", "x", 2, True))
    said = text(made(row("brief", "person:caro"), with_clock(case), definition, office, *lines))
    assert said.startswith("Resumen del martes, 11 de enero de 2028: 1 plazo legal, 1 tarea o meta")
    assert "Fecha: martes, 18 de enero de 2028" in said
    assert said.count("https://privacy.district.example/t/") == 2


def test_a_districts_target_is_told_with_the_legal_date_behind_it(
        case: Case, definition: Definition, office: Office) -> None:
    line = replace(brief_line("district_fix", "x", 1, False), date=dt.date(2028, 1, 14))
    said = text(made(row("brief", "person:dana"), with_clock(case), definition, office, line))
    assert "Friday, January 14, 2028 (legal deadline: Tuesday, January 18, 2028)" in " ".join(said.split())


@pytest.mark.parametrize(("language", "says"), [("dana", "has answered it in their place"), ("caro", "en su lugar")])
def test_who_was_passed_over_is_told_by_whom_and_why(
        language: str, says: str, case: Case, definition: Definition, office: Office) -> None:
    told = {"task_title": "Approve the letter", "broken_by": "Dana Priv", "reason": "in hospital", "asked": "Sam Whit"}
    said = text(made(replace(row("glass_broken", f"person:{language}"), words=told), case, definition, office))
    assert says in " ".join(said.split())
    assert "in hospital" in said and "Sam Whit" in said


@pytest.mark.parametrize(("mail", "person", "says"), [
    ("on_hold", "dana", "this has to wait: Release the letters."),
    ("on_hold", "caro", "esto debe esperar: Release the letters."),
    ("off_hold", "dana", "This goes on now: Release the letters."),
    ("off_hold", "caro", "Esto continúa ahora: Release the letters."),
])  # fmt: skip
def test_whoever_a_hold_stops_reads_what_has_to_wait(
        mail: str, person: str, says: str, case: Case, definition: Definition, office: Office) -> None:
    waiting = replace(row(mail, f"person:{person}"), words={"task_titles": "Release the letters"})
    assert says in " ".join(text(made(waiting, case, definition, office)).replace("*", "").split())


def test_a_brief_of_what_is_done_is_not_sent(case: Case, definition: Definition, office: Office) -> None:
    done = brief_line("x", "Do it", 0, False, "2028-0001-9")
    ended = brief_line("district_fix", "x", 2, True)
    assert made(row("brief", "person:caro"), with_clock(case, "satisfied"), definition, office, done, ended) is None


def test_nothing_personal_is_among_the_words(case: Case, definition: Definition, office: Office) -> None:
    facts = {fact.name: "secret" for fact in definition.facts.values()}
    values = words.case_words(definition, replace(case, facts=facts), office, "en")
    personal = [fact.name for fact in definition.facts.values() if fact.personal]
    assert personal
    assert not [name for name in personal if f"fact_{name}" in values]


@pytest.mark.parametrize("process", Catalogue().processes())
def test_every_shipped_mail_renders_in_every_language(process: str) -> None:
    assert text_faults(Catalogue().newest(process), NOW.date(), PLAIN) == []


def test_a_mail_of_a_started_case_names_the_case_that_its_reader_knows(
        case: Case, definition: Definition, office: Office) -> None:
    assert "parent_case" not in words.case_words(definition, case, office, "en")
    assert words.case_words(definition, replace(case, parent="2028-0007"), office, "en")["parent_case"] == "2028-0007"


def test_a_mail_that_asks_for_what_it_cannot_know_is_a_fault(definition: Definition) -> None:
    mail = replace(definition.mails["receipt"], texts={"en": "Subject: s\n\n{{ fact_nonsense }}\n"})
    faults = text_faults(replace(definition, mails={"receipt": mail}), NOW.date(), PLAIN)
    assert str(faults[0]).startswith("correction_request/mails/receipt.en.md:1:1: this mail cannot")


def test_a_letter_has_the_same_words_and_no_link(case: Case, definition: Definition, office: Office) -> None:
    facts = {"missing": "a signature"}
    source = "Subject: s\n\nSend {{ fact_missing }} here: {{ link }}\n"
    mail = replace(definition.mails["ask_missing"], texts={"en": source})
    page = letter(c.Matter(replace(case, facts=facts), definition), mail, "party:parent", office, NOW)
    assert "Send a signature here: this letter has no link; please visit" in page
    assert "<a " not in page


def notice(mail: str, said: dict[str, str], task: str | None = None) -> OutboxRow:
    return replace(row(mail, "party:parent" if task is None else "person:caro", task), words=said)


def test_a_code_is_mailed_in_the_readers_language(case: Case, definition: Definition, office: Office) -> None:
    asked = notice("code", {"code": "493201", "minutes": "30"})
    said = text(c.compose(asked, {case.id: c.Matter(case, definition)}, [], office, desk(), NOW))
    assert "Su código es 493201." in said
    assert "493201" not in said.splitlines()[0]


def test_a_code_for_a_confirmation_names_no_case(office: Office) -> None:
    asked = replace(notice("code", {"code": "493201", "minutes": "30"}), case_id=None, recipient="person:dana")
    made = c.compose(asked, {}, [], office, desk(), NOW)
    assert made is not None
    assert b"Subject: Your code for the privacy office" in made.raw


def test_a_fresh_link_leads_to_the_task_while_it_is_open(case: Case, definition: Definition, office: Office) -> None:
    matters = {case.id: c.Matter(case, definition)}
    made = c.compose(notice("fresh_link", {}, "2028-0001-1"), matters, [], office, desk(), NOW)
    assert made is not None
    assert [link.task_id for link in made.links] == ["2028-0001-1"]
    assert c.compose(notice("fresh_link", {}, "2028-0001-9"), matters, [], office, desk(), NOW) is None


def test_a_fresh_link_without_a_task_leads_to_where_the_case_stands(
    case: Case, definition: Definition, office: Office
) -> None:
    made = c.compose(notice("fresh_link", {}), {case.id: c.Matter(case, definition)}, [], office, desk(), NOW)
    assert made is not None
    assert [link.purpose for link in made.links] == ["status"]


def test_dates_are_written_out() -> None:
    day = dt.date(2028, 4, 10)
    assert words.date_words(day, "en") == "Monday, April 10, 2028"
    assert words.date_words(day, "es") == "lunes, 10 de abril de 2028"




def test_a_code_that_has_run_out_is_not_mailed(case: Case, definition: Definition, office: Office) -> None:
    asked = notice("code", {"code": "493201", "minutes": "30", "until": (NOW + dt.timedelta(minutes=30)).isoformat()})
    matters = {case.id: c.Matter(case, definition)}
    assert c.compose(asked, matters, [], office, desk(), NOW + dt.timedelta(minutes=29)) is not None
    assert c.compose(asked, matters, [], office, desk(), NOW + dt.timedelta(minutes=30)) is None


def test_who_came_too_late_reads_who_was_first(case: Case, definition: Definition, office: Office) -> None:
    late = notice("already_decided", {"decided_by": "Ada Priv", "decided_at": "lunes, 10 de enero de 2028, 10:00"})
    said = text(c.compose(late, {case.id: c.Matter(case, definition)}, [], office, desk(), NOW))
    assert "Ada Priv había respondido antes" in " ".join(said.split())


def test_a_mail_that_waited_and_asks_for_what_is_answered_by_now_is_not_sent(
        case: Case, definition: Definition, office: Office) -> None:
    """One that the case waits to hear of is no such mail: it is a fault that somebody has to look at."""
    mail = replace(definition.mails["ask_missing"], texts={"en": "Subject: Answer\n\nPlease answer here: {{ link }}\n"})
    asking = replace(definition, mails={**definition.mails, "ask_missing": mail, "told_corrected": replace(
        mail, name="told_corrected")})
    assert mail.task is not None and case.open_task(mail.task) is None
    assert made(row("ask_missing", "party:parent"), case, asking, office) is None
    with pytest.raises(UsageError, match="link"):
        made(row("told_corrected", "party:parent"), case, asking, office)


def test_the_custodian_reads_where_to_say_who_called(case: Case, definition: Definition, office: Office) -> None:
    said = text(made(row("vouch", "person:caro"), case, definition, office))
    assert "https://privacy.district.example/vouch/2028-0001" in said
    assert "Caso 2028-0001: piden que se les llame por teléfono" in said and "Ana" not in said


def test_the_letter_with_a_code_is_in_the_parents_language_and_has_no_link(
        case: Case, definition: Definition, office: Office) -> None:
    said = {"code": "12345 67890", "until": "el día"}
    page = code_letter(c.Matter(case, definition), "party:parent", said, office, NOW)
    assert "12345 67890" in page and "su código para la página protegida" in page and "<a " not in page
    with pytest.raises(UsageError, match="has no party:nobody"):
        code_letter(c.Matter(case, definition), "party:nobody", said, office, NOW)
