"""Alarms of a home on both kinds of database: seen by a monitor, at the terminal, on the pages, in a mail."""

from __future__ import annotations

import datetime as dt
import http.server
import json
import os
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import trustme
from sqlalchemy import insert

from cli.demo.sink import MailSink
from cli.home import Home
from cli.main import main
from cli.status import certificate, failed
from cli.status.alarmfile import Alarm, banner, read_alarms, write_alarms
from cli.status.look import CRITICAL, OK, WARNING, Look
from cli.status.looks import BACKUP, BACKUP_FAILED, RELAY, looks_at, no_mail_since
from cli.status.ping import Ping, get
from cli.status.watch import NOTICE, Watch
from cli.upkeep.backups import make_key
from cli.wiring import House
from engine.errors import UsageError
from storage.tables import INCIDENTS
from tests.integration.full_home import AFTER, full_house
from tests.processes import until

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    """At the moment of its last beat."""
    with MailSink() as sink, full_house(tmp_path, sink, database_url) as house:
        yield house


@dataclass(frozen=True, slots=True)
class Pass:
    accepted: int = 0
    deferred: int = 0
    outage: bool = False


def levels(house: House, now: dt.datetime = AFTER) -> Mapping[str, int]:
    return {look.what: look.level for look in looks_at(house, now)}


def says(house: House, what: str, now: dt.datetime = AFTER) -> str:
    return next(look.says for look in looks_at(house, now) if look.what == what)


def test_a_home_at_work_is_well(house: House) -> None:
    assert {level for what, level in levels(house).items() if what != "disk"} == {OK}


def test_a_daemon_that_does_not_beat_is_critical_after_ten_minutes(house: House) -> None:
    assert levels(house, AFTER + dt.timedelta(minutes=9))["daemon"] == OK
    assert levels(house, AFTER + dt.timedelta(minutes=11))["daemon"] == CRITICAL


def test_a_relay_that_takes_nothing_is_an_alarm_after_an_hour_and_over_with_the_first_mail(house: House) -> None:
    watch = Watch(house)
    house.store.outbox.notify("person:priya", "code", None, {"code": "1"}, AFTER)
    watch.saw(Pass(outage=True), AFTER)
    watch.saw(Pass(deferred=2), AFTER + HOUR / 2)
    assert no_mail_since(house, AFTER + HOUR) is None
    assert no_mail_since(house, AFTER + HOUR * 1.1) == AFTER
    assert levels(house, AFTER + HOUR * 1.1)["relay"] == CRITICAL
    Watch(house).saw(Pass(outage=True), AFTER + HOUR * 2)
    assert no_mail_since(house, AFTER + HOUR * 2) == AFTER
    watch.saw(Pass(accepted=1), AFTER + HOUR * 2)
    assert house.store.mark(RELAY) == ""


def test_incidents_and_doubts_are_warnings(house: House) -> None:
    house.store.outbox.notify("person:priya", "code", None, {"code": "1"}, AFTER)
    row = next(row for row in house.store.outbox.claim(AFTER, 50) if row.mail == "code")
    house.store.outbox.settle(row, "uncertain", "cut", AFTER)
    with house.store.base.writing() as connection:
        sick = {"kind": "timer", "ref": 1, "error": "KeyError", "tries": 5, "opened_at": AFTER}
        connection.execute(insert(INCIDENTS).values(**sick))
    found = levels(house)
    assert (found["mails"], found["incidents"]) == (WARNING, WARNING)


