"""The test mail: the same words, looks and headers as every other mail, about nobody."""

from __future__ import annotations

import datetime as dt
from importlib.resources import files

from engine.model.office import Office
from engine.words import LANGUAGES
from notifiers import message, words
from notifiers.render import render_mail


def trial_mail(to: str, link: str, message_id: str, sender: str, office: Office, now: dt.datetime) -> bytes:
    """The whole mail, in the first language of the office. Raises `UsageError` for an address that SMTP can't carry."""
    language = next((one for one in office.languages if one in LANGUAGES), "en")
    name = f"mail_test.{language}.md"
    source = files("notifiers").joinpath("texts", name).read_text("utf-8")
    values = {**words.contact_words(office, office.today(now), language), "district": office.district, "link": link}
    rendered = render_mail(source, values, language, office.district, file=name)
    return message.build(rendered, sender=message.address(office.district, sender), to=message.address("", to),
                         message_id=message_id, date=now.astimezone(office.zone))
