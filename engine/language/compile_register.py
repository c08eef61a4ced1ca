"""What a definition takes from the register and writes into it, from document nodes to values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from engine import nodes
from engine.language.compile_ways import read_literal
from engine.language.scope import Scope
from engine.model.case import FactValue
from engine.model.computing import is_computed
from engine.model.definition import FactDef, FormField, RegisterDef, Taken
from engine.model.guards import FactType
from engine.model.register import SUPERSEDES, WHICH_PRODUCT, fits
from engine.nodes import Faults, MapNode, Node, Scalar, nearest

KIND, PRODUCT = "agreement", "product"
"""What definitions write: an agreement with its product and operator, or a product that has none."""

def is_taken(node: Node | None) -> bool:
    return isinstance(node, Scalar) and "." in node.text


def read_taken(node: Node, scope: Scope, kinds: Collection[str] = ()) -> Taken | None:
    """`FACT.FIELD`: the field of the agreement that a fact names; of one of the `kinds`, where these are given."""
    value = nodes.text(node, scope.faults, "from")
    fact, dot, field = (value or "").partition(".")
    if value is None or not dot:
        scope.faults.add(node, "from is a field of the register, such as agreement.deletion_days")
        return None
    name = scope.name("facts", Scalar(fact, node.mark), "from")
    if field not in scope.register:
        scope.faults.add(node, f"from: the register has no field '{field}'{nearest(field, scope.register)}")
        return None
    kind = scope.register[field].type.kind
    if kinds and kind not in kinds:
        scope.faults.add(node, f"from: '{field}' of the register is a {kind}, but must be a {' or '.join(kinds)}")
    return Taken(name, field, scope.register[field].sure) if name is not None else None


def taken_type(name: str, node: Node, kind: str, taken: Taken | None, scope: Scope) -> FactDef:
    """The type of a taken fact with its words: that of the field, so the definition writes none of them again."""
    plain = FactDef(name, FactType(kind), {"en": ""})
    for key in ("of", "columns", "rows", "like", "prefill"):
        given = node.get(key) if isinstance(node, MapNode) else None
        if given is not None:
            scope.faults.add(given, f"fact '{name}' is taken from the register: leave '{key}' out")
    if taken is None:
        return plain
    field = scope.register[taken.field]
    if kind != field.type.kind:
        scope.faults.add(node, f"fact '{name}' is a {kind}, but '{taken.field}' of the register is a {field.type.kind}")
        return plain
    columns = {column.name: FactDef(column.name, column.type, field.columns[column.name],
                                    option_labels=field.option_labels if column.type.options else {})
               for column in field.type.columns}
    labels = field.rows if field.type.kind == "table" else field.option_labels
    return FactDef(name, field.type, {"en": ""}, option_labels=labels, columns=columns)


def check_taken(node: Node | None, facts: Mapping[str, FactDef], scope: Scope) -> None:
    """What could only be said once every fact was read: that taken facts hang on a fact that names an agreement, and
    that such a fact is put in order by a text."""
    keys = {key.text: key for key, _ in nodes.named(node, Faults())}
    for name, fact in facts.items():
        if fact.taken is not None and facts[fact.taken.agreement].type.kind != KIND:
            scope.faults.add(keys[name], f"from: fact '{fact.taken.agreement}' names no agreement: its type is "
                                         f"{facts[fact.taken.agreement].type.kind}")
        if fact.like is not None:
            scope.fact_of(Scalar(fact.like, keys[name].mark), ("text",), "like")
        if fact.prefill and name in scope.decided:
            scope.faults.add(keys[name], f"fact '{name}' follows from its decision table: it is never suggested")


def read_registers(node: Node | None, scope: Scope) -> Mapping[str, RegisterDef]:
    return {key.text: _register(key, value, scope) for key, value in nodes.named(node, scope.faults, "registers")}


def given_facts(facts: Mapping[str, FactDef], registers: Mapping[str, RegisterDef]) -> Mapping[str, str]:
    """The facts that the register, the district's settings or other facts give, each with why nobody types it."""
    taken = {name: f"is taken from fact '{fact.taken.agreement}'" for name, fact in facts.items() if fact.taken}
    taken |= {name: "is a threshold of the district" for name, fact in facts.items() if fact.threshold is not None}
    taken |= {name: "is worked out from others" for name, fact in facts.items() if is_computed(fact)}
    taken |= {name: "is given by the district's calendar" for name, fact in facts.items() if fact.school_year_end}
    return taken | {each.agreement: "is given by the register" for each in registers.values() if each.is_new}


