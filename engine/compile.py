"""From the nodes of a document to a `Definition`: every name checked, all faults at once, each with its place.

What is proved about the paths of a case (owners, clocks, facts set on every path) is `prove`'s; here a definition is
made sound word by word.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

from engine import nodes
from engine.case import FactValue
from engine.clocks import Rule
from engine.definition import (
    After,
    Anchor,
    Branch,
    ChildDef,
    ClockDef,
    Definition,
    Due,
    FactDef,
    FormField,
    LinkLevel,
    MailDef,
    OnEvent,
    Outcome,
    PartyDef,
    Scenario,
    StateDef,
    TaskDef,
    Who,
    Words,
    expired,
)
from engine.faults import Mark
from engine.guards import FactType, Guard
from engine.ladders import Ladder
from engine.machine import triggers
from engine.mailtexts import check_text
from engine.nodes import Faults, ListNode, MapNode, Node, Scalar, nearest
from engine.scope import ROLES, SECTIONS, Scope

KINDS = ("bool", "text", "int", "date", "instant", "choice", "set", "document", "person", "contacts")
UNITS = ("business_days", "calendar_days", "school_days")
_DECISIVE = ("id", "kind", "length", "unit", "rolls", "holds", "duty_of", "on", "keeps_day", "calendar")
"""What of a rule decides a date. A pack's new version or a better citation changes no definition."""

LANGUAGES = {"parent": ("en", "es")}
"""Languages in which a mail to a kind of party must exist; everybody else reads English."""

_SNAKE = re.compile(r"[a-z][a-z0-9_]*")
_AMOUNT = re.compile(r"(\d{1,4}) (\w+)")
_TEXT_FIELDS = frozenset({"title", "label", "help", "option_labels", "texts", "reviewed_by", "scenarios", "hash",
                          "place"})


def compile_definition(node: Node, *, rules: Mapping[str, Rule], ladders: Mapping[str, Ladder],
                       texts: Mapping[str, str]) -> Definition:
    """The definition that a document describes. `texts` holds the mails' sources by `NAME.LANGUAGE`.

    Raises `FaultyInput` with every fault, in the order of the file.
    """
    faults = Faults()
    top = nodes.fields(node, faults, required=("process", "version", "title", "cites", "states"), optional=(
        "facts", "parties", "start", "clocks", "mails", "children", "offers", "scenarios", "from_parent", "soft"),
        what="a process")
    scope = Scope(faults, rules, ladders, texts, _declared(top, faults))
    made = _definition(node, top, scope)
    _check_texts(scope, made, node.mark)
    _check_ways(scope, made)
    _check_unused(scope)
    faults.raise_if_any()
    return made


def _declared(top: Mapping[str, Node], faults: Faults) -> Mapping[str, Mapping[str, Scalar]]:
    found = {section: {key.text: key for key, _ in nodes.named(top.get(section), Faults())} for section in SECTIONS}
    for section, names in found.items():
        for key in names.values():
            if not _SNAKE.fullmatch(key.text):
                faults.add(key, f"'{key.text}' in {section}: write names in small letters, digits and '_'")
    return found


def _definition(node: Node, top: Mapping[str, Node], scope: Scope) -> Definition:
    facts = {name.text: _fact(name.text, value, scope) for name, value in _section(top, "facts", scope)}
    scope.types.update({name: fact.type for name, fact in facts.items()})
    scope.personal.update(name for name, fact in facts.items() if fact.personal)
    scope.answers = frozenset(_answers(top))
    parties = {name.text: _party(name.text, value, scope) for name, value in _section(top, "parties", scope)}
    states = {name.text: _state(name.text, value, scope) for name, value in _section(top, "states", scope)}
    states = _with_offers(top.get("offers"), states, scope)
    _check_states(node, states, scope)
    draft = Definition(
        process=_word(top, "process", scope), version=_version(top.get("version"), scope),
        title=scope.words(top.get("title"), "title"), cites=_cites(top.get("cites"), scope),
        facts=facts, parties=parties,
        start_needs=_start(top.get("start"), scope), states=states,
        clocks={name.text: _clock(name.text, value, scope) for name, value in _section(top, "clocks", scope)},
        mails={name.text: _mail(name.text, value, scope) for name, value in _section(top, "mails", scope)},
        children={name.text: _child(name.text, value, scope) for name, value in _section(top, "children", scope)},
        scenarios=tuple(_scenarios(top.get("scenarios"), scope)), hash="", soft=_soft(node, top, scope),
        from_parent=nodes.boolean(top.get("from_parent"), scope.faults, "from_parent") or False,
    )
    return _hashed(draft)


