"""What people typed, read as the values of declared facts; or a message beside each field that cannot be read."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar, cast
from urllib.parse import quote, unquote

from engine.model.case import Cell, Contact, FactValue, TableRow
from engine.model.definition import Definition, FactDef, Words, say
from engine.nodes import nearest
from engine.words import LANGUAGES

MAX_TEXT = 4_000
MAX_CONTACTS = 200
MAX_ROWS = 200
Raw = str | Iterable[str]
R = TypeVar("R", bound=Raw)

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")
_ADDRESS = re.compile(r"[^@\s<>\"(),:;\[\]\\]+@[^@\s<>\"(),:;\[\]\\]+\.[^@\s<>\"(),:;\[\]\\.]+")
_HOST = r"[^\s<>\"/@?#:.]+(\.[^\s<>\"/@?#:.]+)+"
_WEB_ADDRESS = re.compile(rf"https?://{_HOST}(:[0-9]{{1,5}})?([/?#][^\s<>\"]*)?", re.IGNORECASE)
_CONTACT = re.compile(r"(?P<name>[^<>]+)(?:<(?P<address>[^<>]*)>)?")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_AMERICAN = re.compile(r"(?P<month>[0-9]{1,2})/(?P<day>[0-9]{1,2})/(?P<year>[0-9]{4})")
_TRUE = {"true", "yes", "y", "1", "sí", "si"}
_FALSE = {"false", "no", "n", "0"}


_WORDS: Mapping[str, Words] = {
    "unknown": {"en": "there is no field '{typed}' here{near}", "es": "aquí no hay ningún campo '{typed}'{near}"},
    "long": {"en": "at most {most} characters", "es": "como máximo {most} caracteres"},
    "control": {
        "en": "contains a control character: type it again",
        "es": "contiene un carácter de control: escríbalo de nuevo",
    },
    "one": {"en": "only one value is wanted here", "es": "aquí se espera un solo valor"},
    "bool": {"en": "answer yes or no", "es": "responda sí o no"},
    "int": {"en": "type a whole number", "es": "escriba un número entero"},
    "date": {
        "en": "'{typed}' is no date: write it as 2026-05-04 or 5/4/2026",
        "es": "'{typed}' no es una fecha: escríbala como 2026-05-04 o 5/4/2026 (mes/día/año)",
    },
    "instant": {
        "en": "'{typed}' is no moment: write it as 2026-05-04T09:30-05:00",
        "es": "'{typed}' no es un momento: escríbalo como 2026-05-04T09:30-05:00",
    },
    "naive": {
        "en": "'{typed}' has no time zone: add an offset such as -05:00",
        "es": "'{typed}' no tiene zona horaria: añada una diferencia como -05:00",
    },
    "choice": {"en": "'{typed}' is no choice{near}", "es": "'{typed}' no es una opción{near}"},
    "person": {"en": "nobody here is '{typed}'{near}", "es": "aquí no hay nadie que sea '{typed}'{near}"},
    "agreement": {
        "en": "there is no agreement '{typed}' in the register{near}",
        "es": "no hay ningún acuerdo '{typed}' en el registro{near}",
    },
    "contact": {
        "en": "'{typed}' is no contact: write Name <address@example.org>",
        "es": "'{typed}' no es un contacto: escriba Nombre <direccion@example.org>",
    },
    "address": {
        "en": "'{typed}' is no mail address: write Name <address@example.org>",
        "es": "'{typed}' no es una dirección de correo: escriba Nombre <direccion@example.org>",
    },
    "web_address": {
        "en": "'{typed}' is no address of a page: write it as https://www.example.org/page",
        "es": "'{typed}' no es la dirección de una página: escríbala como https://www.example.org/pagina",
    },
    "contact_part": {
        "en": "'{typed}' is no part of a contact: write language=es, address=12 Oak St or paper after it",
        "es": "'{typed}' no es parte de un contacto: escriba después language=es, address=12 Oak St o paper",
    },
    "language": {
        "en": "nothing is written in the language '{typed}'{near}",
        "es": "no hay textos en el idioma '{typed}'{near}",
    },
    "document": {
        "en": "a document is handed in as a file, not typed",
        "es": "un documento se entrega como archivo, no se escribe",
    },
    "contacts": {"en": "at most {most} contacts", "es": "como máximo {most} contactos"},
    "row": {
        "en": "'{typed}' is no row: write it as {{\"key\": \"a\", \"column\": \"value\"}}, or name a CSV file",
        "es": "'{typed}' no es una fila",
    },
    "row_key": {"en": "there is no row '{typed}'{near}", "es": "no existe la fila '{typed}'{near}"},
    "row_twice": {"en": "row '{typed}' is there twice", "es": "la fila '{typed}' aparece dos veces"},
    "rows": {"en": "at most {most} rows", "es": "como máximo {most} filas"},
    "rows_missing": {"en": "these rows are missing: {typed}", "es": "faltan estas filas: {typed}"},
    "empty": {"en": "is missing", "es": "falta"},
    "cell": {"en": "row {typed}: {near}", "es": "fila {typed}: {near}"},
}


KEPT_DOCUMENT = re.compile(r"(?P<name>[0-9a-f]{32})\.(?P<kind>pdf|png|jpg|docx|txt) sha256:(?P<hash>[0-9a-f]{64})"
                           r"(?: called:(?P<called>[A-Za-z0-9%._~-]{1,1200}))?")
"""What a document fact holds: the random name of a kept file, its kind, the hash of its content, and how it was called
where it came from. That name may name a child, and stands nowhere but in the fact."""

MAX_FILE_NAME = 100

SAMPLE_DOCUMENT = f"{'0' * 32}.pdf sha256:{'0' * 64}"
"""Stands for any document in a story that nobody keeps."""


def called(value: str, file_name: str) -> str:
    """The value of a document fact with the file's own name, without folders and without what cannot be printed."""
    bare = re.split(r"[/\\]", file_name)[-1]
    name = "".join(sign for sign in bare if sign.isprintable()).strip()[-MAX_FILE_NAME:]
    return f"{value} called:{quote(name, safe='')}" if name else value


