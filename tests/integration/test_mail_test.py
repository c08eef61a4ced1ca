"""`soppa mail test`: a real relay, a real web server in front of the pages, and a reader who clicks or does not."""

from __future__ import annotations

import json
import re
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
import trustme

from cli.home import Home
from cli.main import main
from cli.serving.server import serving
from cli.setup.reach import latest
from cli.wiring import open_house
from tests.databases import new_home
from tests.mailserver import Relay, mail_server
from tests.processes import free_port
from tests.proxy import in_front
from tests.unit.test_authresults import GOOGLE, OFFICE

SETTINGS = """\
district: Prairie Creek USD 99
zone: America/Chicago
languages: [en, es]
public_url: {public_url}
bind: 127.0.0.1:{port}
trusted_proxies: [{trusted}]
relay: {{host: localhost, port: {relay}, sender: privacy@district.example}}
contacts: {{privacy: {{name: Priya Raman, email: privacy@district.example, phone: 555-0100}}}}
"""


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "trusted.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    return made


@pytest.fixture
def relay(tmp_path: Path, authority: trustme.CA) -> Iterator[Relay]:
    with mail_server(tmp_path, authority) as relay:
        yield relay


@contextmanager
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relay: Relay, authority: trustme.CA, *,
           trusted: str = "127.0.0.1", **front: bool) -> Iterator[Home]:
    """A home whose pages are reached through a web server with TLS."""
    home, port = Home(tmp_path / "home"), free_port()
    monkeypatch.setenv("SOPPA_HOME", str(home.root))
    with in_front(authority, port, **front) as url:  # type: ignore[arg-type]
        new_home(home, SETTINGS.format(public_url=url, port=port, trusted=trusted, relay=relay.settings.port))
        with open_house(home, create=True) as house, serving(house, threading.Event()):
            yield home


def plain_part(raw: bytes) -> str:
    body = message_from_bytes(raw, policy=default).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


class Reader(threading.Thread):
    """Whoever gets the mail: a scanner opens the link first, then the reader opens it and says so."""

    def __init__(self, relay: Relay, home: Home) -> None:
        super().__init__(daemon=True)
        self.relay, self.home = relay, home
        self.pages: list[str] = []
        self.answered_by_opening: list[bool] = []
        self.start()

    def run(self) -> None:
        while not self.relay.sink.mails:
            time.sleep(0.05)
        found = re.search(r"https://\S+/reach/\S+", plain_part(self.relay.sink.mails[0]))
        assert found is not None
        link, secure = found.group(), ssl.create_default_context()
        for _ in range(2):
            with urllib.request.urlopen(link, context=secure) as page:  # noqa: S310
                self.pages.append(page.read().decode())
        with open_house(self.home) as house:
            reached = latest(house, "mail")
            self.answered_by_opening.append(bool(reached and reached.answered_at))
        origin = link.partition("/reach/")[0]
        answer = urllib.request.Request(link, b"", {"Origin": origin}, method="POST")  # noqa: S310
        with urllib.request.urlopen(answer, context=secure) as page:  # noqa: S310
            self.pages.append(page.read().decode())


