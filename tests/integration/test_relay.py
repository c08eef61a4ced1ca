"""One pass over the outbox through a real SMTP server. The rows live in memory here; what a database does to them is
shown by the storage suite."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pytest

from engine.ports import BriefLine, NewLink, OutboxRow, OutboxState
from notifiers.compose import Composed, NoAddress
from notifiers.relay import BACK_OFF, TRIES, Relay, RelayReport, pause
from notifiers.smtp import SmtpLink
from tests.mailserver import Relay as Server
from tests.mailserver import mail_server

NOW = dt.datetime(2026, 11, 24, 15, 0, tzinfo=dt.UTC)
BYTES = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\n\r\nHello\r\n"


@dataclass
class Shelf:
    """The rows of an outbox, and the failures counted, in memory."""

    rows: dict[int, OutboxRow] = field(default_factory=dict)
    replies: dict[int, str] = field(default_factory=dict)
    retry: dict[int, dt.datetime | None] = field(default_factory=dict)
    tries: dict[int, int] = field(default_factory=dict)
    handed: list[int] = field(default_factory=list)

    def add(self, number: int, **more: object) -> None:
        new = OutboxRow(number, "2026-0001", "task", "s", "1", "person:dana", None, "queued", 0, 0)
        self.rows[number] = replace(new, **more)  # type: ignore[arg-type]

    def claim(self, now: dt.datetime, limit: int) -> Sequence[OutboxRow]:
        ready = [row for row in self.rows.values() if row.state in ("queued", "deferred")][:limit]
        claimed = [replace(row, state="claimed", attempts=row.attempts + 1, fence=row.fence + 1) for row in ready]
        self.rows.update((row.id, row) for row in claimed)
        return claimed

    def prepare(self, row: OutboxRow, *, address: str, message_id: str, raw: bytes, links: Sequence[NewLink],
                now: dt.datetime) -> bool:
        self.rows[row.id] = replace(self.rows[row.id], address=address, message_id=message_id, raw=raw)
        return True

    def brief_lines(self, row: OutboxRow) -> Sequence[BriefLine]:
        return ()

    def handing_over(self, row: OutboxRow, now: dt.datetime) -> bool:
        if self.rows[row.id].state != "claimed":
            return False
        self.handed.append(row.id)
        self.rows[row.id] = replace(self.rows[row.id], state="handing_over")
        return True

    def settle(self, row: OutboxRow, state: OutboxState, reply: str, now: dt.datetime,
               retry_at: dt.datetime | None = None) -> None:
        self.rows[row.id] = replace(self.rows[row.id], state=state)
        self.replies[row.id], self.retry[row.id] = reply, retry_at

    def rescue(self, now: dt.datetime) -> Mapping[str, int]:
        return {}

    def failed(self, kind: Literal["timer", "message", "mail"], ref: int, error: str, now: dt.datetime) -> int:
        self.tries[ref] = self.tries.get(ref, 0) + 1
        return self.tries[ref]

    def states(self) -> list[OutboxState]:
        return [row.state for row in self.rows.values()]


@dataclass
class Office:
    """A relay over a shelf and a real server. `sick` rows cannot be composed, `silent` ones have nothing to say."""

    shelf: Shelf
    server: Server
    link: SmtpLink
    sick: set[int] = field(default_factory=set)
    silent: set[int] = field(default_factory=set)
    unread: set[int] = field(default_factory=set)
    composed: list[int] = field(default_factory=list)

    def run(self, limit: int = 50) -> RelayReport:
        return Relay(self.shelf, self.shelf, self.link, self.compose, lambda: NOW).run(limit)

    def compose(self, row: OutboxRow, now: dt.datetime) -> Composed | None:
        self.composed.append(row.id)
        if row.id in self.sick:
            raise ZeroDivisionError("Ana Núñez")
        if row.id in self.unread:
            raise NoAddress("party:parent reads no mail: tell them on paper")
        return None if row.id in self.silent else Composed("b@example.org", f"<{row.id}@d>", BYTES)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with mail_server(tmp_path) as server, SmtpLink(replace(server.settings, rest=0.0)) as link:
        yield Office(Shelf(), server, link)


def test_rows_are_composed_handed_over_and_accepted(office: Office) -> None:
    office.shelf.add(1)
    office.shelf.add(2)
    assert office.run() == RelayReport(accepted=2)
    assert office.shelf.handed == [1, 2]
    assert office.server.sink.mails == [BYTES, BYTES]
    assert office.run() == RelayReport()


def test_a_retry_sends_the_bytes_of_the_first_claim(office: Office) -> None:
    office.shelf.add(1)
    office.server.sink.rcpt = "451 later"
    assert office.run() == RelayReport(deferred=1)
    assert office.shelf.retry[1] == NOW + BACK_OFF[0]
    office.server.sink.rcpt = "250 OK"
    assert office.run() == RelayReport(accepted=1)
    assert office.composed == [1]


def test_a_refused_address_fails_for_good(office: Office) -> None:
    office.shelf.add(1)
    office.server.sink.rcpt = "550 no such user"
    assert office.run() == RelayReport(failed=1)
    assert office.shelf.replies[1] == "550 no such user"


def test_one_sick_row_does_not_stop_the_others_and_fails_at_the_fifth_try(office: Office) -> None:
    office.shelf.add(1)
    office.shelf.add(2)
    office.sick = {1}
    assert office.run() == RelayReport(accepted=1, deferred=1)
    assert "Ana" not in office.shelf.replies[1]
    reports = [office.run() for _ in range(4)]
    assert reports[-1] == RelayReport(failed=1)


def test_a_reader_without_an_address_fails_at_once(office: Office) -> None:
    office.shelf.add(1)
    office.unread = {1}
    assert office.run() == RelayReport(failed=1)


def test_a_mail_with_nothing_to_say_is_cancelled(office: Office) -> None:
    office.shelf.add(1)
    office.silent = {1}
    assert office.run() == RelayReport(cancelled=1)
    assert office.server.sink.mails == []


def test_an_outage_ends_the_pass_costs_one_try_and_gives_nothing_up(office: Office) -> None:
    for number in (1, 2, 3):
        office.shelf.add(number, attempts=TRIES + 5)
    office.server.stop()
    assert office.run() == RelayReport(deferred=3, outage=True)
    assert office.composed == [1]
    attempts = [row.attempts for row in office.shelf.rows.values()]
    assert office.run() == RelayReport(outage=True)
    assert [row.attempts for row in office.shelf.rows.values()] == attempts
    office.server.start()
    assert office.run() == RelayReport(accepted=3)


def test_silence_after_the_dot_is_uncertain_and_never_tried_again(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server, SmtpLink(replace(server.settings, dot_timeout=0.3)) as link:
        office = Office(Shelf(), server, link)
        office.shelf.add(1)
        server.sink.hang = True
        assert office.run() == RelayReport(uncertain=1)
        assert office.run() == RelayReport()
    assert len(server.sink.mails) == 1


def test_a_row_cancelled_meanwhile_is_not_sent(office: Office) -> None:
    office.shelf.add(1)
    relay = Relay(office.shelf, office.shelf, office.link, office.compose, lambda: NOW)
    claimed = office.shelf.claim(NOW, 1)[0]
    office.shelf.rows[1] = replace(claimed, state="cancelled")
    office.shelf.claim = lambda now, limit: [claimed]  # type: ignore[method-assign]
    assert relay.run(1) == RelayReport()
    assert (office.shelf.states(), office.server.sink.mails) == (["cancelled"], [])


def test_a_mail_deferred_for_two_days_is_given_up(office: Office) -> None:
    office.shelf.add(1, attempts=TRIES - 1)
    office.server.sink.rcpt = "451 later"
    assert office.run() == RelayReport(failed=1)
    waited = sum((pause(attempt) for attempt in range(1, TRIES)), dt.timedelta())
    assert dt.timedelta(hours=40) < waited < dt.timedelta(hours=50)
