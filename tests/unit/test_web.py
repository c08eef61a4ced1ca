"""The pure parts of the pages: who asks, what a file is, the words in each language, the halves of a form."""

from __future__ import annotations

import datetime as dt

import pytest

from engine.model.definition import FactDef
from engine.model.guards import FactType
from tests.office import office
from web.forms import typed_from
from web.network import client_address, from_own_page, network_of
from web.tokens import code_hash, form_nonce, nonce_is_right
from web.words import LANGUAGES, WORDS, date_words, instant_words, known_language

OURS = "https://soppa.example"


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),  # the proxy is believed
        ("198.51.100.9", "203.0.113.7", "198.51.100.9"),  # a stranger is not
        ("10.0.0.1", "1.2.3.4, 203.0.113.7", "203.0.113.7"),  # what the visitor wrote first counts for nothing
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
    ],
)
def test_the_address_of_a_visitor(peer: str, forwarded: str, address: str) -> None:
    assert client_address(peer, forwarded, ("10.0.0.1",)) == address


def test_networks_are_a_school_wide() -> None:
    assert network_of("203.0.113.7") == "203.0.113.0/24"
    assert network_of("2001:db8:1:2:3::4") == "2001:db8:1:2::/64"
    assert network_of("testclient") == "testclient"


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
        ({"Origin": OURS}, True),
        ({}, True),  # plain http, no-referrer: the nonce decides
        ({"Sec-Fetch-Site": "same-site", "Origin": "null"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "https://soppa.example.evil"}, False),
    ],
)
def test_where_a_form_comes_from(headers: dict[str, str], ours: bool) -> None:
    assert from_own_page(OURS, headers.items()) is ours


def test_a_code_counts_for_its_recipient_however_it_is_spaced() -> None:
    assert code_hash("person:ada", " 123-456 ") == code_hash("person:ada", "123456")
    assert code_hash("person:ada", "123456") != code_hash("person:dan", "123456")


def test_a_nonce_belongs_to_one_session_and_one_form() -> None:
    nonce = form_nonce("session", "/task/1")
    assert nonce_is_right("session", "/task/1", nonce)
    assert not nonce_is_right("session", "/task/2", nonce)
    assert not nonce_is_right("other", "/task/1", nonce)
    assert not nonce_is_right("session", "/task/1", "é")


@pytest.mark.parametrize("key", sorted(WORDS))
def test_every_text_is_there_in_every_language_with_the_same_blanks(key: str) -> None:
    blanks = {
        language: {part.split("}")[0] for part in WORDS[key][language].split("{")[1:]} for language in LANGUAGES
    }
    assert set(WORDS[key]) == set(LANGUAGES) and len({frozenset(each) for each in blanks.values()}) == 1


def test_dates_are_written_out_in_the_districts_zone() -> None:
    night = dt.datetime(2026, 5, 7, 3, 30, tzinfo=dt.UTC)
    assert date_words(dt.date(2026, 5, 6), "es") == "miércoles, 6 de mayo de 2026"
    assert instant_words(night, office(), "en") == "Wednesday, May 6, 2026, 10:30 pm"


def test_the_language_of_a_browser() -> None:
    assert known_language("es-MX,es;q=0.9,en;q=0.8") == "es"
    assert known_language("pl,en;q=0.5") == "en"


def test_a_moment_on_file_is_typed_in_local_halves() -> None:
    fact = FactDef("hearing_at", FactType("instant"), {"en": "Hearing"})
    instant = dt.datetime(2026, 12, 1, 15, 0, tzinfo=dt.UTC)
    assert typed_from(fact, instant, office()) == {"hearing_at": ["2026-12-01"], "hearing_at.time": ["09:00"]}
