"""Where in its document each named part of a process stands, so that what the proof finds can say where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine import nodes
from engine.language.compile_states import regions_of
from engine.nodes import Faults, MapNode, Node, Scalar


def places_of(top: Mapping[str, Node], declared: Mapping[str, Mapping[str, Scalar]]) -> dict[str, str]:
    """`file:line:column` by `SECTION.NAME`; of a task by `tasks.STATE/NAME`."""
    found = {f"{section}.{name}": str(key.mark) for section, keys in declared.items() for name, key in keys.items()}
    found |= {f"decisions.{key.text}": str(key.mark) for key, _ in nodes.named(top.get("decisions"), Faults())}
    for state, node in _states(top.get("states")):
        found |= {f"tasks.{state}/{name}": place for name, place in _tasks(node.get("tasks"))}
    for item in nodes.items(top.get("offers"), Faults()):
        where = item.get("in") if isinstance(item, MapNode) else None
        found |= {f"tasks.{state.text}/{name}": place for state in nodes.items(where, Faults())
                  if isinstance(state, Scalar) for name, place in _tasks(nodes.ListNode((item,), item.mark))}
    return found


def _states(node: Node | None) -> Iterator[tuple[str, MapNode]]:
    for key, state in nodes.named(node, Faults()):
        if isinstance(state, MapNode):
            yield key.text, state
        for region, states in regions_of(state):
            yield from ((f"{region.text}.{name}", inner) for name, inner in _states(states))


def _tasks(node: Node | None) -> Iterator[tuple[str, str]]:
    for task in nodes.items(node, Faults()):
        name = task.get("id") if isinstance(task, MapNode) else None
        if isinstance(name, Scalar):
            yield name.text, str(name.mark)
