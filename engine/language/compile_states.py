"""States and what may happen in them, from document nodes to values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from engine import nodes
from engine.language.compile_tasks import read_task
from engine.language.compile_ways import UNITS, read_branches, read_length
from engine.language.scope import Scope
from engine.model.definition import After, Branch, OnEvent, RegionDef, StateDef, TaskDef, expired
from engine.nodes import Faults, MapNode, Node, Scalar

KEYS = ("initial", "final", "tasks", "join", "distinct", "joined", "always", "on", "after", "expires", "send", "start",
        "register")
WAYS = ("tasks", "joined", "always", "on", "after", "expires", "start", "parallel", "done")


def read_states(node: Node | None, scope: Scope) -> dict[str, StateDef]:
    """Every state by its full name, those of a region after the parallel state that it belongs to."""
    found: dict[str, StateDef] = {}
    for key, value in nodes.named(node, scope.faults, "states"):
        found[key.text] = read_state(key.text, value, scope)
        for region, states in regions_of(value):
            within = replace(scope, region=region.text)
            for name, state in nodes.named(states, scope.faults, "states"):
                full = f"{region.text}.{name.text}"
                found[full] = read_state(full, state, within)
    return found


def regions_of(node: Node) -> Iterator[tuple[Scalar, Node | None]]:
    """The regions of a state: their names, and the node of their states."""
    parallel = node.get("parallel") if isinstance(node, MapNode) else None
    for key, value in nodes.named(parallel, Faults()):
        yield key, value.get("states") if isinstance(value, MapNode) else None


def read_state(name: str, node: Node, scope: Scope) -> StateDef:
    top = nodes.fields(
        node,
        scope.faults,
        required=("title",),
        optional=KEYS if scope.region else (*KEYS, "parallel", "done"),
        what=f"state '{name}'",
    )
    tasks = tuple(read_task(item, scope) for item in nodes.items(top.get("tasks"), scope.faults, "tasks"))
    final = nodes.text(top.get("final"), scope.faults, "final")
    ways = [key for key in WAYS if key in top]
    if final is not None and ways:
        scope.faults.add(top[ways[0]], f"state '{name}' is final: it can have no {ways[0]}")
    if "joined" in top and not tasks:
        scope.faults.add(top["joined"], f"state '{name}' joins tasks, but has none")
    if ("parallel" in top) != ("done" in top):
        scope.faults.add(node, f"state '{name}': 'parallel' and 'done' belong together: what follows its regions")
    join = nodes.choice(top.get("join"), scope.faults, ("any", "all", "veto"), "join") or "any"
    distinct = nodes.boolean(top.get("distinct"), scope.faults, "distinct") or False
    if distinct and join == "any":
        scope.faults.add(top["distinct"], f"state '{name}': signatures of distinct persons need 'join: all' or 'veto'")
    return StateDef(
        name=name,
        title=scope.words(top.get("title"), "title"),
        region=scope.region,
        regions=tuple(_regions(top.get("parallel"), scope)),
        done=read_branches(top.get("done"), scope),
        initial=nodes.boolean(top.get("initial"), scope.faults, "initial") or False,
        final=final is not None,
        outcome=final,
        tasks=tasks,
        join=join,  # type: ignore[arg-type]
        distinct=distinct,
        joined=read_branches(top.get("joined"), scope),
        always=read_branches(top.get("always"), scope),
        on=(*_on(top.get("on"), scope), *_expires(top.get("expires"), scope)),
        after=_after(top.get("after"), scope),
        sends=scope.names("mails", top.get("send"), "send"),
        starts=scope.names("children", top.get("start"), "start"),
        registers=scope.names("registers", top.get("register"), "register"),
    )


def _regions(node: Node | None, scope: Scope) -> Iterator[RegionDef]:
    for key, value in nodes.named(node, scope.faults, "parallel"):
        top = nodes.fields(value, scope.faults, required=("title", "states"), what=f"region '{key.text}'")
        first = [name.text for name, state in nodes.named(top.get("states"), Faults())
                 if isinstance(state, MapNode) and state.get("initial") is not None]
        if len(first) != 1:
            scope.faults.add(key, f"region '{key.text}' needs exactly one state with 'initial: true'")
        yield RegionDef(key.text, scope.words(top.get("title"), "title"), f"{key.text}.{first[0] if first else ''}")


def _on(node: Node | None, scope: Scope) -> Iterator[OnEvent]:
    for key, value in nodes.named(node, scope.faults, "on"):
        event = scope.event(key)
        to, sends = _to_and_send(value, scope)
        if event is not None:
            yield OnEvent(event, to, sends)


def _to_and_send(node: Node, scope: Scope) -> tuple[tuple[Branch, ...], tuple[str, ...]]:
    if not isinstance(node, MapNode):
        return read_branches(node, scope), ()
    top = nodes.fields(node, scope.faults, required=("to",), optional=("send",), what="a move")
    return read_branches(top.get("to"), scope), scope.names("mails", top.get("send"), "send")


def _expires(node: Node | None, scope: Scope) -> Iterator[OnEvent]:
    for key, value in nodes.named(node, scope.faults, "expires"):
        clock = scope.name("clocks", key, "expires")
        to, sends = _to_and_send(value, scope)
        if clock is not None:
            yield OnEvent(expired(clock), to, sends)


def _after(node: Node | None, scope: Scope) -> After | None:
    if node is None:
        return None
    if isinstance(node, MapNode) and node.get("before") is not None:
        return _before(node, scope)
    if isinstance(node, MapNode) and node.get("day") is not None:
        return _since(node, scope)
    if not isinstance(node, MapNode) or len(node.entries) != 1:
        scope.faults.add(node, "after is one line such as {20 school_days: closed}, {day: 0, of: DATE FACT, to: …}, or "
                               "{before: …, of: CLOCK, to: …}")
        return None
    key, value = node.entries[0]
    to, sends = _to_and_send(value, scope)
    if key.text in scope.declared["facts"]:
        scope.faults.add(key, f"after: a state is left by a date with {{day: 0, of: {key.text}, to: …}}")
        scope.used.add(f"facts.{key.text}")
        return After(0, UNITS[0], to, sends)
    return After(*(read_length(key, scope, "after") or (0, UNITS[0])), to, sends)


def _before(node: Node, scope: Scope) -> After | None:
    """`{before: 2 business_days, of: CLOCK, to: …, send: […]}`."""
    top = nodes.fields(node, scope.faults, required=("before", "of", "to"), optional=("send",), what="after")
    length = read_length(top.get("before"), scope, "before")
    clock = scope.name("clocks", top.get("of"), "of")
    sends = scope.names("mails", top.get("send"), "send")
    return None if length is None else After(*length, read_branches(top.get("to"), scope), sends, clock)


def _since(node: Node, scope: Scope) -> After | None:
    """`{day: 0, of: DATE FACT, to: …, send: […]}`: once the day so long after that date, or before it, is over."""
    top = nodes.fields(node, scope.faults, required=("day", "of", "to"), optional=("send",), what="after")
    day = nodes.integer(top.get("day"), scope.faults, "day")
    fact = scope.fact_of(top.get("of"), ("date",), "of")
    sends = scope.names("mails", top.get("send"), "send")
    return None if day is None else After(day, "calendar_days", read_branches(top.get("to"), scope), sends, since=fact)


def with_offers(node: Node | None, states: Mapping[str, StateDef], scope: Scope) -> dict[str, StateDef]:
    """Each offered task becomes a task of every state it is offered in."""
    more: dict[str, tuple[TaskDef, ...]] = {}
    for item in nodes.items(node, scope.faults, "offers"):
        task = read_task(item, scope, offered=True)
        where = item.get("in") if isinstance(item, MapNode) else None
        if where is None:
            scope.faults.add(item, f"the offer '{task.name}' needs 'in': the states it is offered in")
        for state in scope.names("states", where, "in"):
            if state in states and states[state].final and where is not None:
                scope.faults.add(where, f"state '{state}' is final: nothing can be offered in it")
            more[state] = (*more.get(state, ()), task)
    return {name: _joined_tasks(state, more.get(name, ())) for name, state in states.items()}


def _joined_tasks(state: StateDef, more: tuple[TaskDef, ...]) -> StateDef:
    return replace(state, tasks=(*state.tasks, *more))


def answers(top: Mapping[str, Node]) -> Iterator[str]:
    """Every `task.outcome` of the document, read before anything refers to one."""
    quiet = Faults()
    tasks = [
        task
        for state in _all_states(top.get("states"))
        if isinstance(state, MapNode)
        for task in nodes.items(state.get("tasks"), quiet)
    ]
    for task in (*tasks, *nodes.items(top.get("offers"), quiet)):
        name = task.get("id") if isinstance(task, MapNode) else None
        if isinstance(task, MapNode) and isinstance(name, Scalar):
            yield from (f"{name.text}.{key.text}" for key, _ in nodes.named(task.get("outcomes"), quiet))


def _all_states(node: Node | None) -> Iterator[Node]:
    for _, state in nodes.named(node, Faults()):
        yield state
        for _, states in regions_of(state):
            yield from (inner for _, inner in nodes.named(states, Faults()))
