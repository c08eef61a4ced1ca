"""The words of the mail that asks a second person: what kind of act, who began it, until when, and where it waits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from engine.model.handed import OutboxRow
from engine.model.office import Office
from notifiers.words import date_words

_WHAT: Mapping[str, Mapping[str, str]] = {
    "later_legal_date": {"en": "moving a legal date later", "es": "pasar una fecha legal a más tarde"},
    "purge": {"en": "a purge of what need not be kept any more", "es": "borrar lo que ya no hace falta conservar"},
    "change_of_roles": {"en": "a change of roles", "es": "un cambio de funciones"},
}


def act_words(row: OutboxRow, office: Office, language: str) -> dict[str, str]:
    """Nothing of what would change: that stands on the page, behind a code."""
    person = office.person(row.words["begun_by"])
    until = dt.datetime.fromisoformat(row.words["until"])
    return {"what": _WHAT[row.words["act"]][language], "begun_by": person.name if person else row.words["begun_by"],
            "last_day": date_words(office.today(until), language),
            "link": f"{office.public_url}/confirm/{row.words['token']}"}