def _section(top: Mapping[str, Node], name: str, scope: Scope) -> Iterator[tuple[Scalar, Node]]:
    return nodes.named(top.get(name), scope.faults, name)


def _word(top: Mapping[str, Node], key: str, scope: Scope) -> str:
    return nodes.text(top.get(key), scope.faults, key) or ""


def _version(node: Node | None, scope: Scope) -> int:
    version = nodes.integer(node, scope.faults, "version")
    if version is not None and version < 1 and node is not None:
        scope.faults.add(node, "version must be 1 or more")
    return version or 1


def _cites(node: Node | None, scope: Scope) -> tuple[str, ...]:
    return nodes.each(node, scope.faults, lambda item, faults: nodes.text(item, faults, "cites"), "cites")


def _soft(node: Node, top: Mapping[str, Node], scope: Scope) -> Ladder:
    """The ladder of district targets."""
    name = nodes.text(top.get("soft"), scope.faults, "soft") or "SOFT"
    if name not in scope.ladders:
        scope.faults.add(top.get("soft") or node, f"soft: unknown ladder '{name}'{nearest(name, scope.ladders)}")
    return scope.ladders.get(name) or Ladder(name, "", ())


# Facts, parties and the start


def _fact(name: str, node: Node, scope: Scope) -> FactDef:
    top = nodes.fields(node, scope.faults, required=("type", "label"), optional=("of", "personal", "help"),
                       what=f"fact '{name}'")
    kind = nodes.choice(top.get("type"), scope.faults, KINDS, "type") or "text"
    labels = _options(top.get("of"), scope)
    if (kind in ("choice", "set")) != bool(labels):
        scope.faults.add(top.get("of") or node, f"fact '{name}': 'of' lists the options of a choice or a set, and of "
                                                "nothing else")
    return FactDef(name, FactType(kind, tuple(labels)), scope.words(top.get("label"), "label"),
                   nodes.boolean(top.get("personal"), scope.faults, "personal") or False,
                   scope.words(top.get("help"), "help"), labels)


def _options(node: Node | None, scope: Scope) -> Mapping[str, Words]:
    """Options with their labels; in a plain list an option is its own label."""
    if isinstance(node, MapNode):
        return {key.text: scope.words(value, "an option") for key, value in nodes.named(node, scope.faults, "of")}
    found: dict[str, Words] = {}
    for item in nodes.items(node, scope.faults, "of"):
        option = nodes.text(item, scope.faults, "an option") or ""
        if option in found:
            scope.faults.add(item, f"the option '{option}' is here twice")
        found[option] = {"en": option.replace("_", " ")}
    return found


def _party(name: str, node: Node, scope: Scope) -> PartyDef:
    top = nodes.fields(node, scope.faults, required=("label", "kind"), what=f"party '{name}'")
    kind = nodes.choice(top.get("kind"), scope.faults, ("parent", "operator", "other"), "kind")
    return PartyDef(name, scope.words(top.get("label"), "label"), kind or "other")  # type: ignore[arg-type]


def _start(node: Node | None, scope: Scope) -> tuple[str, ...]:
    top = nodes.fields(node, scope.faults, optional=("needs", "by"), what="start")
    for item in nodes.items(top.get("by"), scope.faults, "by"):
        nodes.choice(item, scope.faults, ROLES, "by")
    needs = []
    for item in nodes.items(top.get("needs"), scope.faults, "needs"):
        is_party = isinstance(item, Scalar) and item.text in scope.declared["parties"]
        needs.append(scope.name("parties" if is_party else "facts", item, "needs"))
    return tuple(name for name in needs if name is not None)


