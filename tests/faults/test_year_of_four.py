"""Weeks of the year that `soppa year` plays, worked by four real workers on PostgreSQL: `make workers`.

The workers read the time from a file. SOPPA_YEAR_DAYS=365 plays all of it.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from cli.demo.sink import MailSink
from cli.home import Home
from cli.serving.failpoint import PLAYED
from cli.upkeep.verifying import verify_house
from cli.wiring import House
from cli.year.report import report_of
from cli.year.run import live, new_year
from storage.looking.waiting import waiting
from storage.tables import OUTBOX
from tests.processes import running, until

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(7200)]

WORKERS = 4
SILENT_VENDORS = {"R-SUBLIST"}
"""The rule whose duty is an operator's own: three in ten never answer."""
DAYS = int(os.environ.get("SOPPA_YEAR_DAYS", "45"))


@contextmanager
def by_four(house: House) -> Iterator[tuple[Callable[[], object], Callable[[], object]]]:
    """Real workers, whose clock is moved with the year's; `work` waits until they have nothing left to do."""
    file = house.home.root.parent / "clock"

    def tell_time() -> None:
        new = file.with_suffix(".new")
        new.write_text(house.clock().isoformat(), "ascii")
        new.replace(file)

    def work() -> None:
        tell_time()
        until(lambda: is_quiet(house), "the end of the work", 120)

    tell_time()
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv(PLAYED, str(file))
        crew = [stack.enter_context(running(house.home.root, "worker")) for _ in range(WORKERS)]
        yield work, lambda: None
        assert [one.poll() for one in crew] == [None] * WORKERS


def is_quiet(house: House) -> bool:
    """Nothing is due, and no mail is on its way. These are two looks: a mail that is claimed between them is in
    neither, but its fence has grown."""
    claimed, on_the_way = mails_in_hand(house)
    is_idle = on_the_way == 0 and waiting(house.store.base, house.clock(), 1).total == 0
    return is_idle and mails_in_hand(house) == (claimed, 0)


def mails_in_hand(house: House) -> tuple[int, int]:
    """How often a mail was claimed so far, and how many are on their way."""
    with house.store.base.reading() as connection:
        claimed, leased = connection.execute(select(func.sum(OUTBOX.c.fence), func.count(OUTBOX.c.lease_until))).one()
    return claimed or 0, leased


def settled(house: House) -> Counter[str]:
    """How many mails ended in which state."""
    ended = select(OUTBOX.c.state).where(OUTBOX.c.settled_at.is_not(None))
    with house.store.base.reading() as connection:
        return Counter(connection.scalars(ended))


def test_weeks_of_a_year_worked_by_four_go_as_well_as_by_one(
    postgres_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = dt.date(2026, 7, 1)
    more = f'database: "{postgres_url}"\nworkers: {WORKERS}\n'
    with MailSink() as sink, new_year(Home(tmp_path / "home"), sink, first, more, by_four) as year:
        live(year, first, DAYS)
        report, found = report_of(year), verify_house(year.house, lambda done, total: None)
        states = settled(year.house)
        arrived = Counter(str(mail.message["Message-ID"]) for mail in sink.mails)
    with capsys.disabled():
        sys.stdout.write(f"\n{DAYS} days, {WORKERS} workers: {found.cases} cases, {len(arrived)} mails\n")
    assert (report.incidents, list(report.refused), found.wrong) == (0, [], [])
    assert {rule for rule, ended in report.deadlines if ended == "missed"} <= SILENT_VENDORS
    assert {identity for identity, count in arrived.items() if count > 1} == set()
    assert states["accepted"] == len(arrived)
    assert set(states) <= {"accepted", "cancelled"}
    assert found.cases > DAYS // 10
    over = [f"{one.whose}: {one.most} on {one.when}" for one in report.budgets if not one.held]
    assert over == []
