"""What can only be said of a definition as a whole: nothing unreachable, unused, untold or without an end."""

from __future__ import annotations

from collections.abc import Mapping

from engine.faults import Mark
from engine.language.compile_duties import NO_RULE
from engine.language.mailtexts import check_said, check_text
from engine.language.scope import Scope
from engine.model.definition import Definition, StateDef
from engine.model.machine import triggers
from engine.nodes import Node, nearest

LANGUAGES = {"parent": ("en", "es")}
"""Languages in which a mail to a kind of party must exist; everybody else reads English."""


def check_states(node: Node, states: Mapping[str, StateDef], scope: Scope) -> None:
    keys = scope.declared["states"]
    initial = [name for name, state in states.items() if state.initial and not state.region]
    if not initial:
        scope.faults.add(node, "no state is initial: mark the first one with 'initial: true'")
    for name in initial[1:]:
        scope.faults.add(keys[name], f"state '{name}' is a second initial state: '{initial[0]}' is one already")
    if not any(state.final and not state.region for state in states.values()):
        scope.faults.add(node, "no state is final: a case could never end")
    for region in (region.name for state in states.values() for region in state.regions):
        if not any(state.final for state in states.values() if state.region == region):
            scope.faults.add(node, f"region '{region}' has no final state: its parallel state could never be done")
    for name, state in states.items():
        names = [task.name for task in state.tasks]
        for task in sorted({task for task in names if names.count(task) > 1}):
            scope.faults.add(keys[name], f"state '{name}' has two tasks named '{task}'")
        if not state.final and not any(triggers(state)):
            scope.faults.add(
                keys[name], f"state '{name}' has no way on: give it a task, 'on', 'after' or 'always', or make it final"
            )


def check_texts(scope: Scope, made: Definition, where: Mark) -> None:
    folder = where.file.rpartition("/")[0]
    keys = scope.declared["mails"]
    for name, mail in made.mails.items():
        kind = "parent" if mail.to.kind == "audience" else "staff"
        if mail.to.kind == "party" and mail.to.name in made.parties:
            kind = made.parties[mail.to.name].kind
        lacks = [language for language in LANGUAGES.get(kind, ("en",)) if language not in mail.texts]
        if lacks and f"mails.{name}" in scope.used:
            files = " and ".join(f"mails/{name}.{language}.md" for language in lacks)
            said = " and ".join(f"'{language}'" for language in lacks)
            scope.faults.add(keys[name], f"mail '{name}' has no text in {said}: write {files}")
    for key, text in scope.texts.items():
        name = key.partition(".")[0]
        if name not in keys:
            scope.faults.add(where, f"mails/{key}.md belongs to no mail{nearest(name, keys)}")
        elif name in made.mails:
            file = f"{folder}/mails/{key}.md" if folder else f"mails/{key}.md"
            check_text(scope, made.mails[name], text, file)
            check_said(scope, made.mails[name], text, file)


def check_ways(scope: Scope, made: Definition) -> None:
    """Every state can be reached by some way, whatever the guards say; what a window's passing moves is a window."""
    reached = {name for name, state in made.states.items() if state.initial and not state.region}
    ahead = list(reached)
    while ahead:
        state = made.states[ahead.pop()]
        ahead_of = {branch.to for _, to in triggers(state) for branch in to} | {one.initial for one in state.regions}
        fresh = ahead_of & made.states.keys() - reached
        reached |= fresh
        ahead.extend(fresh)
    ends = [state for state in made.states.values() if not state.final and not any(triggers(state))]
    for name, key in scope.declared["states"].items():
        if name not in reached and reached and not ends:  # where a dead end should lead is not known
            scope.faults.add(key, f"state '{name}' can never be reached")
    for event in [handler.event for state in made.states.values() for handler in state.on]:
        clock = made.clocks.get(event.removeprefix("expired."))
        if event.startswith("expired.") and clock is not None and not clock.window and clock.rule is not NO_RULE:
            scope.faults.add(
                scope.declared["clocks"][clock.name], f"clock '{clock.name}' is a duty: only a window expires"
            )


def check_unused(scope: Scope) -> None:
    says = {
        "facts": "is never asked, read, shown or mailed",
        "mails": "is never sent",
        "children": "is never started",
        "registers": "is never written",
        "parties": "never acts, reads or is passed on",
        "audiences": "never reads a mail",
    }
    for section, sentence in says.items():
        for key in scope.unused(section):
            scope.faults.add(key, f"'{key.text}' in {section} {sentence}: use it or take it out")
