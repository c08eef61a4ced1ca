"""Tables whose rows are what somebody chose in a set, and sets that follow from such rows."""

from __future__ import annotations

from collections.abc import Mapping

from engine import nodes
from engine.language.scope import Scope
from engine.model.parts import FactDef, Picked
from engine.nodes import Faults, Node, Scalar


def read_rows_of(node: Node | None, kind: str, scope: Scope) -> str | None:
    if node is not None and kind != "table":
        scope.faults.add(node, "rows_of: only a table has rows")
    return nodes.text(node, scope.faults, "rows_of")


def read_picked(node: Node | None, kind: str, scope: Scope) -> Picked | None:
    """`{from: elements, where: kept}`: the rows of a table whose column says yes."""
    if node is None:
        return None
    if kind != "set":
        scope.faults.add(node, "picked: what follows from the rows of a table is a set")
    top = nodes.fields(node, scope.faults, required=("from", "where"), what="picked")
    table, column = (nodes.text(top.get(key), scope.faults, key) or "" for key in ("from", "where"))
    return Picked(table, column)


def check_rows(node: Node | None, facts: Mapping[str, FactDef], scope: Scope) -> None:
    """What could only be said once every fact was read."""
    keys = {key.text: key for key, _ in nodes.named(node, Faults())}
    for name, fact in facts.items():
        if fact.rows_of is not None:
            _check_rows_of(fact, keys[name], facts, scope)
        elif fact.type.kind == "table" and fact.type.options:
            scope.faults.add(keys[name], f"fact '{name}': 'of' lists the rows that 'rows_of' chooses from: name a set")
        if fact.picked is not None:
            _check_picked(fact, fact.picked, keys[name], facts, scope)


def _check_rows_of(fact: FactDef, key: Scalar, facts: Mapping[str, FactDef], scope: Scope) -> None:
    chosen = scope.fact_of(Scalar(fact.rows_of or "", key.mark), ("set",), "rows_of")
    if fact.type.rows or not fact.type.options:
        scope.faults.add(key, f"fact '{fact.name}': with 'rows_of' its rows are not fixed, and 'of' lists them all")
    strange = set(facts[chosen].type.options) - set(fact.type.options) if chosen else set()
    if strange:
        scope.faults.add(key, f"rows_of: '{chosen}' has '{min(strange)}', which is no row of '{fact.name}'")


def _check_picked(fact: FactDef, picked: Picked, key: Scalar, facts: Mapping[str, FactDef], scope: Scope) -> None:
    table = scope.fact_of(Scalar(picked.table, key.mark), ("table",), "picked")
    if table is None:
        return
    columns = {column.name: column for column in facts[table].type.columns}
    column = columns.get(picked.column)
    if column is None or column.type.kind != "bool" or column.optional:
        scope.faults.add(key, f"picked: '{table}' has no column '{picked.column}' of type bool that is never empty")
    if set(facts[table].type.options) != set(fact.type.options):
        scope.faults.add(key, f"picked: '{fact.name}' and the rows of '{table}' have other options")
    if facts[table].personal and not fact.personal:
        scope.faults.add(key, f"picked: '{table}' is personal, so '{fact.name}' is too")
