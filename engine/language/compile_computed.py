"""Facts that are worked out or counted: `charge`, `quarter_after` and `counts`, read once all names are known."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from engine import nodes
from engine.language.scope import Scope
from engine.model.definition import FactDef
from engine.model.parts import Charge, Tally
from engine.nodes import MapNode, Node, Scalar, nearest

KEYS = ("charge", "quarter_after", "counts")
_TYPES = {"charge": "text", "quarter_after": "date", "counts": "int"}
_TYPED_NO_MORE = ("prefill", "threshold", "past", "web_address", "not_before", "board_meeting", "from", "like")


def with_computed(node: Node | None, facts: Mapping[str, FactDef], scope: Scope) -> dict[str, FactDef]:
    """The facts, each with what it is worked out from or counts."""
    found = dict(facts)
    for key, value in nodes.named(node, scope.faults, "facts"):
        if not isinstance(value, MapNode) or key.text not in facts:
            continue
        for name in (name for name in KEYS if value.get(name) is not None):
            _check(key.text, name, value, facts[key.text], scope)
        found[key.text] = replace(
            facts[key.text],
            charge=_charge(value.get("charge"), scope),
            quarter_after=scope.fact_of(value.get("quarter_after"), ("date",), "quarter_after"),
            tally=_tally(value.get("counts"), scope),
        )
    return found


def _check(name: str, key: str, node: MapNode, fact: FactDef, scope: Scope) -> None:
    where = node.get(key) or node
    if fact.type.kind != _TYPES[key]:
        scope.faults.add(where, f"fact '{name}' is a {fact.type.kind}, but one with '{key}' is a {_TYPES[key]}")
    if name in scope.decided:
        scope.faults.add(where, f"fact '{name}' follows from its decision table: leave '{key}' out")
    other = next((one for one in (*KEYS, *_TYPED_NO_MORE) if one != key and node.get(one) is not None), None)
    if other is not None and (key != "counts" or other in KEYS):
        scope.faults.add(where, f"fact '{name}' has '{key}' and '{other}': keep one of them")


def _charge(node: Node | None, scope: Scope) -> Charge | None:
    """`{of: PAGES, price: CENTS, free: 50, most: 15, waived: FACT}`."""
    if node is None:
        return None
    top = nodes.fields(node, scope.faults, required=("of", "price", "free", "most"), optional=("waived",),
                       what="a charge")  # fmt: skip
    of, price = (scope.fact_of(top.get(key), ("int",), key) or "" for key in ("of", "price"))
    free, most = (_amount(top.get(key), key, scope) for key in ("free", "most"))
    return Charge(of, price, free, most, scope.fact_of(top.get("waived"), ("bool",), "waived"))


def _amount(node: Node | None, what: str, scope: Scope) -> int:
    number = nodes.integer(node, scope.faults, what)
    if number is not None and number < 0 and node is not None:
        scope.faults.add(node, f"{what}: {number} is less than nothing")
    return number or 0


def _tally(node: Node | None, scope: Scope) -> Tally | None:
    """`{rule: R-COPY-LIMIT, on: DATE, same: [PARTY, TEXT], where: GUARD}`."""
    if node is None:
        return None
    top = nodes.fields(node, scope.faults, required=("rule", "on", "same"), optional=("where",), what="counts")
    quotas = sorted(name for name, rule in scope.rules.items() if rule.kind == "quota")
    rule = nodes.text(top.get("rule"), scope.faults, "rule") or ""
    if "rule" in top and rule not in quotas:
        why = "sets a date, not a limit" if rule in scope.rules else f"is unknown{nearest(rule, quotas)}"
        scope.faults.add(top["rule"], f"counts: rule '{rule}' {why}")
    on = scope.fact_of(top.get("on"), ("date",), "on") or ""
    same = tuple(_same(top.get("same"), scope.declared["parties"], scope))
    return Tally(rule, on, same, scope.guard(top.get("where")))


def _same(node: Node | None, parties: Collection[str], scope: Scope) -> Iterator[str]:
    for item in nodes.items(node, scope.faults, "same"):
        is_party = isinstance(item, Scalar) and item.text in parties
        name = scope.name("parties", item, "same") if is_party else scope.fact_of(item, ("text",), "same")
        if name is not None:
            yield name
