"""The values that a mail may use: a flat dict of short texts, allow-listed, without anything personal.

Their names stand in `engine.language.mailtexts`. Dates are local and written out: weekday, month, day, year. Values
that are not known are absent, for `has` to ask.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from engine.deciding.expecting import Expected, started_by, state_until
from engine.deciding.holds import waits
from engine.model.case import Case, Clock, Contact, FactValue, TableRow, Task
from engine.model.decisions import reasons
from engine.model.definition import ClockDef, Definition, FactDef, say
from engine.model.kinds import kind_expected, kind_of_date
from engine.model.office import Office, Person, Reference

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
_PHRASES: Mapping[str, Mapping[str, str]] = {
    "legal": {"en": "legal deadline", "es": "plazo legal"},
    "window": {"en": "last day", "es": "último día"},
    "contract": {"en": "day set by our agreement", "es": "fecha fijada por nuestro acuerdo"},
    "agreed": {"en": "day agreed in writing", "es": "fecha acordada por escrito"},
    "target": {"en": "district target", "es": "meta del distrito"},
    "duty_without_date": {"en": "legal duty without a date", "es": "obligación legal sin fecha"},
    "soon": {"en": "as soon as we can; the law sets no date", "es": "lo antes posible; la ley no fija una fecha"},
    "held": {"en": "no date while law enforcement asks us to wait",
             "es": "sin fecha mientras la policía nos pida esperar"},
    "on_hold": {"en": "But it has to wait: a law-enforcement agency has asked in writing that parents and the public "
                      "are not told yet. A mail says when it goes on.",
                "es": "Pero debe esperar: una autoridad policial ha pedido por escrito que todavía no se informe a los "
                      "padres ni al público. Un correo le dirá cuándo continúa."},
    "provisional": {"en": " (provisional: the school calendar for that year is not known yet)",
                    "es": " (provisional: aún no se conoce el calendario escolar de ese año)"},
    "yes": {"en": "yes", "es": "sí"},
    "no": {"en": "no", "es": "no"},
    "at": {"en": "at", "es": "a las"},
    "office": {"en": "the privacy office", "es": "la oficina de privacidad"},
    "no_phone": {"en": "the district's main number", "es": "número principal del distrito"},
    "letter": {"en": "by letter to the district", "es": "por carta al distrito"},
    "and": {"en": "and", "es": "y"},
}

ALARMS_ES = {"backup": "copia de seguridad", "disk": "disco", "certificate": "certificado"}


@dataclass(frozen=True, slots=True)
class Matter:
    """A case with the definition it runs on."""

    case: Case
    definition: Definition


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads one mail. `key` is the outbox's `party:NAME`, `person:ID` or `contact:KEY`."""

    key: str
    name: str
    email: str | None
    language: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class OfficeNews:
    """What only the privacy officer's brief says: the latest seal, the translated mails in use that nobody has
    reviewed, such as `correction_request.receipt.es`, and the school years whose days of attendance are wanted.
    `opens_week`: it is the first of its week, and is sent though it may have no lines."""

    seal: str | None = None
    unreviewed: tuple[str, ...] = ()
    school_years: tuple[str, ...] = ()
    opens_week: bool = False


NO_NEWS = OfficeNews()


def reader_of(key: str, case: Case | None, office: Office) -> Reader | None:
    """The reader as the case and the office know them now; None when they are gone."""
    kind, _, name = key.partition(":")
    if kind == "party":
        return None if case is None else _party(key, case.parties.get(name))
    person = office.person(name)
    return None if person is None or not person.active else Reader(key, person.name, person.email, person.language)


def _party(key: str, contact: Contact | None) -> Reader | None:
    return None if contact is None else reader_of_contact(key, contact)


def reader_of_contact(key: str, contact: Contact) -> Reader:
    """Somebody outside the district, who may read no mail."""
    return Reader(key, contact.name, contact.email if contact.reads_mail else None, contact.language, contact.address)


def office_words(reader: Reader, office: Office, today: dt.date, language: str) -> dict[str, str]:
    """What every mail has."""
    return {"recipient_name": reader.name, **_of_office(office, today, language)}


@lru_cache(maxsize=8)
def _of_office(office: Office, today: dt.date, language: str) -> Mapping[str, str]:
    """The same for all mails of a batch."""
    contact = contact_words(office, today, language)
    month = office.attestation_month
    return {**({"attestation_month": month_words(dt.date(2000, month, 1), language)} if month else {}),
            "district": office.district, "today": date_words(today, language), "packet_days": str(office.packet_days),
            **reference_words(office.references.values(), language), **contact, **other_contacts(office, contact)}


def reference_words(references: Iterable[Reference], language: str) -> dict[str, str]:
    """The texts of reference data by `ref_NAME_TEXT`."""
    return {f"ref_{one.name}_{name}": say(texts, language) for one in references for name, texts in one.texts.items()}


