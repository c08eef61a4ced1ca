"""Each date, and each number of days, in a mail says what it is: legal deadline, duty without a date, last day of a
right, a day of an agreement, or a target of the district's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files

import pytest

import workflows
from engine.model.kinds import kind_expected, kind_of_date
from notifiers.words import phrase
from tests.unit.test_date_order import D, decided, notified

KINDS = ("legal", "window", "contract", "agreed", "target", "duty_without_date")
OWN = {"due": "target", "state_until": "target", "legal_due": "legal"}
PERIOD = re.compile(r"(\d+|\{\{ fact_\w+_days \}\})\*{0,2} (calendar |business |school )?(days?|días)\b")
ALSO = {"en": ("days set by our agreement",), "es": ()}


def texts() -> Iterator[tuple[str, str, str]]:
    """Every mail of every process, and the engine's own: name, language and text."""
    catalogue = workflows.Catalogue()
    for process in catalogue.processes():
        for mail in catalogue.newest(process).mails.values():
            yield from ((f"{process}.{mail.name}", language, text) for language, text in mail.texts.items())
    for file in files("notifiers").joinpath("texts").iterdir():
        if file.name.endswith(".md"):
            name, language, _ = file.name.split(".")
            yield name, language, file.read_text("utf-8")


def unsaid(text: str, language: str) -> Iterator[str]:
    """The dates and periods of a text that do not say in their own line what they are."""
    for line in text.splitlines()[1:]:  # a subject has no room for it
        said = [phrase(kind, language) for kind in KINDS] + list(ALSO[language])
        for name in re.findall(r"\{\{ (\w+) \}\}", line):
            is_clock = name.startswith("clock_") and not name.endswith("_kind")
            if is_clock and f"{{{{ {name}_kind }}}}" not in line:
                yield f"{name}: {line}"
            if name in OWN and phrase(OWN[name], language) not in line:
                yield f"{name}: {line}"
        long_ago = re.search(r"days\*{0,2} ago", line)
        if PERIOD.search(line) and not long_ago and not any(words in line for words in said) and "_kind }}" not in line:
            yield f"period: {line}"


@pytest.mark.parametrize(("name", "language", "text"), [pytest.param(*one, id=".".join(one[:2])) for one in texts()])
def test_each_date_of_a_mail_says_what_it_is(name: str, language: str, text: str) -> None:
    assert list(unsaid(text, language)) == []


@pytest.mark.parametrize("line", [
    "It must correct the fact by **{{ clock_operator_fix }}**.",
    "Please answer by **{{ due }}** (legal deadline).",
    "Please ask by **{{ state_until }}**.",
    "The law's own date is **{{ legal_due }}** (district target).",
    "Within 10 business days we tell you.",
    "Delete it within **{{ fact_deletion_days }}** days.",
])  # fmt: skip
def test_a_date_without_its_kind_is_found(line: str) -> None:
    assert len(list(unsaid(f"Subject: x\n\n{line}\n", "en"))) == 1


def test_fewer_days_of_a_contract_are_not_called_the_laws() -> None:
    wanted = notified().definition.clocks["operator_fix"]
    for days, kind in ((None, "legal"), (90, "legal"), (120, "legal"), (30, "contract")):
        story = notified(days)
        assert kind_of_date(wanted, story.hears(D(2027, 1, 13), "notice").case.clocks["operator_fix"]) == kind
    assert kind_expected(wanted, 30) == "contract"


def test_a_later_day_that_both_sides_agreed_to_is_called_agreed() -> None:
    story = decided()
    wanted, clock = story.definition.clocks["hear_held"], story.case.clocks["hear_held"]
    assert kind_of_date(wanted, clock) == "legal"
    assert kind_of_date(wanted, replace(clock, agreed=D(2027, 3, 13), legal=D(2027, 3, 13))) == "agreed"
    appeal = story.case.clocks["hear_appeal"]
    assert kind_of_date(story.definition.clocks["hear_appeal"], appeal) == "window"


def test_a_duty_without_a_number_has_none_and_a_held_one_stays_legal() -> None:
    story = decided()
    wanted, clock = story.definition.clocks["hear_held"], story.case.clocks["hear_held"]
    assert kind_of_date(wanted, replace(clock, legal=None)) == "legal"
    assert kind_of_date(wanted, replace(clock, legal=None, length=None)) == "duty_without_date"
