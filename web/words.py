"""The pages' own words in English and Spanish; dates and values as a reader of the page would write them."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from importlib.resources import files

from engine.deciding.forms import file_name
from engine.errors import WrongDate
from engine.model.case import Contact, FactValue, Suggestion, TableRow
from engine.model.definition import FactDef, Words, say
from engine.model.office import Office
from engine.words import LANGUAGES as LANGUAGES

WORDS: Mapping[str, Words] = tomllib.loads(files("web").joinpath("words.toml").read_text(encoding="utf-8"))

_DAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
}
_MONTHS = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December"),
    "es": ("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
           "noviembre", "diciembre"),
}


def tell(key: str, language: str, **values: str) -> str:
    return say(WORDS[key], language).format_map(values)


def known_language(wanted: str) -> str:
    """A language that the pages speak, from a code or an Accept-Language header."""
    return next((part[:2] for part in wanted.lower().split(",") if part.strip()[:2] in LANGUAGES), "en")


def suggestion_words(fact: FactDef, last: Suggestion, language: str) -> str:
    """Where a suggestion comes from: an earlier case, or a count of earlier cases."""
    if fact.tally is None:
        return tell("last_answer", language, date=date_words(last.on, language))
    return tell("counted", language, cases=last.case) if last.case else tell("counted_none", language)


def date_words(day: dt.date, language: str) -> str:
    """Weekday, month, day and year, as the language writes them."""
    weekday, month = _DAYS[language][day.weekday()], _MONTHS[language][day.month - 1]
    if language == "es":
        return f"{weekday}, {day.day} de {month} de {day.year}"
    return f"{weekday}, {month} {day.day}, {day.year}"


def instant_words(instant: dt.datetime, office: Office, language: str) -> str:
    """The local date and time of the district."""
    local = instant.astimezone(office.zone)
    if language == "es":
        return f"{date_words(local.date(), language)}, {local:%H:%M}"
    half = "am" if local.hour < 12 else "pm"
    return f"{date_words(local.date(), language)}, {local.hour % 12 or 12}:{local:%M} {half}"


def date_problem(error: WrongDate, language: str) -> str:
    """What is wrong with a date, beside its field."""
    if error.why == "future":
        return tell("future", language)
    return tell(f"date_{error.why}", language, date=date_words(error.other, language), label=say(error.label, language))


def fact_lines(fact: FactDef, value: FactValue, office: Office, language: str) -> tuple[str, ...]:
    """A fact's value for people, one line a part."""
    if fact.type.kind == "document":
        name = file_name(str(value))
        return (tell("document_called", language, name=name) if name else tell("document_on_file", language),)
    if fact.type.kind == "person":
        person = office.person(str(value))
        return (person.name if person else str(value),)
    if isinstance(value, frozenset) and fact.type.kind == "agreements":
        return tuple(sorted(value))
    if isinstance(value, frozenset):
        return tuple(option_words(fact, option, language) for option in fact.type.options if option in value)
    if isinstance(value, tuple):
        return tuple(_line(fact, item, office, language) for item in value)
    return (_single(fact, value, office, language),)


def _line(fact: FactDef, item: Contact | TableRow, office: Office, language: str) -> str:
    """One contact, or one row of a table: its label, and each cell with its column's."""
    if isinstance(item, Contact):
        return contact_line(item)
    label = fact.option_labels.get(item.key)
    cells = [f"{say(column.label, language)}: {_single(column, item.cells[name], office, language)}"
             for name, column in fact.columns.items() if name in item.cells]
    return f"{say(label, language) if label else item.key} – {'; '.join(cells)}"


def option_words(fact: FactDef, option: str, language: str) -> str:
    label = fact.option_labels.get(option)
    return say(label, language) if label else option.replace("_", " ")


def contact_line(contact: Contact) -> str:
    """As it is typed: what is not so by itself stands behind it."""
    line = f"{contact.name} <{contact.email}>" if contact.email else contact.name
    line += f"; language={contact.language}" if contact.language != "en" else ""
    line += f"; address={contact.address}" if contact.address else ""
    return f"{line}; paper" if contact.paper else line


def _single(fact: FactDef, value: bool | int | str | dt.date, office: Office, language: str) -> str:
    if isinstance(value, bool):
        return tell("yes" if value else "no", language)
    if isinstance(value, dt.datetime):
        return instant_words(value, office, language)
    if isinstance(value, dt.date):
        return date_words(value, language)
    return option_words(fact, str(value), language) if fact.type.kind == "choice" else str(value)
