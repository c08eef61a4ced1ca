"""A history as a person reads it: tables in the words of their form, reminders by when, what is only offered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pytest

from cli.evidence.lens import Lens
from cli.evidence.words import Words
from engine.model.case import Cell, TableRow
from engine.words import written
from workflows import Catalogue

KNOWN = Catalogue()
NAMES = {"priya": "Priya Raman"}


def words(process: str, tasks: Mapping[str, str] | None = None) -> Words:
    lens = Lens(KNOWN.newest(process), NAMES, {}, {}, dt.date(2026, 9, 14), redacted=False)
    return Words(lens, tasks or {})


def recorded(process: str, fact: str, *rows: TableRow) -> str:
    return words(process).of("fact_recorded", {"fact": fact, "value": written(rows)})


def test_a_table_is_told_in_the_words_of_its_form_whatever_the_order_of_its_cells() -> None:
    first: dict[str, Cell] = {"note": "A letter, twice", "group": "notices", "amount": 40}
    said = recorded("breach_response", "costs", TableRow("1", first), TableRow("2", {"amount": 7, "group": "legal"}))
    assert said == (
        "Recorded “Costs of the breach”: 1 – Group (clause D): Notices to parents and regulators; Dollars: 40; "
        "What for: A letter, twice · 2 – Group (clause D): Legal fees, audits, fines, damages; Dollars: 7.")


def test_a_table_whose_rows_are_named_is_told_by_their_labels() -> None:
    said = recorded("annual_attestation", "areas", TableRow("ai", {"now": "changed", "what": "It answers questions"}),
                    TableRow("data", {"now": "unchanged"}))  # fmt: skip
    assert "AI features – Now: " in said and "It answers questions · Data that is collected – Now: Unchanged." in said


@pytest.mark.parametrize("typed", [
    "Sign-in, kept false",             # could be the next cell
    "Sign-in; 2: group legal",         # could be the next row
])  # fmt: skip
def test_what_could_be_read_in_two_ways_stays_as_it_was_written(typed: str) -> None:
    row = TableRow("1", {"group": "legal", "amount": 7, "note": f"{typed}, amount 9; 1: group other"})
    assert written((row,)) in recorded("breach_response", "costs", row)


@pytest.mark.parametrize(("of", "rung", "said"), [
    ("parents", "day_10", "“The parents of every affected student are told”, day 10."),
    ("parents", "before_1", "told”, 1 business day before its date."),
    ("parents", "legal", "told”, its date has passed."),
    ("parents", "legal_5", "told”, 5 business days after its date."),
    ("parents", "digest", "told”, still open after its date."),
    ("parents", "of_old", "told”, of old."),
    ("2026-0001-7", "halfway", "“Find out whether it is a breach, of what data, and since when”, halfway to its date."),
    ("2026-0001-8", "target", "post them, and enter the date of posting”, on its date."),
])  # fmt: skip
def test_a_reminder_says_when_and_of_what(of: str, rung: str, said: str) -> None:
    tasks = {"2026-0001-7": "assess", "2026-0001-8": "post_letter"}
    told = words("breach_response", tasks).of("rung_fired", {"of": of, "rung": rung, "to": "person:priya"})
    assert told.startswith("Reminder to Priya Raman: “") and told.endswith(said)


def test_what_may_be_done_was_not_asked_for() -> None:
    told = words("breach_response")
    assert told.of("task_opened", {"name": "earlier", "to": "person:priya"}) == (
        "May be answered by Priya Raman: Record that it was known earlier.")
    assert told.of("task_closed", {"name": "earlier"}) == "No longer offered: Record that it was known earlier."
    assert told.of("task_opened", {"name": "contain", "to": "person:priya"}).startswith("Asked Priya Raman: ")


def test_a_text_that_ends_a_sentence_ends_it_once() -> None:
    told = words("breach_response")
    assert told.of("fact_recorded", {"fact": "what_en", "value": "It was open."}).endswith(": It was open.")
    assert told.of("fact_recorded", {"fact": "what_en", "value": "It was open"}).endswith(": It was open.")
