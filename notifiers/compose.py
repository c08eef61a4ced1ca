"""From an outbox row to the bytes of its mail: who reads it, which words, which links."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from engine.errors import UsageError
from engine.language.mailtexts import unreviewed
from engine.law.calendar import school_year_name, years_to_load
from engine.model.case import Case, Contact, Task
from engine.model.definition import Definition, LinkLevel, MailDef, told
from engine.model.handed import RECIPIENT, BriefLine, NewLink, OutboxRow
from engine.model.office import Office
from engine.ports import Definitions, OfficeMaker, Outbox, Store
from engine.proof.configurations import watched_events
from notifiers import brief, message, outlook, words
from notifiers.acts import act_words
from notifiers.agenda import Entry, calendar_file, entry_of_mail, entry_of_task
from notifiers.contacts import astray, reader_of_lines
from notifiers.outlook import NO_OUTLOOK, Outlook, of_duties, read_outlook
from notifiers.render import Rendered, parse, render_mail
from notifiers.words import NO_NEWS, OfficeNews, Reader
from notifiers.words import Matter as Matter

BRIEF, CONTACT_BRIEF, TASK, NUDGE = "brief", "contact_brief", "task", "nudge"
NOTICES = ("code", "fresh_link", "already_decided", "act", "while_off", "glass_broken", "set_back", "vouch", "quota",
           "alarm", "on_hold", "off_hold")
"""Mails that somebody, or the daemon, has just brought about; their row carries words of its own."""

AFTER_DUE = dt.timedelta(days=30)
AT_LEAST = dt.timedelta(days=60)
NUDGE_LIFE = dt.timedelta(days=14)


class NoAddress(UsageError):
    """The reader reads no mail: tell them on paper."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Who the mails come from, and where new link tokens come from (32 random bytes, safe in a URL)."""

    sender: str
    sender_name: str
    new_token: Callable[[], str]

    @property
    def domain(self) -> str:
        return message.domain_of(self.sender)


@dataclass(frozen=True, slots=True)
class Composed:
    """A mail ready to be stored and sent. The tokens of `links` stand in `raw` only."""

    address: str
    message_id: str
    raw: bytes
    links: tuple[NewLink, ...] = ()


@dataclass(slots=True)
class _Draft:
    """One mail in the making: the links that its text asked for."""

    office: Office
    desk: Desk
    reader: Reader
    now: dt.datetime
    links: list[NewLink]

    @property
    def today(self) -> dt.date:
        return self.office.today(self.now)

    def task_link(self, matter: Matter, task: Task, reader: str | None = None) -> str:
        """The link of a task; `reader` is who it is for, where the mail gathers what several readers are asked."""
        wanted = matter.definition.task(task)
        level: LinkLevel = "code" if wanted is None else wanted.link
        token = self.desk.new_token()
        self.links.append(NewLink(token_hash(token), "task", matter.case.id, reader or self.reader.key, level,
                                  _expiry(task, self.office, self.now), task.id, task.generation))
        return f"{self.office.public_url}/t/{token}"

    def nudge_link(self, matter: Matter, task: Task) -> str:
        """Where its reader asks once more whoever a task waits for."""
        token, ends = self.desk.new_token(), self.now + NUDGE_LIFE
        self.links.append(NewLink(token_hash(token), "nudge", matter.case.id, self.reader.key, "code", ends, task.id,
                                  task.generation))
        return f"{self.office.public_url}/n/{token}"

    def status_link(self, case: Case, reader: str | None = None) -> str:
        token, ends = self.desk.new_token(), self.now + AT_LEAST
        self.links.append(NewLink(token_hash(token), "status", case.id, reader or self.reader.key, "code", ends))
        return f"{self.office.public_url}/s/{token}"


ComposeOne = Callable[[OutboxRow], Composed | None]
Compose = Callable[[Sequence[OutboxRow], dt.datetime], ComposeOne]
"""Looks once at what some rows need, and gives what composes each of them."""


