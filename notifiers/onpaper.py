"""Letters as texts: to one reader, with a code, or to many; composed from the same sources as the mails."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from engine.errors import UsageError
from engine.model.case import Contact
from engine.model.definition import MailDef
from engine.model.office import Office
from notifiers import words
from notifiers.compose import footer, own_name, own_text, text_language, text_name
from notifiers.letters import PaperLetter, address_lines, letters_pdf
from notifiers.render import Rendered, render_letter, render_mail
from notifiers.words import Matter as Matter


def letter(matter: Matter, mail: MailDef, key: str, office: Office, now: dt.datetime) -> str:
    """The mail as a page to print and post, for a reader without an address. It has no links: where a text reads one,
    the words for the district's office stand. Raises `UsageError` for a reader the case does not have."""
    reader = words.reader_of(key, matter.case, office)
    if reader is None:
        raise UsageError(f"case {matter.case.id} has no {key}: enter the reader first")
    language, today = text_language(mail, reader.language), office.today(now)
    values = {**words.office_words(reader, office, today, language),
              **words.case_words(matter.definition, matter.case, office, language),
              **words.started_words(mail.name, matter.definition, matter.case, today, office, language)}
    task = matter.case.open_task(mail.task) if mail.task else None
    if task is not None:
        values |= words.task_words(matter.definition, matter.case, task, office, language)
    rendered = _on_paper(matter, mail, values, language, office)
    return render_letter(rendered, district=office.district, name=reader.name, address=reader.address,
                         date=words.date_words(today, language), footer=footer(office, matter.case.id),
                         logo=office.logo)


def code_letter(matter: Matter, key: str, said: Mapping[str, str], office: Office, now: dt.datetime) -> str:
    """The letter with the `code` of a second channel, good `until` a day, as a page to print and post. Raises
    `UsageError` for a reader the case does not have."""
    reader = words.reader_of(key, matter.case, office)
    if reader is None:
        raise UsageError(f"case {matter.case.id} has no {key}: enter the reader first")
    language, source = own_text("letter_code", reader.language)
    today = office.today(now)
    values = {**words.office_words(reader, office, today, language), "case": matter.case.id, **said}
    rendered = render_mail(source, values, language, footer(office, matter.case.id), paper=True,
                           file=own_name("letter_code", language))
    return render_letter(rendered, district=office.district, name=reader.name, address=reader.address,
                         date=words.date_words(today, language), footer=footer(office, matter.case.id))


def letters_to_many(matter: Matter, mail: MailDef, of: Sequence[tuple[str, Contact]], office: Office,
                    now: dt.datetime) -> Mapping[str, bytes]:
    """Letters for some of an audience, by language one PDF in the order given; `of` are their numbers and whom they are
    for. Raises `UsageError` where one has no postal address."""
    today, found = office.today(now), dict[str, list[PaperLetter]]()
    for number, contact in of:
        reader = words.reader_of_contact("", contact)
        language = text_language(mail, reader.language)
        values = {**words.office_words(reader, office, today, language),
                  **words.case_words(matter.definition, matter.case, office, language)}
        rendered = _on_paper(matter, mail, values, language, office)
        address = address_lines(contact.name, contact.address)
        found.setdefault(language, []).append(PaperLetter(number, address, rendered))
    return {language: letters_pdf(letters, sender=(office.district,), district=office.district,
                                  date=words.date_words(today, language), footer=footer(office, matter.case.id),
                                  logo=office.logo)
            for language, letters in found.items()}


def _on_paper(matter: Matter, mail: MailDef, values: Mapping[str, str], language: str, office: Office) -> Rendered:
    return render_mail(mail.texts[language], values, language, footer(office, matter.case.id),
                       file=text_name(matter.definition, mail, language), paper=True)
