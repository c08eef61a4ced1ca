"""A standing schedule, from a document node to a value."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace

from engine import nodes
from engine.language.compile_ways import read_length, read_literal
from engine.language.lawbook import ORDINARY_YEAR
from engine.language.scope import Scope
from engine.law.clocks import FISCAL_YEAR
from engine.model.case import FactValue
from engine.model.definition import ANNIVERSARY, CYCLE_ON, FIRST_DAY, SUBJECT, ScheduleDef
from engine.nodes import ListNode, MapNode, Node, Scalar

SUBJECTS = ("agreements",)
LATE = ("skip", "start")
MONTH = "attestation_month"


def read_schedule(node: Node | None, scope: Scope) -> ScheduleDef | None:
    """`{for: agreements, on: {before: 90 calendar_days, of: anniversary}}`, or `on: [11-17, 05-17]`."""
    if node is None:
        return None
    keys = ("for", "facts", "late", "which")
    top = nodes.fields(node, scope.faults, required=("on",), optional=keys, what="schedule")
    nodes.choice(top.get("for"), scope.faults, SUBJECTS, "for")
    made = _on(top.get("on"), "for" in top, scope)
    facts = tuple(_facts(top.get("facts"), scope))
    _check_given(node, CYCLE_ON, "date", scope)
    if "for" in top:
        _check_given(node, SUBJECT, "agreement", scope)
    late = nodes.choice(top.get("late"), scope.faults, LATE, "late")
    which = scope.fact_of(top.get("which"), ("choice",), "which")
    if which is not None and len(scope.types[which].options) < len(made.days):
        scope.faults.add(top["which"], f"which: '{which}' needs one option for each of the {len(made.days)} days")
    return replace(made, facts=facts, catches_up=late == "start", which=which)


def check_start(
    node: Node | None, schedule: ScheduleDef | None, needs: tuple[str, ...], scope: Scope
) -> tuple[str, ...]:
    """What a case needs to start, with what its schedule gives; a schedule must give all of it."""
    if schedule is None or node is None:
        return needs
    for name in needs:
        if name not in schedule.gives:
            scope.faults.add(node, f"schedule: start needs '{name}', which no schedule gives: take it out of 'needs', "
                                   f"or give it in the schedule's facts")
    return (*schedule.gives, *(name for name in needs if name not in schedule.gives))


def _on(node: Node | None, of_agreements: bool, scope: Scope) -> ScheduleDef:
    if not isinstance(node, MapNode):
        return ScheduleDef(of_agreements, tuple(_days(node, scope)))
    top = nodes.fields(node, scope.faults, required=("before", "of"), optional=("instead",), what="on")
    length = read_length(top.get("before"), scope, "before") or (0, "calendar_days")
    if length[1] == "school_days" and "before" in top:
        scope.faults.add(top["before"], "before: a schedule counts back calendar_days or business_days")
    of, instead = top.get("of"), nodes.choice(top.get("instead"), scope.faults, (MONTH,), "instead")
    if isinstance(of, ListNode):
        found = ScheduleDef(of_agreements, tuple(_days(of, scope)), "", *length)
    else:
        found = ScheduleDef(of_agreements, (), _date_of(of, of_agreements, scope), *length)
    if instead is not None and found.of != ANNIVERSARY:
        scope.faults.add(top["instead"], f"instead: a month takes the place of an {ANNIVERSARY}, of nothing else")
    return replace(found, in_month=instead is not None)


def _date_of(node: Node | None, of_agreements: bool, scope: Scope) -> str:
    if isinstance(node, Scalar) and node.text == FIRST_DAY and not of_agreements:
        return FIRST_DAY
    if node is not None and not of_agreements:
        scope.faults.add(node, "of: only a schedule 'for: agreements' has their dates; write [MM-DD, …] or "
                               f"{FIRST_DAY}")
        return ANNIVERSARY
    known = [ANNIVERSARY, *(name for name, field in scope.register.items() if field.type.kind == "date")]
    return nodes.choice(node, scope.faults, known, "of") or ANNIVERSARY


def _days(node: Node | None, scope: Scope) -> Iterator[str]:
    found = nodes.items(node, scope.faults, "on")
    if node is not None and not found:
        scope.faults.add(node, "on names no day: write [MM-DD, …], or {before: 90 calendar_days, of: anniversary}")
    for item in found:
        value = nodes.text(item, scope.faults, "on")
        if value is None or value == FISCAL_YEAR or _is_day(value):
            yield value or FISCAL_YEAR
        else:
            scope.faults.add(item, f"on: '{value}' is no day of every year: write MM-DD, as 11-17, or {FISCAL_YEAR}")


def _is_day(value: str) -> bool:
    try:
        return bool(re.fullmatch(r"\d\d-\d\d", value)) and bool(dt.date.fromisoformat(f"{ORDINARY_YEAR}-{value}"))
    except ValueError:
        return False


def _facts(node: Node | None, scope: Scope) -> Iterator[tuple[str, FactValue]]:
    for key, value in nodes.named(node, scope.faults, "facts"):
        name = scope.typed(key, "facts")
        literal = None if name not in scope.types else read_literal(value, scope.types[name], scope, "facts")
        if name is not None and literal is not None:
            yield name, literal


def _check_given(node: Node, name: str, kind: str, scope: Scope) -> None:
    if name not in scope.declared["facts"]:
        scope.faults.add(node, f"schedule: declare the fact '{name}', a {kind}: each case of the schedule gets it")
    else:
        scope.fact_of(Scalar(name, node.mark), (kind,), "schedule")
