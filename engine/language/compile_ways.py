"""Where a way leads and how long something may take, from document nodes to values."""

from __future__ import annotations

import re

from engine import nodes
from engine.language.scope import Scope
from engine.model.case import FactValue
from engine.model.definition import Branch
from engine.model.guards import FactType
from engine.nodes import Node, Scalar, nearest

UNITS = ("business_days", "calendar_days", "school_days")


_AMOUNT = re.compile(r"(\d{1,4}) (\w+)")


def read_branches(node: Node | None, scope: Scope) -> tuple[Branch, ...]:
    """One state, or a list of `{when, to}` that may end with `{else}`."""
    if node is None:
        return ()
    if isinstance(node, Scalar):
        to = scope.target(node)
        return () if to is None else (Branch(to),)
    found: list[Branch] = []
    items = nodes.items(node, scope.faults, "the ways on")
    for place, item in enumerate(items):
        top = nodes.fields(item, scope.faults, optional=("when", "to", "else"), what="a way on")
        if ("else" in top) == ("when" in top) or ("when" in top) != ("to" in top):
            scope.faults.add(item, "a way on is {when: guard, to: state} or {else: state}")
        elif "else" in top and place != len(items) - 1:
            scope.faults.add(item, "'else' must be the last way on")
            found.append(Branch(scope.target(top["else"]) or ""))
        else:
            to = scope.target(top.get("to", top.get("else")))
            found.append(Branch(to or "", scope.guard(top.get("when"))))
    return tuple(branch for branch in found if branch.to)


def read_length(node: Node | None, scope: Scope, what: str) -> tuple[int, str] | None:
    """`5 business_days` as a number and a unit."""
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


def read_literal(node: Node, kind: FactType, scope: Scope, what: str) -> FactValue | None:
    """A value written in the document, as its fact's type wants it."""
    match kind.kind:
        case "bool":
            return nodes.boolean(node, scope.faults, what)
        case "int":
            return nodes.integer(node, scope.faults, what)
        case "choice":
            return nodes.choice(node, scope.faults, kind.options, what)
        case "set":
            return frozenset(nodes.each(node, scope.faults, lambda item, f: nodes.choice(item, f, kind.options, what)))
        case "text":
            return nodes.text(node, scope.faults, what)
        case _:
            scope.faults.add(node, f"{what}: a {kind.kind} is never written in a definition: ask for it in a form")
            return None
