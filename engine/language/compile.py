"""From the nodes of a document to a `Definition`: every name checked, all faults at once, each with its place.

What is proved about the paths of a case (owners, clocks, facts set on every path) is `prove`'s; here a definition is
made sound word by word. States are read in `compile_states`, clocks, mails, children and scenarios in `compile_duties`;
`compile_checks` looks at the whole.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from engine import nodes
from engine.faults import Fault
from engine.language.compile_checks import check_states, check_texts, check_unused, check_ways
from engine.language.compile_computed import KEYS as COMPUTED
from engine.language.compile_computed import with_computed
from engine.language.compile_decisions import read_decisions
from engine.language.compile_duties import (
    mails_to_many,
    read_audience,
    read_child,
    read_clock,
    read_mail,
    read_scenarios,
)
from engine.language.compile_order import with_order
from engine.language.compile_register import check_taken, given_facts, is_taken, read_registers, read_taken, taken_type
from engine.language.compile_rows import check_rows, read_picked, read_rows_of
from engine.language.compile_schedule import check_start, read_schedule
from engine.language.compile_states import answers, read_states, regions_of, with_offers
from engine.language.places import places_of
from engine.language.scope import ROLES, SECTIONS, Scope, word
from engine.law.clocks import Rule
from engine.law.ladders import Ladder
from engine.model.definition import Definition, FactDef, PartyDef, Words
from engine.model.fingerprint import fingerprint
from engine.model.guards import Column, FactType
from engine.model.register import Fields
from engine.nodes import Faults, MapNode, Node, Scalar

KINDS = ("bool", "text", "int", "date", "instant", "choice", "set", "document", "person", "contacts", "table",
         "agreement", "agreements")
CELLS = ("bool", "text", "int", "date", "choice")
_SNAKE = re.compile(r"[a-z][a-z0-9_]*")


def compile_definition(
    node: Node,
    *,
    rules: Mapping[str, Rule],
    ladders: Mapping[str, Ladder],
    texts: Mapping[str, str],
    references: Mapping[str, Collection[str]],
    register: Fields,
) -> Definition:
    """The definition that a document describes. `texts` holds the mails' sources by `NAME.LANGUAGE`, `references` the
    names of the texts of each piece of reference data, `register` the fields that an agreement has.

    Raises `FaultyInput` with every fault, in the order of the file. A misspelt key is told, and the document read again
    as it was meant, so that nothing is told which only follows from it.
    """
    told: list[Fault] = []
    while True:
        faults = Faults()
        made = _read(node, Scope(faults, rules, ladders, texts, {}, references=references, register=register))
        if not faults.meant:
            break
        told += faults.misspelt
        node = nodes.renamed(node, faults.meant)
    faults.found += told
    faults.raise_if_any()
    return made


def _read(node: Node, scope: Scope) -> Definition:
    """What a document says, as far as it can be read; what is wrong stands in the scope's faults."""
    faults = scope.faults
    top = nodes.fields(
        node,
        faults,
        required=("process", "version", "title", "cites", "states"),
        optional=(
            "facts",
            "parties",
            "start",
            "clocks",
            "mails",
            "children",
            "offers",
            "scenarios",
            "from_parent",
            "soft",
            "decisions",
            "audiences",
            "registers",
            "schedule",
            "unnoticed",
            "migrates",
            "about",
            "need_to_know",
            "undo",
        ),
        what="a process",
    )
    scope.declared = _declared(top, faults)
    made = _definition(node, top, scope)
    check_texts(scope, made, node.mark)
    check_ways(scope, made)
    check_unused(scope)
    return made


def _declared(top: Mapping[str, Node], faults: Faults) -> Mapping[str, Mapping[str, Scalar]]:
    found = {section: {key.text: key for key, _ in nodes.named(top.get(section), Faults())} for section in SECTIONS}
    found["states"] = dict(_state_keys(top.get("states"), faults))
    for section, names in found.items():
        for key in names.values():
            if not _SNAKE.fullmatch(key.text):
                small = key.text.lower().replace("-", "_")
                faults.add_misspelt(key, f"'{key.text}' in {section}: write names in small letters, digits and '_'",
                                    small if small not in names and _SNAKE.fullmatch(small) else None)
    return found


def _state_keys(node: Node | None, faults: Faults) -> Iterator[tuple[str, Scalar]]:
    """Every state by its full name; a region's name is its alone, so that `region.state` is one state."""
    seen: set[str] = set()
    for key, state in nodes.named(node, Faults()):
        yield key.text, key
        for region, states in regions_of(state):
            if region.text in seen or not _SNAKE.fullmatch(region.text):
                faults.add(region, f"region '{region.text}': a region has a name of its own in small letters")
            seen.add(region.text)
            yield from ((f"{region.text}.{name.text}", name) for name, _ in nodes.named(states, Faults()))