def composer(store: Store, outbox: Outbox, definitions: Definitions, make_office: OfficeMaker, desk: Desk) -> Compose:
    """Composes from what the store says at that moment. What it gives is described at `compose`."""
    return _Composer(store, outbox, definitions, make_office, desk).for_rows


@dataclass(frozen=True, slots=True)
class _Composer:
    store: Store
    outbox: Outbox
    definitions: Definitions
    make_office: OfficeMaker
    desk: Desk

    def for_rows(self, rows: Sequence[OutboxRow], now: dt.datetime) -> ComposeOne:
        """Briefs and what cannot be read here are looked up one by one, so that a sick one fails alone."""
        plain = [row for row in rows if row.mail != BRIEF]
        if not plain:
            return lambda row: self.composed(row, now)
        with self.store.read() as unit:
            office = self.make_office(unit.people())
            cases = unit.cases(row.case_id for row in plain if row.case_id)
            ones = unit.some_of_audience(row.recipient for row in plain if row.recipient.startswith(RECIPIENT))

        def one(row: OutboxRow) -> Composed | None:
            case = cases.get(row.case_id or "")
            if row.mail == BRIEF or (row.case_id and case is None):
                return self.composed(row, now)
            matters = {} if case is None else {case.id: self._matter(case)}
            return compose(row, matters, (), office, self.desk, now, one=ones.get(row.recipient))

        return one

    def composed(self, row: OutboxRow, now: dt.datetime) -> Composed | None:
        lines = self.outbox.brief_lines(row) if row.mail == BRIEF else ()
        with self.store.read() as unit:
            office = self.make_office(unit.people())
            is_officers = _is_officers(row, office, office.today(now))
            officer = row.recipient.removeprefix("person:")
            ahead = read_outlook(unit, officer, office.today(now)) if is_officers else NO_OUTLOOK
            wanted = {line.case_id for line in lines} | ({row.case_id} if row.case_id else set()) | ahead.cases
            cases = [unit.case(case_id) for case_id in sorted(wanted)]
            one = unit.one_of_audience(row.recipient) if row.recipient.startswith(RECIPIENT) else None
        matters = {case.id: self._matter(case) for case in cases}
        if row.to_contact:
            lines = self._still_theirs(row, brief.wanted(lines, matters), matters, office, now)
        news = self._for_officer(row, office, now) if is_officers else NO_NEWS
        return compose(row, matters, lines, office, self.desk, now, news, one, of_duties(ahead, matters))

    def _still_theirs(self, row: OutboxRow, lines: Sequence[BriefLine], matters: Mapping[str, Matter], office: Office,
                      now: dt.datetime) -> Sequence[BriefLine]:
        """The lines of a contact's mail; those whose party has another address now, or none, are passed on."""
        gone = astray(row.recipient, lines, matters, office, office.today(now), self.outbox.contact_key)
        for line, readers in gone.items():
            self.outbox.pass_on(row, line, readers, now)
        return [line for line in lines if line not in gone]

    def _for_officer(self, row: OutboxRow, office: Office, now: dt.datetime) -> OfficeNews:
        """The latest seal; with the first brief of a week how many mails in use nobody has reviewed, and which school
        years are wanted."""
        if not self.outbox.opens_week(row):
            return OfficeNews(self.outbox.seal(now))
        with self.store.read() as unit:
            in_use = unit.in_use()
        names = {f"{process}.{name}" for process, version, digest in in_use
                 for name in unreviewed(self._pinned(process, version, digest))}
        wanted = years_to_load(office.calendars.school, office.today(now))
        return OfficeNews(self.outbox.seal(now), tuple(sorted(names)), tuple(map(school_year_name, wanted)), True)

    def _matter(self, case: Case) -> Matter:
        return Matter(case, self._pinned(case.process, case.version, case.hash))

    def _pinned(self, process: str, version: int, digest: str) -> Definition:
        return self.definitions.pinned(process, version, digest)


