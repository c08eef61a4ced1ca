"""The letters of a case as they were sent, and what proves that somebody was told."""

from __future__ import annotations

import datetime as dt
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from zoneinfo import ZoneInfo

from cli.evidence.words import Words
from storage.evidence import ChainLine, Mailed

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


def letters_of(mails: Iterable[Mailed], words: Words) -> list[dict[str, object]]:
    """Each mail of the case in the order in which it was made. In a redacted file only what, to whom by role, and how
    it went."""
    return [_redacted(mail, words) if words.lens.redacted else _letter(mail, words) for mail in mails]


def told_of(
    lines: Sequence[ChainLine], mails: Sequence[Mailed], words: Words, zone: ZoneInfo
) -> list[dict[str, object]]:
    """Each time somebody counts as told, with what proves it."""
    return [
        {"mail": line.words["mail"], "on": line.words["on"], "line": line.seq,
         "proof": _proof(line, mails, words, zone)}
        for line in lines if line.kind == "told"
    ]  # fmt: skip


def _proof(line: ChainLine, mails: Sequence[Mailed], words: Words, zone: ZoneInfo) -> str:
    name, on = line.words["mail"], dt.date.fromisoformat(line.words["on"])
    same = [mail for mail in mails if mail.mail == name and mail.state == "accepted" and _day(mail, zone) == on]
    if not same:
        return f"posted on paper; confirmed by {words.lens.who(line.actor)} in line {line.seq} of the history"
    if words.lens.redacted:
        return "accepted by the reader's mail relay"
    return "; ".join(f"accepted by the reader's mail relay as {one.message_id}, which answered “{one.reply}”"
                     for one in same[:1]) + (f" (and {len(same) - 1} more)" if len(same) > 1 else "")


def _day(mail: Mailed, zone: ZoneInfo) -> dt.date | None:
    return mail.settled_at.astimezone(zone).date() if mail.settled_at else None


def _redacted(mail: Mailed, words: Words) -> dict[str, object]:
    to = "one of an audience" if mail.to_many else words.lens.who(mail.recipient)
    return {"mail": mail.mail, "to": to, "state": mail.state, "made_at": mail.created_at, "settled_at": mail.settled_at,
            "for_staff": is_for_staff(mail)}


def _letter(mail: Mailed, words: Words) -> dict[str, object]:
    subject, text = _read(mail.raw) if mail.raw else (None, None)
    return {
        **_redacted(mail, words),
        "number": mail.id,
        "to": words.lens.who(mail.recipient),
        "address": mail.address,
        "message_id": mail.message_id,
        "relay_said": mail.reply or None,
        "sha256_as_sent": mail.digest,
        "sha256_as_kept": mail.kept_digest or mail.digest,
        "subject": subject,
        "text": text,
        "as_kept": b64encode(mail.raw).decode() if mail.raw else None,
    }


def is_for_staff(mail: Mailed) -> bool:
    """Whether somebody of the office is its reader."""
    return mail.recipient.startswith("person:")


def _read(raw: bytes) -> tuple[str, str]:
    """Subject and plain text of a mail."""
    mail = message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)  # noqa: S101 - what the modern policy gives
    body = mail.get_body(preferencelist=("plain",))
    return str(mail["Subject"] or ""), "\n".join(str(body.get_content()).splitlines()) if body else ""


def counted(letters: Iterable[Mapping[str, object]]) -> Iterator[tuple[str, str, int]]:
    """How many mails to an audience stand how, by mail and state."""
    counts: dict[tuple[str, str], int] = {}
    for one in letters:
        key = (str(one["mail"]), str(one["state"]))
        counts[key] = counts.get(key, 0) + 1
    yield from ((mail, state, count) for (mail, state), count in counts.items())
