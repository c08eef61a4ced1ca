"""An adoption is killed again and again beside a daemon at work: each row becomes one case, as in a calm one."""

from __future__ import annotations

import datetime as dt
import os
import random
import re
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from subprocess import Popen

import pytest
from sqlalchemy import select

from cli.demo.sink import MailSink
from cli.home import Home
from cli.wiring import machine_clock, open_house
from storage.tables import ADOPTIONS
from tests.faults.test_kill import finish
from tests.files import pdf
from tests.processes import free_port, running, sample_home, soppa, until

KILLS = int(os.environ.get("SOPPA_KILLS", "12"))
POSTINGS, FAMILIES = 60, 15
SEED = int(os.environ.get("SOPPA_FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 1_000_000)

POSTING = """
  - key: R{n}
    process: contract_posting
    state: preparing
    given: {{product: Reader {n}, operator: Acme <p{n}@acme.example>, entered_on: {entered}}}
    evidence: {{entered_on: signed.pdf}}
"""
FAMILY = """
  - key: C{n}
    process: operator_fix
    state: notified
    child_of: P{n}
    given: {{parent: Ana {n} <ana{n}@families.example>, operator: Readwell <p@readwell.example>, item: Level,
            where_seen: Readwell, right_value: 4, operator_received_on: {told}}}
    evidence: {{operator_received_on: signed.pdf}}
  - key: P{n}
    process: correction_request
    state: waiting_for_holders
    begun_by: carla
    given: {{parent: Ana {n} <ana{n}@families.example>, received_on: {received}, item: Level, held_by: outside}}
    happened: {{told.told_wrong_district: {told}, confirm_notified.notified: {told}}}
    evidence: {{received_on: signed.pdf, confirm_notified.notified: signed.pdf}}
"""

_NUMBER = re.compile(r"\b\d{4}-\d{4}\b|\b[0-9a-f]{32,64}\b")
Adopted = dict[str, tuple[object, ...]]


@pytest.mark.timeout(900)
def test_a_killed_adoption_is_finished_by_the_same_command(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance, kills, reached = random.Random(SEED), 0, [0]
    words = ("adopt", str(running_cases(tmp_path)), "--apply", "--as", "priya")
    with MailSink() as sink:
        calm = Home(sample_home(tmp_path / "calm", sink, free_port()))
        assert soppa(calm.root, *words).returncode == 0
        home = Home(sample_home(tmp_path / "killed", sink, free_port(), database_url))
        with running(home.root, "worker"):
            while kills < KILLS and reached[-1] < POSTINGS + 2 * FAMILIES:
                with running(home.root, *words) as process:
                    until(partial(is_in_work, home, process, reached[-1]), "a row more", 180)
                    time.sleep(chance.uniform(0, 0.1))
                    kills += process.poll() is None
                    process.kill()
                    process.wait(10)
                reached.append(len(adopted_in(home)))
            last = soppa(home.root, *words)
            assert last.returncode == 0, last.stderr
        finish(calm.root, machine_clock())
        finish(home.root, machine_clock())
    wanted, found = adopted_in(calm), adopted_in(home)
    with capsys.disabled():
        sys.stdout.write(f"\nseed {SEED}: {kills} kills, after which {reached[1:]} of {len(wanted)} rows were cases\n")
    assert found == wanted
    assert len(wanted) == POSTINGS + 2 * FAMILIES
    assert soppa(home.root, "verify").returncode == 0
    assert kills >= KILLS // 3
    assert strangers(home) <= kills, "each kill leaves one file without a case at most"


def running_cases(folder: Path) -> Path:
    """A file of postings that are over their date or near it, and of families with an operator each."""
    today = machine_clock().date()
    (folder / "signed.pdf").write_bytes(pdf())
    rows = [POSTING.format(n=n, entered=today - dt.timedelta(days=2 + n % 60)) for n in range(POSTINGS)]
    days = {"received": today - dt.timedelta(days=100), "told": today - dt.timedelta(days=70)}
    rows += [FAMILY.format(n=n, **days) for n in range(FAMILIES)]
    file = folder / "running.yaml"
    file.write_text("cases:" + "".join(rows), "utf-8")
    return file


def is_in_work(home: Home, process: Popen[str], before: int) -> bool:
    return process.poll() is not None or len(keys(home)) > before


def keys(home: Home) -> dict[str, str]:
    with open_house(home, machine_clock) as house, house.store.base.reading() as connection:
        return {row.case_id: row.key for row in connection.execute(select(ADOPTIONS))}


def adopted_in(home: Home) -> Adopted:
    """What each row has become, whatever the numbers of the cases; fails where two cases are of one row."""
    known = keys(home)
    assert max(Counter(known.values()).values(), default=1) == 1
    with open_house(home, machine_clock) as house:
        assert {row.id for row in house.store.views.case_rows()} == set(known)
        with house.store.read() as unit:
            cases = {case_id: unit.case(case_id) for case_id in known}
        mails = Counter((row.case_id or "", row.mail, row.recipient) for row in house.store.views.outbox())
        return {key: (cases[case_id].state, known.get(cases[case_id].parent or ""),
                      {name: (clock.legal, clock.status) for name, clock in cases[case_id].clocks.items()},
                      sorted((mail, to, count) for (whose, mail, to), count in mails.items() if whose == case_id),
                      [(line.kind, without_numbers(line.detail)) for line in house.store.views.history(case_id)])
                for case_id, key in known.items()}  # fmt: skip


def without_numbers(detail: dict[str, str]) -> list[tuple[str, str]]:
    return sorted((name, _NUMBER.sub("#", str(value))) for name, value in detail.items())


def strangers(home: Home) -> int:
    """Files that no case names: the daemon takes them away after a day."""
    with open_house(home, machine_clock) as house:
        names = [path.name for path in house.documents.folder.rglob("*") if path.is_file()]
        return len(set(names) - set(house.store.views.named_documents(names)))
