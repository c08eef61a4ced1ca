"""How monitors read a status: the worst decides, what is wrong stands first, figures stand behind the bar."""

from __future__ import annotations

import pytest

from cli.status.look import CRITICAL, OK, UNKNOWN, WARNING, Level, Look, line, prometheus, worst

DISK = Look("disk", OK, "45 % is free", 45, "%", "10:", "5:")
BACKUP = Look("backup", WARNING, "the last one is of Monday", 100_000, "s", "93600", "180000")
RELAY = Look("relay", CRITICAL, "it refuses | since noon", 7200, "s", "", "3600")


@pytest.mark.parametrize(
    ("levels", "level"),
    [((), OK), ((OK, OK), OK), ((OK, WARNING), WARNING), ((WARNING, UNKNOWN), UNKNOWN),
     ((UNKNOWN, CRITICAL), CRITICAL)],
)
def test_the_worst_decides(levels: tuple[Level, ...], level: Level) -> None:
    assert worst(Look("x", each, "") for each in levels) == level


def test_all_is_well_in_one_line() -> None:
    assert line([DISK]) == "soppa OK - all is well | disk=45%;10:;5:"


def test_what_is_wrong_stands_first_and_no_bar_is_taken_for_figures() -> None:
    assert line([DISK, BACKUP, RELAY]) == (
        "soppa CRITICAL - relay: it refuses / since noon; backup: the last one is of Monday | "
        "disk=45%;10:;5: backup=100000s;93600;180000 relay=7200s;;3600")


def test_days_have_no_unit_that_a_monitor_knows() -> None:
    assert line([Look("certificate", OK, "", 60, "d", "14:", "3:")]).endswith("| certificate=60;14:;3:")


def test_the_same_for_prometheus() -> None:
    text = prometheus([DISK, RELAY], "1.0")
    assert 'soppa_level{look="relay"} 2\n' in text and "soppa_disk_percent 45\n" in text
    assert "soppa_relay_seconds 7200\n" in text and 'soppa_info{version="1.0"} 1\n' in text
    assert "since noon" not in text
