"""What a file of evidence shows: every kind of line as a sentence, and in a redacted one only what is listed."""

from __future__ import annotations

import datetime as dt
import io
import json
import re

import pypdf
import pytest

from cli.evidence.lens import LEFT_OUT, Lens, person_labels, safe_hashes
from cli.evidence.words import _SENTENCES, Words
from engine.model.messages import Event
from notifiers.typesetting import typeset
from storage.looking.evidence import ChainLine
from workflows import Catalogue

CORRECTION = Catalogue().newest("correction_request")
NOW = dt.datetime(2026, 9, 14, 14, 0, tzinfo=dt.UTC)
NAMES = {"carla": "Carla Mendez", "dana": "Dana Novak"}


def line(seq: int, kind: str, actor: str = "person:carla", digest: str | None = None, **detail: str) -> ChainLine:
    return ChainLine(seq, NOW, actor, kind, json.dumps(detail), digest, f"hash {seq}", {})


def lens(*lines: ChainLine, redacted: bool = True) -> Lens:
    parties = {"parent": "Ana Ruiz"}
    return Lens(CORRECTION, NAMES, person_labels(lines, NAMES), parties, dt.date(2026, 9, 14), redacted)


def test_every_kind_of_line_has_a_sentence() -> None:
    kinds = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b|\btold\b", Event.__doc__ or ""))
    named = kinds - {"decided_by"}
    assert named - set(_SENTENCES) == set()
    assert set(_SENTENCES) - named == set()


def test_a_line_that_lacks_what_its_sentence_needs_is_told_plainly() -> None:
    words = Words(lens(redacted=False), {})
    assert words.of("clock_started", {"clock": "x"}) == "Clock started: clock x."
    assert words.of("something_new", {"a_key": "b"}) == "Something new: a key b."


@pytest.mark.parametrize(("kind", "detail", "says"), [
    ("told", {"mail": "told_no_hearing", "on": "2026-09-14"},
     "Told by “our decision, and your right to a hearing” on Mon Sep 14 2026."),
    ("mail_settled", {"mail": "task", "status": "accepted"},
     "Mail “link to a task” was accepted by the reader's mail relay."),
    ("task_opened", {"name": "verify", "to": "carla"},
     "Asked Carla Mendez: Check who asks and whether the request is complete."),
    ("task_opened", {"name": "withdraw", "to": "carla"},
     "May be answered by Carla Mendez: Record that the parent withdraws the request."),
    ("task_closed", {"name": "withdraw"}, "No longer offered: Record that the parent withdraws the request."),
    ("happened_before", {"event": "told.receipt", "on": "2026-09-14"},
     "Before it was taken in, on Mon Sep 14 2026: told by the letter “we have your request for a correction”."),
    ("case_ended", {"outcome": "not_corrected"}, "The case ended: not corrected."),
])  # fmt: skip
def test_a_reader_meets_no_name_of_the_definition(kind: str, detail: dict[str, str], says: str) -> None:
    assert Words(lens(redacted=False), {}).of(kind, detail) == says