def news_words(news: OfficeNews, language: str) -> dict[str, str]:
    """`seal`, `school_years` with their names, and `unreviewed` as a count in words."""
    values = {"seal": news.seal} if news.seal else {}
    if news.school_years:
        values["school_years"] = f" {_PHRASES['and'][language]} ".join(news.school_years)
    if news.unreviewed:
        values["unreviewed"] = _unreviewed(news.unreviewed, language)
    return values


def _unreviewed(names: Sequence[str], language: str) -> str:
    count, spanish = len(names), all(name.endswith(".es") for name in names)
    if language == "es":
        which = "en español" if spanish else "traducidos"
        return f"correos {which} en uso que nadie ha revisado todavía: {count}"
    which = "Spanish" if spanish else "translated"
    return f"{count} {which} mail in use is" if count == 1 else f"{count} {which} mails in use are"


def case_words(definition: Definition, case: Case, office: Office, language: str) -> dict[str, str]:
    """What every mail of a case has besides; nothing personal."""
    values = {"case": case.id, "process": say(definition.title, language),
              "state": say(definition.states[case.state].title, language)}
    if case.parent is not None:
        values["parent_case"] = case.parent
    until = state_until(definition, case, office)
    if until is not None:
        values["state_until"] = _expected(until, language)
    for clock in case.clocks.values():
        values.update(_clock_words(definition.clocks[clock.name], clock, language))
    for name, value in case.facts.items():
        known = definition.fact(name)
        if known is not None and not known.personal:
            values[f"fact_{name}"] = fact_words(known, value, office, language)
            if known.type.kind == "date" and isinstance(value, dt.date):
                values[f"fact_{name}_month"] = month_words(value, language)
    for name in definition.decisions:
        because = " ".join(say(reason, language) for reason in reasons(definition, case, name))
        values |= {f"because_{name}": because} if because else {}
    return {**values, **_legal_words(definition, case, language)}


def started_words(mail: str, definition: Definition, case: Case, today: dt.date, office: Office, language: str
                  ) -> dict[str, str]:
    """The dates of the clocks that begin when this mail is told, as if it were today."""
    values: dict[str, str] = {}
    for clock, expected in started_by(mail, definition, case, today, office):
        values |= {f"clock_{clock.name}": _expected(expected, language),
                   f"clock_{clock.name}_kind": phrase(kind_expected(clock, expected.length), language)}
    return values


def _expected(expected: Expected, language: str) -> str:
    return date_words(expected.day, language) + (phrase("provisional", language) if expected.provisional else "")


def task_words(definition: Definition, case: Case, task: Task, office: Office, language: str) -> dict[str, str]:
    wanted = definition.task(task)
    values = {"task": task.title if wanted is None else definition.named(wanted.title, case.facts, language)}
    if task.due is not None:
        values["due"] = date_words(task.due, language)
    absent = office.person(task.instead_of) if task.instead_of else None
    if absent is not None:
        values["instead_of"] = absent.name
    if waits(definition, case, task):
        values["on_hold"] = phrase("on_hold", language)
    return values


@lru_cache(maxsize=8)
def contact_words(office: Office, today: dt.date, language: str) -> Mapping[str, str]:
    """Whom to ask: the district's contact `privacy` ('name, mail, telephone'), else who holds that role today."""
    written = [part.strip() for part in office.contacts.get("privacy", "").split(",") if part.strip()]
    email = next((part for part in written if "@" in part), "")
    phone = next((part for part in written if part.lstrip("+(")[:1].isdigit()), "")
    name = next((part for part in written if part not in (email, phone)), "")
    holder = next(iter(office.holders("privacy", today)), None)
    person: Person | None = holder.person if holder else None
    return {
        "contact_name": name or (person.name if person else phrase("office", language)),
        "contact_email": email or (person.email if person else phrase("letter", language)),
        "contact_phone": phone or phrase("no_phone", language),
    }


def other_contacts(office: Office, known: Mapping[str, str]) -> dict[str, str]:
    """Whom to ask about teaching with a product and about AI; the privacy office where the district names nobody."""
    privacy = ", ".join(known[name] for name in ("contact_name", "contact_email", "contact_phone"))
    return {f"contact_{name}": office.contacts.get(name) or privacy for name in ("edtech", "ai")}


def month_words(day: dt.date, language: str) -> str:
    return _MONTHS["es" if language == "es" else "en"][day.month - 1]


def date_words(day: dt.date, language: str) -> str:
    """`Monday, April 10, 2028`; in Spanish `lunes, 10 de abril de 2028`."""
    names = "es" if language == "es" else "en"
    weekday, month = _DAYS[names][day.weekday()], _MONTHS[names][day.month - 1]
    if names == "es":
        return f"{weekday}, {day.day} de {month} de {day.year}"
    return f"{weekday}, {month} {day.day}, {day.year}"