def _who(top: Mapping[str, Node], node: Node, scope: Scope, what: str) -> Who:
    """One of `role`, `person` (a person fact) and `party`."""
    given = [key for key in ("role", "person", "party") if key in top]
    if len(given) != 1:
        scope.faults.add(node, f"{what} needs exactly one of role, person and party")
        return Who("role", "privacy")
    key = given[0]
    if key == "role":
        return Who("role", nodes.choice(top[key], scope.faults, ROLES, "role") or "privacy")
    if key == "person":
        return Who("person", scope.fact_of(top[key], ("person",), "person") or "")
    return Who("party", scope.name("parties", top[key], "party") or "")


def _reader(node: Node | None, scope: Scope, what: str) -> Who:
    """A party, a role, or a person fact, told apart by name."""
    name = nodes.text(node, scope.faults, what)
    if name is None or node is None:
        return Who("role", "privacy")
    if name in scope.declared["parties"]:
        scope.used.add(f"parties.{name}")
        return Who("party", name)
    if name in scope.declared["facts"]:
        return Who("person", scope.fact_of(node, ("person",), what) or "")
    if name not in ROLES:
        known = [*ROLES, *scope.declared["parties"]]
        scope.faults.add(node, f"{what}: '{name}' is no role, party or person fact{nearest(name, known)}")
    return Who("role", name)


# States, tasks and ways on


def _state(name: str, node: Node, scope: Scope) -> StateDef:
    top = nodes.fields(node, scope.faults, required=("title",), optional=(
        "initial", "final", "tasks", "join", "joined", "always", "on", "after", "expires", "send", "start"),
        what=f"state '{name}'")
    tasks = tuple(_task(item, scope) for item in nodes.items(top.get("tasks"), scope.faults, "tasks"))
    final = nodes.text(top.get("final"), scope.faults, "final")
    ways = [key for key in ("tasks", "joined", "always", "on", "after", "expires", "start") if key in top]
    if final is not None and ways:
        scope.faults.add(top[ways[0]], f"state '{name}' is final: it can have no {ways[0]}")
    if "joined" in top and not tasks:
        scope.faults.add(top["joined"], f"state '{name}' joins tasks, but has none")
    join = nodes.choice(top.get("join"), scope.faults, ("any", "all", "veto"), "join") or "any"
    return StateDef(
        name, scope.words(top.get("title"), "title"),
        nodes.boolean(top.get("initial"), scope.faults, "initial") or False,
        final is not None, final, tasks, join, _branches(top.get("joined"), scope),  # type: ignore[arg-type]
        _branches(top.get("always"), scope), (*_on(top.get("on"), scope), *_expires(top.get("expires"), scope)),
        _after(top.get("after"), scope), scope.names("mails", top.get("send"), "send"),
        scope.names("children", top.get("start"), "start"),
    )


def _branches(node: Node | None, scope: Scope) -> tuple[Branch, ...]:
    """One state, or a list of `{when, to}` that may end with `{else}`."""
    if node is None:
        return ()
    if isinstance(node, Scalar):
        to = scope.name("states", node, "a target")
        return () if to is None else (Branch(to),)
    found: list[Branch] = []
    items = nodes.items(node, scope.faults, "the ways on")
    for place, item in enumerate(items):
        top = nodes.fields(item, scope.faults, optional=("when", "to", "else"), what="a way on")
        if ("else" in top) == ("when" in top) or ("when" in top) != ("to" in top):
            scope.faults.add(item, "a way on is {when: guard, to: state} or {else: state}")
        elif "else" in top and place != len(items) - 1:
            scope.faults.add(item, "'else' must be the last way on")
        else:
            to = scope.name("states", top.get("to", top.get("else")), "a target")
            found.append(Branch(to or "", scope.guard(top.get("when"))))
    return tuple(branch for branch in found if branch.to)


def _on(node: Node | None, scope: Scope) -> Iterator[OnEvent]:
    for key, value in nodes.named(node, scope.faults, "on"):
        event = scope.event(key)
        to, sends = _to_and_send(value, scope)
        if event is not None:
            yield OnEvent(event, to, sends)


def _to_and_send(node: Node, scope: Scope) -> tuple[tuple[Branch, ...], tuple[str, ...]]:
    if not isinstance(node, MapNode):
        return _branches(node, scope), ()
    top = nodes.fields(node, scope.faults, required=("to",), optional=("send",), what="a move")
    return _branches(top.get("to"), scope), scope.names("mails", top.get("send"), "send")