@pytest.mark.parametrize(("kind", "detail", "shown"), [
    ("task_completed", {"by": "Carla Mendez", "name": "verify", "outcome": "complete"},
     {"by": "person 1", "name": "verify", "outcome": "complete"}),
    ("task_opened", {"to": "dana", "name": "advise"}, {"to": LEFT_OUT, "name": "advise"}),
    ("rung_fired", {"to": "party:parent, person:carla", "rung": "halfway"},
     {"to": "Parent or student who asks, person 1", "rung": "halfway"}),
    ("answer_too_late", {"by": "Carla Mendez", "decided_by": "Dana Novak"}, {"by": "person 1"}),
    ("task_reassigned", {"to": "person:carla", "by": "Dana", "reason": "Dana is ill"},
     {"to": "person 1", "by": "person 1"}),
    ("clock_moved", {"reason": "held since 2026-09-11"}, {"reason": "held since 2026-09-11"}),
    ("mail_bounced", {"mail": "receipt", "reason": "mailbox of Ana full"}, {"mail": "receipt"}),
    ("note_added", {"by": "Carla Mendez", "text": "Ana rang"}, {"by": "person 1"}),
    ("task_nudged", {"name": "advise", "to": "person:carla", "by": "Priya"},
     {"name": "advise", "to": "person 1", "by": "person 1"}),
    ("task_snoozed", {"name": "advise", "until": "2026-12-07", "by": "Carla Mendez", "reason": "Ana is away"},
     {"name": "advise", "until": "2026-12-07", "by": "person 1"}),
    ("something_new", {"email": "ana@families.example", "clock": "x"}, {"clock": "x"}),
    ("fact_recorded", {"fact": "identity_ok", "value": "true"}, {"fact": "identity_ok", "value": "true"}),
    ("fact_recorded", {"fact": "data_owner", "value": "dana"}, {"fact": "data_owner"}),
    ("fact_recorded", {"fact": "fixed_where", "value": "Student record of Pat"}, {"fact": "fixed_where"}),
    ("fact_recorded", {"fact": "received_on", "value": "2026-09-11", "was": "2014-03-04"},
     {"fact": "received_on", "value": "2026-09-11"}),     # a date long ago may be a birth
    ("fact_recorded", {"fact": "strange", "value": "true"}, {"fact": "strange"}),
])  # fmt: skip
def test_a_redacted_line_shows_what_is_listed_and_nothing_else(
    kind: str, detail: dict[str, str], shown: dict[str, str]
) -> None:
    one = line(1, kind, **detail)
    assert lens(line(1, "case_started")).detail(one) == shown
    assert lens(redacted=False).detail(one) == detail


def test_labels_follow_the_order_in_which_people_appear() -> None:
    lines = [
        line(1, "case_started"),
        line(2, "task_opened", to="dana"),
        line(3, "rung_fired", to="person:erin, party:parent"),
        line(4, "task_completed", actor="party:parent"),
        line(5, "task_completed", actor="person:dana"),
    ]
    assert person_labels(lines, NAMES) == {"carla": "person 1", "dana": "person 2", "erin": "person 3"}


def test_a_hash_is_shown_only_where_it_helps_nobody_to_guess() -> None:
    lines = [
        line(1, "case_started", actor="system:system", by="soppa"),   # follows from what is shown
        line(2, "task_completed", by="Carla Mendez"),                 # only a name is unknown
        line(3, "told", actor="system:system", mail="receipt"),       # follows from one that is not shown
        line(4, "fact_recorded", digest="k1:abc", fact="item"),       # a keyed digest is left out as well
        line(5, "told", actor="system:system", mail="receipt"),       # follows from that
    ]  # fmt: skip
    assert safe_hashes(lines, lens(*lines)) == ["hash 1", None, None, "hash 4", "hash 5"]
    assert safe_hashes(lines, lens(*lines, redacted=False)) == [f"hash {n}" for n in range(1, 6)]


@pytest.mark.parametrize(("typed", "drawn"), [
    ("Zoë Đorđević, Ωmega, Жанна", "Zoë Đorđević, Ωmega, Жанна"),
    ("a\x07b\u202ec", "a⟨U+0007⟩b⟨U+202E⟩c"),
    ("\U0010fffd", "⟨U+10FFFD⟩"),      # nobody's font has it
    ("\u0378é", "⟨U+0378⟩é"),          # among letters that are drawn, and none
    ("#strong[x] $a$ @b <c> \\", "#strong[x] $a$ @b <c> \\"),
])  # fmt: skip
def test_signs_that_cannot_be_drawn_stand_as_their_code_points(typed: str, drawn: str) -> None:
    data = {"title": "T", "district": typed, "keywords": [], "footer": "f", "period": "p", "lead": [], "bars": [],
            "decided": [], "strips": [], "tables": [], "few": ""}  # fmt: skip
    made = typeset(["paper.typ", "report.typ"], data, "the report")
    assert drawn in pypdf.PdfReader(io.BytesIO(made)).pages[0].extract_text()