def compose(row: OutboxRow, matters: Mapping[str, Matter], lines: Sequence[BriefLine], office: Office, desk: Desk,
            now: dt.datetime, news: OfficeNews = NO_NEWS, one: Contact | None = None, ahead: Outlook = NO_OUTLOOK
            ) -> Composed | None:
    """The mail of a row, `one` being whom a copy of a mail to many is for; None when there is nothing to say any more
    (task closed or somebody else's, code run out).

    Raises `NoAddress` when the reader reads no mail, `UsageError` or `FaultyInput` when the text cannot be rendered.
    """
    matter = matters.get(row.case_id or "")
    wanted = brief.wanted(lines, matters)
    if row.mail == BRIEF and not wanted and not news.opens_week:
        return None
    reader = _reader(row, wanted, matters, office, one)
    if reader is None or not reader.email:
        raise NoAddress(f"mail '{row.mail}' has no address to go to: tell {row.recipient} on paper or enter an address")
    draft = _Draft(office, desk, reader, now, [])
    if row.mail == BRIEF:
        return _brief(row, draft, matters, wanted, news, ahead)
    if row.mail in NOTICES:
        return _notice(row, draft, matter)
    if matter is None:
        raise UsageError(f"mail '{row.mail}' belongs to no case")
    return _task(row, draft, matter) if row.mail in (TASK, NUDGE) else _told(row, draft, matter)


def _reader(row: OutboxRow, lines: Sequence[BriefLine], matters: Mapping[str, Matter], office: Office,
            one: Contact | None) -> Reader | None:
    if one is not None:
        return words.reader_of_contact(row.recipient, one)
    if row.to_contact:
        return reader_of_lines(row.recipient, lines, matters)
    matter = matters.get(row.case_id or "")
    return words.reader_of(row.recipient, matter.case if matter else None, office)


def token_hash(token: str) -> str:
    """What is stored of a link's token."""
    return hashlib.sha256(token.encode()).hexdigest()


# --- the kinds -------------------------------------------------------------------------------------------------------


def _task(row: OutboxRow, draft: _Draft, matter: Matter) -> Composed | None:
    task = matter.case.task(row.task_id or "")
    if task is None or not _still_asked(row, task):
        return None
    language, source = own_text(row.mail, draft.reader.language)
    values = {**_matter_words(draft, matter, language),
              **words.task_words(matter.definition, matter.case, task, draft.office, language),
              **row.words, "link": draft.task_link(matter, task)}
    rendered = render_mail(source, values, language, footer(draft.office, matter.case.id),
                           file=own_name(row.mail, language))
    entry = entry_of_task(task, values["task"], language) if row.mail == TASK else None
    return _built(row, draft, rendered, _attached(draft, matter, entry))


def _notice(row: OutboxRow, draft: _Draft, matter: Matter | None) -> Composed | None:
    if "until" in row.words and dt.datetime.fromisoformat(row.words["until"]) <= draft.now:
        return None
    language, source = own_text(row.mail, draft.reader.language)
    values = words.office_words(draft.reader, draft.office, draft.today, language)
    values |= {"about": words.about(row.case_id, language)} | dict(row.words)
    if row.mail == "act":
        values |= act_words(row, draft.office, language)
    if row.mail == "while_off":
        values |= words.while_off_words(row.words, draft.office, language)
    if row.mail == "vouch":
        values |= {"link": f"{draft.office.public_url}/vouch/{row.case_id}"}
    if row.mail == "quota":
        values |= words.quota_words(row.words, language)
    if row.mail == "alarm":
        values |= words.alarm_words(row.words, language)
    if row.mail == "set_back":
        values |= {"since": words.instant_words(dt.datetime.fromisoformat(row.words["since"]), draft.office, language)}
    if matter is not None:
        values |= {"case": matter.case.id} | _fresh_words(row, draft, matter, language)
    if row.mail == "fresh_link" and "link" not in values:
        return None
    rendered = render_mail(source, values, language, footer(draft.office, row.case_id),
                           file=own_name(row.mail, language))
    return _built(row, draft, rendered, None)


