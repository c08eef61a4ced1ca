"""What was changed behind soppa's back is named by case and line; what honest work leaves behind is no fault."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select, text

from cli.demo.run import person
from cli.demo.sink import MailSink
from cli.main import main
from cli.upkeep.verifying import verify_house
from cli.wiring import House, open_house
from engine.law.clocks import Calendars
from engine.model.case import Contact, FactValue
from storage.database import reading
from storage.sealing import add_key, write_ring
from storage.tables import HISTORY
from storage.upkeep.verifying import Found, verify
from tests.integration.full_home import full_house

CASE = "2026-0001"
"""The first correction of the sample; its clock runs, its mails were accepted, its history is sealed."""


def idle(done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    with MailSink() as sink, full_house(tmp_path, sink, database_url) as house:
        yield house


CHANGES = [
    ("a line of history", "UPDATE history SET detail = '{}' WHERE case_id = '2026-0001' AND seq = 2",
     "case CASE: line 2 of its history, or the one before, was changed"),
    ("a line taken out", "DELETE FROM history WHERE case_id = '2026-0001' AND seq = 3",
     "case CASE: line 3 of its history is missing"),
    ("the end cut off", "DELETE FROM history WHERE case_id = '2026-0001' AND seq > 5",
     r"case CASE: line \d+ of its history is not as it was sealed"),
    ("a whole history", "DELETE FROM history WHERE case_id = '2026-0001'", "case CASE has no history"),
    ("a personal part moved", "UPDATE history SET sealed = (SELECT sealed FROM cases WHERE id = '2026-0001'), "
     "personal_digest = 'k:0' WHERE case_id = '2026-0001' AND seq = 1",
     "case CASE: the personal part of line 1 was changed"),
    ("a personal part emptied", "UPDATE history SET sealed = NULL WHERE case_id = '2026-0001' AND seq = 1",
     "case CASE: line 1 of its history was emptied, and no purge says so"),
    ("a line cut", "UPDATE history SET cut = (1 = 1), detail = '{}' WHERE case_id = '2026-0001' AND seq = 2",
     "case CASE: line 2 of its history was emptied, and no purge says so"),
    ("a seal", "UPDATE seals SET heads = '[]' WHERE number = 1", "seal 1, or the one before, was changed"),
    ("a later date", "UPDATE clocks SET legal = '2027-03-01' WHERE case_id = '2026-0001'",
     r"case CASE: clock district_fix stands at 2027-03-01 \(target 2026-12-11\), and is counted to 2026-12-14 .*"),
    ("another day 0", "UPDATE clocks SET anchor = '2026-09-21', nominal = '2026-12-20', legal = '2026-12-21', "
     "target = '2026-12-18' WHERE case_id = '2026-0001'",
     r"case CASE: clock district_fix has legal 2026-12-21, line \d+ of its history says 2026-12-14"),
    ("a duty called done", "UPDATE clocks SET status = 'satisfied' WHERE case_id = '2026-0001'",
     "case CASE: clock district_fix is satisfied, its history says running"),
    ("a case called ended", "UPDATE cases SET ended_at = started_at WHERE id = '2026-0001'",
     "case CASE is ended, and its history says otherwise"),
    ("another case's facts", "UPDATE cases SET sealed = (SELECT sealed FROM cases WHERE id = '2026-0002') "
     "WHERE id = '2026-0001'", "case CASE: cases/CASE does not open with the key ring"),
    ("a mail taken away", "DELETE FROM outbox WHERE case_id = '2026-0001' AND mail = 'receipt'",
     r"case CASE: line \d+ of its history queued 'receipt', which is not in the outbox"),
    ("a mail called sent",
     "UPDATE outbox SET state = 'accepted', at = NULL WHERE state = 'queued' AND mail = 'receipt'",
     r"case \d{4}-\d{4}: mail \d+ \(receipt\) is accepted, its history does not say so"),
    ("a mail called failed", "UPDATE outbox SET state = 'failed' WHERE case_id = '2026-0001' AND mail = 'receipt'",
     "case CASE: its history says that the mail 'receipt' was accepted 1 times, the outbox 0 times"),
    ("the register's history", "UPDATE register_history SET detail = '{\"cause\":\"\",\"changes\":{}}' "
     "WHERE entry = 'P-0001' AND seq = 1", "P-0001: line 1 of its history, or the one before, was changed"),
]  # fmt: skip


def test_each_change_is_named(house: House) -> None:
    assert look(house).wrong == []
    for what, statement, says in CHANGES:
        with house.store.base.engine.connect() as connection, connection.begin() as transaction:
            disarm(connection)
            assert connection.execute(text(statement)).rowcount >= 1, what
            found = found_by(connection, house)
            transaction.rollback()
        named = [line for line in found.wrong if re.fullmatch(says.replace("CASE", CASE), line)]
        assert named, (what, found.wrong)
    assert look(house).wrong == []


def disarm(connection: Connection) -> None:
    """Takes the database's own guards away, as somebody with its password could."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET session_replication_role = replica"))
        return
    connection.execute(text("PRAGMA defer_foreign_keys = ON"))
    for name in connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
        connection.execute(text(f"DROP TRIGGER {name}"))


def look(house: House) -> Found:
    return verify_house(house, idle)


def found_by(connection: Connection, house: House, calendars: Calendars | None = None) -> Found:
    base, known = house.store.base, house.make_office(()).calendars
    return verify(connection, base.ring, house.definitions.pinned, calendars or known, idle)


def test_honest_work_is_no_fault(house: House) -> None:
    """A new key, a case begun since, whose mails wait."""
    before, lines = look(house), count(house)
    house.home.ring.write_bytes(write_ring(add_key(house.store.base.ring)))
    with open_house(house.home, house.clock) as again:
        facts: dict[str, FactValue] = {"received_on": dt.date(2026, 11, 2), "item": "x"}
        parent = {"parent": Contact("Eva Ruiz", "eva@families.example")}
        again.service.start("correction_request", facts, parent, person(again, "carla"), again.clock())
        after = look(again)
    assert (after.wrong, after.cases, after.dates) == ([], before.cases + 1, before.dates + 1)
    assert (before.lines, after.lines) == (lines, count(house))
    assert before.register_lines and before.seals and len(before.documents) == 1


def count(house: House) -> int:
    with reading(house.store.base.engine).connect() as connection:
        return int(connection.scalar(select(func.count()).select_from(HISTORY)) or 0)


def test_dates_of_a_calendar_that_was_replaced_are_held_against_the_history_only(house: House) -> None:
    known = house.make_office(()).calendars
    newer = replace(known, statutory=replace(known.statutory, version="2027-03"))
    with reading(house.store.base.engine).connect() as connection:
        found = found_by(connection, house, newer)
    assert found.wrong == []
    assert 0 < found.recounted <= found.dates


def test_a_document_that_is_gone_or_changed_is_named_with_its_case(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    ((value, whose),) = look(house).documents.items()
    (kept,) = (path for path in house.home.documents.rglob("*") if path.is_file())
    content = kept.read_bytes()
    kept.write_bytes(content[:-1] + b"x")
    assert [line.startswith(f"{whose}: {value[:32]}: ") for line in look(house).wrong] == [True]
    kept.unlink()
    assert main(["verify", "--home", str(house.home.root), "--json"]) == 1
    streams = capsys.readouterr()
    assert streams.err.startswith(f"soppa: {whose}: {value[:32]}: the document is missing")
    said = json.loads(streams.out)
    assert (said["whole"], len(said["wrong"]), said["documents"]) == (False, 1, 1)
