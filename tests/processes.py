"""The real `soppa` as a process of its own, on a sample home, with a mail sink of the test's."""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from cli.demo.district import PEOPLE, SETTINGS
from cli.demo.sink import Mail, MailSink
from cli.home import Home
from cli.wiring import machine_clock, open_house
from tests.databases import new_home

T = TypeVar("T")
SOPPA = Path(sys.executable).with_name("soppa")


def free_port() -> int:
    """A port that nobody listens at, from below those that the system picks itself: one of these might be given to
    another worker's server before ours has it."""
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def sample_home(folder: Path, sink: MailSink, port: int, database: str | None = None) -> Path:
    """A home of the sample district, whose mails go to the sink and whose pages are on that port."""
    home = Home(folder / "home")
    address = f"127.0.0.1:{port}"
    settings = SETTINGS.format(public_url=f"http://{address}", bind=address, smtp_port=sink.smtp_port)
    new_home(home, settings + (f'database: "{database}"\n' if database else ""))
    with open_house(home, machine_clock, create=True) as house:
        for person in PEOPLE:
            house.store.save_person(person)
    return home.root


def soppa(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs one command to its end."""
    environment = {**os.environ, "SOPPA_HOME": str(home), "COLUMNS": "80"}
    return subprocess.run([SOPPA, *words], env=environment, capture_output=True, text=True, timeout=180, check=False)


@contextmanager
def running(home: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A daemon for the length of the block, if it has not ended before."""
    environment = {**os.environ, "SOPPA_HOME": str(home)}
    pipe = subprocess.PIPE
    process = subprocess.Popen([SOPPA, *words], env=environment, stdout=pipe, stderr=pipe, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=20)


def until(look: Callable[[], T | None], what: str, seconds: float = 60.0) -> T:
    """What `look` finds, as soon as it finds something."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come within {seconds:g} s")


def mail_to(sink: MailSink, address: str, subject: str) -> Mail | None:
    """The newest mail to an address whose subject has these words."""
    return next((m for m in reversed(sink.mails) if m.envelope_to == address and subject in m.subject), None)


def link_in(mail: Mail) -> str:
    found = re.search(r"https?://\S+", mail.part("plain"))
    assert found is not None, mail.part("plain")
    return found.group()
