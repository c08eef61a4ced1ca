"""`soppa doctor`: what is missing before go-live, on a real home, a real relay and a real web server in front."""

from __future__ import annotations

import datetime as dt
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from cli.demo.district import PEOPLE
from cli.home import Home
from cli.main import main
from cli.serving.server import serving
from cli.settings import read_settings
from cli.setup.readiness import loose_files
from cli.wiring import machine_clock, open_house
from tests.databases import new_home
from tests.mailserver import Relay, mail_server
from tests.processes import free_port
from tests.proxy import ADDRESS, in_front

INVENTORY = Path(__file__).parents[2] / "cli" / "year" / "operators-sample.csv"
SETTINGS = """\
district: Prairie Creek USD 99
zone: America/Chicago
public_url: {public_url}
bind: 127.0.0.1:{port}
trusted_proxies: [127.0.0.1]
relay: {{host: localhost, port: {relay}, sender: privacy@prairie-creek.example}}
attendance: {{from: {first}, to: {last}}}
second_person: sam
stand_ins: {{hr: priya}}
"""
"""As an office has them on the day it goes live."""


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """Whoever signs the certificates of this test is trusted by this process."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "trusted.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    return made


@pytest.fixture
def relay(tmp_path: Path, authority: trustme.CA) -> Iterator[Relay]:
    with mail_server(tmp_path, authority) as relay:
        yield relay


def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relay: int, public_url: str, port: int) -> Home:
    """The sample district with all that it needs, but for the daemon."""
    home, today = Home(tmp_path / "home"), machine_clock().date()
    year = today.year if today.month >= 7 else today.year - 1
    new_home(home, SETTINGS.format(public_url=public_url, port=port, relay=relay, first=dt.date(year, 8, 15),
                                   last=dt.date(year + 2, 5, 30)))
    monkeypatch.setenv("SOPPA_HOME", str(home.root))
    with open_house(home, create=True) as house:
        for person in PEOPLE[:-1]:  # nobody of Human resources
            house.store.save_person(replace(person, deputy="priya" if person.id == "carla" else "carla"))
        house.store.set_totp("sam", "JBSWY3DPEHPK3PXP")
        house.store.set_high_water(machine_clock())
    return home


def looked(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, dict[str, str]]]:
    """The exit code, and what was found, by what was looked at; the weightiest of each."""
    capsys.readouterr()
    code = main(["doctor", "--json"])
    order = ["ready", "note", "missing"]
    found = sorted(json.loads(capsys.readouterr().out), key=lambda one: order.index(one["weight"]))
    return code, {one["what"]: one for one in found}


@contextmanager
def at_work(home: Home) -> Iterator[None]:
    with open_house(home) as house, serving(house, threading.Event()):
        yield


def test_an_office_that_lacks_nothing_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relay: Relay,
                                               authority: trustme.CA, capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    with in_front(authority, port) as url:
        home = office(tmp_path, monkeypatch, relay.settings.port, url, port)
        with open_house(home) as house:
            house.store.save_person(replace(PEOPLE[0], login="root", deputy="carla"))
        main(["register", "import", str(INVENTORY), "--apply"])
        main(["references", "confirm", "agencies", "--on", str(machine_clock().date() - dt.timedelta(days=1))])
        with at_work(home):
            code, found = looked(capsys)
            assert {what: one["says"] for what, one in found.items() if one["weight"] == "missing"} == {}
            assert code == 0
            assert found["pages"]["says"] == f"{url} is answered by this home"
            assert "over TLSv1.3" in found["relay"]["says"]
            assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert told.endswith("ready to go live\n")
    assert max(len(line) for line in told.splitlines() if str(tmp_path) not in line) <= 80
    assert relay.sink.mails == []


def test_each_thing_that_is_missing_has_a_line_and_a_command(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    home = Home(tmp_path / "home")
    monkeypatch.setenv("SOPPA_HOME", str(home.root))
    code, found = looked(capsys)
    assert (code, found["home"]["command"]) == (1, f"soppa setup --home {home.root}")
    assert main(["init", "--district", "D"]) == 0
    today = machine_clock().astimezone(read_settings(home.settings).zone).date()
    code, found = looked(capsys)
    lacking = {what: one["command"] for what, one in found.items() if one["weight"] == "missing"}
    assert code == 1
    assert lacking == {
        "people": "soppa people import FILE --apply",
        "relay": "soppa setup",
        "pages": f"editor {home.settings}",
        "daemon": f"soppa serve --home {home.root}",
        "calendar": "soppa calendar import FILE --apply",
        "register": "soppa register import FILE.csv --apply",
        "references": f"soppa references confirm agencies --on {today}",
    }


def test_a_board_without_meetings_and_a_logo_that_is_none_are_told(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    home = Home(tmp_path / "home")
    monkeypatch.setenv("SOPPA_HOME", str(home.root))
    assert main(["init", "--district", "D"]) == 0
    (home.root / "logo.png").write_bytes(b"no picture")
    (home.root / "logo.png").chmod(0o600)
    with home.settings.open("a") as file:
        file.write("\nlogo: {file: logo.png, alt: D}\nboard: {meetings: [2025-01-14]}\n")
    found = looked(capsys)[1]
    assert found["board"]["weight"] == "note" and found["board"]["says"].startswith("all meetings are past")
    assert found["logo"]["weight"] == "missing" and "is no PNG picture" in found["logo"]["says"]


@pytest.mark.parametrize(("speaks", "answer", "leads_to", "sentence"), [
    (True, None, "", "answers 502: soppa does not listen at 127.0.0.1:"),
    (True, 200, "", "is answered (200), but not by this home"),
    (True, 301, "https://www.example.org", "leads on to https://www.example.org: public_url must be where people"),
])  # fmt: skip
def test_a_web_server_that_does_not_lead_here_is_named(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authority: trustme.CA, capsys: pytest.CaptureFixture[str],
        speaks: bool, answer: int | None, leads_to: str, sentence: str) -> None:
    port = free_port()
    with in_front(authority, port, speaks=speaks, answer=answer, leads_to=leads_to) as url:
        office(tmp_path, monkeypatch, free_port(), url, port)
        assert sentence in looked(capsys)[1]["pages"]["says"]


@pytest.mark.parametrize(("speaks", "trusted", "sentence"), [
    (False, "127.0.0.1", "does not tell the visitor's address (X-Forwarded-For): all visitors count as one"),
    (False, "10.0.0.9", "(X-Forwarded-For), and 127.0.0.1 is not in trusted_proxies: all visitors count as one"),
    (True, "10.0.0.9", "speaks from 127.0.0.1, which is not in trusted_proxies: all visitors count as one"),
])  # fmt: skip
def test_wrong_proxy_headers_are_seen_from_outside(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authority: trustme.CA, capsys: pytest.CaptureFixture[str],
        speaks: bool, trusted: str, sentence: str) -> None:
    port = free_port()
    with in_front(authority, port, speaks=speaks) as url:
        home = office(tmp_path, monkeypatch, free_port(), url, port)
        home.settings.write_text(home.settings.read_text().replace("[127.0.0.1]", f"[{trusted}]"))
        with at_work(home):
            assert sentence in looked(capsys)[1]["pages"]["says"]


def test_a_certificate_that_nobody_trusts_and_a_closed_port_are_told(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authority: trustme.CA,
        capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    with in_front(trustme.CA(), port) as url:
        home = office(tmp_path, monkeypatch, free_port(), url, port)
        found = looked(capsys)[1]
    assert "is not to be trusted" in found["pages"]["says"]
    assert "nothing listens at localhost:" in found["relay"]["says"]
    shut = f"https://{ADDRESS}:{free_port()}"
    home.settings.write_text(home.settings.read_text().replace(url, shut))
    assert looked(capsys)[1]["pages"]["says"].startswith(f"nothing listens at {shut}")


@pytest.mark.parametrize(("was", "is_", "what", "sentence"), [
    ("https://127.0.0.2", "http://privacy.example.org", "pages", "is plain http"),
    ("https://127.0.0.2:1", "http://localhost:8080", "pages", "nobody else can open links to http://localhost:8080"),
    ("zone: America", "zone: Amerika", "settings", "there is no time zone"),
    ("second_person: sam", "second_person: nobody", "second", "no second person can confirm"),
    ("stand_ins: {hr: priya}", "thresholds: {bord_amount: 5}", "settings", "no process asks for 'bord_amount'"),
    ("stand_ins: {hr: priya}", "stand_ins: {}", "roles", "nobody is Human resources (hr) or stands in, as"),
    ("sender: privacy", "username: soppa, sender: privacy", "relay", "username is set without relay.password_file"),
    ("sender: privacy", "username: soppa, password_file: keys/none, sender: privacy", "relay", "cannot be read"),
])  # fmt: skip
def test_settings_that_would_not_do_are_named(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], was: str, is_: str,
        what: str, sentence: str) -> None:
    home = office(tmp_path, monkeypatch, free_port(), "https://127.0.0.2:1", free_port())
    home.settings.write_text(home.settings.read_text().replace(was, is_))
    code, found = looked(capsys)
    assert (code, found[what]["weight"]) == (1, "missing")
    assert sentence in found[what]["says"]


def test_a_fault_of_an_own_calendar_is_told_once_with_its_file(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    home = office(tmp_path, monkeypatch, free_port(), "https://127.0.0.2:1", free_port())
    own = home.root / "calendars" / "il-strict.yaml"
    own.parent.mkdir(mode=0o700)
    own.write_text("calendar: il-strict\nversion: '1'\nfrom: 2021-01-01\nto: 2040-12-31\nsunday: off\n")
    own.chmod(0o600)
    capsys.readouterr()
    assert main(["doctor", "--json"]) == 1
    told = [one for one in json.loads(capsys.readouterr().out) if str(own) in one["says"]]
    assert {(one["what"], one["command"]) for one in told} == {("calendar", f"editor {own}")}
    assert len({one["says"] for one in told}) == len(told)


def test_people_who_could_not_do_their_part_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                     capsys: pytest.CaptureFixture[str]) -> None:
    home = office(tmp_path, monkeypatch, free_port(), "https://127.0.0.2:1", free_port())
    home.settings.write_text(home.settings.read_text() + "languages: [en, es]\n")
    with open_house(home) as house:
        house.store.save_person(replace(PEOPLE[0], login=None, deputy=None))
        house.store.save_person(replace(PEOPLE[3], deputy=None))
        house.store.set_totp("sam", None)
    capsys.readouterr()
    assert main(["doctor", "--json"]) == 1
    found = [(one["weight"], one["what"], one["command"]) for one in json.loads(capsys.readouterr().out)]
    for one in (("missing", "people", "soppa people set priya --login NAME"),
                ("missing", "people", "soppa people set priya --deputy ID"),
                ("note", "deputies", "soppa people set lena --deputy ID"),
                ("missing", "second", "soppa people totp sam"), ("note", "texts", "soppa check")):
        assert one in found


def test_plain_http_is_for_a_closed_network_that_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                         capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    home = office(tmp_path, monkeypatch, free_port(), f"http://127.0.0.2:{port}", port)
    text = home.settings.read_text().replace("bind: 127.0.0.1", "bind: 127.0.0.2") + "allow_http: true\n"
    home.settings.write_text(text.replace("trusted_proxies: [127.0.0.1]\n", ""))
    with at_work(home):
        assert looked(capsys)[1]["pages"] == {
            "what": "pages", "weight": "note", "says": "plain http, as allow_http says: for a closed network only",
            "command": f"editor {home.settings}"}


def test_loose_modes_are_mended_by_one_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                               capsys: pytest.CaptureFixture[str]) -> None:
    home = office(tmp_path, monkeypatch, free_port(), "https://127.0.0.2:1", free_port())
    home.documents.chmod(0o755)
    (home.documents / "letter").write_text("x")
    (home.documents / "letter").chmod(0o640)
    (home.documents / "link").symlink_to("/etc/hostname")
    code, found = looked(capsys)
    assert (code, list(found)) == (1, ["modes"])
    assert found["modes"] == {"what": "modes", "weight": "missing", "command": f"chmod -R go= {home.root}",
                              "says": f"{home.documents} may be read by others, and 1 more"}
    for loose in loose_files(home.root):
        loose.chmod(loose.stat().st_mode & 0o700)
    assert "modes" in looked(capsys)[1] and looked(capsys)[1]["modes"]["weight"] == "ready"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_files_that_a_command_run_as_root_left_behind_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                               capsys: pytest.CaptureFixture[str]) -> None:
    home = office(tmp_path, monkeypatch, free_port(), "https://127.0.0.2:1", free_port())
    os.chown(home.database, 65534, 65534)
    code, found = looked(capsys)
    assert (code, found["modes"]["says"]) == (
        1, f"{home.database} is not the home's own user's: no daemon could use it")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_home_of_another_user_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                        capsys: pytest.CaptureFixture[str]) -> None:
    home = office(tmp_path, monkeypatch, free_port(), "https://127.0.0.2:1", free_port())
    home.root.chmod(0)
    code, found = looked(capsys)
    home.root.chmod(0o700)
    assert (code, list(found)) == (1, ["home"])


def test_a_database_that_is_not_made_or_damaged_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                       capsys: pytest.CaptureFixture[str]) -> None:
    home = office(tmp_path, monkeypatch, free_port(), "https://127.0.0.2:1", free_port())
    home.database.write_bytes(b"no database" * 100)
    assert "damaged or no database" in looked(capsys)[1]["database"]["says"]
    for file in home.root.glob("soppa.db*"):
        file.unlink()
    assert looked(capsys)[1]["database"]["command"] == f"soppa setup --home {home.root}"


def test_a_lost_ring_and_a_silent_daemon_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    home = office(tmp_path, monkeypatch, free_port(), "https://127.0.0.2:1", free_port())
    with open_house(home) as house:
        house.store.set_high_water(machine_clock() - dt.timedelta(minutes=11))
    assert looked(capsys)[1]["daemon"]["says"].startswith("its last heartbeat was at ")
    with open_house(home) as house:
        house.store.set_high_water(machine_clock() + dt.timedelta(days=2))
    assert "deadline work is paused" in looked(capsys)[1]["clock"]["says"]
    home.ring.rename(home.root / "ring")
    assert "put the key ring back" in looked(capsys)[1]["home"]["says"]