def _fresh_words(row: OutboxRow, draft: _Draft, matter: Matter, language: str) -> dict[str, str]:
    """The link of a fresh-link notice and the words of its task; no link when the task is not open any more."""
    if row.mail != "fresh_link":
        return {}
    if row.task_id is None:
        return {"link": draft.status_link(matter.case)}
    task = matter.case.task(row.task_id)
    if task is None or not _is_asked(row.recipient, task):
        return {}
    said = words.task_words(matter.definition, matter.case, task, draft.office, language)
    return {**said, "link": draft.task_link(matter, task)}


def _still_asked(row: OutboxRow, task: Task) -> bool:
    """A task's first mail belongs to its generation; a nudge to whoever is asked when it is written."""
    return _is_asked(row.recipient, task) and (row.mail == NUDGE or row.occurrence == str(task.generation))


def _is_asked(recipient: str, task: Task) -> bool:
    kind, _, name = recipient.partition(":")
    return task.is_open and (task.party == name if kind == "party" else name in task.assignees)


def _told(row: OutboxRow, draft: _Draft, matter: Matter) -> Composed | None:
    mail = matter.definition.mails.get(row.mail)
    if mail is None:
        raise UsageError(f"process '{matter.definition.process}' has no mail '{row.mail}'")
    language = text_language(mail, draft.reader.language)
    source, file = mail.texts[language], text_name(matter.definition, mail, language)
    template = parse(source, file)
    names = template.names
    task = matter.case.open_task(mail.task) if mail.task else None
    if mail.task and task is None and "link" in template.needed and not _is_awaited(matter, mail):
        return None
    values = _matter_words(draft, matter, language)
    values |= words.started_words(mail.name, matter.definition, matter.case, draft.today, draft.office, language)
    if task is not None:
        values |= words.task_words(matter.definition, matter.case, task, draft.office, language)
    values |= {name: url for name in sorted(names) if (url := _told_link(name, draft, matter, mail, task)) is not None}
    rendered = render_mail(source, values, language, footer(draft.office, matter.case.id), file=file)
    entry = entry_of_mail(matter.definition, matter.case, mail, task, frozenset(names), draft.office, draft.now,
                          language)
    return _built(row, draft, rendered, _attached(draft, matter, entry))


def _is_awaited(matter: Matter, mail: MailDef) -> bool:
    """Whether the case waits to hear that this mail has left; else one that asked for what is answered now is idle."""
    return told(mail.name) in watched_events(matter.definition)


def _told_link(name: str, draft: _Draft, matter: Matter, mail: MailDef, task: Task | None) -> str | None:
    """The link that a text asks for by this name; None for other names, and for a task that is not open."""
    if name == "link" and task is not None:
        return draft.task_link(matter, task)
    wanted = name == "status_link" or (name == "link" and mail.task is None)
    return draft.status_link(matter.case) if wanted and mail.to.kind == "party" else None


def _matter_words(draft: _Draft, matter: Matter, language: str) -> dict[str, str]:
    return {**words.office_words(draft.reader, draft.office, draft.today, language),
            **words.case_words(matter.definition, matter.case, draft.office, language)}


def _attached(draft: _Draft, matter: Matter, entry: Entry | None) -> bytes | None:
    if entry is None:
        return None
    return calendar_file(entry, matter.case, draft.office, draft.desk.domain, draft.now)


def _expiry(task: Task, office: Office, now: dt.datetime) -> dt.datetime:
    """30 days after the task's date or 60 days from now, whichever is later."""
    least = now + AT_LEAST
    return least if task.due is None else max(least, office.at_local(task.due + AFTER_DUE, 23, 59))


def _built(row: OutboxRow, draft: _Draft, rendered: Rendered, attached: bytes | None) -> Composed:
    reader, desk = draft.reader, draft.desk
    to = message.address(reader.name, reader.email or "")
    message_id = message.message_id(row, desk.domain)
    raw = message.build(
        rendered, sender=_own_address(desk.sender_name, desk.sender), to=to, message_id=message_id,
        date=draft.now.astimezone(draft.office.zone), invite=attached,
        thread=message.thread_id(row.case_id, desk.domain) if row.case_id else None,
        reply_to=_reply_to(draft, rendered.language),
    )
    return Composed(to.email, message_id, raw, tuple(draft.links))