def test_it_is_sent_over_tls_and_waits_for_the_click(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relay: Relay,
                                                     authority: trustme.CA, capsys: pytest.CaptureFixture[str]) -> None:
    with office(tmp_path, monkeypatch, relay, authority) as home:
        reader = Reader(relay, home)
        assert main(["mail", "test", "pat@example.org", "--wait", "1"]) == 0
        reader.join(10)
        assert main(["mail", "outbox"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("sent to pat@example.org over TLSv1.3; the relay says: 250 kept as 17\n")
    assert "clicked at" in told and told.endswith("nothing waits\n")
    assert reader.answered_by_opening == [False]
    assert "Yes, I have the mail" in reader.pages[0] and "The mail and its link work" in reader.pages[2]
    mail = message_from_bytes(relay.sink.mails[0], policy=default)
    assert (mail["To"], mail["Subject"]) == ("pat@example.org", "Test mail of Prairie Creek USD 99")
    assert mail["From"].addresses[0].addr_spec == "privacy@district.example"
    assert relay.sink.secure == [True]


@pytest.mark.parametrize(("trusted", "front", "sentence"), [
    ("127.0.0.1", {"speaks": False}, "does not tell the visitor's address (X-Forwarded-For)"),
    ("10.0.0.9", {}, "speaks from 127.0.0.1, which is not in trusted_proxies"),
])  # fmt: skip
def test_a_click_through_a_web_server_that_is_set_wrong_is_told(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relay: Relay, authority: trustme.CA,
        capsys: pytest.CaptureFixture[str], trusted: str, front: dict[str, bool], sentence: str) -> None:
    with office(tmp_path, monkeypatch, relay, authority, trusted=trusted, **front) as home:
        Reader(relay, home)
        assert main(["mail", "test", "pat@example.org", "--wait", "1"]) == 1
    assert f"the click came, but the web server in front {sentence}" in capsys.readouterr().err


def test_nobody_clicks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relay: Relay, authority: trustme.CA,
                       capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("cli.setup.mailtest.time", OneMinuteLater())
    with office(tmp_path, monkeypatch, relay, authority):
        assert main(["mail", "test", "pat@example.org", "--wait", "1", "--json"]) == 1
    streams = capsys.readouterr()
    said = json.loads(streams.out)
    assert (said["tls"], said["answered_at"], said["signed_in"]) == ("TLSv1.3", None, False)
    assert "nobody clicked within 1 minute: look into the spam folder" in streams.err


class OneMinuteLater:
    """A clock on which every look is half a minute after the last."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 31
        return self.now

    def sleep(self, seconds: float) -> None:
        return


@pytest.mark.parametrize(("rcpt", "change", "code", "sentence"), [
    ("550 no such user", ("", ""), 1, "the relay does not take the mail to pat@example.org: 550 no such user"),
    ("250 OK", ("relay: {host: localhost", "relay: {host: 127.0.0.1"), 1, "nothing is sent: the certificate of"),
    ("250 OK", ("relay: ", "# relay: "), 1, "no relay takes the mails yet: name one with soppa setup"),
])  # fmt: skip
def test_what_keeps_it_from_leaving_is_one_sentence(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relay: Relay, authority: trustme.CA,
        capsys: pytest.CaptureFixture[str], rcpt: str, change: tuple[str, str], code: int, sentence: str) -> None:
    relay.sink.rcpt = rcpt
    with office(tmp_path, monkeypatch, relay, authority) as home:
        home.settings.write_text(home.settings.read_text().replace(*change))
        assert main(["mail", "test", "pat@example.org", "--wait", "0"]) == code
    assert sentence in capsys.readouterr().err
    assert relay.sink.mails == []


def test_an_address_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relay: Relay,
                                           authority: trustme.CA, capsys: pytest.CaptureFixture[str]) -> None:
    with office(tmp_path, monkeypatch, relay, authority):
        assert main(["mail", "test", "pat at example.org", "--wait", "0"]) == 2
        assert main(["mail", "test"]) == 2
    assert "is not of the form name@example.org" in capsys.readouterr().err


def test_a_strange_token_finds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relay: Relay,
                                       authority: trustme.CA) -> None:
    with office(tmp_path, monkeypatch, relay, authority) as home:
        url = next(line for line in home.settings.read_text().splitlines() if line.startswith("public_url")).split()[1]
        asked = urllib.request.Request(f"{url}/reach/{'x' * 43}")  # noqa: S310
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(asked, context=ssl.create_default_context())  # noqa: S310


@pytest.mark.parametrize(("raw", "code", "sentence"), [
    (GOOGLE, 0, "DMARC  pass    district.example"),
    (OFFICE, 1, "have it sign as district.example, which readers see"),
    (GOOGLE.replace(b"<privacy@", b"<other@"), 2, "is a mail from other@district.example, not from privacy@district"),
    (b"%PDF-1.7", 2, "holds no headers of a mail: open the source of the test mail"),
])  # fmt: skip
def test_what_the_receiver_thinks_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relay: Relay,
                                        authority: trustme.CA, capsys: pytest.CaptureFixture[str], raw: bytes,
                                        code: int, sentence: str) -> None:
    file = tmp_path / "saved.eml"
    file.write_bytes(raw)
    with office(tmp_path, monkeypatch, relay, authority):
        assert main(["mail", "test", "--headers", str(file)]) == code
    streams = capsys.readouterr()
    assert sentence in streams.out + " ".join((streams.out + streams.err).split())
