"""One pass over the outbox: real rows on both databases, a real SMTP server over TLS, and a clock moved by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from engine.model.handed import OutboxRow, Went
from notifiers.compose import Composed, ComposeOne, NoAddress
from notifiers.relay import BACK_OFF, OUTAGE_PAUSE, TRIES, Quota, Relay, RelayReport, pause
from notifiers.smtp import SmtpLink
from storage.looking.views import MailLine
from storage.mailing.outbox import HANDING_OVER, LEASE, SqlOutbox
from storage.sealing import new_ring
from storage.store import SqlStore, open_store
from tests import outgoing
from tests.mailserver import Relay as Server
from tests.mailserver import mail_server

NOW = dt.datetime(2026, 11, 24, 15, 0, tzinfo=dt.UTC)
BYTES = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\n\r\nHello\r\n"


@dataclass
class Office:
    """A relay over a real outbox and a real server. `sick` rows cannot be composed, `silent` ones have nothing to
    say, `unread` ones have a reader without an address."""

    store: SqlStore
    server: Server
    link: SmtpLink
    now: dt.datetime = NOW
    sick: set[int] = field(default_factory=set)
    silent: set[int] = field(default_factory=set)
    unread: set[int] = field(default_factory=set)
    composed: list[int] = field(default_factory=list)

    def queue(self, count: int = 1) -> list[int]:
        known = {line.id for line in self.lines()}
        for _ in range(count):
            self.store.outbox.notify("person:dana", "code", None, {"code": "493201"}, NOW)
        return [line.id for line in self.lines() if line.id not in known]

    def relay(self) -> Relay:
        return Relay(self.store.outbox, self.store, self.link, self.composing, lambda: self.now)

    def run(self, later: dt.timedelta = dt.timedelta()) -> RelayReport:
        self.now += later
        return self.relay().run(50)

    def composing(self, rows: Sequence[OutboxRow], now: dt.datetime) -> ComposeOne:
        return self.compose

    def compose(self, row: OutboxRow) -> Composed | None:
        self.composed.append(row.id)
        if row.id in self.sick:
            raise ZeroDivisionError("Ana Núñez")
        if row.id in self.unread:
            raise NoAddress("party:parent reads no mail: tell them on paper")
        return None if row.id in self.silent else Composed("b@example.org", f"<{row.id}@d>", BYTES)

    def lines(self) -> list[MailLine]:
        return sorted(self.store.views.outbox(), key=lambda line: line.id)

    def states(self) -> list[str]:
        return [line.state for line in self.lines()]


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    opened = open_store(database_url, new_ring(), create=True)
    yield opened
    opened.close()


@pytest.fixture
def office(store: SqlStore, tmp_path: Path) -> Iterator[Office]:
    with mail_server(tmp_path) as server, SmtpLink(replace(server.settings, rest=0.0)) as link:
        yield Office(store, server, link)


def test_rows_are_composed_handed_over_and_accepted(office: Office) -> None:
    office.queue(2)
    assert office.run() == RelayReport(accepted=2)
    assert office.server.sink.mails == [BYTES, BYTES]
    assert office.states() == ["accepted", "accepted"]
    assert office.run() == RelayReport()


def test_a_retry_waits_and_sends_the_bytes_of_the_first_claim(office: Office) -> None:
    (row,) = office.queue()
    office.server.sink.rcpt = "451 later"
    assert office.run() == RelayReport(deferred=1)
    office.server.sink.rcpt = "250 OK"
    assert office.run(BACK_OFF[0] - dt.timedelta(seconds=1)) == RelayReport()
    assert office.run(dt.timedelta(seconds=1)) == RelayReport(accepted=1)
    assert office.composed == [row]


def test_a_refused_address_fails_for_good(office: Office) -> None:
    office.queue()
    office.server.sink.rcpt = "550 no such user"
    assert office.run() == RelayReport(failed=1)
    assert [line.reply for line in office.lines()] == ["550 no such user"]


def test_one_sick_row_does_not_stop_the_others_and_fails_at_the_fifth_try(office: Office) -> None:
    sick, _ = office.queue(2)
    office.sick = {sick}
    assert office.run() == RelayReport(accepted=1, deferred=1)
    assert all("Ana" not in line.reply for line in office.lines())
    reports = [office.run(dt.timedelta(hours=5)) for _ in range(4)]
    assert reports[-1] == RelayReport(failed=1)
    assert [incident.ref for incident in office.store.views.incidents()] == [sick]


def test_a_reader_without_an_address_fails_at_once(office: Office) -> None:
    office.unread = set(office.queue())
    assert office.run() == RelayReport(failed=1)


def test_a_mail_with_nothing_to_say_is_cancelled(office: Office) -> None:
    office.silent = set(office.queue())
    assert office.run() == RelayReport(cancelled=1)
    assert office.server.sink.mails == []


def test_an_outage_ends_the_pass_and_gives_nothing_up(office: Office) -> None:
    queued = office.queue(3)
    office.server.stop()
    assert office.run() == RelayReport(deferred=3, outage=True)
    assert office.run(OUTAGE_PAUSE) == RelayReport(outage=True)
    office.server.start()
    assert office.run(OUTAGE_PAUSE) == RelayReport(accepted=3)
    assert office.composed == queued


def test_silence_after_the_dot_is_uncertain_and_never_tried_again(store: SqlStore, tmp_path: Path) -> None:
    with mail_server(tmp_path) as server, SmtpLink(replace(server.settings, dot_timeout=0.3)) as link:
        office = Office(store, server, link)
        office.queue()
        server.sink.hang = True
        assert office.run() == RelayReport(uncertain=1)
        assert office.run(dt.timedelta(days=3)) == RelayReport()
    assert (len(server.sink.mails), office.states()) == (1, ["uncertain"])


def test_a_claim_that_was_given_back_is_not_sent_by_its_first_holder(office: Office) -> None:
    office.queue()
    slow = office.store.outbox.claim(office.now, 1)[0]
    office.now += LEASE
    assert office.store.outbox.rescue(office.now)["queued"] == 1
    office.now += dt.timedelta(minutes=1)
    assert office.run() == RelayReport(accepted=1)
    prepared = outgoing.prepared(
        office.store.outbox, slow, address="b@example.org", message_id="<x@d>", raw=BYTES, links=[], now=office.now
    )
    assert (prepared, outgoing.handing_over(office.store.outbox, slow, office.now)) == (False, False)
    assert len(office.server.sink.mails) == 1


def test_a_mail_deferred_for_two_days_is_given_up(office: Office) -> None:
    office.queue()
    office.server.sink.rcpt = "451 later"
    reports = [office.run(dt.timedelta(hours=5)) for _ in range(TRIES)]
    assert reports == [*[RelayReport(deferred=1)] * (TRIES - 1), RelayReport(failed=1)]
    waited = sum((pause(attempt) for attempt in range(1, TRIES)), dt.timedelta())
    assert dt.timedelta(hours=40) < waited < dt.timedelta(hours=50)


def test_after_acceptance_the_code_is_gone_from_what_is_kept(office: Office) -> None:
    (row,) = office.queue()
    office.compose = lambda row: Composed(  # type: ignore[method-assign]
        "b@example.org", "<1@d>", BYTES.replace(b"Hello", f"Your code is {row.words['code']}".encode())
    )
    assert office.run() == RelayReport(accepted=1)
    assert b"493201" in office.server.sink.mails[0]
    kept = office.store.views.mail(row)
    assert kept.raw is not None
    assert (b"493201" in kept.raw, b"CODE-REMOVED" in kept.raw, dict(kept.words)) == (False, True, {})


class Forgetful(SqlOutbox):
    """An outbox that cannot write how the first mail went."""

    def record(self, handing_over: Sequence[OutboxRow], went: Sequence[Went], now: dt.datetime) -> Collection[int]:
        if any(each.row.id == 1 for each in went):
            raise OSError("cannot be written")
        return super().record(handing_over, went, now)


def test_a_mail_whose_end_cannot_be_written_is_in_doubt_and_takes_no_other_with_it(office: Office) -> None:
    office.queue(3)
    relay = replace(office.relay(), outbox=Forgetful(office.store.base))
    assert relay.run(50) == RelayReport(accepted=2)
    assert office.states() == ["handing_over", "accepted", "accepted"]
    assert office.store.outbox.rescue(NOW + HANDING_OVER) == {"queued": 0, "uncertain": 1}


def test_no_more_mails_leave_in_a_local_day_than_the_relay_takes_and_somebody_hears_of_it(office: Office) -> None:
    office.queue(5)
    told: list[int] = []
    relay = replace(office.relay(), quota=Quota(3, 3, lambda waiting, now: told.append(waiting)))
    assert [relay.run(2), relay.run(50), relay.run(50)] == [
        RelayReport(accepted=2), RelayReport(accepted=1), RelayReport()]
    assert told == [2]
    office.now = dt.datetime(2026, 11, 25, 5, 59, tzinfo=dt.UTC)
    assert relay.run(50) == RelayReport()
    office.now += dt.timedelta(minutes=1)
    assert relay.run(50) == RelayReport(accepted=2)


def test_what_is_in_doubt_counts_as_taken_and_what_was_refused_does_not(office: Office) -> None:
    office.queue(4)
    first, second, *_ = office.store.outbox.claim(NOW, 4)
    office.store.outbox.settle(first, "uncertain", "cut", NOW)
    office.store.outbox.settle(second, "failed", "550", NOW)
    assert office.store.outbox.day_count(NOW).taken == 1
