"""Clocks, mails, children and scenarios, from document nodes to values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from engine import nodes
from engine.language.compile_tasks import read_due
from engine.language.scope import ROLES, Scope, reader, word
from engine.law.clocks import Rule
from engine.model.definition import (
    CHANNELS,
    CONFIRM_HOLD,
    OTHER_LANGUAGES,
    UNWRITTEN,
    Anchor,
    AudienceDef,
    ChildDef,
    ClockDef,
    Due,
    MailDef,
    Scenario,
    Source,
)
from engine.nodes import Faults, ListNode, MapNode, Node, Scalar, nearest

_LANGUAGE = re.compile(r"[a-z]{2,3}")


def read_clock(name: str, node: Node, scope: Scope) -> ClockDef:
    top = nodes.fields(
        node,
        scope.faults,
        required=("rule", "title", "anchor", "owner"),
        optional=("when", "satisfied_by", "void_by", "ladder", "chases", "days", "agreed"),
        what=f"clock '{name}'",
    )
    rule = _rule(top.get("rule"), scope)
    window = rule is not None and rule.kind == "window"
    ladder = scope.ladder(top.get("ladder"))
    if window and "ladder" in top:
        scope.faults.add(
            top["ladder"], f"clock '{name}' is another party's right: nobody is chased, so it has no ladder"
        )
    if not window and "satisfied_by" not in top:
        scope.faults.add(node, f"clock '{name}' is a duty: say in satisfied_by what fulfils it")
    satisfied = tuple(_satisfied_by(top.get("satisfied_by"), scope))
    return ClockDef(
        name=name,
        title=scope.words(top.get("title"), "title"),
        rule=rule or NO_RULE,
        anchor=_anchor(top.get("anchor"), scope),
        satisfied_by=tuple(event for event, _ in satisfied),
        void_by=scope.events(top.get("void_by"), "void_by"),
        ladder=ladder,
        owner=reader(top.get("owner"), scope, "owner"),
        chases=reader(top["chases"], scope, "chases") if "chases" in top else None,
        days_fact=scope.fact_of(top.get("days"), ("int",), "days"),
        window=window,
        agreed_fact=_agreed(top.get("agreed"), rule, scope),
        when=scope.guard(top.get("when")),
        dated_by={event: fact for event, fact in satisfied if fact is not None},
    )


def _satisfied_by(node: Node | None, scope: Scope) -> Iterator[tuple[str, str | None]]:
    """Events, each with the date fact that says on which day it was done: `EVENT`, or `{event: EVENT, on: FACT}`."""
    for item in nodes.items(node, scope.faults, "satisfied_by"):
        top: Mapping[str, Node] = {"event": item}
        if isinstance(item, MapNode):
            top = nodes.fields(item, scope.faults, required=("event", "on"), what="satisfied_by")
        event = scope.event(top["event"]) if "event" in top else None
        if event is not None:
            yield event, scope.fact_of(top.get("on"), ("date",), "on")


def _agreed(node: Node | None, rule: Rule | None, scope: Scope) -> str | None:
    """The date fact of a later date that both sides agreed to; only where the rule lets them."""
    if node is not None and rule is not None and not rule.agreement:
        scope.faults.add(node, f"{rule.id} knows no agreement to a later date: take 'agreed' out")
    return scope.fact_of(node, ("date",), "agreed")


NO_RULE = Rule("", "", "", "no_number", "", "", "")
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
    """One source of a date, or `{earliest: [sources]}`."""
    earliest = node.get("earliest") if isinstance(node, MapNode) else None
    if node is None or earliest is None:
        return Anchor((_source(node, scope),))
    nodes.fields(node, scope.faults, required=("earliest",), what="anchor")
    return Anchor(tuple(_source(item, scope) for item in nodes.items(earliest, scope.faults, "earliest")))


def _source(node: Node | None, scope: Scope) -> Source:
    """A date fact, `{event: …}` or `{clock: …}`."""
    if not isinstance(node, MapNode):
        return Source("fact", scope.fact_of(node, ("date", "instant"), "anchor") or "")
    top = nodes.fields(node, scope.faults, optional=("event", "clock"), what="anchor")
    if len(top) != 1:
        scope.faults.add(node, "anchor is a date fact, {event: …}, {clock: …}, or {earliest: [several of these]}")
    if "clock" in top:
        return Source("clock", scope.name("clocks", top["clock"], "anchor") or "")
    return Source("event", (scope.event(top["event"]) or "") if "event" in top else "")


def read_mail(name: str, node: Node, scope: Scope) -> MailDef:
    top = nodes.fields(
        node,
        scope.faults,
        required=("to",),
        optional=("paper", "urgent", "task", "reviewed_by", "must_say", "must_not_say"),
        what=f"mail '{name}'",
    )
    task = nodes.text(top.get("task"), scope.faults, "task")
    tasks = {answer.partition(".")[0] for answer in scope.answers}
    if task is not None and task not in tasks:
        scope.faults.add(top["task"], f"there is no task '{task}'{nearest(task, tasks)}")
    paper = nodes.choice(top.get("paper"), scope.faults, ROLES, "paper")
    urgent = nodes.boolean(top.get("urgent"), scope.faults, "urgent")
    reviewed = {
        key.text: None
        if isinstance(value, Scalar) and value.is_null
        else nodes.text(value, scope.faults, "reviewed_by")
        for key, value in nodes.named(top.get("reviewed_by"), scope.faults, "reviewed_by")
    }
    texts = {key.partition(".")[2]: text for key, text in scope.texts.items() if key.partition(".")[0] == name}
    must, never = (tuple(_words(top.get(key), scope, key)) for key in ("must_say", "must_not_say"))
    to = reader(top.get("to"), scope, "to")
    if to.kind == "audience" and (paper is None or task is not None):
        scope.faults.add(node, f"mail '{name}' goes to many: it needs 'paper' for those without mail, and has no task")
    return MailDef(name, to, paper, urgent is True, task, texts, reviewed, must, never)


def _words(node: Node | None, scope: Scope, what: str) -> Iterator[str]:
    """Names of placeholders; whether a text can know them is seen with the text."""
    for item in nodes.items(node, scope.faults, what):
        word = nodes.text(item, scope.faults, what)
        if word is not None:
            yield word


def mails_to_many(top: Mapping[str, Node]) -> Iterator[str]:
    """The mails that go to an audience, read before anything refers to what happens to them."""
    audiences = {key.text for key, _ in nodes.named(top.get("audiences"), Faults())}
    for key, value in nodes.named(top.get("mails"), Faults()):
        to = value.get("to") if isinstance(value, MapNode) else None
        if isinstance(to, Scalar) and to.text in audiences:
            yield key.text


def read_audience(name: str, node: Node, scope: Scope) -> AudienceDef:
    top = nodes.fields(
        node, scope.faults, required=("label", "counted"), optional=("channel", "languages"), what=f"audience '{name}'"
    )
    counted = scope.fact_of(top.get("counted"), ("int",), "counted") or ""
    channel = scope.fact_of(top.get("channel"), ("choice",), "channel")
    unknown = set(scope.types[channel].options) - set(CHANNELS) if channel in scope.types else set()
    if unknown:
        scope.faults.add(top["channel"], f"channel: '{min(unknown)}' is unknown{nearest(min(unknown), CHANNELS)}")
    languages = dict(_language_facts(top.get("languages"), scope))
    return AudienceDef(name, scope.words(top.get("label"), "label"), counted, channel, languages)


def _language_facts(node: Node | None, scope: Scope) -> Iterator[tuple[str, str]]:
    for key, value in nodes.named(node, scope.faults):
        if key.text not in (OTHER_LANGUAGES, UNWRITTEN) and not _LANGUAGE.fullmatch(key.text):
            said = f"languages: '{key.text}' is no code of a language, nor {OTHER_LANGUAGES} or {UNWRITTEN}"
            scope.faults.add(key, said)
        fact = scope.fact_of(value, ("text",) if key.text == UNWRITTEN else ("int",), f"languages.{key.text}")
        if fact:
            yield key.text, fact


def read_child(name: str, node: Node, scope: Scope) -> ChildDef:
    top = nodes.fields(
        node,
        scope.faults,
        required=("process",),
        what=f"child '{name}'",
        optional=("each", "party", "person", "facts", "parties", "joined", "otherwise"),
    )
    role = _each_holder(top.get("each"), scope)
    each = tuple(fact for one in (() if role else _one_or_more(top.get("each")))
                 if (fact := scope.fact_of(one, ("contacts", "agreements", "table"), "each")))
    _check_each(name, node, top, role, each, scope)
    facts, dates = _handed_down(top.get("facts"), scope)
    joined = nodes.boolean(top.get("joined"), scope.faults, "joined")
    if joined is not False and "otherwise" in top:
        scope.faults.add(top["otherwise"], f"child '{name}' is waited for: only a linked one has an 'otherwise'")
    return ChildDef(
        name,
        word(top, "process", scope),
        each,
        nodes.text(top.get("party"), scope.faults, "party"),
        facts,
        scope.names("parties", top.get("parties"), "parties"),
        joined is not False,
        scope.words(top.get("otherwise"), "otherwise"),
        dates,
        role,
        nodes.text(top.get("person"), scope.faults, "person"),
    )


def _handed_down(node: Node | None, scope: Scope) -> tuple[dict[str, str], dict[str, Due]]:
    """What a child is given: facts of ours by the names of its own, and dates that are reckoned when it starts."""
    given = list(nodes.named(node, scope.faults, "facts"))
    facts = {key.text: scope.name("facts", value, "facts") or "" for key, value in given if isinstance(value, Scalar)}
    dates = {key.text: due for key, value in given
             if not isinstance(value, Scalar) and (due := read_due(value, scope)) is not None}
    return facts, dates


def _check_each(
    name: str, node: Node, top: Mapping[str, Node], role: str | None, each: tuple[str, ...], scope: Scope
) -> None:
    """Who a child is started for, and the party or person of the child that it names."""
    of_rows = any(scope.types[fact].kind == "table" for fact in each)
    if of_rows and len(each) > 1:
        scope.faults.add(top["each"], f"child '{name}': 'each' is one table, or names agreements and contacts")
    if role is not None and ("person" not in top or "party" in top):
        scope.faults.add(node, f"child '{name}': say in 'person' which fact of the child is who holds the role")
    elif role is None and ("each" in top and not of_rows) != ("party" in top):
        scope.faults.add(node, f"child '{name}': 'each' and 'party' belong together: the contact is the party")
    elif role is None and "person" in top:
        scope.faults.add(top["person"], f"child '{name}': 'person' belongs to 'each: {{role: ROLE}}'")


def _each_holder(node: Node | None, scope: Scope) -> str | None:
    """The role in `each: {role: ROLE}`."""
    if not isinstance(node, MapNode):
        return None
    top = nodes.fields(node, scope.faults, required=("role",), what="each")
    return nodes.choice(top.get("role"), scope.faults, ROLES, "role") or "privacy"


def _one_or_more(node: Node | None) -> Sequence[Node]:
    return node.items if isinstance(node, ListNode) else [node] if node is not None else []


def read_scenarios(node: Node | None, scope: Scope) -> Iterator[Scenario]:
    known = {*scope.declared["facts"], *scope.declared["parties"]}
    for item in nodes.items(node, scope.faults, "scenarios"):
        top = nodes.fields(
            item, scope.faults, required=("name", "start", "expect"), optional=("given", "steps"), what="a scenario"
        )
        start = nodes.date(top.get("start"), scope.faults, "start")
        given: dict[str, str] = {}
        for key, value in nodes.named(top.get("given"), scope.faults, "given"):
            if key.text not in known:
                scope.faults.add(key, f"given: there is no fact or party '{key.text}'{nearest(key.text, known)}")
            given[key.text] = nodes.text(value, scope.faults, "given") or ""
        steps = tuple(_step(step, scope) for step in nodes.items(top.get("steps"), scope.faults, "steps"))
        expect = _expect(top.get("expect"), scope)
        day = start.isoformat() if start else ""
        yield Scenario(word(top, "name", scope), day, given, steps, expect, str(item.mark))


OWN_STEPS = ("hold.place", "hold.release", *(f"{CONFIRM_HOLD}{role}.{answer}" for role in ("privacy", "legal")
                                             for answer in ("confirm", "refuse")))
"""What a story may do besides answering tasks of the definition: place a hold, confirm or refuse it, release it."""


def _step(node: Node, scope: Scope) -> Mapping[str, object]:
    keys = ("with", "by", "process", "refused")
    top = nodes.fields(node, scope.faults, required=("on", "do"), optional=keys, what="a step")
    nodes.date(top.get("on"), scope.faults, "on")
    if "refused" in top:
        nodes.text(top["refused"], scope.faults, "refused")
    if "process" in top:  # a task of a child, whose names only its own definition knows
        return {key: plain(value) for key, value in top.items()}
    nodes.choice(top.get("do"), scope.faults, [*scope.answers, *OWN_STEPS], "do")
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
        known = ("legal", "target", "status", "ended", "rungs")
        nodes.fields(value, scope.faults, optional=known, what="an expected clock")
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
