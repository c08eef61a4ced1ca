"""The order that dates must have: `not_before` of a fact, read once all names are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from engine import nodes
from engine.language.scope import Scope
from engine.model.definition import FactDef, Source
from engine.nodes import MapNode, Node, Scalar

DATES = ("date", "instant")


def with_order(node: Node | None, facts: Mapping[str, FactDef], scope: Scope) -> dict[str, FactDef]:
    """The facts, each with what it cannot lie before."""
    found = dict(facts)
    for key, value in nodes.named(node, scope.faults, "facts"):
        wanted = value.get("not_before") if isinstance(value, MapNode) else None
        if wanted is None or key.text not in facts:
            continue
        if facts[key.text].type.kind not in DATES or facts[key.text].taken is not None:
            scope.faults.add(wanted, "not_before: only a date or an instant that people enter comes after another")
        found[key.text] = replace(facts[key.text], not_before=tuple(_sources(wanted, scope)))
    _check_circles(node, found, scope)
    return found


def _sources(node: Node, scope: Scope) -> Iterator[Source]:
    items = [node] if isinstance(node, Scalar) else nodes.items(node, scope.faults, "not_before")
    for item in items:
        source = _source(item, scope)
        if source is not None:
            yield source


def _source(node: Node, scope: Scope) -> Source | None:
    """A date fact, a clock, or an event."""
    text = node.text if isinstance(node, Scalar) else ""
    if text in scope.declared["facts"]:
        return Source("fact", scope.fact_of(node, DATES, "not_before") or "")
    if text in scope.declared["clocks"]:
        return Source("clock", scope.name("clocks", node, "not_before") or "")
    event = scope.event(node)
    return None if event is None else Source("event", event)


def _check_circles(node: Node | None, facts: Mapping[str, FactDef], scope: Scope) -> None:
    """Dates in a circle would all have to be the same day. Each circle is told once, at its first fact."""
    told: set[str] = set()
    for key, _ in nodes.named(node, scope.faults, "facts"):
        earlier = _earlier(key.text, facts) if key.text in facts else set()
        if key.text in earlier and not told & earlier:
            scope.faults.add(key, f"not_before: '{key.text}' would have to come before itself")
            told |= earlier


def _earlier(name: str, facts: Mapping[str, FactDef]) -> set[str]:
    """All facts that must not come after this one."""
    found: set[str] = set()
    ahead = [name]
    while ahead:
        fact = facts.get(ahead.pop())
        news = {one.name for one in fact.not_before if one.kind == "fact"} - found if fact else set()
        found |= news
        ahead += news
    return found
