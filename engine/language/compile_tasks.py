"""Tasks with their forms and outcomes, from document nodes to values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine import nodes
from engine.language.compile_ways import read_branches, read_length, read_literal
from engine.language.scope import ROLES, Scope, who, word
from engine.model.case import FactValue
from engine.model.definition import BreakGlass, Due, FormField, LinkLevel, Outcome, Requirement, TaskDef
from engine.nodes import MapNode, Node, Scalar

OUTCOME_KEYS = ("label", "to", "when", "needs", "set", "send", "start", "holdable", "require", "fix", "free")


def read_task(node: Node, scope: Scope, *, offered: bool = False) -> TaskDef:
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
    """`5 business_days`, `{day: 7, of: X, days: FACT}` (calendar days) or `{before: 5 business_days, of: X}`, there a
    clock or a date fact."""
    if not isinstance(node, MapNode):
        length = read_length(node, scope, "due")
        return None if length is None else Due(*length)
    back = "before" in {key.text for key, _ in node.entries}
    required, optional = (("before", "of"), ()) if back else (("day",), ("of", "days"))
    top = nodes.fields(node, scope.faults, required=required, optional=optional, what="due")
    if back:
        length = read_length(top.get("before"), scope, "before")
        end = _end_of(top.get("of"), scope)
        return None if length is None else Due(*length, end, before=True)
    day = nodes.integer(top.get("day"), scope.faults, "day") or 0
    start = _start_of(top["of"], scope) if "of" in top else None
    return Due(day, "calendar_days", start, days=scope.fact_of(top.get("days"), ("int",), "days"))


def _end_of(node: Node | None, scope: Scope) -> str | None:
    """A clock, or a date fact."""
    if isinstance(node, Scalar) and node.text in scope.declared["facts"]:
        return scope.fact_of(node, ("date",), "of")
    return scope.name("clocks", node, "of")


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
        return Outcome(name, label, read_branches(node, scope))
    top = nodes.fields(node, scope.faults, optional=OUTCOME_KEYS, what=f"outcome '{name}'")
    needs = scope.names("facts", top.get("needs"), "needs")
    return Outcome(
        name,
        scope.words(top.get("label"), "label") or label,
        read_branches(top.get("to"), scope),
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
