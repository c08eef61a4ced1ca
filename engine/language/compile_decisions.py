"""Decision tables, from document nodes to values. Whether a table is complete and free of overlaps is `prove`'s."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine import nodes
from engine.language.compile_ways import read_literal
from engine.language.scope import Scope
from engine.model.definition import DecisionDef, Reason, Verdict
from engine.model.guards import Guard, reads
from engine.nodes import Node, closest


def read_decisions(node: Node | None, scope: Scope) -> Mapping[str, DecisionDef]:
    """The decision tables by the fact that each gives. One may read what an earlier one gives."""
    found: dict[str, DecisionDef] = {}
    for key, value in nodes.named(node, scope.faults, "decisions"):
        if key.text not in scope.declared["facts"]:
            like = closest(key.text, scope.declared["facts"])
            hint = f" (did you mean '{like}'?)" if like else ""
            scope.faults.add(key, f"decisions: declare '{key.text}' in facts too, with its type and label{hint}")
            continue
        name = scope.name("facts", key, "decisions")
        what = f"decision '{key.text}'"
        top = nodes.fields(value, scope.faults, required=("rows",), optional=("because",), what=what)
        if name is None or name not in scope.types:
            continue
        rows = tuple(_verdicts(name, top.get("rows"), scope, found))
        found[name] = DecisionDef(name, rows, tuple(_reasons(top.get("because"), scope)))
    return found


def _verdicts(name: str, node: Node | None, scope: Scope, earlier: Mapping[str, DecisionDef]) -> Iterator[Verdict]:
    for item in nodes.items(node, scope.faults, "rows"):
        top = nodes.fields(item, scope.faults, required=("when", "give"), what="a row")
        when = scope.guard(top.get("when"))
        give = read_literal(top["give"], scope.types[name], scope, "give") if "give" in top else None
        if when is not None:
            _check_order(name, when, item, scope, earlier)
        if when is not None and give is not None:
            yield Verdict(when, give)


def _check_order(name: str, when: Guard, node: Node, scope: Scope, earlier: Mapping[str, DecisionDef]) -> None:
    later = (reads(when) & scope.decided) - earlier.keys()
    if later:
        scope.faults.add(node, f"decision '{name}' reads '{min(later)}', which is decided after it: put that one first")


def _reasons(node: Node | None, scope: Scope) -> Iterator[Reason]:
    for item in nodes.items(node, scope.faults, "because"):
        top = nodes.fields(item, scope.faults, required=("when", "say"), what="a reason")
        when = scope.guard(top.get("when"))
        if when is not None:
            yield Reason(when, scope.words(top.get("say"), "say"))
