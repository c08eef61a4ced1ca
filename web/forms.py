"""A task's form: the fields as a page shows them, and what came back, read. Pure."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.deciding.forms import Raw, read_values
from engine.deciding.unlikely import unlikely_dates
from engine.model.case import Contact, FactValue, Suggestion, TableRow
from engine.model.definition import Definition, FactDef, Outcome, TaskDef, say
from engine.model.guards import reads
from engine.model.office import Office
from registry.likeness import by_likeness, named_in
from web.groups import Group, grouped
from web.words import contact_line, date_words, option_words, suggestion_words, tell

Facts = Mapping[str, FactValue]
LIST_AT = 7
_OF_REGISTER = ("agreement", "agreements")
"""From so many options on, a choice is a list that opens."""
SURE = "_sure"
"""The name of the boxes that say of a date that it is right."""
TIME = ".time"
"""Ends the name of the field that holds the time of day of an instant."""
Names = Mapping[str, str]
NOBODY: Names = {}
MEETINGS = 3
"""So many of the Board's next meetings are named beside its date."""
BLANK_ROWS = 3
"""Rows of a table that can be added on one page; sending it gives as many again."""


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class RowView:
    """One row of a table: its heading and a field for each column."""

    label: str
    fields: tuple[FieldView, ...]


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field. `kind` names its widget; `typed` is what it holds now, `time` the second half of an instant. A table
    has `rows` of fields; many options come in `groups`. `sure` is what is sent by ticking that an unlikely date is
    right, `is_sure` that it was."""

    name: str
    kind: str
    label: str
    help: str
    note: str
    required: bool
    typed: str = ""
    time: str = ""
    options: tuple[Option, ...] = ()
    error: str = ""
    on_file: bool = False
    rows: tuple[RowView, ...] = ()
    groups: tuple[Group, ...] = ()
    sure: str = ""
    is_sure: bool = False


@dataclass(frozen=True, slots=True)
class Submission:
    """What came back. `typed` is kept to fill the form again; `values` holds what could be read, `unlikely` the keys of
    dates that somebody has to tick, or has ticked (`sure`)."""

    outcome: str
    typed: Mapping[str, Sequence[str]]
    values: Mapping[str, FactValue] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    unlikely: Mapping[str, str] = field(default_factory=dict)
    sure: frozenset[str] = frozenset()


def fields_of(
    definition: Definition,
    wanted: TaskDef,
    facts: Facts,
    office: Office,
    language: str,
    *,
    personal: bool,
    submission: Submission | None = None,
    agreements: Names = NOBODY,
    suggested: Mapping[str, Suggestion] | None = None,
    today: dt.date | None = None,
) -> tuple[FieldView, ...]:
    """The form with what was typed, else with what is on file, else with last time's answer, which a note tells.

    Without `personal`, nothing personal is filled in; a note says what may stay empty. `agreements` are those of the
    register by id, as people call them. From `today` on, the next meetings of the Board stand beside its date.
    """
    views = []
    for each in wanted.form:
        fact = definition.fact(each.fact)
        if fact is None:
            continue
        choices = by_likeness(str(facts.get(fact.like or "", "")), agreements)
        is_open = fact.name not in facts and (personal or not fact.personal)
        last = (suggested or {}).get(fact.name) if is_open else None
        value = facts.get(fact.name, last.value if last else None) if personal or not fact.personal else None
        if value is None and fact.type.kind == "agreements":
            value = frozenset(named_in(str(facts.get(fact.like or "", "")), _products(agreements)))
        typed = submission.typed if submission else typed_from(fact, value, office)
        error = submission.errors.get(fact.name, "") if submission else ""
        is_hidden = fact.name in facts and fact.personal and not personal
        notes = [tell("kept", language)] if is_hidden else []
        notes += [] if is_hidden or each.required else [_note(wanted, fact, language)]
        notes += [suggestion_words(fact, last, language)] if last else []
        note = "; ".join(notes)
        view = _view(fact, typed, error, note, office, language, fact.name in facts, each.required)
        if fact.type.kind == "text" and fact.name in definition.about:
            view = replace(view, kind="line")
        if submission and (key := submission.unlikely.get(fact.name)):
            view = replace(view, sure=key, is_sure=key in submission.sure)
        if fact.board_meeting and today is not None:
            view = _with_meetings(view, office, today, language)
        if fact.rows_of is not None:
            chosen = submission.typed.get(fact.rows_of) if submission else None
            view = _with_rows(view, definition, fact, typed, chosen or facts.get(fact.rows_of), office, language)
        wanted_ids = typed.get(fact.name, ())
        views.append(_with_agreements(view, choices, wanted_ids) if fact.type.kind in _OF_REGISTER else view)
    return tuple(views)


def read_submission(
    definition: Definition,
    wanted: TaskDef,
    facts: Facts,
    office: Office,
    language: str,
    typed: Mapping[str, Sequence[str]],
    outcome: str,
    agreements: Names = NOBODY,
) -> Submission:
    """Reads a form and names what is missing for the outcome chosen. Only fields of the form are looked at."""
    names = [each.fact for each in wanted.form]
    raw = {name: words for name in names if (words := _raw(definition.fact(name), typed, office)) is not None}
    values, wrong = read_values(definition, names, raw, language, frozenset(_people(office)), agreements)
    errors = dict(wrong)
    for name in missing(wanted, facts, values, outcome):
        errors.setdefault(name, tell("missing", language))
    if outcome not in wanted.outcomes:
        errors["_outcome"] = tell("choose_outcome", language)
    return Submission(outcome, typed, values, errors)


def doubted(read: Submission, definition: Definition, facts: Facts, office: Office, language: str, now: dt.datetime,
            sure: Iterable[str]) -> Submission:
    """With a sentence beside each date that is unlikely, unless this very one was ticked in `sure`."""
    ticked, found = frozenset(sure), list(unlikely_dates(definition, read.values, facts, office, now))
    asked = {one.fact: tell("date_long_ago" if one.days < 0 else "date_far_ahead", language, days=f"{abs(one.days):,}")
             for one in found if one.key not in ticked}  # fmt: skip
    return replace(read, errors={**asked, **read.errors}, unlikely={one.fact: one.key for one in found}, sure=ticked)


def missing(wanted: TaskDef, facts: Facts, values: Mapping[str, FactValue], outcome: str) -> tuple[str, ...]:
    """The fields without a value, typed or on file, that the form or the outcome asks for."""
    chosen = wanted.outcomes.get(outcome)
    needed = [each.fact for each in wanted.form if each.required] + list(chosen.needs if chosen else ())
    return tuple(dict.fromkeys(name for name in needed if name not in values and name not in facts))


def typed_from(fact: FactDef, value: FactValue | None, office: Office) -> Mapping[str, Sequence[str]]:
    """A value on file as the form would have it typed."""
    if value is None or fact.type.kind == "document":
        return {}
    if isinstance(value, dt.datetime):
        local = value.astimezone(office.zone)
        return {fact.name: [local.date().isoformat()], fact.name + TIME: [f"{local:%H:%M}"]}
    if isinstance(value, frozenset):
        return {fact.name: sorted(value)}
    if isinstance(value, tuple) and fact.type.kind == "table":
        return _typed_rows(fact, value, office)
    if isinstance(value, tuple):
        return {fact.name: ["\n".join(contact_line(item) for item in value if isinstance(item, Contact))]}
    if isinstance(value, bool):
        return {fact.name: ["yes" if value else "no"]}
    return {fact.name: [value.isoformat() if isinstance(value, dt.date) else str(value)]}


def outcome_facts(definition: Definition, outcome: Outcome, language: str) -> str:
    """The labels of the facts that an outcome's guard asks about."""
    names = sorted(reads(outcome.when)) if outcome.when else []
    found = [fact for fact in map(definition.fact, names) if fact is not None]
    return tell("and", language).join(f"“{say(fact.label, language)}”" for fact in found)