def _definition(node: Node, top: Mapping[str, Node], scope: Scope) -> Definition:
    facts = {name.text: read_fact(name.text, value, scope) for name, value in _section(top, "facts", scope)}
    scope.types.update({name: fact.type for name, fact in facts.items()})
    scope.personal.update(name for name, fact in facts.items() if fact.personal)
    scope.answers = frozenset(answers(top))
    scope.to_many = frozenset(mails_to_many(top))
    scope.decided = frozenset(key.text for key, _ in nodes.named(top.get("decisions"), Faults()))
    check_taken(top.get("facts"), facts, scope)
    check_rows(top.get("facts"), facts, scope)
    facts = with_computed(top.get("facts"), with_order(top.get("facts"), facts, scope), scope)
    registers = read_registers(top.get("registers"), scope)
    scope.given = given_facts(facts, registers)
    parties = {name.text: read_party(name.text, value, scope) for name, value in _section(top, "parties", scope)}
    scope.guarded.update(name for name, party in parties.items() if party.kind != "operator")
    needs, by, starter = read_start(top.get("start"), parties, scope)
    states = read_states(top.get("states"), scope)
    states = with_offers(top.get("offers"), states, scope)
    check_states(node, states, scope)
    schedule = read_schedule(top.get("schedule"), scope)
    needs = check_start(top.get("schedule"), schedule, needs, scope)
    draft = Definition(
        process=word(top, "process", scope),
        version=_version(top.get("version"), scope),
        title=scope.words(top.get("title"), "title"),
        cites=_cites(top.get("cites"), scope),
        facts=facts,
        parties=parties,
        start_needs=needs,
        start_by=by,
        start_self=starter,
        states=states,
        clocks={name.text: read_clock(name.text, value, scope) for name, value in _section(top, "clocks", scope)},
        mails={name.text: read_mail(name.text, value, scope) for name, value in _section(top, "mails", scope)},
        children={name.text: read_child(name.text, value, scope) for name, value in _section(top, "children", scope)},
        scenarios=tuple(read_scenarios(top.get("scenarios"), scope)),
        hash="",
        soft=_soft(node, top, scope),
        from_parent=nodes.boolean(top.get("from_parent"), scope.faults, "from_parent") or False,
        decisions=read_decisions(top.get("decisions"), scope),
        audiences={
            name.text: read_audience(name.text, value, scope) for name, value in _section(top, "audiences", scope)
        },
        registers=registers,
        schedule=schedule,
        unnoticed=_unnoticed(top.get("unnoticed"), scope),
        migrates=_migrates(top.get("migrates"), scope),
        about=tuple(_about(top.get("about"), scope)),
        need_to_know=_roles(top.get("need_to_know"), "need_to_know", scope),
        undo=nodes.boolean(top.get("undo"), scope.faults, "undo") is not False,
        places=places_of(top, scope.declared),
    )
    return replace(draft, hash=fingerprint(draft))


def _migrates(node: Node | None, scope: Scope) -> Mapping[str, str]:
    """`{STATE_OF_AN_EARLIER_VERSION: STATE}`; a state that is still there needs no heir."""
    found: dict[str, str] = {}
    for key, value in nodes.named(node, scope.faults, "migrates"):
        if key.text in scope.declared["states"]:
            scope.faults.add(key, f"migrates: there is a state '{key.text}' here: only one that is gone has an heir")
        found[key.text] = scope.name("states", value, "migrates") or ""
    return found


def _about(node: Node | None, scope: Scope) -> Iterator[str]:
    """Text facts that may stand in a mail."""
    for item in nodes.items(node, scope.faults, "about"):
        fact = scope.fact_of(item, ("text",), "about")
        if fact in scope.personal:
            scope.faults.add(item, f"about: fact '{fact}' is personal and never stands in a mail")
        elif fact is not None:
            yield fact


def _unnoticed(node: Node | None, scope: Scope) -> Mapping[str, str]:
    """`[{mutants: [NAMES], because: REASON}]`, by the name of each mutant."""
    found: dict[str, str] = {}
    for item in nodes.items(node, scope.faults, "unnoticed"):
        top = nodes.fields(item, scope.faults, required=("mutants", "because"), what="an unnoticed mutant")
        because = nodes.text(top.get("because"), scope.faults, "because") or ""
        for one in nodes.items(top.get("mutants"), scope.faults, "mutants"):
            found[nodes.text(one, scope.faults, "mutants") or ""] = because
    return found


