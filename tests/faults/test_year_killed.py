"""The work of most of a year, caught up by daemons that are killed again and again: each case as it would have been.

The sample district of `soppa year` lives through its first weeks; then its daemon is off for months. What has come due
since, attestations and lists that begin, reminders, targets, legal rungs, is worked through by the real daemon, which
is killed at random moments. The same district, caught up in peace, tells what must have happened in the end.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import re
import sys
import time
from collections import Counter
from pathlib import Path
from subprocess import Popen

import pytest
from sqlalchemy import func, select

from cli.demo.sink import MailSink
from cli.home import Home
from cli.wiring import House, machine_clock, open_house
from cli.year.run import live, new_year
from storage.chains.history import HistoryLine
from storage.tables import HISTORY
from tests.faults.test_kill import SEED, finish, leases_run_out
from tests.processes import running, until

KILLS = int(os.environ.get("SOPPA_KILLS", "25"))
LIVED, SILENT = 70, 230
"""Days with the daemon at work, and days without."""

_CASE = re.compile(r"\b\d{4}-\d{4}\b")
Story = tuple[tuple[str, str], ...]


@pytest.mark.timeout(3600)
def test_a_year_caught_up_between_kills_is_the_year_caught_up_in_peace(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = machine_clock()
    with MailSink() as calm_sink, MailSink() as sink:
        calm = lived(tmp_path / "calm", calm_sink, now)
        finish(calm, now)
        home = lived(tmp_path / "killed", sink, now, f'database: "{database_url}"\n')
        in_work = kill_again_and_again(home)
        finish(home, now)
        with open_house(Home(calm), machine_clock) as peace, open_house(Home(home), machine_clock) as killed:
            happened, wanted = stories(killed), stories(peace)
            broken = [fault for line in killed.store.views.case_rows() for fault in
                      killed.store.views.verify_history(line.id)]  # fmt: skip
            rows = killed.store.views.outbox()
            incidents = killed.store.views.incidents()
        arrived = Counter(str(mail.message["Message-ID"]) for mail in sink.mails)
    doubtful = {str(row.message_id) for row in rows if row.state == "uncertain"}
    accepted = {str(row.message_id) for row in rows if row.state == "accepted"}
    with capsys.disabled():
        told = f"{sum(happened.values())} cases, {len(arrived)} mails, {len(doubtful)} in doubt"
        sys.stdout.write(f"\nseed {SEED}: {KILLS} kills, {in_work} of them in work, {told}\n")
    assert in_work >= KILLS // 2
    assert happened == wanted
    assert (broken, incidents) == ([], ())
    assert {identity for identity, count in arrived.items() if count > 1} == set()
    assert accepted <= set(arrived)
    assert set(arrived) - accepted <= doubtful


def lived(folder: Path, sink: MailSink, now: dt.datetime, more: str = "") -> Path:
    """The district after its first weeks; nothing has been done for it since."""
    first = (now - dt.timedelta(days=LIVED + SILENT)).date()
    with new_year(Home(folder), sink, first, more) as year:
        live(year, first, LIVED)
        assert year.refused == []
    return folder


def kill_again_and_again(home: Path) -> int:
    """How many of the kills came in the middle of work."""
    chance, in_work = random.Random(SEED), 0
    for _ in range(KILLS):
        with open_house(Home(home), machine_clock) as house:
            with running(home, "worker") as process:
                wait_for_work(house, process)
                time.sleep(chance.uniform(0, 0.3))
                process.kill()
                process.wait(60)
            in_work += has_work(house)
        leases_run_out(home)
    return in_work


def wait_for_work(house: House, process: Popen[str]) -> None:
    before = lines(house)
    until(lambda: lines(house) > before or process.poll() is not None or not has_work(house), "some work", 600)


def lines(house: House) -> int:
    with house.store.base.reading() as connection:
        return connection.scalar(select(func.count()).select_from(HISTORY)) or 0


def has_work(house: House) -> bool:
    return house.store.has_work(machine_clock())


def stories(house: House) -> Counter[tuple[str, Story]]:
    """What happened in each case but for its mails, whatever numbers the cases have, and how often."""
    views, found = house.store.views, Counter[tuple[str, Story]]()
    for row in views.case_rows():
        told = [line for line in views.history(row.id) if line.kind not in ("mail_settled", "told")]
        story = tuple(sorted((line.kind, _CASE.sub("#", _said(line))) for line in told))
        found[row.process, story] += 1
    return found


def _said(line: HistoryLine) -> str:
    return str(sorted(line.detail.items()))