def _typed_rows(fact: FactDef, rows: Iterable[Contact | TableRow], office: Office) -> Mapping[str, Sequence[str]]:
    """The cells of a table as its form names them: `fact.row.column`."""
    return {
        f"{fact.name}.{_row_name(fact, row.key)}.{name}": words
        for row in rows
        if isinstance(row, TableRow)
        for name, cell in row.cells.items()
        for words in typed_from(fact.columns[name], cell, office).values()
    }


def _raw_rows(fact: FactDef, typed: Mapping[str, Sequence[str]]) -> Raw | None:
    """The rows in which something was typed, each as `forms.read_rows` reads it; None where the form was not sent."""
    found: dict[str, dict[str, str]] = {}
    for name, words in typed.items():
        named, _, rest = name.partition(".")
        key, _, column = rest.partition(".")
        if named == fact.name and column:
            found.setdefault(key, {})[column] = " ".join(words).strip()
    if not found:
        return None
    fixed, keys = fact.type.rows or fact.type.options, {_row_name(fact, key): key for key in fact.type.options}
    return [json.dumps({"key": keys.get(key, key), **cells}) for key, cells in found.items()
            if fixed or any(cells.values())]  # fmt: skip


def _row_name(fact: FactDef, key: str) -> str:
    """What a row is called in the names of its fields: of one that was chosen a short word that stays the same, since
    its key is a sentence."""
    return hashlib.sha256(key.encode()).hexdigest()[:12] if fact.type.options else key


