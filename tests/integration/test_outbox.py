"""A mail leaves at most once for each claim, and how it went reaches its case."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from engine.errors import Refused, UsageError
from engine.model.handed import NewLink, OutboxRow
from engine.model.messages import MailSettled, Notify, Send
from storage.mailing.outbox import HANDING_OVER, LEASE
from storage.mailing.redact import MARK, token_hash
from storage.store import SqlStore
from storage.tables import OUTBOX
from tests import outgoing
from tests.integration.stored import MINUTE, NOW, TODAY, change, opened, start

TOLD = Send("told_parent", "1", "1", "party:parent")
TOKEN = "Zq3_-" + "x9" * 19
RAW = f"Subject: A task\r\n\r\nhttps://privacy.example.org/t/{TOKEN}\r\n".encode()


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    with opened(database_url) as store:
        yield store


def claimed(store: SqlStore, now: dt.datetime = NOW) -> OutboxRow:
    (row,) = store.outbox.claim(now, 10)
    return row


def prepared(store: SqlStore, row: OutboxRow, *links: NewLink) -> bool:
    return outgoing.prepared(
        store.outbox, row, address="eva@example.org", message_id="<1@d>", raw=RAW, links=links, now=NOW
    )


def left(store: SqlStore) -> list[MailSettled]:
    with store.begin() as unit:
        return [read for read in (m.read() for m in unit.messages(10, NOW)) if isinstance(read, MailSettled)]


def test_the_same_mail_is_queued_once(store: SqlStore) -> None:
    case = start(store, TOLD, TOLD)
    change(store, case, TOLD, replace(TOLD, occurrence="2"))
    assert [row.occurrence for row in store.outbox.claim(NOW, 10)] == ["1", "2"]


def test_the_database_itself_refuses_the_same_mail(store: SqlStore) -> None:
    case = start(store, TOLD)
    row = {"mail": "told_parent", "step": "1", "occurrence": "1", "recipient": "party:parent", "state": "queued"}
    counts = {"lane": 0, "created_at": NOW, "attempts": 0, "failures": 0, "fence": 0, "reply": ""}
    with pytest.raises(IntegrityError), store.base.engine.begin() as connection:
        connection.execute(insert(OUTBOX).values(**row, **counts, case_id=case.id))


def test_urgent_mail_overtakes_what_was_planned_and_nothing_leaves_early(store: SqlStore) -> None:
    planned = [replace(TOLD, occurrence=str(n), not_before=NOW - n * MINUTE) for n in (5, -1)]
    start(store, *planned, replace(TOLD, occurrence="now"))
    assert [row.occurrence for row in store.outbox.claim(NOW, 10)] == ["now", "5"]


def test_a_row_is_claimed_by_one_worker(store: SqlStore) -> None:
    start(store, *[replace(TOLD, occurrence=str(n)) for n in range(20)])
    taken: list[int] = []

    def work() -> None:
        while rows := store.outbox.claim(NOW, 3):
            taken.extend(row.id for row in rows)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    taken += [row.id for row in store.outbox.claim(NOW, 20)]
    assert len(taken) == len(set(taken)) == 20


def test_an_accepted_mail_tells_its_case_once_on_the_local_date(store: SqlStore) -> None:
    start(store, TOLD)
    row = claimed(store)
    late_evening = dt.datetime(2026, 11, 25, 4, 0, tzinfo=dt.UTC)
    assert prepared(store, row) and outgoing.handing_over(store.outbox, row, NOW)
    store.outbox.settle(row, "accepted", "250 ok", late_evening)
    store.outbox.settle(row, "accepted", "250 ok", late_evening)
    assert left(store) == [MailSettled("told_parent", "1", "accepted", TODAY)]
    assert (store.views.mail(row.id).state, store.views.mail(row.id).address) == ("accepted", "eva@example.org")


def test_after_acceptance_the_tokens_are_gone_and_the_words_stay(store: SqlStore) -> None:
    case = start(store, TOLD)
    row = claimed(store)
    link = NewLink(token_hash(TOKEN.encode()), "status", case.id, "party:parent", "code", NOW + LEASE)
    assert prepared(store, row, link)
    assert store.views.mail(row.id).raw == RAW
    assert outgoing.handing_over(store.outbox, row, NOW)
    store.outbox.settle(row, "accepted", "250", NOW)
    kept = store.views.mail(row.id).raw or b""
    assert TOKEN.encode() not in kept and MARK.encode() in kept and b"Subject: A task" in kept
    assert store.links.link(token_hash(TOKEN.encode())) is not None


def test_a_deferred_mail_comes_again_with_the_same_bytes_and_a_higher_fence(store: SqlStore) -> None:
    start(store, TOLD)
    row = claimed(store)
    prepared(store, row)
    store.outbox.settle(row, "deferred", "451", NOW, NOW + MINUTE)
    assert store.outbox.claim(NOW, 10) == () and left(store) == []
    again = claimed(store, NOW + MINUTE)
    assert (again.attempts, again.fence, again.raw, again.message_id) == (2, 2, RAW, "<1@d>")


def test_an_older_fence_changes_nothing(store: SqlStore) -> None:
    start(store, TOLD)
    old = claimed(store)
    assert store.outbox.rescue(NOW + LEASE) == {"queued": 1, "uncertain": 0}
    new = claimed(store, NOW + LEASE + MINUTE)
    assert not prepared(store, old) and not outgoing.handing_over(store.outbox, old, NOW)
    store.outbox.settle(old, "accepted", "250", NOW)
    assert store.views.mail(new.id).state == "claimed" and left(store) == []


def test_a_mail_whose_makers_died_five_times_is_an_incident_and_its_case_hears_that_it_failed(store: SqlStore) -> None:
    start(store, TOLD)
    now = NOW
    for tries in range(5):
        claimed(store, now)
        now += LEASE
        assert store.outbox.rescue(now)["queued"] == 1
        now += 2**tries * MINUTE
    assert store.outbox.claim(now + 9 * LEASE, 10) == ()
    assert [(line.kind, line.ref, line.tries) for line in store.views.incidents()] == [("mail", 1, 5)]
    assert [settled.status for settled in left(store)] == ["failed"]
    store.views.retry_mail(1, now)
    assert claimed(store, now).id == 1


def test_a_mail_that_failed_before_is_claimed_alone(store: SqlStore) -> None:
    start(store, *[replace(TOLD, occurrence=str(n)) for n in range(4)])
    now = NOW + LEASE
    store.outbox.claim(NOW, 2)
    store.outbox.rescue(now)
    later = now + MINUTE
    assert [[row.id for row in store.outbox.claim(later, 10)] for _ in range(4)] == [[3, 4], [1], [2], []]


def test_a_lease_that_has_not_run_out_is_left_alone(store: SqlStore) -> None:
    start(store, TOLD)
    row = claimed(store)
    assert store.outbox.rescue(NOW + LEASE - MINUTE) == {"queued": 0, "uncertain": 0}
    assert prepared(store, row)


def test_a_mail_that_was_handing_over_is_doubtful_and_never_sent_again_by_itself(store: SqlStore) -> None:
    start(store, TOLD)
    row = claimed(store)
    assert prepared(store, row) and outgoing.handing_over(store.outbox, row, NOW)
    assert store.outbox.rescue(NOW + LEASE) == {"queued": 0, "uncertain": 0}
    assert store.outbox.rescue(NOW + HANDING_OVER) == {"queued": 0, "uncertain": 1}
    assert store.outbox.claim(NOW + 9 * LEASE, 10) == ()
    assert [settled.status for settled in left(store)] == ["uncertain"]
    with pytest.raises(Refused, match="uncertain"):
        store.views.retry_mail(row.id, NOW)


@pytest.mark.parametrize(("accepted", "state"), [(True, "accepted"), (False, "failed")])
def test_a_person_decides_what_is_doubtful_once(store: SqlStore, accepted: bool, state: str) -> None:
    start(store, TOLD)
    row = claimed(store)
    store.outbox.settle(row, "uncertain", "cut", NOW)
    store.views.resolve_uncertain(row.id, accepted, "ann", NOW)
    assert store.views.mail(row.id).state == state
    with pytest.raises(Refused, match="not in doubt"):
        store.views.resolve_uncertain(row.id, accepted, "ann", NOW)


def test_a_failed_mail_is_queued_again_by_a_person(store: SqlStore) -> None:
    start(store, TOLD)
    store.outbox.settle(claimed(store), "failed", "550", NOW)
    assert store.outbox.claim(NOW, 10) == ()
    store.views.retry_mail(1, NOW)
    assert claimed(store).id == 1
    with pytest.raises(UsageError, match="unknown mail 99"):
        store.views.mail(99)


@pytest.mark.parametrize(("state", "retry"), [("queued", None), ("deferred", None), ("accepted", NOW)])
def test_words_that_settle_nothing_are_refused(store: SqlStore, state: str, retry: dt.datetime | None) -> None:
    start(store, TOLD)
    with pytest.raises(ValueError, match="not settled as"):
        store.outbox.settle(claimed(store), state, "", NOW, retry)  # type: ignore[arg-type]


def test_a_sick_mail_waits_longer_each_time_and_then_for_a_person(store: SqlStore) -> None:
    start(store, TOLD)
    now = NOW
    for tries in range(1, 5):
        assert store.failed("mail", claimed(store, now).id, "UndefinedError", now) == tries
        assert store.outbox.claim(now, 10) == ()
        now += 2 ** (tries - 1) * MINUTE
    assert store.failed("mail", claimed(store, now).id, "UndefinedError", now) == 5
    assert store.outbox.claim(now + 9 * LEASE, 10) == ()
    store.retry_incident(store.views.incidents()[0].id, now)
    assert claimed(store, now).id == 1


def test_a_mail_with_a_link_to_a_closed_task_is_not_sent(store: SqlStore) -> None:
    case = start(store, Send("task", "t", "1", "person:ann", "2026-0001-1"))
    row = claimed(store)
    assert prepared(store, row)
    change(store, case, tasks=())
    assert not outgoing.handing_over(store.outbox, row, NOW)
    assert store.views.mail(row.id).state == "cancelled"


def test_the_stronger_line_of_a_brief_stays_and_each_case_has_its_own(store: SqlStore) -> None:
    def line(text: str, strength: int) -> Notify:
        return Notify("person:ann", "reminder", "district_fix", text, strength, TODAY, legal=True)

    case = start(store, line("weak", 1), line("strong", 5), line("middle", 3))
    start(store, line("other", 2))
    row = claimed(store, NOW + dt.timedelta(days=1))
    assert (row.case_id, row.mail, row.step, row.recipient) == (None, "brief", "brief", "person:ann")
    lines = [(found.case_id, found.text, found.legal) for found in store.outbox.brief_lines(row)]
    assert lines == [(case.id, "strong", True), ("2026-0002", "other", True)]


def test_a_line_that_comes_while_a_brief_is_written_stands_in_the_next(store: SqlStore) -> None:
    early = Notify("person:ann", "news", "a", "early", 1)
    case = start(store, early)
    first = claimed(store, NOW + dt.timedelta(days=1))
    change(store, case, replace(early, subject="b", text="late"))
    assert [line.text for line in store.outbox.brief_lines(first)] == ["early"]
    second = claimed(store, NOW + dt.timedelta(days=2))
    assert (first.occurrence, second.occurrence) == ("2026-11-25", "2026-11-26")
    assert [line.text for line in store.outbox.brief_lines(second)] == ["late"]
