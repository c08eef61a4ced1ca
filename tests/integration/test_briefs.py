"""Briefs in the outbox: one a reader and day, for contacts by their address; held over when they miss their window."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from engine.errors import OutsideCalendar
from engine.model.case import Contact
from engine.model.handed import NewLink, OutboxRow
from engine.model.messages import Notify
from storage.mailing.outbox import LEASE
from storage.sealing import new_ring
from storage.store import WEEKDAYS, SqlStore, open_store
from storage.tables import BRIEF_LINES, OUTBOX
from tests import outgoing
from tests.integration.stored import MINUTE, NOW, TODAY, change, opened, start

EVA = Contact("Eva Ruiz", "eva@example.org", "es")
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
NIGHT = NOW + 12 * HOUR
"""Nine in the evening of the Tuesday that begins at `NOW`, nine in the morning."""

FOR_PARTY = Notify("party:parent", "reminder", "district_fix", "Correct it", 3, TODAY, legal=True)
FOR_ANN = replace(FOR_PARTY, recipient="person:ann")


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    with opened(database_url) as store:
        yield store


def remind(store: SqlStore, *lines: Notify, contact: Contact = EVA, now: dt.datetime = NOW) -> str:
    """A new case with this parent, and the lines; its number."""
    case = start(store)
    change(store, case, *lines, now=now, parties={"parent": contact})
    return case.id


def waiting(store: SqlStore) -> list[tuple[str, dt.datetime | None]]:
    rows = sorted(store.views.outbox(), key=lambda row: row.id)
    return [(row.recipient.partition(":")[0], row.at) for row in rows if row.state == "queued"]


def cases_in(store: SqlStore, row: OutboxRow) -> list[str]:
    return sorted(line.case_id for line in store.outbox.brief_lines(row))


def claimed(store: SqlStore, now: dt.datetime, limit: int = 10) -> OutboxRow:
    (row,) = store.outbox.claim(now, limit)
    return row


def prepare(store: SqlStore, row: OutboxRow, *links: NewLink) -> bool:
    return outgoing.prepared(
        store.outbox, row, address="eva@example.org", message_id="<1@d>", raw=b"x", links=links, now=NOW
    )


# --- contacts --------------------------------------------------------------------------------------------------------


def test_a_party_is_reminded_at_eight_under_a_digest_of_its_address(store: SqlStore) -> None:
    remind(store, FOR_PARTY)
    assert waiting(store) == [("contact", dt.datetime(2026, 11, 25, 14, 0, tzinfo=dt.UTC))]
    with store.base.reading() as connection:
        stored = [*connection.execute(select(OUTBOX)), *connection.execute(select(BRIEF_LINES))]
    assert "eva" not in str(stored).lower()
    row = claimed(store, NOW + DAY)
    (line,) = store.outbox.brief_lines(row)
    assert row.to_contact and row.recipient == store.outbox.contact_key("eva@example.org")
    assert (line.party, line.legal, line.text) == ("parent", True, "Correct it")


@pytest.mark.parametrize("email", ["EVA@example.org", "eva@Example.ORG", " eva@example.org "])
def test_an_address_in_other_letters_is_the_same_contact(store: SqlStore, email: str) -> None:
    cases = [remind(store, FOR_PARTY), remind(store, FOR_PARTY, contact=replace(EVA, email=email))]
    assert cases_in(store, claimed(store, NOW + DAY)) == cases


def test_another_address_is_another_contact(store: SqlStore) -> None:
    remind(store, FOR_PARTY)
    remind(store, FOR_PARTY, contact=replace(EVA, email="eve@example.org"))
    assert len(store.outbox.claim(NOW + DAY, 10)) == 2


@pytest.mark.parametrize("contact", [replace(EVA, email=None), replace(EVA, paper=True)])
def test_a_line_for_a_party_that_reads_no_mail_is_refused_whole(store: SqlStore, contact: Contact) -> None:
    with pytest.raises(ValueError, match="party 'parent' of case 2026-0001 reads no mail"):
        remind(store, FOR_ANN, FOR_PARTY, contact=contact)
    assert waiting(store) == []


def test_a_line_is_passed_on_to_its_new_readers_once(store: SqlStore) -> None:
    stays, moves = remind(store, FOR_PARTY), remind(store, FOR_PARTY)
    row = claimed(store, NOW + DAY)
    line = next(line for line in store.outbox.brief_lines(row) if line.case_id == moves)
    new = store.outbox.contact_key("new@example.org")
    for _ in range(2):
        store.outbox.pass_on(row, line, [new, "person:ann"], NOW + DAY)
    assert cases_in(store, row) == [stays]
    rows = {found.recipient: found for found in store.outbox.claim(NOW + DAY, 10)}
    assert {recipient: cases_in(store, found) for recipient, found in rows.items()} == {
        new: [moves], "person:ann": [moves]}
    parties = {recipient: store.outbox.brief_lines(found)[0].party for recipient, found in rows.items()}
    assert parties == {new: "parent", "person:ann": None}


def test_who_lost_the_claim_passes_nothing_on(store: SqlStore) -> None:
    case = remind(store, FOR_PARTY)
    old = claimed(store, NOW + DAY)
    store.outbox.rescue(NOW + DAY + LEASE)
    new = claimed(store, NOW + DAY + LEASE + 2 * HOUR)
    (line,) = store.outbox.brief_lines(old)
    store.outbox.pass_on(old, line, ["person:ann"], NOW + DAY)
    assert cases_in(store, new) == [case] and waiting(store) == []


def test_the_list_of_mails_says_for_whom_a_contacts_mail_is(store: SqlStore) -> None:
    cases = [remind(store, FOR_PARTY, FOR_ANN), remind(store, FOR_PARTY)]
    about = {row.recipient.partition(":")[0]: row.about for row in store.views.outbox()}
    assert about == {"contact": tuple(f"parent of {case}" for case in cases), "person": ()}


# --- the window ------------------------------------------------------------------------------------------------------


def test_a_brief_that_missed_its_day_leaves_on_the_next_one(store: SqlStore) -> None:
    case = remind(store, FOR_ANN)
    assert store.outbox.claim(NIGHT + DAY, 10) == ()
    assert [row.state for row in store.views.outbox()] == ["queued", "cancelled"]
    assert waiting(store) == [("person", dt.datetime(2026, 11, 26, 13, 30, tzinfo=dt.UTC))]
    assert cases_in(store, claimed(store, NOW + 2 * DAY)) == [case]


def test_what_is_held_over_joins_the_lines_of_the_next_day_and_the_stronger_stays(store: SqlStore) -> None:
    case = start(store)
    case = change(store, case, replace(FOR_ANN, text="weak", strength=1), replace(FOR_ANN, subject="b", strength=9))
    change(store, case, replace(FOR_ANN, text="strong"), replace(FOR_ANN, subject="b", text="weaker"), now=NOW + DAY)
    row = claimed(store, NOW + 2 * DAY)
    assert row.occurrence == "2026-11-26"
    assert {line.subject: line.text for line in store.outbox.brief_lines(row)} == {
        "district_fix": "strong", "b": "Correct it"}


def test_briefs_of_a_whole_week_of_outage_leave_as_one(store: SqlStore) -> None:
    cases = [remind(store, FOR_PARTY, FOR_ANN, now=NOW + days * DAY) for days in range(-6, 0)]
    rows = store.outbox.claim(NOW, 50)
    assert sorted(row.recipient.partition(":")[0] for row in rows) == ["contact", "person"]
    assert [cases_in(store, row) for row in rows] == [cases, cases]
    assert {row.occurrence for row in rows} == {"2026-11-24"}
    assert store.outbox.claim(NOW + HOUR, 50) == ()


def test_nobody_gets_two_briefs_on_one_day(store: SqlStore) -> None:
    late = remind(store, FOR_ANN, now=NOW - DAY)
    row = claimed(store, NOW)
    assert prepare(store, row) and outgoing.handing_over(store.outbox, row, NOW)
    store.outbox.settle(row, "accepted", "250", NOW)
    other = remind(store, FOR_ANN, now=NOW - 2 * DAY)
    assert store.outbox.claim(NOW, 10) == ()
    again = claimed(store, NOW + DAY)
    assert cases_in(store, row) == [late] and cases_in(store, again) == [other]


def test_bytes_that_a_brief_could_not_hand_over_in_time_are_never_sent(store: SqlStore) -> None:
    case = remind(store, FOR_PARTY)
    row = claimed(store, NOW + DAY)
    link = NewLink("0" * 64, "status", case, "party:parent", "code", NOW + 9 * DAY)
    assert prepare(store, row, link)
    store.outbox.settle(row, "deferred", "451", NOW + DAY, NIGHT + DAY)
    assert store.outbox.claim(NIGHT + DAY, 10) == ()
    found = store.links.link("0" * 64)
    assert found is not None and found.revoked_at == NIGHT + DAY
    again = claimed(store, NOW + 2 * DAY)
    assert (again.raw, cases_in(store, again)) == (None, [case])


def test_a_deferred_brief_is_tried_again_within_its_window(store: SqlStore) -> None:
    remind(store, FOR_PARTY)
    row = claimed(store, NOW + DAY)
    assert prepare(store, row)
    store.outbox.settle(row, "deferred", "451", NOW + DAY, NOW + DAY + MINUTE)
    assert claimed(store, NOW + DAY + MINUTE).raw == b"x"


def test_what_a_person_asked_for_leaves_at_any_hour(store: SqlStore) -> None:
    remind(store, FOR_ANN)
    sunday_night = dt.datetime(2026, 11, 30, 5, 0, tzinfo=dt.UTC)
    store.outbox.notify("person:ann", "code", None, {"code": "493201"}, sunday_night)
    assert claimed(store, sunday_night).mail == "code"


def test_a_backlog_of_missed_briefs_keeps_no_code_waiting(store: SqlStore) -> None:
    for number in range(5):
        remind(store, replace(FOR_ANN, recipient=f"person:p{number}"))
    store.outbox.notify("person:ann", "code", None, {"code": "493201"}, NIGHT + DAY)
    assert claimed(store, NIGHT + DAY, limit=2).mail == "code"
    assert [row.state for row in store.views.outbox()].count("cancelled") == 1
    assert store.outbox.claim(NIGHT + DAY, 2) == ()
    assert not store.has_work(NIGHT + DAY)
    assert len(store.outbox.claim(NOW + 2 * DAY, 10)) == 5


def test_a_calendar_that_cannot_be_read_keeps_no_code_waiting(database_url: str) -> None:
    broken = False

    def is_business_day(day: dt.date) -> bool:
        if broken:
            raise OutsideCalendar(f"{day} is outside calendar 'il-strict'")
        return True

    store = open_store(database_url, new_ring(), create=True, window=replace(WEEKDAYS, is_business_day=is_business_day))
    remind(store, FOR_ANN)
    store.outbox.notify("person:ann", "code", None, {"code": "493201"}, NOW)
    broken = True
    assert [row.mail for row in store.outbox.claim(NIGHT + DAY, 10)] == ["code", "brief"]
    store.close()


# --- the officer -----------------------------------------------------------------------------------------------------


def test_the_first_brief_of_a_week_knows_that_it_is(store: SqlStore) -> None:
    opens = []
    for days in (-2, 0, 6):
        remind(store, FOR_ANN, now=NOW + days * DAY)
        leaves = NOW + (days + 1) * DAY
        row = claimed(store, leaves)
        opens.append((row.occurrence, store.outbox.opens_week(row)))
        assert prepare(store, row) and outgoing.handing_over(store.outbox, row, leaves)
        store.outbox.settle(row, "accepted", "250", leaves)
    assert opens == [("2026-11-23", True), ("2026-11-25", False), ("2026-12-01", True)]


def test_a_brief_that_was_not_sent_does_not_open_the_week(store: SqlStore) -> None:
    remind(store, FOR_ANN, now=NOW - 2 * DAY)
    store.outbox.settle(claimed(store, NOW - DAY), "cancelled", "nothing to say", NOW)
    remind(store, FOR_ANN)
    assert store.outbox.opens_week(claimed(store, NOW + DAY))


def test_a_definition_is_in_use_while_a_case_runs_on_it(store: SqlStore) -> None:
    first, second = start(store), start(store)
    with store.read() as unit:
        assert unit.in_use() == (("correction_request", 1, "h"),)
    for case in (first, second):
        change(store, case, ended_at=NOW)
    with store.read() as unit:
        assert unit.in_use() == ()