def file_name(value: str) -> str:
    """How a kept document was called; empty where nobody knows."""
    kept = KEPT_DOCUMENT.fullmatch(value)
    return unquote(kept["called"]) if kept and kept["called"] else ""


class FieldError(ValueError):
    """One field cannot be read; `say` tells what to type, in the reader's language; `str` in English."""

    def __init__(self, key: str, typed: str = "", *, most: str = "", near: str = "") -> None:
        self._key = key
        self._values = {"typed": typed, "most": most, "near": near}
        super().__init__(self.say("en"))

    def say(self, language: str) -> str:
        return say(_WORDS[self._key], language).format_map(self._values)


def read_values(
    definition: Definition,
    names: Iterable[str],
    raw: Mapping[str, Raw],
    language: str = "en",
    people: Collection[str] | None = None,
    agreements: Collection[str] | None = None,
) -> tuple[Mapping[str, FactValue], Mapping[str, str]]:
    """The values of the named facts that were typed, and a message for each that cannot be read.

    Fields left empty are in neither. A name that is no fact of the definition gets a message with the nearest.
    `people` are the ids that a person fact may hold, `agreements` those of a fact that names one; None asks for none in
    particular.
    """
    values: dict[str, FactValue] = {}
    errors: dict[str, str] = {}
    allowed = tuple(names)
    for name, typed in raw.items():
        fact = definition.fact(name) if name in allowed else None
        try:
            ids = {"person": people, "agreement": agreements, "agreements": agreements}
            value = _known(fact, name, allowed, typed, ids)
            _check_languages(definition, value)
        except FieldError as error:
            errors[name] = error.say(language)
            continue
        if value is not None:
            values[name] = value
    return values, errors


