"""The letters of a case as they were sent, and what proves that somebody was told."""

from __future__ import annotations

import datetime as dt
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from zoneinfo import ZoneInfo

from cli.evidence.words import Words
from engine.model.handed import RECIPIENT
from storage.looking.evidence import ChainLine, Copied, Mailed, Records

STATES: Mapping[str, str] = {
    "accepted": "accepted by the reader's mail relay",
    "failed": "could not be sent",
    "uncertain": "handed over without an answer, in doubt",
    "cancelled": "cancelled before it left",
    "queued": "waits to be sent",
    "claimed": "is being sent",
    "handing_over": "is being handed over",
    "deferred": "put off by the relay, tried again later",
}


COPY_STATES: Mapping[str, str] = {
    "waiting": "waits", "accepted": "accepted by the reader's mail relay", "failed": "could not be sent",
    "uncertain": "in doubt", "printed": "printed, not posted yet", "posted": "posted", "decided": "decided by name",
}  # fmt: skip


def letters_of(records: Records, words: Words) -> list[dict[str, object]]:
    """Each mail of the case in the order in which it was made. In a redacted file only what, to whom by role, and how
    it went."""
    numbers = {f"{RECIPIENT}{one.recipient.id}": one.recipient.number for one in records.copies}
    if words.lens.redacted:
        return [_plain(mail, words) for mail in records.mails]
    return [_letter(mail, words, numbers.get(mail.recipient)) for mail in records.mails]


def told_of(records: Records, words: Words, zone: ZoneInfo) -> list[dict[str, object]]:
    """Whom each letter counts as having told, on which day, and what proves it."""
    days: dict[tuple[str, str], list[ChainLine]] = {}
    for line in records.lines:
        if line.kind == "told":
            days.setdefault((line.words.get("mail", "?"), line.words.get("on", "?")), []).append(line)
    return [
        {"mail": mail, "about": words.mail(mail), "on": on, "lines": [line.seq for line in lines],
         "proof": _proof(mail, on, lines, records, words, zone)}
        for (mail, on), lines in days.items()
    ]  # fmt: skip


def copies_of(copies: Iterable[Copied]) -> list[dict[str, object]]:
    """Each copy of a letter to many, with whom it was for."""
    return [
        {"mail": one.mail, "number": one.recipient.number, "name": one.recipient.member.name,
         "email": one.recipient.member.email, "address": one.recipient.member.address or None, "channel": one.channel,
         "state": one.state, "told_on": one.told_on, "print_run": one.run}
        for one in copies
    ]  # fmt: skip


def _proof(
    name: str, on: str, lines: Sequence[ChainLine], records: Records, words: Words, zone: ZoneInfo
) -> str:
    copies = [one for one in records.copies if one.mail == name]
    if copies:
        return f"each of an audience: {_counted(copies)}"
    accepted = (mail for mail in records.mails if mail.mail == name and mail.state == "accepted")
    sent = [mail for mail in accepted if str(_day(mail, zone)) == on]
    if not sent:
        return f"posted on paper; confirmed by {words.lens.who(lines[0].actor)}"
    if words.lens.redacted:
        return "accepted by the reader's mail relay"
    return "\n".join(f"accepted by the mail relay of {words.lens.who(mail.recipient)} as {mail.message_id}, "
                     f"which answered “{mail.reply}”" for mail in sent)


def _counted(copies: Iterable[Copied]) -> str:
    counts = Counter((one.channel, one.state) for one in copies)
    channels = {"mail": "by mail", "paper": "on paper"}
    return "; ".join(f"{count:,} {channels[channel]} {COPY_STATES[state]}"
                     for (channel, state), count in sorted(counts.items()))


def _day(mail: Mailed, zone: ZoneInfo) -> dt.date | None:
    return mail.settled_at.astimezone(zone).date() if mail.settled_at else None


def _plain(mail: Mailed, words: Words) -> dict[str, object]:
    to = "one of an audience" if mail.to_many else words.lens.who(mail.recipient)
    return {
        "mail": mail.mail,
        "about": words.mail(mail.mail),
        "to": to,
        "to_many": mail.to_many,
        "state": mail.state,
        "made_at": mail.created_at,
        "settled_at": mail.settled_at,
        "for_staff": mail.recipient.startswith("person:"),
    }


def _letter(mail: Mailed, words: Words, number: int | None) -> dict[str, object]:
    subject, text = _read(mail.raw) if mail.raw else (None, None)
    return {
        **_plain(mail, words),
        "to": f"number {number} of an audience" if mail.to_many else words.lens.who(mail.recipient),
        "number": mail.id,
        "address": mail.address,
        "message_id": mail.message_id,
        "relay_said": mail.reply or None,
        "sha256_as_sent": mail.digest,
        "sha256_as_kept": mail.kept_digest or mail.digest,
        "subject": subject,
        "text": text,
        "as_kept": b64encode(mail.raw).decode() if mail.raw else None,
    }


def _read(raw: bytes) -> tuple[str, str]:
    """Subject and plain text of a mail."""
    mail = message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)  # noqa: S101 - what the modern policy gives
    body = mail.get_body(preferencelist=("plain",))
    return str(mail["Subject"] or ""), "\n".join(str(body.get_content()).splitlines()) if body else ""


def counted(letters: Iterable[Mapping[str, object]]) -> Iterator[tuple[str, str, int]]:
    """How many mails to an audience stand how, by mail and state."""
    counts = Counter((str(one["mail"]), str(one["state"])) for one in letters)
    yield from ((mail, state, count) for (mail, state), count in counts.items())
