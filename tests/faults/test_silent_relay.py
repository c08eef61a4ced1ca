"""A relay that takes a mail and never answers: the daemon still ends in time, and the doubt has a name."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.demo.sink import MailSink
from tests.processes import free_port, running, sample_home, soppa


@contextmanager
def silent_relay() -> Iterator[tuple[int, threading.Event]]:
    """Its port, and an event that is set once it has a whole mail."""
    has_mail = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_talk, args=(listening, has_mail), daemon=True).start()
        yield listening.getsockname()[1], has_mail


def _talk(listening: socket.socket, has_mail: threading.Event) -> None:
    client, _ = listening.accept()
    with client, client.makefile("rb") as lines:
        client.sendall(b"220 silent\r\n")
        in_mail = False
        for line in lines:
            if line == b".\r\n":
                has_mail.set()
            elif not in_mail:
                in_mail = line.upper().startswith(b"DATA")
                client.sendall(b"354 go on\r\n" if in_mail else b"250 ok\r\n")


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_it_does_not_keep_a_daemon_from_ending(command: str, tmp_path: Path) -> None:
    with MailSink() as sink, silent_relay() as (port, has_mail):
        home = sample_home(tmp_path, sink, free_port())
        settings = home / "district.yaml"
        settings.write_text(settings.read_text().replace(f"port: {sink.smtp_port}", f"port: {port}"))
        begun = soppa(home, "start", "correction_request", "--sure", "--as", "priya", "-f", "received_on=2026-11-02",
                      "-f", "item=Date", "-f", "parent=Ana Ruiz <ana.ruiz@families.example>")  # fmt: skip
        assert begun.returncode == 0, begun.stderr
        with running(home, command) as process:
            assert has_mail.wait(20)
            asked = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        assert time.monotonic() - asked < 10
    assert states(home).count("handing_over") == 1


def states(home: Path) -> list[str]:
    return [mail["state"] for mail in json.loads(soppa(home, "mail", "outbox", "--json").stdout)]