def _roles(node: Node | None, what: str, scope: Scope) -> tuple[str, ...]:
    return nodes.each(node, scope.faults, lambda item, faults: nodes.choice(item, faults, ROLES, what), what)


def _section(top: Mapping[str, Node], name: str, scope: Scope) -> Iterator[tuple[Scalar, Node]]:
    return nodes.named(top.get(name), scope.faults, name)


def _version(node: Node | None, scope: Scope) -> int:
    version = nodes.integer(node, scope.faults, "version")
    if version is not None and version < 1 and node is not None:
        scope.faults.add(node, "version must be 1 or more")
    return version or 1


def _cites(node: Node | None, scope: Scope) -> tuple[str, ...]:
    return nodes.each(node, scope.faults, lambda item, faults: nodes.text(item, faults, "cites"), "cites")


def _soft(node: Node, top: Mapping[str, Node], scope: Scope) -> Ladder:
    """The ladder of district targets."""
    if "soft" not in top and "SOFT" not in scope.ladders:
        scope.faults.add(node, "the law has no ladder SOFT: name another with 'soft'")
    return (scope.ladder(top["soft"]) if "soft" in top else scope.ladders.get("SOFT")) or Ladder("SOFT", "", ())


def read_fact(name: str, node: Node, scope: Scope) -> FactDef:
    top = nodes.fields(
        node,
        scope.faults,
        required=("type", "label"),
        optional=("of", "personal", "help", "columns", "rows", "from", "like", "prefill", "threshold", "past",
                  "web_address", "not_before", "board_meeting", "usual_days", "school_year_end", "rows_of", "picked",
                  *COMPUTED),
        what=f"fact '{name}'",
    )
    kind = nodes.choice(top.get("type"), scope.faults, KINDS, "type") or "text"
    words = scope.words(top.get("label"), "label"), scope.words(top.get("help"), "help")
    personal, prefill, address = (
        nodes.boolean(top.get(key), scope.faults, key) or False for key in ("personal", "prefill", "web_address")
    )
    if "from" in top:
        taken = read_taken(top["from"], scope)
        made = taken_type(name, node, kind, taken, scope)
        return FactDef(name, made.type, words[0], personal, words[1], made.option_labels, made.columns, taken)
    labels, rows = _options(top.get("of"), scope), _options(top.get("rows"), scope)
    _check_shape(name, node, kind, top, labels, scope)
    columns = {key.text: _column(key.text, item, scope) for key, item in nodes.named(top.get("columns"), scope.faults)}
    return FactDef(
        name,
        FactType(kind, tuple(labels), tuple(column for column, _ in columns.values()), tuple(rows)),
        words[0],
        personal,
        words[1],
        labels or rows,
        {key: fact for key, (_, fact) in columns.items()},
        like=nodes.text(top.get("like"), scope.faults, "like"),
        prefill=prefill,
        threshold=_threshold(top.get("threshold"), kind, scope),
        past=_past(top.get("past"), kind, scope),
        web_address=address,
        board_meeting=_date_flag(top, "board_meeting", "that of a meeting", kind, scope),
        school_year_end=_date_flag(top, "school_year_end", "the end of a school year", kind, scope),
        rows_of=read_rows_of(top.get("rows_of"), kind, scope),
        picked=read_picked(top.get("picked"), kind, scope),
        usual_days=_usual_days(top.get("usual_days"), kind, scope),
    )


def _date_flag(top: Mapping[str, Node], key: str, what: str, kind: str, scope: Scope) -> bool:
    if key in top and kind != "date":
        scope.faults.add(top[key], f"{key}: only a date can be {what}")
    return nodes.boolean(top.get(key), scope.faults, key) or False


def _past(node: Node | None, kind: str, scope: Scope) -> bool:
    if node is not None and kind not in ("date", "instant"):
        scope.faults.add(node, "past: only a date or an instant can lie in the past")
    return nodes.boolean(node, scope.faults, "past") or False


def _usual_days(node: Node | None, kind: str, scope: Scope) -> int | None:
    if node is not None and kind not in ("date", "instant"):
        scope.faults.add(node, "usual_days: only a date or an instant lies so many days back")
    days = nodes.integer(node, scope.faults, "usual_days")
    if node is not None and days is not None and days < 1:
        scope.faults.add(node, f"usual_days must be 1 or more, not {days}: leave it out for a year")
    return days


def _threshold(node: Node | None, kind: str, scope: Scope) -> int | None:
    if node is not None and kind != "int":
        scope.faults.add(node, "threshold: only an int fact is a threshold of the district")
    return nodes.integer(node, scope.faults, "threshold")