def _expires(node: Node | None, scope: Scope) -> Iterator[OnEvent]:
    for key, value in nodes.named(node, scope.faults, "expires"):
        clock = scope.name("clocks", key, "expires")
        to, sends = _to_and_send(value, scope)
        if clock is not None:
            yield OnEvent(expired(clock), to, sends)


def _after(node: Node | None, scope: Scope) -> After | None:
    if node is None:
        return None
    if not isinstance(node, MapNode) or len(node.entries) != 1:
        scope.faults.add(node, "after is one line such as {20 school_days: closed}")
        return None
    key, value = node.entries[0]
    length = _length(key, scope, "after")
    to, sends = _to_and_send(value, scope)
    return None if length is None else After(*length, to, sends)


def _length(node: Node | None, scope: Scope, what: str) -> tuple[int, str] | None:
    value = nodes.text(node, scope.faults, what)
    if value is None or node is None:
        return None
    match = _AMOUNT.fullmatch(value)
    if match is None:
        scope.faults.add(node, f"{what}: '{value}' is no length: write a number and a unit, such as 5 business_days")
        return None
    if match[2] not in UNITS:
        scope.faults.add(node, f"{what}: unknown unit '{match[2]}'{nearest(match[2], UNITS)}")
        return None
    return int(match[1]), match[2]


def _task(node: Node, scope: Scope, *, offered: bool = False) -> TaskDef:
    top = nodes.fields(node, scope.faults, required=("id", "title", "outcomes"), optional=(
        "role", "person", "party", "link", "form", "shows", "due", "approval", "help", "offered",
        *(("in",) if offered else ())), what="a task")
    name = _word(top, "id", scope)
    who = _who(top, node, scope, f"task '{name}'")
    form = tuple(_form(top.get("form"), scope))
    scope.used.update(f"facts.{field.fact}" for field in form)
    outcomes = {key.text: _outcome(key.text, value, scope)
                for key, value in nodes.named(top.get("outcomes"), scope.faults, "outcomes")}
    if "outcomes" in top and not outcomes:
        scope.faults.add(top["outcomes"], f"task '{name}' has no outcome: nobody could ever finish it")
    task = TaskDef(
        name, scope.words(top.get("title"), "title"), who, _link(top, scope), form, outcomes,
        _due(top.get("due"), scope),
        scope.names("facts", top.get("shows"), "shows"), scope.words(top.get("help"), "help"),
        nodes.boolean(top.get("approval"), scope.faults, "approval") or False,
        offered or nodes.boolean(top.get("offered"), scope.faults, "offered") or False,
    )
    _check_link(task, top.get("link") or node, scope)
    return task


def _link(top: Mapping[str, Node], scope: Scope) -> LinkLevel:
    level = nodes.choice(top.get("link"), scope.faults, ("open", "code", "second"), "link")
    return level or "code"  # type: ignore[return-value]


def _check_link(task: TaskDef, where: Node, scope: Scope) -> None:
    """An open link may only acknowledge: whoever holds a forwarded mail could use it."""
    decides = task.form or task.shows or any(answer.to or answer.starts for answer in task.outcomes.values())
    if task.link == "open" and decides:
        scope.faults.add(where, f"task '{task.name}' shows, asks or decides something: "
                                "its link must be 'code' or 'second'")


def _form(node: Node | None, scope: Scope) -> Iterator[FormField]:
    seen: set[str] = set()
    for item in nodes.items(node, scope.faults, "form"):
        top = nodes.fields(item, scope.faults, required=("fact",), optional=("optional",), what="a field") \
            if isinstance(item, MapNode) else {"fact": item}
        name = scope.name("facts", top.get("fact"), "form")
        if name in seen:
            scope.faults.add(item, f"the form asks for '{name}' twice")
        if name is not None:
            seen.add(name)
            yield FormField(name, not nodes.boolean(top.get("optional"), scope.faults, "optional"))


