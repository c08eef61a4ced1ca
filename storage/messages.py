"""Messages that wait for a case: left in the transaction that brings them about, delivered one by one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import Connection

from engine.model.messages import Command
from storage.rows import pack_command
from storage.sealing import Ring
from storage.statements import insert_new
from storage.tables import MESSAGES


def leave_message(
    connection: Connection,
    ring: Ring,
    to: str,
    command: Command,
    source: str,
    now: dt.datetime,
    at: dt.datetime | None = None,
) -> None:
    """Leaves a message for a case, at most once for each source."""
    leave_messages(connection, ring, [(to, command, source)], now, at)


def leave_messages(
    connection: Connection,
    ring: Ring,
    words: Sequence[tuple[str, Command, str]],
    now: dt.datetime,
    at: dt.datetime | None = None,
) -> None:
    """Leaves messages, each with its case and its source; they are not delivered before `at`."""
    rows = [
        {
            "case_id": to,
            "source": source,
            "created_at": now,
            "at": at,
            "attempts": 0,
            "stopped": False,
            "sealed": ring.seal_json(pack_command(command), message_place(source)),
        }
        for to, command, source in words
    ]
    insert_new(connection, MESSAGES, rows)


def message_place(source: str) -> str:
    return f"messages/{source}"
