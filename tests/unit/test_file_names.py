"""How an uploaded file was called may name a child: it is kept sealed, and shown to those who may read the case."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from cli.evidence.lens import Lens
from cli.evidence.words import Words
from engine.deciding.decide import decide
from engine.deciding.forms import KEPT_DOCUMENT, SAMPLE_DOCUMENT, called, file_name
from engine.model.messages import RecordFacts
from notifiers.words import fact_words
from tests.office import actor, office
from tests.unit.test_date_order import BEGIN, CORRECTION, D, Story, at, correction
from web.words import fact_lines

NAMED = called(SAMPLE_DOCUMENT, "Ana Ruiz – partida.pdf")


@pytest.mark.parametrize(("sent", "kept"), [
    ("Ana Ruiz – partida.pdf", "Ana Ruiz – partida.pdf"),
    ("C:\\Users\\pat\\birth.pdf", "birth.pdf"),
    ("../../etc/passwd", "passwd"),
    ("one\r\nX: two\u2028.pdf", "oneX: two.pdf"),
    ("x" * 500 + ".pdf", "x" * 96 + ".pdf"),
    ("\N{SLICE OF PIZZA}" * 200 + ".pdf", "\N{SLICE OF PIZZA}" * 96 + ".pdf"),
    ("100% called:mine sha256:0.pdf", "100% called:mine sha256:0.pdf"),
    ("", ""),
    ("/", ""),
])  # fmt: skip
def test_the_name_of_a_file_is_kept_without_its_folders(sent: str, kept: str) -> None:
    value = called(SAMPLE_DOCUMENT, sent)
    assert KEPT_DOCUMENT.fullmatch(value) and file_name(value) == kept
    assert value.partition(" called:")[0] == SAMPLE_DOCUMENT


def handed_in() -> Story:
    story = correction()
    command = RecordFacts({"evidence": NAMED}, actor("ada"), "It came by post")
    decision = decide(story.definition, story.case, command, at(BEGIN + dt.timedelta(days=1)), office())
    (event,) = (one for one in decision.events if one.kind == "fact_recorded")
    assert "Ana" not in json.dumps(dict(event.detail)), "the plain part of the chain"
    assert event.told["called"] == "Ana Ruiz – partida.pdf"
    return story._replace(case=decision.case)


def test_history_says_it_to_who_reads_the_case_and_a_redacted_file_does_not() -> None:
    story = handed_in()
    shown = Lens(story.definition, {}, {}, {}, D(2027, 1, 11), redacted=False)
    detail = {"fact": "evidence", "sha256": "0" * 64, "called": "Ana Ruiz – partida.pdf"}
    assert "handed in as “Ana Ruiz – partida.pdf”, SHA-256 000" in Words(shown, {}).of("fact_recorded", detail)
    assert shown.fact("evidence", NAMED) == f"document “Ana Ruiz – partida.pdf” (pdf), SHA-256 {'0' * 64}"
    hidden = Lens(story.definition, {}, {}, {}, D(2027, 1, 11), redacted=True)
    assert hidden.fact("evidence", NAMED) is None and "Ana" not in hidden._labelled("evidence", NAMED)


def test_a_page_shows_it_and_a_mail_never_does() -> None:
    fact = CORRECTION.facts["evidence"]
    assert fact_lines(fact, NAMED, office(), "es") == ("Ya consta un documento: Ana Ruiz – partida.pdf",)
    assert fact_lines(fact, SAMPLE_DOCUMENT, office(), "en") == ("A document is on file.",)
    assert "Ana" not in fact_words(fact, NAMED, office(), "en")
