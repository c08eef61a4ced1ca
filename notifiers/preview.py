"""Mails as an author sees them before there is a case: previewed with samples, and their faults found."""

from __future__ import annotations

import datetime as dt

from engine.errors import FaultyInput, SoppaError
from engine.faults import Fault, Mark
from engine.language.mailtexts import known_names
from engine.model.definition import Definition, MailDef
from engine.model.office import Office
from notifiers import words
from notifiers.compose import text_language, text_name
from notifiers.render import Rendered, parse, render_mail
from notifiers.sample import sample_words
from notifiers.words import Matter as Matter


def preview(definition: Definition, mail: MailDef, language: str, office: Office, today: dt.date) -> Rendered:
    """The mail with made-up values. Raises `FaultyInput` or `UsageError` as `render_mail` does."""
    language = text_language(mail, language)
    sample = sample_words(definition, mail, office, language, today)
    known = known_names(definition, mail)
    values = {name: value for name, value in sample.items() if name in known}
    values |= words.reference_words(office.references.values(), language)
    return render_mail(mail.texts[language], values, language, f"{office.district} · {sample['case']}",
                       file=text_name(definition, mail, language))


def text_faults(definition: Definition, today: dt.date, office: Office) -> list[Fault]:
    """What is wrong with the mails of a definition, each in each of its languages; empty when all of them render."""
    return [fault for mail in definition.mails.values() for language in sorted(mail.texts)
            for fault in _faults(definition, mail, language, today, office)]


def _faults(definition: Definition, mail: MailDef, language: str, today: dt.date, office: Office) -> list[Fault]:
    file = text_name(definition, mail, language)
    try:
        known = known_names(definition, mail) | words.reference_words(office.references.values(), language).keys()
        unknown = set(parse(mail.texts[language], file).names) - known
        if unknown:
            return [Fault(Mark(file, 1, 1), f"this mail cannot know '{name}': it is no declared fact or clock, it is "
                                            "personal, or it needs `task:`") for name in sorted(unknown)]
        preview(definition, mail, language, office, today)
    except FaultyInput as error:
        return list(error.faults)
    except SoppaError as error:
        return [Fault(Mark(file, 1, 1), str(error))]
    return []