def _register(key: Scalar, node: Node, scope: Scope) -> RegisterDef:
    what = f"register '{key.text}'"
    top = nodes.fields(node, scope.faults, required=("kind",), optional=("of", "facts", "set"), what=what)
    kind = nodes.choice(top.get("kind"), scope.faults, (KIND, PRODUCT), "kind") or KIND
    facts = dict(_facts(top.get("facts"), scope))
    sets = tuple(_sets(top.get("set"), scope))
    if kind == PRODUCT:
        agreement = scope.fact_of(top["of"], (KIND,), what) if "of" in top else None
        made = RegisterDef(key.text, agreement or "", False, facts, sets, of_product=agreement is not None)
        _check_product(key, made, scope)
    else:
        agreement = scope.fact_of(top.get("of", key), (KIND,), what) or ""
        made = RegisterDef(key.text, agreement, "of" not in top, facts, sets)
        _check_agreement(key, made, scope)
    return made


def _facts(node: Node | None, scope: Scope) -> Iterator[tuple[str, FormField]]:
    """Our fact by the register's field; `{fact: …, optional: true}` where it may be unknown."""
    for key, value in nodes.named(node, scope.faults, "facts"):
        top = (
            nodes.fields(value, scope.faults, required=("fact",), optional=("optional",), what="a field")
            if isinstance(value, MapNode)
            else {"fact": value}
        )
        name = scope.name("facts", top.get("fact"), "facts")
        optional = nodes.boolean(top.get("optional"), scope.faults, "optional") or False
        field = scope.register.get(key.text)
        if field is None:
            scope.faults.add(key, f"the register has no field '{key.text}'{nearest(key.text, scope.register)}")
        elif name is not None:
            why = fits(scope.types[name], field.type) if name in scope.types else None
            if why is not None:
                scope.faults.add(value, f"'{key.text}' of the register cannot hold fact '{name}', which {why}")
            yield key.text, FormField(name, not optional)


def _sets(node: Node | None, scope: Scope) -> Iterator[tuple[str, FactValue]]:
    for key, value in nodes.named(node, scope.faults, "set"):
        field = scope.register.get(key.text)
        if field is None:
            scope.faults.add(key, f"the register has no field '{key.text}'{nearest(key.text, scope.register)}")
            continue
        literal = read_literal(value, field.type, scope, "set")
        if literal is not None:
            yield key.text, literal


def _check_agreement(key: Scalar, made: RegisterDef, scope: Scope) -> None:
    sure = _sure_fields(key, made, scope)
    if made.is_new:
        inherited = WHICH_PRODUCT if SUPERSEDES in sure else ()
        needed = (name for name, field in scope.register.items() if field.needed and name not in inherited)
        _check_needed(key, "a new agreement", needed, sure, scope)
        return
    for field in _fields_of(made):
        if scope.register[field].fixed:
            scope.faults.add(key, f"'{field}' of an agreement is never changed: enter a new agreement")


def _check_product(key: Scalar, made: RegisterDef, scope: Scope) -> None:
    for field in _fields_of(made):
        if scope.register[field].of_agreement:
            scope.faults.add(key, f"'{field}' belongs to an agreement: write it with 'kind: agreement'")
    _check_needed(key, "a product", WHICH_PRODUCT, _sure_fields(key, made, scope), scope)


def _check_needed(key: Scalar, what: str, needed: Iterable[str], sure: Collection[str], scope: Scope) -> None:
    for name in needed:
        if name not in sure:
            scope.faults.add(key, f"register '{key.text}' enters {what}, which needs the field '{name}'")


def _sure_fields(key: Scalar, made: RegisterDef, scope: Scope) -> set[str]:
    both = sorted(made.facts.keys() & {field for field, _ in made.sets})
    if both:
        scope.faults.add(key, f"register '{key.text}' takes '{both[0]}' from a fact and sets it too: keep one of them")
    return {field for field, fact in made.facts.items() if fact.required} | {field for field, _ in made.sets}


def _fields_of(made: RegisterDef) -> tuple[str, ...]:
    return (*made.facts, *(field for field, _ in made.sets))
