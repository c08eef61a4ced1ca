"""What belongs to no single case goes too: briefs, sessions, contacts of the register; contracts wait for their end."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from cli.demo.run import FakeClock, person
from cli.demo.sink import MailSink
from cli.retention.agreeing import Certificate, Wish
from cli.retention.due import look
from cli.retention.running import run
from cli.staff.acts import begin, confirm_act, plan_purge
from cli.upkeep.verifying import verify_house
from cli.wiring import House
from engine.model.case import Contact
from storage.tables import AGREEMENTS, BRIEF_LINES, CASES, LINKS, OUTBOX, REGISTER_HISTORY
from tests.ended import end
from tests.integration.full_home import AFTER, full_house

LATER = AFTER + dt.timedelta(days=8 * 366)


def idle(done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    with MailSink() as sink, full_house(tmp_path, sink, database_url) as house:
        assert isinstance(house.clock, FakeClock)
        house.clock.now = LATER
        yield house


def due(house: House, name: str) -> list[str]:
    with house.store.read() as unit:
        found = look(house, unit, house.clock().date())
    return [item.ref for one in found.due for item in one.items if one.kind.name == name]


def purged(house: House, *kinds: str) -> dict[str, dict[str, int]]:
    day = house.clock().date()
    wish = Wish(day, kinds, (), Certificate("1", day - dt.timedelta(days=90)))
    act = begin(house, plan_purge(house, wish, person(house, "priya"), "yearly"))
    confirm_act(house, act.id, "sam")
    done = run(house, act.id, idle)
    assert verify_house(house, idle).wrong == []
    return {one["class"]: one["removed"] for one in json.loads(str(done.certificate))["classes"]}


def all_agreements(house: House, **values: object) -> None:
    with house.store.base.writing() as connection:
        connection.execute(update(AGREEMENTS).values(**values))


def test_old_briefs_go_whole_and_newer_mail_stays(house: House) -> None:
    with house.store.base.reading() as connection:
        settled = OUTBOX.c.case_id.is_(None) & OUTBOX.c.state.in_(("accepted", "failed", "cancelled"))
        before = connection.scalars(select(OUTBOX.c.id).where(settled)).all()
        others = connection.scalars(select(OUTBOX.c.id).where(~OUTBOX.c.id.in_(before))).all()
    assert before
    assert purged(house, "briefs")["briefs"]["mails"] == len(before)
    with house.store.base.reading() as connection:
        left = set(connection.scalars(select(OUTBOX.c.id)))
        assert not left & set(before) and set(others) <= left
        assert not connection.scalars(select(BRIEF_LINES.c.id).where(BRIEF_LINES.c.outbox_id.in_(before))).all()
    assert due(house, "briefs") == []


def test_links_that_ended_long_ago_go_by_their_age(house: House) -> None:
    with house.store.base.reading() as connection:
        links = len(connection.scalars(select(LINKS.c.id)).all())
    assert links and purged(house, "access")["access"]["links"] == links


def test_contacts_of_an_operator_go_once_its_agreements_are_over(house: House) -> None:
    all_agreements(house, status="active")
    active = set(due(house, "register_contacts"))
    all_agreements(house, status="ended", ended_on=AFTER.date())
    ended = due(house, "register_contacts")
    assert ended and active < set(ended)
    known = {one.operator.id: one.operator.contact for one in house.store.register.holdings()}
    assert any(known.values())
    removed = purged(house, "register_contacts")["register_contacts"]
    assert removed["operators"] == len(ended)
    after = house.store.register.holdings()
    assert {one.operator.contact for one in after} == {None} and {one.product.sponsor for one in after} == {None}
    with house.store.base.reading() as connection:
        full = select(REGISTER_HISTORY.c.seq).where(REGISTER_HISTORY.c.sealed.is_not(None))
        assert connection.scalars(full.where(REGISTER_HISTORY.c.entry.startswith("O-"))).all() == []
    assert due(house, "register_contacts") == []


def test_a_contact_that_is_entered_again_is_due_again(house: House) -> None:
    all_agreements(house, status="ended", ended_on=AFTER.date())
    purged(house, "register_contacts")
    first = house.store.register.holdings()[0]
    with house.store.begin() as unit:
        writer = unit.register_writer(person(house, "priya"), house.clock(), "they wrote")
        writer.enter({"contact": (Contact("Zoe", "zoe@x.example"),)}, first)
        writer.flush()
    assert due(house, "register_contacts") == [first.operator.id]


def test_a_contract_is_kept_while_its_agreement_runs_and_so_long_after(house: House) -> None:
    with house.store.base.reading() as connection:
        about = CASES.c.subject.is_not(None) & CASES.c.parent.is_(None)
        found = connection.execute(select(CASES.c.id, CASES.c.subject).where(about)).first()
    assert found is not None
    with house.store.base.reading() as connection:
        ended = connection.scalar(select(CASES.c.ended_at).where(CASES.c.id == found.id))
    if ended is None:
        end(house, found.id)
    all_agreements(house, status="active")
    assert due(house, "contracts") == []
    all_agreements(house, status="ended", ended_on=dt.date(2030, 1, 1))
    assert found.id not in due(house, "contracts")
    all_agreements(house, status="ended", ended_on=dt.date(2026, 12, 1))
    assert found.id in due(house, "contracts")
    assert "contracts" in purged(house, "contracts")
    assert due(house, "contracts") == []


def test_a_districts_own_term_counts(house: House) -> None:
    all_agreements(house, status="ended", ended_on=AFTER.date())
    house.home.retention.write_text("register_contacts: {term: 20 years, reason: ours}\n")
    assert due(house, "register_contacts") == []


