"""States, tasks and the ways on, from document nodes to values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from engine import nodes
from engine.language.scope import ROLES, Scope, who, word
from engine.model.case import FactValue
from engine.model.definition import (
    After,
    Branch,
    BreakGlass,
    Due,
    FormField,
    LinkLevel,
    OnEvent,
    Outcome,
    RegionDef,
    Requirement,
    StateDef,
    TaskDef,
    expired,
)
from engine.model.guards import FactType
from engine.nodes import Faults, MapNode, Node, Scalar, nearest

UNITS = ("business_days", "calendar_days", "school_days")
_AMOUNT = re.compile(r"(\d{1,4}) (\w+)")


KEYS = ("initial", "final", "tasks", "join", "distinct", "joined", "always", "on", "after", "expires", "send", "start",
        "register")
OUTCOME_KEYS = ("label", "to", "when", "needs", "set", "send", "start", "holdable", "require", "fix", "free")
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
    tasks = tuple(_task(item, scope) for item in nodes.items(top.get("tasks"), scope.faults, "tasks"))
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
        done=_branches(top.get("done"), scope),
        initial=nodes.boolean(top.get("initial"), scope.faults, "initial") or False,
        final=final is not None,
        outcome=final,
        tasks=tasks,
        join=join,  # type: ignore[arg-type]
        distinct=distinct,
        joined=_branches(top.get("joined"), scope),
        always=_branches(top.get("always"), scope),
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


def _branches(node: Node | None, scope: Scope) -> tuple[Branch, ...]:
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
    if isinstance(node, MapNode) and node.get("before") is not None:
        return _before(node, scope)
    if isinstance(node, MapNode) and node.get("day") is not None:
        return _since(node, scope)
    if not isinstance(node, MapNode) or len(node.entries) != 1:
        scope.faults.add(node, "after is one line such as {20 school_days: closed}, {day: 0, of: DATE FACT, to: …}, or "
                               "{before: …, of: CLOCK, to: …}")
        return None
    key, value = node.entries[0]
    length = read_length(key, scope, "after")
    to, sends = _to_and_send(value, scope)
    return None if length is None else After(*length, to, sends)


def _before(node: Node, scope: Scope) -> After | None:
    """`{before: 2 business_days, of: CLOCK, to: …, send: […]}`."""
    top = nodes.fields(node, scope.faults, required=("before", "of", "to"), optional=("send",), what="after")
    length = read_length(top.get("before"), scope, "before")
    clock = scope.name("clocks", top.get("of"), "of")
    sends = scope.names("mails", top.get("send"), "send")
    return None if length is None else After(*length, _branches(top.get("to"), scope), sends, clock)


def _since(node: Node, scope: Scope) -> After | None:
    """`{day: 0, of: DATE FACT, to: …, send: […]}`: once the day so long after that date, or before it, is over."""
    top = nodes.fields(node, scope.faults, required=("day", "of", "to"), optional=("send",), what="after")
    day = nodes.integer(top.get("day"), scope.faults, "day")
    fact = scope.fact_of(top.get("of"), ("date",), "of")
    sends = scope.names("mails", top.get("send"), "send")
    return None if day is None else After(day, "calendar_days", _branches(top.get("to"), scope), sends, since=fact)


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


def _task(node: Node, scope: Scope, *, offered: bool = False) -> TaskDef:
    top = nodes.fields(
        node,
        scope.faults,
        required=("id", "title", "outcomes"),
        optional=(
            "role",
            "person",
            "party",
            "link",
            "form",
            "shows",
            "due",
            "ladder",
            "approval",
            "help",
            "when",
            "break_glass",
            "offered",
            *(("in",) if offered else ()),
        ),
        what="a task",
    )
    name = word(top, "id", scope)
    asked = who(top, node, scope, f"task '{name}'")
    form = tuple(_form(top.get("form"), scope))
    scope.used.update(f"facts.{field.fact}" for field in form)
    outcomes = {
        key.text: _outcome(key.text, value, scope)
        for key, value in nodes.named(top.get("outcomes"), scope.faults, "outcomes")
    }
    if "outcomes" in top and not outcomes:
        scope.faults.add(top["outcomes"], f"task '{name}' has no outcome: nobody could ever finish it")
    task = TaskDef(
        name=name,
        title=scope.words(top.get("title"), "title"),
        who=asked,
        link=_link(top, scope),
        form=form,
        outcomes=outcomes,
        due=read_due(top.get("due"), scope),
        ladder=scope.ladder(top.get("ladder")),
        shows=scope.names("facts", top.get("shows"), "shows"),
        help=scope.words(top.get("help"), "help"),
        approval=nodes.boolean(top.get("approval"), scope.faults, "approval") or False,
        when=scope.guard(top.get("when")),
        break_glass=_break_glass(top.get("break_glass"), scope),
        offered=offered or nodes.boolean(top.get("offered"), scope.faults, "offered") or False,
    )
    _check_link(task, top.get("link") or node, scope)
    _check_shown(task, top.get("link") or node, scope)
    _check_needs(task, top.get("outcomes"), scope)
    return task


def _break_glass(node: Node | None, scope: Scope) -> BreakGlass | None:
    if node is None:
        return None
    top = nodes.fields(node, scope.faults, required=("role", "within", "of", "tells"), what="break_glass")
    within = read_length(top.get("within"), scope, "within")
    if within is not None and within[1] != "business_days":
        scope.faults.add(top["within"], "break_glass: within is a number of business_days before the legal date")
    role = nodes.choice(top.get("role"), scope.faults, ROLES, "role") or "privacy"
    clock = scope.name("clocks", top.get("of"), "of") or ""
    tells = nodes.each(top.get("tells"), scope.faults, lambda i, f: nodes.choice(i, f, ROLES, "tells"), "tells")
    return BreakGlass(role, clock, within[0] if within else 0, tells)


def _link(top: Mapping[str, Node], scope: Scope) -> LinkLevel:
    level = nodes.choice(top.get("link"), scope.faults, ("open", "code", "second"), "link")
    return level or "code"  # type: ignore[return-value]


def _check_link(task: TaskDef, where: Node, scope: Scope) -> None:
    """An open link may only acknowledge: whoever holds a forwarded mail could use it."""
    decides = task.form or task.shows or any(answer.to or answer.starts for answer in task.outcomes.values())
    if task.link == "open" and decides:
        scope.faults.add(
            where, f"task '{task.name}' shows, asks or decides something: its link must be 'code' or 'second'"
        )


def _check_shown(task: TaskDef, where: Node, scope: Scope) -> None:
    """Whoever may read a parent's mail could have its code too, so what is about the child takes another channel. An
    operator holds the data itself, and people of the district have sessions of their own."""
    if task.who.kind != "party" or task.who.name not in scope.guarded or task.link == "second":
        return
    about = next((name for name in task.shows if name in scope.personal or scope.types[name].kind == "document"), None)
    if about is not None:
        scope.faults.add(
            where, f"task '{task.name}' shows '{about}', which is personal, to a parent: its link must be 'second'"
        )


def _check_needs(task: TaskDef, outcomes: Node | None, scope: Scope) -> None:
    asked = {field.fact for field in task.form}
    known = [key for key, _ in outcomes.entries if key.text in task.outcomes] if isinstance(outcomes, MapNode) else []
    for key in known:
        for fact in (fact for fact in task.outcomes[key.text].needs if fact not in asked):
            scope.faults.add(
                key,
                f"outcome '{key.text}' needs '{fact}', which the form of '{task.name}' does not ask for: "
                f"add {{fact: {fact}, optional: true}} to it",
            )


def _form(node: Node | None, scope: Scope) -> Iterator[FormField]:
    seen: set[str] = set()
    for item in nodes.items(node, scope.faults, "form"):
        top = (
            nodes.fields(item, scope.faults, required=("fact",), optional=("optional",), what="a field")
            if isinstance(item, MapNode)
            else {"fact": item}
        )
        name = scope.typed(top.get("fact"), "form")
        if name in seen:
            scope.faults.add(item, f"the form asks for '{name}' twice")
        if name is not None:
            seen.add(name)
            yield FormField(name, not nodes.boolean(top.get("optional"), scope.faults, "optional"))


def read_due(node: Node | None, scope: Scope) -> Due | None:
    """`5 business_days`, `{day: 7, of: X, days: FACT}` (calendar days) or `{before: 5 business_days, of: CLOCK}`."""
    if not isinstance(node, MapNode):
        length = read_length(node, scope, "due")
        return None if length is None else Due(*length)
    back = "before" in {key.text for key, _ in node.entries}
    required, optional = (("before", "of"), ()) if back else (("day",), ("of", "days"))
    top = nodes.fields(node, scope.faults, required=required, optional=optional, what="due")
    if back:
        length = read_length(top.get("before"), scope, "before")
        clock = scope.name("clocks", top.get("of"), "of")
        return None if length is None else Due(*length, clock, before=True)
    day = nodes.integer(top.get("day"), scope.faults, "day") or 0
    start = _start_of(top["of"], scope) if "of" in top else None
    return Due(day, "calendar_days", start, days=scope.fact_of(top.get("days"), ("int",), "days"))


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
    top = nodes.fields(node, scope.faults, optional=OUTCOME_KEYS, what=f"outcome '{name}'")
    needs = scope.names("facts", top.get("needs"), "needs")
    return Outcome(
        name,
        scope.words(top.get("label"), "label") or label,
        _branches(top.get("to"), scope),
        scope.guard(top.get("when")),
        needs,
        tuple(_sets(top.get("set"), scope)),
        scope.names("mails", top.get("send"), "send"),
        scope.names("children", top.get("start"), "start"),
        nodes.boolean(top.get("holdable"), scope.faults, "holdable") or False,
        tuple(_requirements(top.get("require"), scope)),
        scope.names("audiences", top.get("fix"), "fix"),
        scope.names("audiences", top.get("free"), "free"),
    )


def _requirements(node: Node | None, scope: Scope) -> Iterator[Requirement]:
    """`{that: GUARD, say: …}`, or another kind of it: see `Requirement`."""
    for item in nodes.items(node, scope.faults, "require"):
        keys = ("that", "fresh", "months", "passed", "uncounted", "when", "ahead", "reached", "signer", "on",
                "before")
        top = nodes.fields(item, scope.faults, required=("say",), optional=keys, what="a requirement")
        alone = len(top.keys() & {"that", "fresh", "passed", "before", "uncounted", "ahead", "reached", "signer"}) == 1
        paired = ("fresh" in top) == ("months" in top) and ("signer" in top) == ("on" in top)
        if not alone or not paired or ("when" in top and "uncounted" not in top):
            scope.faults.add(item, "a requirement is {that: guard, say: …} or {fresh: reference, months: 12, say: …} "
                                   "or {passed: clock, say: …} or {before: clock, say: …} or {uncounted: "
                                   "[facts], when: guard, say: …} or {ahead: date, say: …} or {reached: date, say: …} "
                                   "or {signer: person, on: date, say: …}")
        fresh = nodes.choice(top.get("fresh"), scope.faults, scope.references, "fresh")
        months = nodes.integer(top.get("months"), scope.faults, "months") or 0
        passed, before = (scope.name("clocks", top.get(key), key) for key in ("passed", "before"))
        texts = nodes.items(top.get("uncounted"), scope.faults, "uncounted")
        uncounted = tuple(name for text in texts if (name := scope.fact_of(text, ("text",), "uncounted")) is not None)
        say, that, when = scope.words(top.get("say"), "say"), scope.guard(top.get("that")), scope.guard(top.get("when"))
        ahead, reached, on = (scope.fact_of(top.get(key), ("date",), key) for key in ("ahead", "reached", "on"))
        signer = scope.fact_of(top.get("signer"), ("person",), "signer")
        yield Requirement(say, that, fresh, months, passed, uncounted, when, ahead, reached, signer, on,
                          before)


def _sets(node: Node | None, scope: Scope) -> Iterator[tuple[str, FactValue]]:
    for key, value in nodes.named(node, scope.faults, "set"):
        name = scope.typed(key, "set")
        literal = None if name not in scope.types else read_literal(value, scope.types[name], scope, "set")
        if name is not None and literal is not None:
            yield name, literal


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


def with_offers(node: Node | None, states: Mapping[str, StateDef], scope: Scope) -> dict[str, StateDef]:
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