def _raw(fact: FactDef | None, typed: Mapping[str, Sequence[str]], office: Office) -> Raw | None:
    """What was typed, with the halves of an instant put together in the district's zone; None where nothing came."""
    if fact is not None and fact.type.kind == "table":
        return _raw_rows(fact, typed)
    if fact is None or fact.name not in typed:
        return None
    if fact.type.kind != "instant":
        return typed[fact.name]
    day, time = (" ".join(typed.get(name, ())).strip() for name in (fact.name, fact.name + TIME))
    if not day and not time:
        return ""
    try:
        return dt.datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=office.zone).isoformat()
    except ValueError:
        return f"{day} {time}"


def _note(wanted: TaskDef, fact: FactDef, language: str) -> str:
    needing = [say(each.label, language) for each in wanted.outcomes.values() if fact.name in each.needs]
    if needing:
        return tell("needed_for", language, outcomes=tell("between_quotes", language).join(needing))
    return tell("optional", language)


def _view(
    fact: FactDef,
    typed: Mapping[str, Sequence[str]],
    error: str,
    note: str,
    office: Office,
    language: str,
    on_file: bool,
    required: bool,
) -> FieldView:
    given = tuple(typed.get(fact.name, ()))
    options = tuple(_options(fact, given, office, language))
    return FieldView(
        name=fact.name,
        kind=_widget(fact),
        label=say(fact.label, language),
        help=_help(fact, language),
        note=note,
        required=required,
        typed=given[0] if given else "",
        time="".join(typed.get(fact.name + TIME, ())),
        options=options if fact.type.kind != "table" else (),
        groups=grouped(options) if fact.type.kind == "set" else (),
        error=error,
        on_file=on_file,
        rows=_rows(fact, typed, office, language),
    )


def _products(agreements: Names) -> Names:
    """The products of agreements that are called by product and operator."""
    return {id_: label.rpartition(" – ")[0] or label for id_, label in agreements.items()}


def _with_agreements(view: FieldView, agreements: Names, chosen: Sequence[str]) -> FieldView:
    options = (Option(id_, f"{id_}: {label}", id_ in chosen) for id_, label in agreements.items())
    return replace(view, options=tuple(options))


def _rows(
    fact: FactDef, typed: Mapping[str, Sequence[str]], office: Office, language: str
) -> tuple[RowView, ...]:
    """The fixed rows of a table, or those that are filled in and a few more. What is chosen elsewhere comes later."""
    if fact.type.kind != "table" or fact.rows_of is not None:
        return ()
    filled = [name.split(".")[1] for name, words in typed.items()
              if name.startswith(f"{fact.name}.") and name.count(".") == 2 and any(words)]
    keys = fact.type.rows or dict.fromkeys([*filled, *_blank(filled)])
    return tuple(RowView(_row_label(fact, key, language), _cells(fact, key, typed, office, language)) for key in keys)