def _known(
    fact: FactDef | None, name: str, allowed: Collection[str], typed: Raw, ids: Mapping[str, Collection[str] | None]
) -> FactValue | None:
    if fact is None:
        raise FieldError("unknown", name, near=nearest(name, allowed))
    value, known = read_value(fact, typed), ids.get(fact.type.kind)
    for one in value if isinstance(value, frozenset) else (value,):
        if one is not None and known is not None and one not in known:
            raise FieldError(fact.type.kind.removesuffix("s"), str(one), near=nearest(str(one), known))
    return value


def languages(definition: Definition) -> frozenset[str]:
    """Those that a mail of the process is written in, and those of our own mails and pages."""
    return frozenset(LANGUAGES).union(*(mail.texts for mail in definition.mails.values()))


def _check_languages(definition: Definition, value: FactValue | None) -> None:
    for one in value if isinstance(value, tuple) else ():
        if isinstance(one, Contact) and one.language not in (known := languages(definition)):
            raise FieldError("language", one.language, near=nearest(one.language, known))


def without_files(definition: Definition, typed: Mapping[str, R]) -> dict[str, R | str]:
    """The same words with `SAMPLE_DOCUMENT` for each document: for stories, which keep no files."""
    kinds = {name: fact.type.kind for name, fact in definition.facts.items()}
    return {name: SAMPLE_DOCUMENT if kinds.get(name) == "document" else word for name, word in typed.items()}


def read_value(fact: FactDef, typed: Raw) -> FactValue | None:
    """One value, or None where nothing was typed. Raises `FieldError`."""
    items = [typed] if isinstance(typed, str) else list(typed)
    items = [item.strip() for item in items if item.strip()]
    if not items:
        return None
    if any(len(item) > MAX_TEXT for item in items):
        raise FieldError("long", most=f"{MAX_TEXT:,}")
    if any(_CONTROL.search(item.replace("\r\n", "\n")) for item in items):
        raise FieldError("control")
    if fact.type.kind == "set":
        return _set(fact, items)
    if fact.type.kind == "table":
        return read_rows(fact, items)
    if fact.type.kind == "agreements":
        return frozenset(part.strip() for item in items for part in re.split(r"[,;\n]", item) if part.strip())
    if len(items) > 1:
        raise FieldError("one")
    return _READERS[fact.type.kind](fact, items[0].replace("\r\n", "\n"))


def read_text(typed: str) -> str:
    """A text of several lines, without blanks at its ends; it may be empty. Raises `FieldError`."""
    text = typed.replace("\r\n", "\n").strip()
    if len(text) > MAX_TEXT:
        raise FieldError("long", most=f"{MAX_TEXT:,}")
    if _CONTROL.search(text):
        raise FieldError("control")
    return text


def read_rows(fact: FactDef, items: Iterable[str]) -> FactValue | None:
    """The rows of a table, each written as a JSON object or several as a list. Raises `FieldError` naming the row."""
    written = [row for item in items for row in _rows_of(item)]
    if len(written) > MAX_ROWS:
        raise FieldError("rows", most=str(MAX_ROWS))
    rows: dict[str, TableRow] = {}
    for number, cells in enumerate(written, 1):
        key = cells.pop("key", "").strip() or str(number)
        if key in rows:
            raise FieldError("row_twice", key)
        known = fact.type.rows or fact.type.options
        if known and key not in known:
            raise FieldError("row_key", key, near=nearest(key, known))
        rows[key] = TableRow(key, _cells(fact, key, cells))
    absent = [key for key in fact.type.rows if key not in rows]
    if absent:
        raise FieldError("rows_missing", ", ".join(absent))
    order = fact.type.rows or [key for key in fact.type.options if key in rows] or rows
    return tuple(rows[key] for key in order) or None


def _rows_of(item: str) -> list[dict[str, str]]:
    try:
        found = json.loads(item)
    except ValueError as error:
        raise FieldError("row", item[:40]) from error
    rows = found if isinstance(found, list) else [found]
    if not all(isinstance(row, dict) and all(isinstance(cell, str) for cell in row.values()) for row in rows):
        raise FieldError("row", item[:40])
    return [dict(row) for row in rows]


