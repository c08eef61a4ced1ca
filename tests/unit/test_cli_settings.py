"""district.yaml and the folder it lives in: what is read, what is refused, with its place."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from cli.home import Home, check_home, make_home, write_private
from cli.settings import read_settings
from engine.errors import FaultyInput, UsageError, WrongEnvironment

WHOLE = """\
district: Sample Unit School District 1
zone: America/Chicago
fiscal_year_start: 07-01
languages: [en, es]
public_url: https://privacy.example.org/
bind: 127.0.0.1:8443
relay: {host: mail.example.org, port: 587, sender: privacy@example.org, username: soppa, password_file: keys/relay}
attendance: {from: 2026-08-17, to: 2027-05-28, closed: [2026-09-07, 2026-12-21..2027-01-04]}
contacts:
  privacy: {name: Pat Field, email: privacy@example.org, phone: 555-0100}
stand_ins: {legal: pat}
second_person: sue
"""


def settings_file(folder: Path, text: str) -> Path:
    path = folder / "district.yaml"
    path.write_text(text, "utf-8")
    return path


def test_a_whole_file(tmp_path: Path) -> None:
    settings = read_settings(settings_file(tmp_path, WHOLE))
    assert settings.languages == ("en", "es")
    assert settings.public_url == "https://privacy.example.org"
    assert settings.bind_address == ("127.0.0.1", 8443)
    assert settings.relay is not None
    assert settings.relay.tls == "starttls"
    assert settings.relay.password_file == tmp_path / "keys" / "relay"
    assert settings.attendance is not None
    assert dt.date(2026, 12, 30) in settings.attendance.closed
    assert str(settings.contacts["privacy"]) == "Pat Field, privacy@example.org, 555-0100"


@pytest.mark.parametrize(("line", "sentence"), [
    pytest.param("zone: Mars", "no time zone 'Mars'", id="zone"),
    pytest.param("zome: America/Chicago", "did you mean 'zone'?", id="unknown key"),
    pytest.param("public_url: privacy", "not the address of a site", id="url"),
    pytest.param("fiscal_year_start: 13-01", "a day of the year", id="fiscal year"),
    pytest.param("attestation_month: March", "the number of a month, from 1 to 12", id="attestation month"),
    pytest.param("bind: everywhere", "an address such as", id="bind"),
    pytest.param("relay: {host: mail.example.org, port: 25, sender: a@b.org, tls: none}", "for this machine only",
                 id="mail in clear"),
    pytest.param("relay: {host: localhost, port: 99999, sender: a@b.org}", "between 1 and 65535", id="port"),
    pytest.param("workers: 4", "workers: 4 need PostgreSQL", id="several workers on a file"),
    pytest.param("workers: 99", "1 to 32", id="too many workers"),
    pytest.param("relay: {host: localhost, port: 25, sender: nobody}", "is not a mail address", id="sender"),
    pytest.param("relay: {host: localhost, port: 25, sender: a@b.org, connections: 51}", "a number from 1 to 50",
                 id="connections"),
    pytest.param("attendance: {from: 2027-05-28, to: 2026-08-17}", "lies before", id="attendance backwards"),
    pytest.param("attendance: {from: 2026-08-17, to: 2027-05-28, closed: [Christmas]}", "no day and no range",
                 id="closed day"),
    pytest.param("hold_policy: never", "'never' is unknown", id="hold policy"),
    pytest.param("hold_policy: toll", "toll needs hold_election", id="toll without counsel"),
    pytest.param("hold_election: {elected_by: Lena, elected_on: 2026-11-01, document: no.pdf}", "there is no file",
                 id="toll without a paper"),
    pytest.param("hold_grace: 9", "0 to 3", id="grace"),
    pytest.param("undo_minutes: 11", "0 (never) to 10", id="minutes of the undo"),
    pytest.param("languages: [en, sp]", "languages: 'sp' is unknown (known: en, es)", id="language"),
    pytest.param("trusted_proxies: [10.0.0.0/8]", "'10.0.0.0/8' is not the address of one machine", id="network"),
    pytest.param("trusted_proxies: [nginx]", "'nginx' is not the address of one machine", id="name of a proxy"),
    pytest.param("contacts: {privacy: {name: Pat, email: pat at home}}", "'pat at home' is not a mail address",
                 id="contact"),
    pytest.param("stand_ins: {edtec: pat}", "there is no role 'edtec' (did you mean 'edtech'?)", id="role"),
    pytest.param("attendance: [{from: 2026-08-17, to: 2027-05-28}, {from: 2028-08-14, to: 2029-05-25}]",
                 "no calendar between 2027-05-28 and 2028-08-14: a school year is missing", id="attendance with a gap"),
    pytest.param("attendance: [{from: 2026-08-17, to: 2027-05-28}, {from: 2027-05-20, to: 2028-05-25}]",
                 "begins before the one from 2026-08-17 has ended", id="attendance twice"),
    pytest.param("mail_window: {people: 06:59}", "no mail of a day can leave before 07:00", id="too early a window"),
    pytest.param("mail_window: {until: 7pm}", "'7pm' is not a time of the day", id="no time"),
    pytest.param("mail_window: {contacts: 17:00}", "'until' must be later", id="a window that never opens"),
])
def test_a_fault_has_its_line_and_sentence(tmp_path: Path, line: str, sentence: str) -> None:
    key = line.partition(":")[0]
    kept = [given for given in ("district: D", "zone: America/Chicago") if not given.startswith(f"{key}:")]
    with pytest.raises(FaultyInput) as caught:
        read_settings(settings_file(tmp_path, "\n".join([*kept, line])))
    assert sentence in str(caught.value)
    assert f"district.yaml:{len(kept) + 1}:" in str(caught.value)


def test_between_two_school_years_nobody_attends(tmp_path: Path) -> None:
    years = "attendance: [{from: 2027-08-16, to: 2028-05-26}, {from: 2026-08-17, to: 2027-05-28, closed: [2026-09-07]}]"
    school = read_settings(settings_file(tmp_path, f"district: D\nzone: America/Chicago\n{years}\n")).attendance
    assert school is not None
    assert (school.first, school.last) == (dt.date(2026, 8, 17), dt.date(2028, 5, 26))
    day, passed, provisional = school.nth_after(dt.date(2027, 5, 27), 2)
    assert (day, len(passed), provisional) == (dt.date(2027, 8, 16), 55, False)


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    with pytest.raises(FaultyInput) as caught:
        read_settings(settings_file(tmp_path, "district: D\nzone: Mars\nbind: x\nhold_grace: 9\n"))
    assert len(caught.value.faults) == 3


def made(folder: Path) -> Home:
    home = Home(folder / "home")
    make_home(home)
    write_private(home.settings, b"district: D\nzone: America/Chicago\n")
    write_private(home.ring, b"key")
    return home


def test_a_good_home_is_accepted(tmp_path: Path) -> None:
    check_home(made(tmp_path))


def test_a_home_is_never_made_twice(tmp_path: Path) -> None:
    home = made(tmp_path)
    with pytest.raises(UsageError, match="is a home already"):
        make_home(home)


@pytest.mark.parametrize("loose", ["root", "settings", "ring"])
def test_looser_modes_are_refused(tmp_path: Path, loose: str) -> None:
    home = made(tmp_path)
    path: Path = getattr(home, loose)
    path.chmod(0o755 if path.is_dir() else 0o644)
    with pytest.raises(WrongEnvironment, match="may be read by others"):
        check_home(home)


def test_a_lost_key_is_named(tmp_path: Path) -> None:
    home = made(tmp_path)
    home.ring.unlink()
    with pytest.raises(WrongEnvironment, match="put the key ring back"):
        check_home(home)


def test_no_home_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(WrongEnvironment, match="soppa setup --home"):
        check_home(Home(tmp_path / "nothing"))