def _due(node: Node | None, scope: Scope) -> Due | None:
    """`5 business_days`, `{day: 7, of: X}` (calendar days) or `{before: 5 business_days, of: CLOCK}`."""
    if not isinstance(node, MapNode):
        length = _length(node, scope, "due")
        return None if length is None else Due(*length)
    top = nodes.fields(node, scope.faults, required=("of",), optional=("day", "before"), what="due")
    if ("day" in top) == ("before" in top):
        scope.faults.add(node, "due with 'of' needs exactly one of day and before")
        return None
    if "day" in top:
        day = nodes.integer(top["day"], scope.faults, "day") or 0
        return Due(day, "calendar_days", _start_of(top.get("of"), scope))
    length = _length(top["before"], scope, "before")
    clock = scope.name("clocks", top.get("of"), "of")
    return None if length is None else Due(*length, clock, before=True)


def _start_of(node: Node | None, scope: Scope) -> str | None:
    """A clock, a date fact, or an event."""
    if not isinstance(node, Scalar):
        return nodes.text(node, scope.faults, "of")
    if node.text in scope.declared["clocks"]:
        return node.text
    if node.text in scope.declared["facts"]:
        return scope.fact_of(node, ("date",), "of")
    return scope.event(node)


def _outcome(name: str, node: Node, scope: Scope) -> Outcome:
    label = {"en": name.replace("_", " ").capitalize()}
    if not isinstance(node, MapNode):
        return Outcome(name, label, _branches(node, scope))
    top = nodes.fields(node, scope.faults, optional=("label", "to", "when", "needs", "set", "send", "start"),
                       what=f"outcome '{name}'")
    needs = scope.names("facts", top.get("needs"), "needs")
    return Outcome(name, scope.words(top.get("label"), "label") or label, _branches(top.get("to"), scope),
                   scope.guard(top.get("when")), needs, tuple(_sets(top.get("set"), scope)),
                   scope.names("mails", top.get("send"), "send"), scope.names("children", top.get("start"), "start"))


def _sets(node: Node | None, scope: Scope) -> Iterator[tuple[str, FactValue]]:
    for key, value in nodes.named(node, scope.faults, "set"):
        name = scope.name("facts", key, "set")
        literal = None if name not in scope.types else _literal(value, scope.types[name], scope)
        if name is not None and literal is not None:
            yield name, literal


def _literal(node: Node, kind: FactType, scope: Scope) -> FactValue | None:
    """A value written in the document, as its fact's type wants it."""
    match kind.kind:
        case "bool":
            return nodes.boolean(node, scope.faults, "set")
        case "int":
            return nodes.integer(node, scope.faults, "set")
        case "choice":
            return nodes.choice(node, scope.faults, kind.options, "set")
        case "set":
            return frozenset(nodes.each(node, scope.faults, lambda item, f: nodes.choice(item, f, kind.options, "set")))
        case "text":
            return nodes.text(node, scope.faults, "set")
        case _:
            scope.faults.add(node, f"set: a {kind.kind} is never written in a definition: ask for it in a form")
            return None


def _with_offers(node: Node | None, states: Mapping[str, StateDef], scope: Scope) -> dict[str, StateDef]:
    """Each offered task becomes a task of every state it is offered in."""
    more: dict[str, tuple[TaskDef, ...]] = {}
    for item in nodes.items(node, scope.faults, "offers"):
        task = _task(item, scope, offered=True)
        where = item.get("in") if isinstance(item, MapNode) else None
        if where is None:
            scope.faults.add(item, f"the offer '{task.name}' needs 'in': the states it is offered in")
        for state in scope.names("states", where, "in"):
            if state in states and states[state].final and where is not None:
                scope.faults.add(where, f"state '{state}' is final: nothing can be offered in it")
            more[state] = (*more.get(state, ()), task)
    return {name: _joined_tasks(state, more.get(name, ())) for name, state in states.items()}


def _joined_tasks(state: StateDef, more: tuple[TaskDef, ...]) -> StateDef:
    values = {field.name: getattr(state, field.name) for field in fields(StateDef)}
    return StateDef(**{**values, "tasks": (*state.tasks, *more)})


def _answers(top: Mapping[str, Node]) -> Iterator[str]:
    """Every `task.outcome` of the document, read before anything refers to one."""
    quiet = Faults()
    tasks = [task for _, state in nodes.named(top.get("states"), quiet) if isinstance(state, MapNode)
             for task in nodes.items(state.get("tasks"), quiet)]
    for task in (*tasks, *nodes.items(top.get("offers"), quiet)):
        name = task.get("id") if isinstance(task, MapNode) else None
        if isinstance(task, MapNode) and isinstance(name, Scalar):
            yield from (f"{name.text}.{key.text}" for key, _ in nodes.named(task.get("outcomes"), quiet))