def _cells(fact: FactDef, key: str, written: Mapping[str, str]) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    for name in written:
        if name not in fact.columns:
            raise FieldError("cell", key, near=FieldError("unknown", name, near=nearest(name, fact.columns)).say("en"))
    for column in fact.type.columns:
        try:
            value = read_value(fact.columns[column.name], written.get(column.name, ""))
        except FieldError as error:
            raise FieldError("cell", key, near=f"{column.name}: {error}") from error
        if value is not None:
            cells[column.name] = cast("Cell", value)
        elif not column.optional:
            raise FieldError("cell", key, near=f"{column.name}: {FieldError('empty')}")
    return cells


def read_contact(typed: str) -> Contact:
    """`Name <address>` or a name alone. Raises `FieldError`."""
    found = _CONTACT.fullmatch(typed.strip())
    name = found["name"].strip() if found else ""
    if found is None or not name or not name.isprintable():
        raise FieldError("contact", typed.strip())
    address = found["address"]
    if address is not None and not _ADDRESS.fullmatch(address.strip()):
        raise FieldError("address", address)
    return Contact(name, address.strip() if address else None)


def _bool(fact: FactDef, typed: str) -> FactValue:
    if typed.lower() in _TRUE | _FALSE:
        return typed.lower() in _TRUE
    raise FieldError("bool")


def _text(fact: FactDef, typed: str) -> FactValue:
    if fact.web_address and not _WEB_ADDRESS.fullmatch(typed):
        raise FieldError("web_address", typed)
    return typed


def _document(fact: FactDef, typed: str) -> FactValue:
    if KEPT_DOCUMENT.fullmatch(typed):
        return typed
    raise FieldError("document")


def _int(fact: FactDef, typed: str) -> FactValue:
    if re.fullmatch(r"-?[0-9]{1,9}", typed):
        return int(typed)
    raise FieldError("int")


def _date(fact: FactDef, typed: str) -> FactValue:
    american = _AMERICAN.fullmatch(typed)
    try:
        if american:
            return dt.date(*(int(american[part]) for part in ("year", "month", "day")))
        return dt.date.fromisoformat(typed if _ISO.fullmatch(typed) else "")
    except ValueError as error:
        raise FieldError("date", typed) from error


def _instant(fact: FactDef, typed: str) -> FactValue:
    try:
        instant = dt.datetime.fromisoformat(typed)
    except ValueError as error:
        raise FieldError("instant", typed) from error
    if instant.tzinfo is None:
        raise FieldError("naive", typed)
    return instant.astimezone(dt.UTC)


def _choice(fact: FactDef, typed: str) -> FactValue:
    if typed in fact.type.options:
        return typed
    raise FieldError("choice", typed, near=nearest(typed, fact.type.options))


def _set(fact: FactDef, items: list[str]) -> FactValue:
    chosen = {part.strip() for item in items for part in item.split(",") if part.strip()}
    for option in sorted(chosen - set(fact.type.options)):
        raise FieldError("choice", option, near=nearest(option, fact.type.options))
    return frozenset(chosen)


def _contacts(fact: FactDef, typed: str) -> FactValue:
    """Contacts, one after another; `language=es`, `address=12 Oak St` and `paper` belong to the one before."""
    found: list[Contact] = []
    for part in (part.strip() for part in re.split(r"[\n;]", typed) if part.strip()):
        key, equals, value = (word.strip() for word in part.partition("="))
        if found and part == "paper":
            found[-1] = replace(found[-1], paper=True)
        elif found and key == "language":
            found[-1] = replace(found[-1], language=value)
        elif found and key == "address":
            found[-1] = replace(found[-1], address=value)
        elif equals:
            raise FieldError("contact_part", part)
        else:
            found.append(read_contact(part))
    if len(found) > MAX_CONTACTS:
        raise FieldError("contacts", most=str(MAX_CONTACTS))
    return tuple(found)


_READERS: Mapping[str, Callable[[FactDef, str], FactValue]] = {
    "bool": _bool,
    "text": _text,
    "int": _int,
    "date": _date,
    "instant": _instant,
    "choice": _choice,
    "contacts": _contacts,
    "document": _document,
    "person": _text,
    "agreement": _text,
}
