"""The sample in `deploy/` for Postfix on the same machine: a real one between us and a provider with TLS."""

from __future__ import annotations

import email
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from notifiers.handover import Delivery
from notifiers.smtp import RelaySettings, SmtpLink, look_at
from tests.mailserver import Relay, mail_server
from tests.processes import free_port, until

SAMPLE = Path(__file__).parents[2] / "deploy" / "postfix-main.cf"
SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
local unix - n n - - local
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
"""What the sample needs of Debian's master.cf, without the chroot, which its start-up script would fill."""

MAIL = b"From: soppa@district.example\r\nTo: ana@families.example\r\nSubject: A reminder\r\n\r\nHello.\r\n"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    with mail_server(tmp_path_factory.mktemp("provider"), trustme.CA()) as relay:
        yield relay


@pytest.fixture
def provider(started: Relay) -> Relay:
    """The mail provider, which has had no mail yet."""
    for kept in (started.sink.mails, started.sink.secure, started.sink.logins):
        kept.clear()
    return started


@pytest.fixture(scope="module")
def postfix(started: Relay) -> Iterator[RelaySettings]:
    """The settings that the sample tells to write into district.yaml, for a Postfix that runs."""
    program = shutil.which("postfix", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None or os.geteuid() != 0:
        reason = "NO MAIL WENT THROUGH POSTFIX: it needs the package postfix, and root"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="postfix-") as name:  # its own user must get in
        yield from at_work(Path(name), program, started)


def at_work(folder: Path, program: str, provider: Relay) -> Iterator[RelaySettings]:
    port = free_port()
    configure(folder, provider, port)
    settings = RelaySettings("127.0.0.1", port, "soppa@district.example", "District", tls="none", timeout=5)
    with (folder / "said").open("wb") as said:
        running = subprocess.Popen([program, "-c", folder, "start-fg"], stdout=said, stderr=said)
        try:
            until(lambda: look_at(settings).trouble is None, "Postfix")
            yield settings
        finally:
            subprocess.run([program, "-c", folder, "stop"], capture_output=True, check=False)
            running.wait(20)


def configure(folder: Path, provider: Relay, port: int) -> None:
    """The sample, with the names and folders of this test."""
    folder.chmod(0o755)
    (folder / "queue").mkdir()
    (folder / "data").mkdir()
    shutil.chown(folder / "data", "postfix")
    far = f"[localhost]:{provider.settings.port}"
    (folder / "sasl_passwd").write_text(f"{far} soppa:sesame\n")
    text = SAMPLE.read_text()
    for was, becomes in (("[smtp.example.org]:587", far), ("example.org", "district.example"),
                         ("/etc/ssl/certs/ca-certificates.crt", str(provider.settings.ca_file)),
                         ("/etc/postfix/sasl_passwd", str(folder / "sasl_passwd"))):
        assert was in text
        text = text.replace(was, becomes)
    (folder / "main.cf").write_text(f"{text}\nqueue_directory = {folder}/queue\ndata_directory = {folder}/data\n"
                                    "maillog_file = /dev/stdout\nsmtp_host_lookup = native\n")
    (folder / "master.cf").write_text(SERVICES.format(port=port))


def handed_over(settings: RelaySettings, address: str) -> Delivery:
    with SmtpLink(settings) as link:
        return link.deliver(address, MAIL, lambda: True)


def test_a_mail_goes_on_to_the_provider_encrypted_and_signed_in(postfix: RelaySettings, provider: Relay) -> None:
    assert handed_over(postfix, "ana@families.example").state == "accepted"
    until(lambda: provider.sink.mails, "the mail at the provider")
    assert (provider.sink.secure, set(provider.sink.logins)) == ([True], {"soppa"})
    assert email.message_from_bytes(provider.sink.mails[0])["Subject"] == "A reminder"


def test_what_the_provider_refuses_comes_back_to_the_sender(postfix: RelaySettings, provider: Relay) -> None:
    provider.sink.refuses = {"gone@families.example"}
    assert handed_over(postfix, "gone@families.example").state == "accepted"
    until(lambda: provider.sink.mails, "the mail that comes back")
    told = provider.sink.mails[0].decode()
    assert re.search(r"^To: soppa@district\.example", told, re.M)
    assert "550 no such mailbox" in told


def test_nothing_is_delivered_on_this_machine(postfix: RelaySettings, provider: Relay) -> None:
    assert handed_over(postfix, "root@soppa.district.example").state == "accepted"
    until(lambda: provider.sink.mails, "the mail at the provider")
    assert provider.sink.secure == [True]