def _check_states(node: Node, states: Mapping[str, StateDef], scope: Scope) -> None:
    keys = scope.declared["states"]
    initial = [name for name, state in states.items() if state.initial]
    if not initial:
        scope.faults.add(node, "no state is initial: mark the first one with 'initial: true'")
    for name in initial[1:]:
        scope.faults.add(keys[name], f"state '{name}' is a second initial state: '{initial[0]}' is one already")
    if not any(state.final for state in states.values()):
        scope.faults.add(node, "no state is final: a case could never end")
    for name, state in states.items():
        names = [task.name for task in state.tasks]
        for task in sorted({task for task in names if names.count(task) > 1}):
            scope.faults.add(keys[name], f"state '{name}' has two tasks named '{task}'")
        if not state.final and not any(triggers(state)):
            scope.faults.add(keys[name], f"state '{name}' has no way on: give it a task, 'on', 'after' or 'always', or "
                                         "make it final")


# Clocks, mails, children and scenarios


def _clock(name: str, node: Node, scope: Scope) -> ClockDef:
    top = nodes.fields(node, scope.faults, required=("rule", "title", "anchor", "owner"), optional=(
        "satisfied_by", "void_by", "ladder", "chases", "days"), what=f"clock '{name}'")
    rule = _rule(top.get("rule"), scope)
    window = rule is not None and rule.kind == "window"
    ladder = nodes.text(top.get("ladder"), scope.faults, "ladder")
    if ladder is not None and ladder not in scope.ladders:
        scope.faults.add(top["ladder"], f"unknown ladder '{ladder}'{nearest(ladder, scope.ladders)}")
    if window and ladder is not None:
        scope.faults.add(top["ladder"], f"clock '{name}' is another party's right: nobody is chased, so it has "
                                            "no ladder")
    if not window and "satisfied_by" not in top:
        scope.faults.add(node, f"clock '{name}' is a duty: say in satisfied_by what fulfils it")
    return ClockDef(
        name, scope.words(top.get("title"), "title"), rule or _NO_RULE, _anchor(top.get("anchor"), scope),
        scope.events(top.get("satisfied_by"), "satisfied_by"), scope.events(top.get("void_by"), "void_by"),
        scope.ladders.get(ladder or ""), _reader(top.get("owner"), scope, "owner"),
        _reader(top["chases"], scope, "chases") if "chases" in top else None,
        scope.fact_of(top.get("days"), ("int",), "days"), window,
    )


_NO_RULE = Rule("", "", "", "no_number", "", "", "")
"""Stands where the rule is unknown; the fault is written down, so no definition ever holds it."""


def _rule(node: Node | None, scope: Scope) -> Rule | None:
    name = nodes.text(node, scope.faults, "rule")
    if name is None or node is None:
        return None
    rule = scope.rules.get(name)
    if rule is None:
        scope.faults.add(node, f"unknown rule '{name}'{nearest(name, scope.rules)}")
    elif not rule.citation:
        scope.faults.add(node, f"rule '{name}' has no citation: a legal clock must name its law")
    elif rule.kind == "quota":
        scope.faults.add(node, f"rule '{name}' is a quota and has no date: it can't be a clock")
    return rule


def _anchor(node: Node | None, scope: Scope) -> Anchor:
    """A date fact, or one of `{earliest: [facts]}`, `{event: …}` and `{clock: …}`."""
    if isinstance(node, Scalar):
        return Anchor("fact", (scope.fact_of(node, ("date", "instant"), "anchor") or "",))
    top = nodes.fields(node, scope.faults, optional=("earliest", "event", "clock"), what="anchor")
    if node is not None and len(top) != 1:
        scope.faults.add(node, "anchor is a date fact, or one of {earliest: [facts]}, {event: …} and {clock: …}")
    if "event" in top:
        return Anchor("event", (scope.event(top["event"]) or "",))
    if "clock" in top:
        return Anchor("clock", (scope.name("clocks", top["clock"], "anchor") or "",))
    items = nodes.items(top.get("earliest"), scope.faults, "earliest")
    return Anchor("earliest", tuple(scope.fact_of(item, ("date", "instant"), "earliest") or "" for item in items))


