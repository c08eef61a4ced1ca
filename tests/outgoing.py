"""One mail's steps on its way, for tests that take them one by one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from engine.model.handed import Made, NewLink, OutboxRow
from engine.ports import Outbox


def prepared(
    outbox: Outbox, row: OutboxRow, *, address: str, message_id: str, raw: bytes, now: dt.datetime,
    links: Sequence[NewLink] = (),
) -> bool:  # fmt: skip
    return row.id in outbox.prepare([Made(row, address, message_id, raw, links)], now)


def handing_over(outbox: Outbox, row: OutboxRow, now: dt.datetime) -> bool:
    return row.id in outbox.record([row], (), now)