def _check_shape(
    name: str, node: Node, kind: str, top: Mapping[str, Node], labels: Mapping[str, Words], scope: Scope
) -> None:
    if (kind in ("choice", "set")) != bool(labels) and not (kind == "table" and "rows_of" in top):
        scope.faults.add(
            top.get("of") or node, f"fact '{name}': 'of' lists the options of a choice or a set, and of nothing else"
        )
    if (kind == "table") != ("columns" in top) or ("rows" in top and kind != "table"):
        scope.faults.add(node, f"fact '{name}': a table has columns, and rows where these are fixed; nothing else has")
    if "like" in top and kind not in ("agreement", "agreements"):
        scope.faults.add(top["like"], f"fact '{name}': 'like' puts agreements in order, and nothing else")
    if "web_address" in top and kind != "text":
        scope.faults.add(top["web_address"], f"fact '{name}': a web address is a text, and nothing else")
    if "prefill" in top and kind == "document":
        scope.faults.add(top["prefill"], f"fact '{name}': a document is handed in anew, so it is never suggested")


def _column(name: str, node: Node, scope: Scope) -> tuple[Column, FactDef]:
    """A column of a table: what guards know of it, and what a form shows."""
    top = nodes.fields(
        node, scope.faults, required=("type", "label"), optional=("of", "help", "optional"), what=f"column '{name}'"
    )
    kind = nodes.choice(top.get("type"), scope.faults, CELLS, "type") or "text"
    labels = _options(top.get("of"), scope)
    if (kind == "choice") != bool(labels):
        scope.faults.add(top.get("of") or node, f"column '{name}': 'of' lists the options of a choice")
    of = FactType(kind, tuple(labels))
    optional = nodes.boolean(top.get("optional"), scope.faults, "optional") or False
    if name == "key":
        scope.faults.add(node, "a column cannot be called 'key': that is which row it is")
    words = scope.words(top.get("label"), "label"), scope.words(top.get("help"), "help")
    return Column(name, of, optional), FactDef(name, of, words[0], help=words[1], option_labels=labels)


def _options(node: Node | None, scope: Scope) -> Mapping[str, Words]:
    """Options with their labels; in a plain list an option is its own label. `agreement.FIELD` are the options that the
    register knows of that field."""
    if isinstance(node, Scalar) and node.text.startswith("agreement."):
        return _options_of(node, scope)
    if isinstance(node, MapNode):
        return {key.text: scope.words(value, "an option") for key, value in nodes.named(node, scope.faults, "of")}
    found: dict[str, Words] = {}
    for item in nodes.items(node, scope.faults, "of"):
        option = nodes.text(item, scope.faults, "an option") or ""
        if option in found:
            scope.faults.add(item, f"the option '{option}' is here twice")
        found[option] = {"en": option.replace("_", " ")}
    return found


def _options_of(node: Scalar, scope: Scope) -> Mapping[str, Words]:
    known = [name for name, each in scope.register.items() if each.type.options]
    field = nodes.choice(Scalar(node.text.partition(".")[2], node.mark), scope.faults, known, "of")
    return scope.register[field].option_labels if field else {"": {"en": ""}}


def read_party(name: str, node: Node, scope: Scope) -> PartyDef:
    top = nodes.fields(node, scope.faults, required=("label", "kind"), optional=("from",), what=f"party '{name}'")
    kind = nodes.choice(top.get("kind"), scope.faults, ("parent", "operator", "other"), "kind") or "other"
    label = scope.words(top.get("label"), "label")
    if is_taken(top.get("from")):
        return PartyDef(name, label, kind, taken=read_taken(top["from"], scope, ("contacts",)))  # type: ignore[arg-type]
    source = scope.fact_of(top.get("from"), ("contacts",), "from")
    return PartyDef(name, label, kind, source)  # type: ignore[arg-type]


def read_start(
    node: Node | None, parties: Mapping[str, PartyDef], scope: Scope
) -> tuple[tuple[str, ...], tuple[str, ...], str | None]:
    """What a start needs, the roles that may start, and the person fact that a starter on a page becomes."""
    top = nodes.fields(node, scope.faults, optional=("needs", "by", "self"), what="start")
    by = _roles(top.get("by"), "by", scope)
    needs = []
    for item in nodes.items(top.get("needs"), scope.faults, "needs"):
        is_party = isinstance(item, Scalar) and item.text in parties
        if isinstance(item, Scalar) and is_party and parties[item.text].taken is not None:
            scope.faults.add(item, f"needs: party '{item.text}' is taken from the register: nobody gives it")
        needs.append(scope.name("parties", item, "needs") if is_party else scope.typed(item, "needs"))
    return tuple(name for name in needs if name is not None), by, scope.fact_of(top.get("self"), ("person",), "self")