def _mail(name: str, node: Node, scope: Scope) -> MailDef:
    top = nodes.fields(node, scope.faults, required=("to",), optional=("paper", "urgent", "task", "reviewed_by"),
                       what=f"mail '{name}'")
    task = nodes.text(top.get("task"), scope.faults, "task")
    tasks = {answer.partition(".")[0] for answer in scope.answers}
    if task is not None and task not in tasks:
        scope.faults.add(top["task"], f"there is no task '{task}'{nearest(task, tasks)}")
    paper = nodes.choice(top.get("paper"), scope.faults, ROLES, "paper")
    urgent = nodes.boolean(top.get("urgent"), scope.faults, "urgent")
    reviewed = {key.text: None if isinstance(value, Scalar) and value.is_null else
                nodes.text(value, scope.faults, "reviewed_by")
                for key, value in nodes.named(top.get("reviewed_by"), scope.faults, "reviewed_by")}
    texts = {key.partition(".")[2]: text for key, text in scope.texts.items() if key.partition(".")[0] == name}
    return MailDef(name, _reader(top.get("to"), scope, "to"), paper, urgent is not False, task, texts, reviewed)


def _child(name: str, node: Node, scope: Scope) -> ChildDef:
    top = nodes.fields(node, scope.faults, required=("process",), what=f"child '{name}'", optional=(
        "each", "party", "facts", "parties", "joined"))
    if ("each" in top) != ("party" in top):
        scope.faults.add(node, f"child '{name}': 'each' and 'party' belong together: the contact is the party")
    facts = {key.text: scope.name("facts", value, "facts") or ""
             for key, value in nodes.named(top.get("facts"), scope.faults, "facts")}
    joined = nodes.boolean(top.get("joined"), scope.faults, "joined")
    return ChildDef(name, _word(top, "process", scope), scope.fact_of(top.get("each"), ("contacts",), "each"),
                    nodes.text(top.get("party"), scope.faults, "party"), facts,
                    scope.names("parties", top.get("parties"), "parties"), joined is not False)


def _scenarios(node: Node | None, scope: Scope) -> Iterator[Scenario]:
    known = {*scope.declared["facts"], *scope.declared["parties"]}
    for item in nodes.items(node, scope.faults, "scenarios"):
        top = nodes.fields(item, scope.faults, required=("name", "start", "expect"), optional=("given", "steps"),
                           what="a scenario")
        start = nodes.date(top.get("start"), scope.faults, "start")
        given: dict[str, str] = {}
        for key, value in nodes.named(top.get("given"), scope.faults, "given"):
            if key.text not in known:
                scope.faults.add(key, f"given: there is no fact or party '{key.text}'{nearest(key.text, known)}")
            given[key.text] = nodes.text(value, scope.faults, "given") or ""
        steps = tuple(_step(step, scope) for step in nodes.items(top.get("steps"), scope.faults, "steps"))
        expect = _expect(top.get("expect"), scope)
        day = start.isoformat() if start else ""
        yield Scenario(_word(top, "name", scope), day, given, steps, expect, str(item.mark))


def _step(node: Node, scope: Scope) -> Mapping[str, object]:
    top = nodes.fields(node, scope.faults, required=("on", "do"), optional=("with", "by", "process"),
                       what="a step")
    nodes.date(top.get("on"), scope.faults, "on")
    if "process" in top:  # a task of a child, whose names only its own definition knows
        return {key: plain(value) for key, value in top.items()}
    nodes.choice(top.get("do"), scope.faults, scope.answers, "do")
    for key, _ in nodes.named(top.get("with"), scope.faults, "with"):
        if key.text not in scope.declared["facts"]:
            scope.faults.add(key, f"with: there is no fact '{key.text}'{nearest(key.text, scope.declared['facts'])}")
    return {key: plain(value) for key, value in top.items()}