_own_address = lru_cache(maxsize=8)(message.address)


def _reply_to(draft: _Draft, language: str) -> message.Mailbox | None:
    contact = words.contact_words(draft.office, draft.today, language)
    if "@" not in contact["contact_email"]:
        return None
    return _own_address(contact["contact_name"], contact["contact_email"])


def footer(office: Office, case_id: str | None) -> str:
    return f"{office.district} · {case_id}" if case_id else office.district


# --- briefs --------------------------------------------------------------------------------------------------------


def _is_officers(row: OutboxRow, office: Office, today: dt.date) -> bool:
    """Whether it is the brief of somebody who answers for privacy today."""
    officers = {f"person:{holder.person.id}" for holder in office.holders("privacy", today)}
    return row.mail == BRIEF and row.recipient in officers


def _brief(row: OutboxRow, draft: _Draft, matters: Mapping[str, Matter], lines: Sequence[BriefLine], news: OfficeNews,
           ahead: Outlook) -> Composed:
    kind = CONTACT_BRIEF if row.to_contact else BRIEF
    language, source = own_text(kind, draft.reader.language)
    values = words.office_words(draft.reader, draft.office, draft.today, language)
    named = {*ahead.legal, *ahead.by_agreement}
    lines = [line for line in lines if not line.legal or (line.case_id, line.subject) not in named]
    if row.to_contact:
        values |= brief.contact_words(lines, draft.today, language)
    else:
        quiet = not lines and ahead.is_quiet
        counted = brief.headline(lines, draft.today, language, near=len(ahead.legal),
                                 by_agreement=len(ahead.by_agreement), quiet=quiet)
        only = brief.only_task(lines, matters, language) if ahead.is_quiet and news == NO_NEWS else None
        values |= {"headline": only or counted,
                   **words.news_words(news, language), **outlook.words(ahead, quiet, language)}
    tables = brief.tables(lines, matters, draft.today, language,
                          lambda line: _line_link(draft, matters[line.case_id], line))
    tables |= outlook.tables(ahead, matters, draft.office, draft.today, language,
                             (lambda matter: _own_link(draft, matter), draft.nudge_link))
    rendered = render_mail(source, values, language, footer(draft.office, None), file=own_name(kind, language),
                           tables=tables)
    return _built(row, draft, rendered, None)


def _own_link(draft: _Draft, matter: Matter) -> str | None:
    """The first open task that the reader is asked in a case."""
    mine = next((task for task in matter.case.tasks if _is_asked(draft.reader.key, task) and not task.offered), None)
    return draft.task_link(matter, mine) if mine is not None else None


def _line_link(draft: _Draft, matter: Matter, line: BriefLine) -> str | None:
    """The reader's own open task that a line is about; a contact without one sees where the case stands."""
    reader = f"party:{line.party}" if line.party else draft.reader.key
    mine = (task for task in matter.case.tasks if _is_asked(reader, task) and line.task_id in (None, task.id))
    task = next(mine, None)
    if task is not None:
        return draft.task_link(matter, task, reader)
    return draft.status_link(matter.case, reader) if line.party else None


# --- texts, previews and letters -------------------------------------------------------------------------------------


def text_language(mail: MailDef, language: str) -> str:
    return language if language in mail.texts else "en"


def text_name(definition: Definition, mail: MailDef, language: str) -> str:
    return f"{definition.process}/mails/{mail.name}.{language}.md"


def own_text(kind: str, language: str) -> tuple[str, str]:
    """The engine's own text of a kind: its language and source; English where there is no other."""
    for wanted in (language, "en"):
        source = _own_source(own_name(kind, wanted))
        if source is not None:
            return wanted, source
    raise UsageError(f"there is no mail of the kind '{kind}'")


def own_name(kind: str, language: str) -> str:
    return f"{kind}.{language}.md"


@lru_cache(maxsize=32)
def _own_source(name: str) -> str | None:
    file = files("notifiers").joinpath("texts", name)
    return file.read_text("utf-8") if file.is_file() else None
