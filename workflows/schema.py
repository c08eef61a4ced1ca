"""The JSON Schema of a process file, for editors: keys complete themselves, and a wrong one is marked as it is typed.

The loader stays the authority; a test holds the two together key by key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.language.compile import KINDS
from engine.model.roles import ROLES
from workflows import Lawbook
from workflows.keywords import ALIKE, KEYWORDS

Schema = dict[str, object]
URL = "process.schema.json"

WORDS: Schema = {
    "description": "One text, or one by language; `en` must be there.",
    "anyOf": [
        {"type": ["string", "number"]},
        {"type": "object", "properties": {"en": {"type": "string"}, "es": {"type": "string"}}, "required": ["en"]},
    ],
}
TEXT: Schema = {"type": ["string", "number", "boolean"]}
WORD: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "integer"}
GUARD: Schema = {
    "description": "A guard over facts: comparisons, in, size, has, at, && || !.",
    "type": ["string", "boolean"],
}
LENGTH: Schema = {"type": "string", "pattern": r"^\d+ (business_days|calendar_days|school_days)$"}
NAMES: Schema = {"type": "array", "items": WORD}
NAME_OR_NAMES: Schema = {"anyOf": [WORD, NAMES]}
ANY_MAP: Schema = {"type": "object"}


def process_schema(law: Lawbook) -> Schema:
    """The schema, with the rules and ladders of the law in force."""
    blocks = {name: _explained(name, block) for name, block in _blocks(law).items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A process of soppa",
        **_ref("process"),
        "$defs": blocks,
    }


def _explained(name: str, block: Schema) -> Schema:
    """A block with what each of its keys means, where a sentence says it."""
    said, properties = KEYWORDS.get(ALIKE.get(name, name), {}), block["properties"]
    assert isinstance(properties, dict)  # noqa: S101
    told = {key: {**properties[key], "description": sentence} for key, sentence in said.items() if key in properties}
    return {**block, "properties": {**properties, **told}}


def block(required: Sequence[str] = (), **keys: Mapping[str, object]) -> Schema:
    """A block of keys, of which no other is allowed. A key that Python keeps for itself ends with `_`."""
    properties = {name.rstrip("_"): value for name, value in keys.items()}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _map(name: str) -> Schema:
    return {"type": "object", "additionalProperties": _ref(name)}


def _list(name: str) -> Schema:
    return {"type": "array", "items": _ref(name)}


def _ways() -> Schema:
    return {"description": "A state, or a list of ways on.", "anyOf": [WORD, _list("way")]}


def _moves() -> Schema:
    return {"type": "object", "additionalProperties": {"anyOf": [_ways(), _ref("move")]}}


def _blocks(law: Lawbook) -> dict[str, Schema]:
    role: Schema = {"enum": list(ROLES)}
    columns = {"enum": ["bool", "text", "int", "date", "choice"]}
    kinds: Schema = {"enum": list(KINDS)}
    return {
        "process": block(
            ("process", "version", "title", "cites", "states"),
            process={"type": "string", "pattern": "^[a-z][a-z0-9_]*$", "description": "The name of its folder."},
            version={"type": "integer", "minimum": 1},
            title=WORDS,
            cites={"type": "array", "items": WORD},
            states=_map("state"),
            facts=_map("fact"),
            parties=_map("party"),
            start=_ref("start"),
            clocks=_map("clock"),
            mails=_map("mail"),
            children=_map("child"),
            offers=_list("offer"),
            scenarios=_list("scenario"),
            from_parent=FLAG,
            soft={"enum": sorted(law.ladders)},
            decisions=_map("decision"),
            audiences=_map("audience"),
            registers=_map("register"),
            schedule=_ref("schedule"),
            unnoticed=_list("unnoticed"), migrates=ANY_MAP, about=NAMES,
            need_to_know={"type": "array", "items": role}, undo=FLAG,
        ),
        "fact": block(
            ("type", "label"),
            type=kinds,
            label=WORDS,
            of={},
            personal=FLAG,
            help=WORDS,
            columns=_map("column"),
            rows={},
            from_=WORD,
            like=WORD,
            prefill=FLAG,
            threshold=NUMBER,
            past=FLAG,
            usual_days=NUMBER,
            web_address=FLAG,
            not_before=NAME_OR_NAMES,
            board_meeting=FLAG,
            school_year_end=FLAG,
            charge=_ref("charge"),
            quarter_after=WORD,
            counts=_ref("counts"),
            rows_of=WORD,
            picked=_ref("picked"),
        ),
        "charge": block(
            ("of", "price", "free", "most"), of=WORD, price=WORD, free=NUMBER, most=NUMBER, waived=WORD
        ),
        "counts": block(
            ("rule", "on", "same"), on=WORD, same=NAMES, where=GUARD,
            rule={"enum": sorted(name for name, rule in law.rules.items() if rule.kind == "quota")},
        ),
        "picked": block(("from", "where"), from_=WORD, where=WORD),
        "column": block(("type", "label"), type=columns, label=WORDS, of={}, help=WORDS, optional=FLAG),
        "party": block(("kind", "label"), kind={"enum": ["parent", "operator", "other"]}, label=WORDS, from_=WORD),
        "start": block((), needs=NAMES, by={"type": "array", "items": role}, self=WORD),
        "schedule": block(
            ("on",),
            on={"anyOf": [{"type": "array"}, _ref("schedule_on")]},
            for_={"enum": ["agreements"]},
            facts=ANY_MAP,
            late={"enum": ["skip", "start"]},
            which=WORD,
        ),
        "schedule_on": block(("before", "of"), before=LENGTH, of={}, instead={"enum": ["attestation_month"]}),
        "register": block(("kind",), kind={"enum": ["agreement", "product"]}, of=WORD, facts=ANY_MAP, set=ANY_MAP),
        "clock": block(
            ("rule", "title", "anchor", "owner"),
            rule={"enum": sorted(law.rules)},
            title=WORDS,
            anchor={"anyOf": [WORD, _ref("anchor"), _ref("anchor_earliest")]},
            owner=WORD,
            when=GUARD,
            satisfied_by={"type": "array", "items": {"anyOf": [WORD, _ref("done_on")]}},
            void_by=NAMES,
            ladder={"enum": sorted(law.ladders)},
            chases=WORD,
            days=WORD,
            agreed=WORD,
        ),
        "done_on": block(("event", "on"), event=WORD, on=WORD),
        "anchor": block((), event=WORD, clock=WORD),
        "anchor_earliest": block(("earliest",), earliest={"type": "array"}),
        "mail": block(
            ("to",),
            to=WORD,
            paper=role,
            task=WORD,
            urgent=FLAG,
            reviewed_by=ANY_MAP,
            must_say=NAMES,
            must_not_say=NAMES,
        ),
        "audience": block(("label", "counted"), label=WORDS, counted=WORD, channel=WORD, languages=ANY_MAP),
        "child": block(
            ("process",),
            process=WORD,
            each={"anyOf": [NAME_OR_NAMES, _ref("each_holder")]},
            party=WORD,
            person=WORD,
            parties=NAMES,
            facts=ANY_MAP,
            joined=FLAG,
            otherwise=WORDS,
        ),
        "each_holder": block(("role",), role=role),
        "decision": block(("rows",), rows=_list("row"), because=_list("reason")),
        "row": block(("when", "give"), when=GUARD, give=TEXT),
        "reason": block(("when", "say"), when=GUARD, say=WORDS),
        "state": block(("title",), **_state_keys(), parallel=_map("region"), done=_ways()),
        "after": block(("before", "of", "to"), before=LENGTH, of=WORD, to=_ways(), send=NAMES),
        "after_day": block(("day", "of", "to"), day=NUMBER, of=WORD, to=_ways(), send=NAMES),
        "move": block(("to",), to=_ways(), send=NAMES),
        "region": block(("title", "states"), title=WORDS, states=_map("inner_state")),
        "inner_state": block(("title",), **_state_keys()),
        "task": block(("id", "title", "outcomes"), **_task_keys(role, law)),
        "offer": block(("id", "title", "outcomes"), **_task_keys(role, law), in_=NAMES),
        "field": block(("fact",), fact=WORD, optional=FLAG),
        "due_day": block(("day",), day=NUMBER, of=WORD, days=WORD),
        "due_before": block(("before", "of"), before=LENGTH, of=WORD),
        "break_glass": block(
            ("role", "within", "of", "tells"), role=role, within=LENGTH, of=WORD, tells={"type": "array", "items": role}
        ),
        "outcome": block(
            (),
            label=WORDS,
            to=_ways(),
            when=GUARD,
            needs=NAMES,
            set=ANY_MAP,
            send=NAMES,
            start=NAMES,
            require=_list("requirement"),
            holdable=FLAG,
            fix=NAMES,
            free=NAMES,
        ),
        "requirement": block(
            ("say",), that=GUARD, say=WORDS, fresh=WORD, months=NUMBER, passed=WORD, before=WORD, uncounted=NAMES,
            when=GUARD, ahead=WORD, reached=WORD, signer=WORD, on=WORD,
        ),
        "way": block((), when=GUARD, to=WORD, else_=WORD),
        "unnoticed": block(("mutants", "because"), mutants={"type": "array"}, because=WORD),
        "scenario": block(
            ("name", "start", "expect"),
            name=WORD,
            start=WORD,
            given=ANY_MAP,
            steps=_list("step"),
            expect=_ref("expect"),
        ),
        "step": block(("on", "do"), on=WORD, do=WORD, with_=ANY_MAP, by=WORD, process=WORD, refused=WORD),
        "expect": block((), state=WORD, outcome=WORD, mails=NAMES, clocks=_map("expected_clock")),
        "expected_clock": block((), legal=WORD, target=WORD, status=WORD, ended=WORD, rungs=NAMES),
    }


def _task_keys(role: Schema, law: Lawbook) -> dict[str, Schema]:
    """Those of a task, which an offer has too."""
    return {
        "id": WORD,
        "title": WORDS,
        "help": WORDS,
        "role": role,
        "person": WORD,
        "party": WORD,
        "link": {"enum": ["open", "code", "second"]},
        "form": {"type": "array", "items": {"anyOf": [WORD, _ref("field")]}},
        "shows": NAMES,
        "due": {"anyOf": [LENGTH, _ref("due_day"), _ref("due_before")]},
        "ladder": {"enum": sorted(law.ladders)},
        "outcomes": {"type": "object", "additionalProperties": {"anyOf": [_ways(), _ref("outcome")]}},
        "approval": FLAG,
        "when": GUARD,
        "break_glass": _ref("break_glass"),
        "offered": FLAG,
    }


def _state_keys() -> dict[str, Schema]:
    """Those of a state, inside a region too."""
    return {
        "title": WORDS,
        "initial": FLAG,
        "final": WORDS,
        "tasks": _list("task"),
        "join": {"enum": ["any", "all", "veto"]},
        "joined": _ways(),
        "distinct": FLAG,
        "always": _ways(),
        "on": _moves(),
        "after": {"anyOf": [_ref("after"), _ref("after_day"), _moves()]},
        "expires": ANY_MAP,
        "send": NAMES,
        "start": NAMES,
        "register": NAMES,
    }
