"""A made-up value for everything that a mail may say, for previews: dates as a real case would have them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from engine.model.definition import ClockDef, Definition, FactDef, MailDef, TaskDef, say
from engine.model.kinds import kind_expected
from engine.model.office import Office
from engine.proof.sampledates import CONTRACT_DAYS, SampleDates, sample_dates
from notifiers.words import date_words, instant_words, month_words, phrase

AFTERNOON = dt.time(15, 0)
_NAMES: Mapping[str, str] = {"person": "Sam Lee", "contacts": "Reader Inc", "agreement": "A-0001",
                             "agreements": "A-0001", "int": str(CONTRACT_DAYS)}


def sample_words(definition: Definition, mail: MailDef, office: Office, language: str, today: dt.date
                 ) -> dict[str, str]:
    dates = sample_dates(definition, today, office.calendars)
    values = {
        "case": f"{today.year}-0001", "parent_case": f"{today.year}-0002", "process": say(definition.title, language),
        "state": say(definition.initial.title, language), "district": office.district,
        "today": date_words(dates.today, language), "recipient_name": "Alex Rivera", "contact_name": "Dana Brooks",
        "contact_email": "privacy@district.example", "contact_phone": "555-0100",
        "contact_edtech": "Edie Nakamura, edtech@district.example", "contact_ai": "Ivan Petrov, ai@district.example",
        "packet_days": str(office.packet_days), "attestation_month": "March", "instead_of": "Sam Lee",
        "state_until": date_words(dates.state_until(mail), language),
        "link": "https://district.example/t/sample", "status_link": "https://district.example/s/sample",
        **_task(definition, mail, dates, language),
    }
    for name, clock in definition.clocks.items():
        values |= _clock(name, clock, dates, language)
    values |= _first_legal(definition, dates, language)
    for fact in definition.facts.values():
        if not fact.personal:
            values |= _fact(fact, dates, office, language)
    for decision in definition.decisions.values():
        because = " ".join(say(reason.text, language) for reason in decision.reasons)
        values |= {f"because_{decision.fact}": because} if because else {}
    return values


def _task(definition: Definition, mail: MailDef, dates: SampleDates, language: str) -> dict[str, str]:
    task = _of_mail(definition, mail)
    if task is None:
        return {}
    return {"task": say(task.title, language), "due": date_words(dates.due(task), language)}


def _of_mail(definition: Definition, mail: MailDef) -> TaskDef | None:
    found = (state.task(mail.task) for state in definition.states.values() if mail.task)
    return next((task for task in found if task is not None), None)


def _clock(name: str, wanted: ClockDef, dates: SampleDates, language: str) -> dict[str, str]:
    derived = dates.clock(name)
    if derived is None or derived.legal is None:
        kind, text = "duty_without_date", phrase("soon", language)
    else:
        kind, text = kind_expected(wanted, derived.rule.length), date_words(derived.legal, language)
    return {f"clock_{name}": text, f"clock_{name}_kind": phrase(kind, language)}


def _first_legal(definition: Definition, dates: SampleDates, language: str) -> dict[str, str]:
    """The earliest date of a duty of the district's own."""
    own = [clock for clock in definition.clocks.values()
           if clock.rule.kind_of_date == "legal deadline" and clock.rule.duty_of == "district"]
    found = [(derived.legal, clock) for clock in own if (derived := dates.clock(clock.name)) and derived.legal]
    if not found:
        return {}
    legal, clock = min(found, key=lambda pair: (pair[0], pair[1].name))
    return {"legal_due": date_words(legal, language), "legal_title": say(clock.title, language)}


def _fact(fact: FactDef, dates: SampleDates, office: Office, language: str) -> dict[str, str]:
    name = f"fact_{fact.name}"
    if fact.type.kind == "date":
        day = dates.fact(fact.name)
        return {name: date_words(day, language), f"{name}_month": month_words(day, language)}
    if fact.type.kind == "instant":
        at = dt.datetime.combine(dates.fact(fact.name), AFTERNOON, office.zone)
        return {name: instant_words(at, office, language)}
    return {name: _words(fact, language)}


def _words(fact: FactDef, language: str) -> str:
    if fact.type.kind == "bool":
        return phrase("yes", language)
    if fact.type.options:
        first = fact.type.options[0]
        return say(fact.option_labels[first], language) if first in fact.option_labels else first
    return _NAMES.get(fact.type.kind, say(fact.label, language))
