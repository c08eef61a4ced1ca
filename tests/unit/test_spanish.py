"""Whatever a parent reads is there in Spanish: titles, questions, options, dates, mails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files

import pytest

import workflows
from cli.status.look import Look
from engine.deciding import forms
from engine.model.definition import Definition, FactDef, MailDef, TaskDef, Words
from notifiers import brief, outlook
from notifiers import words as words_of_mails
from web.words import WORDS

CATALOGUE = workflows.Catalogue()
OF_PARENTS = [name for name in CATALOGUE.processes()
              if any(party.kind == "parent" for party in CATALOGUE.newest(name).parties.values())]


def of_fact(fact: FactDef) -> Iterator[tuple[str, Words]]:
    yield f"label of {fact.name}", fact.label
    yield from ((f"option {name} of {fact.name}", label) for name, label in fact.option_labels.items())
    for column in fact.columns.values():
        yield from ((f"{fact.name}: {what}", words) for what, words in of_fact(column))


def of_task(definition: Definition, task: TaskDef) -> Iterator[tuple[str, Words]]:
    yield f"title of {task.name}", task.title
    if task.help:
        yield f"help of {task.name}", task.help
    yield from ((f"{task.name}.{name}", outcome.label) for name, outcome in task.outcomes.items())
    for name in {*task.shows, *(field.fact for field in task.form)}:
        yield from of_fact(definition.facts[name])
    for name in {field.fact for field in task.form if definition.facts[field.fact].help}:
        yield f"help of {name}", definition.facts[name].help


def of_mail(definition: Definition, mail: MailDef) -> Iterator[tuple[str, Words]]:
    """The options of the facts that a text names, and the titles that it may."""
    for name in set(re.findall(r"fact_(\w+)", "".join(mail.texts.values()))):
        fact = definition.facts[name]
        yield from ((f"option {option} of {name}", label) for option, label in fact.option_labels.items())


def read_by_parents(definition: Definition) -> Iterator[tuple[str, Words]]:
    parents = {name for name, party in definition.parties.items() if party.kind == "parent"}
    yield "title", definition.title
    yield from ((f"state {name}", state.title) for name, state in definition.states.items())
    yield from ((f"clock {name}", clock.title) for name, clock in definition.clocks.items())
    for task in (task for state in definition.states.values() for task in state.tasks):
        if task.who.kind == "party" and task.who.name in parents:
            yield from of_task(definition, task)
    for mail in definition.mails.values():
        if mail.to.kind == "party" and mail.to.name in parents:
            yield f"mail {mail.name}", mail.texts
            yield from of_mail(definition, mail)


@pytest.mark.parametrize("process", OF_PARENTS)
def test_everything_that_a_parent_reads_is_there_in_spanish(process: str) -> None:
    english_only = {what for what, words in read_by_parents(CATALOGUE.newest(process)) if not words.get("es")}
    assert english_only == set()


def test_every_process_of_parents_is_looked_at() -> None:
    assert {"correction_request", "operator_fix", "deletion_request", "record_statement"} <= set(OF_PARENTS)


_WORDS = ("the and of is are was were has have not with your this that which from by on it you they will must may "
          "please since until failed last free ends district deadline case")
ENGLISH = re.compile(rf"\b({'|'.join(_WORDS.split())})\b", re.IGNORECASE)
NO_TEXT = re.compile(r"\*\*soppa [^*]+\*\*|\{[{%].*?[%}]\}|\{\w+\}|\]\([^)]*\)|^Subject: ", re.MULTILINE)
"""Commands, placeholders, addresses."""


def spanish_texts() -> Iterator[tuple[str, str]]:
    """Everything in Spanish that somebody reads: mails, pages, definitions."""
    for process in CATALOGUE.processes():
        definition = CATALOGUE.newest(process)
        yield from ((f"{process}.{mail.name}", mail.texts["es"]) for mail in definition.mails.values()
                    if "es" in mail.texts)
        yield from ((f"{process}: {what}", words["es"]) for what, words in read_by_parents(definition)
                    if "es" in words)
    for file in files("notifiers").joinpath("texts").iterdir():
        if file.name.endswith(".es.md"):
            yield file.name, file.read_text("utf-8")
    yield from ((name, words["es"]) for name, words in WORDS.items())
    for module in (brief, outlook, words_of_mails):
        phrases = {**getattr(module, "_SAID", {}), **getattr(module, "_PHRASES", {}), **getattr(module, "_WORDS", {})}
        yield from ((f"{module.__name__}.{name}", said["es"]) for name, said in phrases.items() if "es" in said)
    yield from ((f"forms.{name}", said["es"]) for name, said in forms._WORDS.items())


def test_no_english_has_stayed_in_a_spanish_text() -> None:
    left = {name: found for name, text in spanish_texts() if (found := ENGLISH.findall(NO_TEXT.sub(" ", text)))}
    assert left == {}


def test_an_alarm_is_told_in_spanish_with_what_there_is_in_english_only_in_quotes() -> None:
    made = Look("disk", 1, "9 % is free where /var/lib/soppa lies", es="queda libre un 9 % donde está /var/lib/soppa")
    said = {"what": made.what, "says": made.says, "says_es": made.es}
    assert words_of_mails.alarm_words(said, "es") == {"what": "disco", "says": made.es}
    assert words_of_mails.alarm_words(said, "en") == {"what": "disk", "says": made.says}
    assert words_of_mails.alarm_words({"what": "disk", "says": "old row"}, "es")["says"] == "old row"