def phrase(name: str, language: str) -> str:
    return say(_PHRASES[name], language)


def fact_words(fact: FactDef, value: FactValue, office: Office, language: str) -> str:
    """A fact's value in words; options by their labels, a person by name."""
    if isinstance(value, bool):
        return phrase("yes" if value else "no", language)
    if isinstance(value, dt.datetime):
        return instant_words(value, office, language)
    if isinstance(value, dt.date):
        return date_words(value, language)
    if isinstance(value, frozenset):
        return listed([_option(fact, item, language) for item in sorted(value)], language)
    if isinstance(value, tuple):
        return listed([item.key if isinstance(item, TableRow) else item.name for item in value], language)
    if fact.type.kind == "document":  # how its file was called may name a child
        return str(value).partition(" ")[0]
    person = office.person(str(value)) if fact.type.kind == "person" else None
    return person.name if person else _option(fact, str(value), language)


def instant_words(instant: dt.datetime, office: Office, language: str) -> str:
    """The local day and time."""
    local = instant.astimezone(office.zone)
    at = "a la" if language == "es" and local.hour == 1 else phrase("at", language)
    return f"{date_words(local.date(), language)}, {at} {_time_words(local, language)}"


def while_off_words(said: Mapping[str, str], office: Office, language: str) -> dict[str, str]:
    """From when to when nothing was done, and how many things were due then."""
    number = int(said["done"])
    things = ("cosa" if number == 1 else "cosas") if language == "es" else ("thing" if number == 1 else "things")
    times = {name: instant_words(dt.datetime.fromisoformat(said[name]), office, language)
             for name in ("off_from", "back_at")}
    return {**times, "done": f"{number} {things}"}


def quota_words(said: Mapping[str, str], language: str) -> dict[str, str]:
    """How many mails wait, how many the relay takes in a day, and the day on which it goes on."""
    number = int(said["waiting"])
    if language == "es":
        waits = "1 correo espera" if number == 1 else f"{number:,} correos esperan"
    else:
        waits = "1 mail waits" if number == 1 else f"{number:,} mails wait"
    goes_on = dt.date.fromisoformat(said["goes_on"])
    return {"waiting": waits, "quota": f"{int(said['quota']):,}", "goes_on": date_words(goes_on, language)}


def alarm_words(said: Mapping[str, str], language: str) -> dict[str, str]:
    """What is wrong, by the name that the screens have for it, or in Spanish."""
    says = said.get(f"says_{language}") or said["says"]
    return {"what": ALARMS_ES.get(said["what"], said["what"]) if language == "es" else said["what"], "says": says}


def _time_words(local: dt.datetime, language: str) -> str:
    if language == "es":
        return f"{local.hour}:{local.minute:02d}"
    return f"{local.hour % 12 or 12}:{local.minute:02d} {'a.m.' if local.hour < 12 else 'p.m.'}"


def _option(fact: FactDef, value: str, language: str) -> str:
    label = fact.option_labels.get(value)
    return say(label, language) if label else value


def listed(words: list[str], language: str) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {phrase('and', language)} {words[-1]}"


def _clock_words(wanted: ClockDef, clock: Clock, language: str) -> Iterator[tuple[str, str]]:
    held = any(hold.released is None for hold in clock.holds)
    if clock.legal is not None:
        text = date_words(clock.legal, language) + (phrase("provisional", language) if clock.provisional else "")
    else:
        text = phrase("held" if held else "soon", language)
    yield f"clock_{clock.name}", text
    yield f"clock_{clock.name}_kind", phrase(kind_of_date(wanted, clock), language)


def _legal_words(definition: Definition, case: Case, language: str) -> dict[str, str]:
    first = first_legal(definition, case)
    if first is None or first.legal is None:
        return {}
    return {"legal_due": date_words(first.legal, language),
            "legal_title": say(definition.clocks[first.name].title, language)}


def first_legal(definition: Definition, case: Case) -> Clock | None:
    """The running clock of the district's own duties with the earliest legal date."""
    own = [clock for clock in case.clocks.values()
           if clock.status == "running" and clock.legal is not None and _is_own(definition.clocks[clock.name])]
    return min(own, key=lambda clock: (clock.legal or dt.date.max, clock.name), default=None)


def _is_own(wanted: ClockDef) -> bool:
    return not wanted.window and wanted.rule.duty_of == "district" and wanted.rule.certainty != "D"


def about(case_id: str | None, language: str) -> str:
    """What a code is for: a case, or the pages of the office."""
    if case_id is None:
        return "las páginas de la oficina de privacidad" if language == "es" else "the privacy office's pages"
    return f"el caso {case_id}" if language == "es" else f"case {case_id}"