def test_a_backup_that_is_old_or_failed_is_told(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_key(house.home)
    (tmp_path / "backups").mkdir()
    words = ["--home", str(house.home.root), "backup", "--to"]
    assert main([*words, str(tmp_path / "nowhere")]) == 2
    assert "there is no folder" in says(house, "backup") and levels(house)["backup"] == CRITICAL
    assert main([*words, str(tmp_path / "backups")]) == 0
    made = dt.datetime.fromisoformat(json.loads(house.store.mark(BACKUP) or "")["at"])
    ages = {hours: levels(house, made + dt.timedelta(hours=hours))["backup"] for hours in (25, 27, 51)}
    assert ages == {25: OK, 27: WARNING, 51: CRITICAL}
    capsys.readouterr()


def test_the_officer_is_mailed_once_of_an_alarm_and_again_after_it_was_over(house: House) -> None:
    real = replace(house, settings=replace(house.settings, demo=False))
    watch = Watch(real)

    def mailed() -> int:
        return sum(row.mail == NOTICE for row in house.store.views.outbox())

    def fails(says: str) -> None:
        house.store.set_mark(BACKUP_FAILED, says and json.dumps({"at": AFTER.isoformat(), "says": says}))

    fails("the disk is full")
    for _ in range(3):
        watch.look(AFTER)
    assert mailed() == 1
    fails("")
    house.store.set_mark(BACKUP, json.dumps({"at": AFTER.isoformat()}))
    watch.look(AFTER)
    fails("the disk is full")
    Watch(real).look(AFTER)
    assert mailed() == 2


def test_the_alarm_is_a_mail_that_reads_well(house: House) -> None:
    from cli.serving.daemon import beat_until_quiet, heart_of

    house.store.outbox.notify("person:priya", NOTICE, None, {"what": "backup", "says": "the disk is full"}, AFTER)
    with heart_of(house, tells_gaps=False) as heart:
        beat_until_quiet(heart)
    row = next(row for row in house.store.views.outbox() if row.mail == NOTICE)
    raw = house.store.views.mail(row.id).raw or b""
    assert row.state == "accepted" and b"Subject: soppa needs a look: backup" in raw


def test_the_file_of_alarms_is_written_and_kept_current(house: House) -> None:
    house.store.set_mark(BACKUP_FAILED, json.dumps({"at": AFTER.isoformat(), "says": "the disk is full"}))
    failed_unit = Alarm("unit", CRITICAL, "soppa-backup.service failed", (AFTER + HOUR).isoformat())
    write_alarms(house.home, AFTER - HOUR, [failed_unit], ())
    watch = Watch(house)
    watch.look(AFTER)
    found = read_alarms(house.home)
    assert found is not None
    assert [one.what for one in found.alarms] == ["backup", "unit"]
    assert house.home.alarms.stat().st_mode & 0o777 == 0o600
    officer = next(person.login for person in house.store.people() if "privacy" in person.roles)
    assert officer not in found.not_told and "carla" in found.not_told
    house.store.set_mark(BACKUP_FAILED, "")
    watch.look(AFTER + HOUR * 2)
    found = read_alarms(house.home)
    assert found is not None and not {"backup", "unit"} & {one.what for one in found.alarms}


def test_a_terminal_shows_one_line_to_those_whose_matter_it_is(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert banner(home, AFTER) is None
    write_alarms(home, AFTER, [Alarm("backup", WARNING, "an old one"), Alarm("relay", CRITICAL, "no mail")], ())
    assert banner(home, AFTER, roomy) == "relay: no mail (and 1 more) – soppa status"
    assert "nothing is watched since" in (banner(home, AFTER + HOUR, roomy) or "")
    write_alarms(home, AFTER, [Alarm("relay", CRITICAL, "no mail")], [os.environ.get("SUDO_USER") or "root"])
    assert banner(home, AFTER) is None
    write_alarms(home, AFTER, [], ())
    assert banner(home, AFTER, roomy) is None


def test_a_full_disk_is_told_at_the_terminal_though_no_file_can_be_written(tmp_path: Path) -> None:
    home = Home(tmp_path)
    write_alarms(home, AFTER, [], ())
    assert banner(home, AFTER, lambda root: Look("disk", CRITICAL, "0 % is free")) == (
        "disk: 0 % is free – soppa status")
    write_alarms(home, AFTER, [Alarm("disk", WARNING, "9 % is free")], ())
    assert banner(home, AFTER, roomy) is None


def roomy(root: Path) -> Look:
    return Look("disk", OK, "60 % is free")


def test_status_speaks_to_monitors(house: House, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["--home", str(house.home.root), "status"]
    capsys.readouterr()
    assert main(words) == 2  # the last heartbeat is weeks old
    said = capsys.readouterr()
    assert said.out.count("\n") == 1 and said.err == ""
    assert said.out.startswith("soppa CRITICAL - daemon: no heartbeat since 2026-11-13")
    assert main([*words, "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["level"] == 2 and found["status"] == "critical"
    assert {one["what"] for one in found["looks"]} >= {"daemon", "relay", "disk", "incidents", "histories"}
    assert main(["--home", str(tmp_path / "nowhere"), "status"]) == 3
    house.home.ring.rename(tmp_path / "ring")
    assert main(words) == 2
    (tmp_path / "ring").rename(house.home.ring)
    assert capsys.readouterr().out.count("put the key ring back") == 1


@contextmanager
def served(answer: int = 200) -> Iterator[tuple[int, ssl.SSLContext, list[str]]]:
    """A TLS server of this machine; its port, a context that trusts it, and what was asked of it."""
    authority, asked = trustme.CA(), list[str]()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(answer)
            if answer == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    try:
        yield server.server_port, trusting, asked
    finally:
        server.shutdown()
        server.server_close()


def test_the_ping_asks_once_and_follows_nobody() -> None:
    with served(302) as (port, trusting, asked):
        assert get(f"https://localhost:{port}/secret?x=1", trusting) == 302
        ping = Ping(f"https://localhost:{port}/secret", trusting)
        ping.now_and_then()
        ping.now_and_then()
        until(lambda: ping.failed, "the end of the ping")
        assert asked == ["/secret?x=1", "/secret"]


def test_a_ping_that_fails_is_told_once_without_its_address(caplog: pytest.LogCaptureFixture) -> None:
    ping = Ping("https://localhost:9/secret")
    for _ in range(2):
        ping.sent = -1000.0
        ping.now_and_then()
        until(lambda: not ping._busy.locked(), "the end of the ping")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "secret" not in caplog.text


def test_a_certificate_that_nobody_trusts_is_critical(house: House) -> None:
    with served() as (port, _, _asked):
        real = replace(house, settings=replace(house.settings, public_url=f"https://localhost:{port}"))
        found = certificate.ask(real, AFTER)
        assert found is not None and "not to be trusted" in found.wrong
        assert levels(house)["certificate"] == CRITICAL
    assert not certificate.is_old(real, AFTER + HOUR) and certificate.is_old(real, AFTER + 7 * HOUR)
    assert certificate.ask(house, AFTER) is None


@pytest.mark.parametrize(("days", "level"), [(15, OK), (13, WARNING), (2, CRITICAL), (-1, CRITICAL)])
def test_a_certificate_that_ends_soon(house: House, days: int, level: int) -> None:
    ends = certificate.Certificate(AFTER.isoformat(), (AFTER + dt.timedelta(days=days, hours=1)).isoformat())
    assert {look.what: look.level for look in looks_at(house, AFTER, ends)}["certificate"] == level


def test_a_failed_unit_is_told_by_the_machines_own_mail_and_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program, got, home = tmp_path / "sendmail", tmp_path / "got", Home(tmp_path / "home")
    home.root.mkdir(mode=0o700)
    program.write_text(f'#!/bin/sh\n{{ echo "$@"; cat; }} > {got}\n')
    program.chmod(0o755)
    monkeypatch.setattr(failed, "SENDMAIL", (str(program),))
    words = ["--home", str(home.root), "alarm"]
    assert main([*words, "soppa-backup.service", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"unit": "soppa-backup.service", "mailed": True, "to": "root",
                                                   "file": str(home.alarms)}
    mail = got.read_text()
    assert mail.startswith("-i -- root\n") and "\nTo: root\nSubject: soppa on " in mail
    assert "journalctl -u soppa-backup.service" in mail
    assert "soppa-backup.service failed" in (banner(home, dt.datetime.now(dt.UTC)) or "")
    with pytest.raises(UsageError, match="is no name of a unit"):
        failed.tell_failed(home, "x; rm", AFTER)
    program.write_text("#!/bin/sh\nexit 1\n")
    with MailSink() as sink:
        monkeypatch.setattr(failed, "LOCAL", ("127.0.0.1", sink.smtp_port))
        assert failed.tell_failed(home, "soppa.service", AFTER).mailed
        assert [mail.envelope_to for mail in sink.mails] == ["root"]
    told = failed.tell_failed(home, "soppa.service", AFTER)
    assert not told.mailed and told.file and "nor a mail server on 127.0.0.1 took it" in told.why
