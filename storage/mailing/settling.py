"""How mails went: written for all that share a commit at once, and word left for whoever has to know."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, cast

from sqlalchemy import Connection

from engine.model.handed import RECIPIENT, OutboxState
from engine.model.messages import MailSettled
from storage import direct, prepared
from storage.keeping import words_place
from storage.mailing.audience import Audiences
from storage.mailing.redact import redact
from storage.messages import leave_messages
from storage.rows import Row
from storage.sealing import Ring

SETTLED = ("accepted", "failed", "uncertain")


@dataclass(frozen=True, slots=True)
class Outcome:
    """`row` is locked by the transaction that writes this. `kept` is its text without the secrets, where that is known;
    else it is made of what the row holds."""

    row: Row
    state: OutboxState
    reply: str
    kept: bytes | None = None


def settle(
    connection: Connection, ring: Ring, outcomes: Sequence[Outcome], now: dt.datetime, today: dt.date
) -> None:
    """Writes outcomes; what is accepted keeps its text without its secrets."""
    ring = ring.now()
    its = {"settled_at": now, "lease_until": None, "at": None}
    texts = {number: _keeping(ring, number, kept) for number, kept in _kept(connection, ring, outcomes)}
    rows = [{**its, "its_id": each.row["id"], "state": each.state, "reply": each.reply, **texts.get(each.row["id"], {})}
            for each in outcomes]  # fmt: skip
    for _, alike in groupby(sorted(rows, key=len), key=len):
        direct.write_all(connection, prepared.CHANGE_MAIL, list(alike))
    told = [each for each in outcomes if each.state in SETTLED]
    _tell_audiences(Audiences(connection, ring, now, today), [each for each in told if _is_copy(each.row)])
    words = [(each.row["case_id"], _settled(each, today), _source(each)) for each in told
             if not _is_copy(each.row) and each.row["case_id"] is not None]
    leave_messages(connection, ring, words, now)


def _is_copy(row: Row) -> bool:
    return str(row["recipient"]).startswith(RECIPIENT)


def _settled(each: Outcome, today: dt.date) -> MailSettled:
    status = cast('Literal["accepted", "failed", "uncertain"]', each.state)
    return MailSettled(each.row["mail"], each.row["occurrence"], status, today)


def _source(each: Outcome) -> str:
    return f"outbox/{each.row['id']}/{each.row['fence']}/{each.state}"


def _tell_audiences(audiences: Audiences, outcomes: Sequence[Outcome]) -> None:
    """Copies of one mail that went the same way are told of together."""

    def kind(each: Outcome) -> tuple[str, ...]:
        return (each.row["case_id"], each.row["mail"], each.row["step"], each.state)

    for (*_, state), some in groupby(sorted(outcomes, key=kind), key=kind):
        audiences.settled([each.row for each in some], state)


def without_secrets(raw: bytes, hashes: Collection[str], words: Mapping[str, str]) -> bytes:
    """The text stays, and tokens and codes go."""
    return redact(raw, hashes, [words[name] for name in ("code", "token") if name in words])


def _kept(connection: Connection, ring: Ring, outcomes: Sequence[Outcome]) -> Iterator[tuple[int, bytes]]:
    """The texts of those that were accepted."""
    accepted = [each for each in outcomes if each.state == "accepted"]
    yield from ((each.row["id"], each.kept) for each in accepted if each.kept is not None)
    stored = [each.row for each in accepted if each.kept is None and each.row["sealed"] is not None]
    hashes: dict[int, set[str]] = {}
    its = {"its_ids": [row["id"] for row in stored]}
    for found in direct.read(connection, prepared.TOKENS_OF_MAILS, its) if stored else ():
        hashes.setdefault(found["outbox_id"], set()).add(found["token_hash"])
    for row in stored:
        raw = ring.open(row["sealed"], mail_place(row["id"]))
        yield row["id"], without_secrets(raw, hashes.get(row["id"], ()), read_words(row, ring))


def _keeping(ring: Ring, number: int, kept: bytes) -> Mapping[str, object]:
    """What is stored of it: the digest of both forms stays."""
    sealed = ring.seal(kept, mail_place(number))
    return {"sealed": sealed, "kept_digest": hashlib.sha256(kept).hexdigest(), "sealed_words": None}


def mail_place(outbox_id: int) -> str:
    return f"outbox/{outbox_id}/mail"


def read_words(row: Row, ring: Ring) -> Mapping[str, str]:
    sealed = row["sealed_words"]
    found = ring.open_json(sealed, words_place(row["id"])) if sealed else {}
    return cast("Mapping[str, str]", found)