def _expect(node: Node | None, scope: Scope) -> Mapping[str, object]:
    top = nodes.fields(node, scope.faults, optional=("state", "outcome", "clocks", "mails"), what="expect")
    if "state" in top:
        nodes.choice(top["state"], scope.faults, scope.declared["states"], "state")
    clocks = scope.declared["clocks"]
    for key, value in nodes.named(top.get("clocks"), scope.faults, "clocks"):
        if key.text not in clocks:
            scope.faults.add(key, f"expect: there is no clock '{key.text}'{nearest(key.text, clocks)}")
        nodes.fields(value, scope.faults, optional=("legal", "target", "status"), what="an expected clock")
    for item in nodes.items(top.get("mails"), scope.faults, "mails"):
        nodes.choice(item, scope.faults, scope.declared["mails"], "mails")
    return {key: plain(value) for key, value in top.items()}


def plain(node: Node) -> object:
    """A node as plain text, tuples and dicts."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, ListNode):
        return tuple(plain(item) for item in node.items)
    return {key.text: plain(value) for key, value in node.entries}


# What can only be said of the whole


def _check_texts(scope: Scope, made: Definition, where: Mark) -> None:
    folder = where.file.rpartition("/")[0]
    keys = scope.declared["mails"]
    for name, mail in made.mails.items():
        kind = made.parties[mail.to.name].kind if mail.to.kind == "party" and mail.to.name in made.parties else "staff"
        for language in LANGUAGES.get(kind, ("en",)):
            if language not in mail.texts:
                scope.faults.add(keys[name], f"mail '{name}' has no text in '{language}': "
                                             f"write mails/{name}.{language}.md")
    for key, text in scope.texts.items():
        name = key.partition(".")[0]
        if name not in keys:
            scope.faults.add(where, f"mails/{key}.md belongs to no mail{nearest(name, keys)}")
        elif name in made.mails:
            check_text(scope, made.mails[name], text, f"{folder}/mails/{key}.md" if folder else f"mails/{key}.md")


def _check_ways(scope: Scope, made: Definition) -> None:
    """Every state can be reached by some way, whatever the guards say; what a window's passing moves is a window."""
    reached = {name for name, state in made.states.items() if state.initial}
    ahead = list(reached)
    while ahead:
        state = made.states[ahead.pop()]
        fresh = {branch.to for _, to in triggers(state) for branch in to} & made.states.keys() - reached
        reached |= fresh
        ahead.extend(fresh)
    for name, key in scope.declared["states"].items():
        if name not in reached and any(state.initial for state in made.states.values()):
            scope.faults.add(key, f"state '{name}' can never be reached")
    for event in [handler.event for state in made.states.values() for handler in state.on]:
        clock = made.clocks.get(event.removeprefix("expired."))
        if event.startswith("expired.") and clock is not None and not clock.window and clock.rule is not _NO_RULE:
            scope.faults.add(scope.declared["clocks"][clock.name],
                             f"clock '{clock.name}' is a duty: only a window expires")


def _check_unused(scope: Scope) -> None:
    says = {"facts": "is never asked, read, shown or mailed", "mails": "is never sent", "children": "is never started",
            "parties": "never acts, reads or is passed on"}
    for section, sentence in says.items():
        for key in scope.unused(section):
            scope.faults.add(key, f"'{key.text}' in {section} {sentence}: use it or take it out")


# The hash


def _hashed(draft: Definition) -> Definition:
    values = {field.name: getattr(draft, field.name) for field in fields(Definition)}
    compact = json.dumps(_canonical(draft), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return Definition(**{**values, "hash": hashlib.sha256(compact.encode()).hexdigest()})


def _canonical(value: object) -> object:
    """Plain JSON values that are equal exactly when two definitions decide alike; texts for people are left out."""
    match value:
        case Guard():
            return value.source
        case Rule():
            return {name: _canonical(getattr(value, name)) for name in _DECISIVE}
        case Ladder():
            return _canonical(value.rungs)
        case Mapping():
            return [[str(key), _canonical(item)] for key, item in value.items()]
        case frozenset():
            return sorted(str(item) for item in value)
        case tuple() | list():
            return [_canonical(item) for item in value]
        case bool() | int() | str() | None:
            return value
        case _ if is_dataclass(value):
            return {field.name: _canonical(getattr(value, field.name))
                    for field in fields(value) if field.name not in _TEXT_FIELDS}
    return str(value)
