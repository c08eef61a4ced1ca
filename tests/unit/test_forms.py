"""What people type, read as values of facts: on pages and after `-f`."""

from __future__ import annotations

import datetime as dt

import pytest

import workflows
from engine.deciding.forms import MAX_CONTACTS, MAX_TEXT, FieldError, Raw, read_contact, read_value, read_values
from engine.model.case import Contact, FactValue
from engine.model.definition import FactDef
from engine.model.guards import FactType

CORRECTION = workflows.Catalogue(None).newest("correction_request")


def fact(kind: str, *options: str) -> FactDef:
    return FactDef("x", FactType(kind, options), {"en": "X"})


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        ("bool", "Yes", True),
        ("bool", "sí", True),
        ("bool", "false", False),
        ("int", " -12 ", -12),
        ("date", "2026-05-04", dt.date(2026, 5, 4)),
        ("date", "5/4/2026", dt.date(2026, 5, 4)),  # month first, as in Illinois
        ("date", "02/29/2028", dt.date(2028, 2, 29)),
        ("instant", "2026-05-04T09:30-05:00", dt.datetime(2026, 5, 4, 14, 30, tzinfo=dt.UTC)),
        ("text", " two\r\nlines ", "two\nlines"),
        ("choice", "a", "a"),
        ("set", ["a", "b"], frozenset({"a", "b"})),
        ("set", "a, b", frozenset({"a", "b"})),
        ("contacts", "Ana Ruiz <ana@example.org>; Acme", (Contact("Ana Ruiz", "ana@example.org"), Contact("Acme"))),
        ("contacts", "Ana <ana@example.org>; language=es; paper; Acme\naddress=1 Oak St, Aurora",
         (Contact("Ana", "ana@example.org", "es", paper=True), Contact("Acme", address="1 Oak St, Aurora"))),
        ("contacts", "Acme\r\nISBE <x@isbe.example>", (Contact("Acme"), Contact("ISBE", "x@isbe.example"))),
        ("person", "dan", "dan"),
        ("text", "   ", None),
        ("set", [], None),
    ],
)
def test_it_reads(kind: str, typed: Raw, value: FactValue | None) -> None:
    assert read_value(fact(kind, "a", "b"), typed) == value


@pytest.mark.parametrize(
    ("kind", "typed", "message"),
    [
        ("bool", "perhaps", "answer yes or no"),
        ("int", "1.5", "type a whole number"),
        ("int", "١٢", "type a whole number"),
        ("date", "2026-02-30", "'2026-02-30' is no date: write it as 2026-05-04 or 5/4/2026"),
        ("date", "13/1/2026", "'13/1/2026' is no date: write it as 2026-05-04 or 5/4/2026"),
        ("date", "20260504", "'20260504' is no date: write it as 2026-05-04 or 5/4/2026"),
        ("instant", "2026-05-04T09:30", "'2026-05-04T09:30' has no time zone: add an offset such as -05:00"),
        ("instant", "noon", "'noon' is no moment: write it as 2026-05-04T09:30-05:00"),
        ("choice", "aplha", "'aplha' is no choice (did you mean 'alpha'?)"),
        ("set", ["alpha", "gamma"], "'gamma' is no choice (known: alpha, beta)"),
        ("text", ["a", "b"], "only one value is wanted here"),
        ("text", "x" * (MAX_TEXT + 1), "at most 4,000 characters"),
        ("text", "a\u2028b", "contains a control character: type it again"),
        ("text", "a\x85b", "contains a control character: type it again"),
        ("text", "a\x00b", "contains a control character: type it again"),
        ("contacts", "Ana; langauge=es", "'langauge=es' is no part of a contact: write language=es, "
         "address=12 Oak St or paper after it"),
        ("contacts", "language=es; Ana", "'language=es' is no part of a contact: write language=es, "
         "address=12 Oak St or paper after it"),
        ("contacts", "Ana <ana>", "'ana' is no mail address: write Name <address@example.org>"),
        ("contacts", "<ana@example.org>", "'<ana@example.org>' is no contact: write Name <address@example.org>"),
        ("contacts", "a;" * (MAX_CONTACTS + 1), "at most 200 contacts"),
    ],
)
def test_it_refuses(kind: str, typed: Raw, message: str) -> None:
    with pytest.raises(FieldError) as error:
        read_value(fact(kind, "alpha", "beta"), typed)
    assert str(error.value) == message


def test_each_wrong_field_has_its_own_message_and_the_right_ones_their_value() -> None:
    typed = {"identity_ok": "perhaps", "item": "Birth date", "received_on": "5/4/2026", "evidence": ""}
    values, errors = read_values(CORRECTION, CORRECTION.facts, typed)
    assert values == {"item": "Birth date", "received_on": dt.date(2026, 5, 4)}
    assert errors == {"identity_ok": "answer yes or no"}


def test_a_contact_reads_a_language_in_which_something_is_written() -> None:
    consent = workflows.Catalogue(None).newest("texting_consent")
    values, errors = read_values(consent, ["family"], {"family": "Ana <ana@example.org>; language=es"})
    assert (values["family"], errors) == ((Contact("Ana", "ana@example.org", "es"),), {})
    _, errors = read_values(consent, ["family"], {"family": "Ana <ana@example.org>; language=se"})
    assert errors == {"family": "nothing is written in the language 'se' (known: en, es)"}


def test_messages_come_in_the_readers_language() -> None:
    _, errors = read_values(CORRECTION, ["identity_ok"], {"identity_ok": "quizás"}, "es")
    assert errors == {"identity_ok": "responda sí o no"}


def test_a_field_that_the_form_does_not_have_is_named_with_the_nearest() -> None:
    _, errors = read_values(CORRECTION, ["item"], {"itme": "Birth date"})
    assert errors == {"itme": "there is no field 'itme' here (did you mean 'item'?)"}


def test_a_person_must_be_somebody_of_the_office() -> None:
    people = ["ada", "dan"]
    values, errors = read_values(CORRECTION, ["data_owner"], {"data_owner": "dna"}, people=people)
    assert values == {} and errors == {"data_owner": "nobody here is 'dna' (did you mean 'dan'?)"}
    assert read_values(CORRECTION, ["data_owner"], {"data_owner": "dan"}, people=people)[0] == {"data_owner": "dan"}


WEB = FactDef("x", FactType("text"), {"en": "X"}, web_address=True)


@pytest.mark.parametrize("typed", [
    "https://www.district.example/soppa/a.pdf", "http://d.example", "HTTPS://d.example:8443/a?b=c#d",
])  # fmt: skip
def test_an_address_of_a_page(typed: str) -> None:
    assert read_value(WEB, typed) == typed


@pytest.mark.parametrize("typed", [
    "javascript:alert(1)", "www.district.example", "https://", "https://localhost", "https://d.example/a b",
    "https://district.example@evil.example/", "ftp://d.example/a", "data:text/html,x", 'https://d.example/"onclick=',
])  # fmt: skip
def test_what_no_browser_should_open_is_refused(typed: str) -> None:
    with pytest.raises(FieldError, match="is no address of a page: write it as https://www"):
        read_value(WEB, typed)


def test_a_name_with_a_line_break_is_no_name() -> None:
    """It would be a header of the mail to them, and the mail could never be made."""
    with pytest.raises(FieldError):
        read_contact("A\nBcc: x@y.example <a@b.example>")