def _with_rows(
    view: FieldView,
    definition: Definition,
    fact: FactDef,
    typed: Mapping[str, Sequence[str]],
    chosen: FactValue | Sequence[str] | None,
    office: Office,
    language: str,
) -> FieldView:
    """A row for each of what was chosen, and for those that are filled in; without any, where to choose."""
    names = {name.split(".")[1] for name in typed if name.startswith(f"{fact.name}.") and name.count(".") == 2}
    wanted = set(chosen) if isinstance(chosen, frozenset | list | tuple) else set()
    keys = [key for key in fact.type.options if key in wanted or _row_name(fact, key) in names]
    rows = tuple(RowView(_row_label(fact, key, language),
                         _cells(fact, _row_name(fact, key), typed, office, language)) for key in keys)  # fmt: skip
    source = definition.fact(fact.rows_of or "")
    where = "" if rows or source is None else tell("rows_come", language, where=say(source.label, language))
    return replace(view, rows=rows, help=" ".join([view.help, where]).strip())


def _blank(filled: Sequence[str]) -> list[str]:
    last = max((int(key) for key in filled if key.isascii() and key.isdigit()), default=0)
    return [str(last + number) for number in range(1, BLANK_ROWS + 1)]


def _row_label(fact: FactDef, key: str, language: str) -> str:
    label = fact.option_labels.get(key)
    return say(label, language) if label else tell("row", language, number=key)


def _cells(
    fact: FactDef, key: str, typed: Mapping[str, Sequence[str]], office: Office, language: str
) -> tuple[FieldView, ...]:
    views = []
    for column in fact.type.columns:
        cell, name = fact.columns[column.name], f"{fact.name}.{key}.{column.name}"
        note = tell("optional", language) if column.optional else ""
        view = _view(cell, {cell.name: typed.get(name, ())}, "", note, office, language, False, not column.optional)
        views.append(replace(view, name=name, kind=_cell_widget(cell, view.kind, is_own=not fact.type.rows)))
    return tuple(views)


def _cell_widget(cell: FactDef, usual: str, *, is_own: bool) -> str:
    """In rows that people add, choices are short lists: a page holds several such rows that stay empty."""
    if cell.type.kind == "choice" and is_own:
        return "list"
    return "line" if usual == "text" else usual


def _widget(fact: FactDef) -> str:
    if fact.web_address:
        return "url"
    if fact.type.kind == "choice" and len(fact.type.options) >= LIST_AT:
        return "list"
    kinds = {"bool": "choice", "person": "list", "agreement": "list", "agreements": "set"}
    return kinds.get(fact.type.kind, fact.type.kind)


def _help(fact: FactDef, language: str) -> str:
    if fact.help:
        return say(fact.help, language)
    own = {"contacts": "contacts_help", "document": "document_help"}.get(fact.type.kind)
    return tell(own, language) if own else ""


def _with_meetings(view: FieldView, office: Office, today: dt.date, language: str) -> FieldView:
    """The Board's next meetings that the district has entered, each with the last day for its packet."""
    closes = dt.timedelta(days=office.packet_days)
    said = [tell("meeting", language, day=date_words(day, language), last=date_words(day - closes, language))
            for day in office.open_meetings(today)[:MEETINGS]]
    return replace(view, help=" ".join([view.help, *said]).strip())


def _options(fact: FactDef, given: Sequence[str], office: Office, language: str) -> Iterable[Option]:
    if fact.type.kind == "bool":
        return [Option(word, tell(word, language), word in given) for word in ("yes", "no")]
    if fact.type.kind == "person":
        return [Option(id_, name, id_ in given) for id_, name in _people(office).items()]
    return [Option(option, option_words(fact, option, language), option in given) for option in fact.type.options]


def _people(office: Office) -> Mapping[str, str]:
    """Everybody who works here now, by name."""
    active = sorted((person for person in office.people.values() if person.active), key=lambda each: each.name)
    return {person.id: person.name for person in active}
