"""The daemon as a process: one for a SQLite file, and out within ten seconds of being asked."""

from __future__ import annotations

import json
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest

from cli.demo.sink import MailSink
from tests.processes import free_port, running, sample_home, soppa, until


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with MailSink() as opened:
        yield opened


def healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except URLError:
        return False


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_sigterm_ends_it_within_ten_seconds(command: str, tmp_path: Path, sink: MailSink) -> None:
    port = free_port()
    home = sample_home(tmp_path, sink, port)
    with running(home, command) as process:
        if command == "serve":
            until(lambda: healthy(port), "a healthy answer")
        else:
            until(lambda: (home / "daemon.lock").exists(), "the lock")
            time.sleep(1)
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert time.monotonic() - asked < 10


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_json_says_once_that_it_is_at_work(command: str, tmp_path: Path, sink: MailSink) -> None:
    port = free_port()
    home = sample_home(tmp_path, sink, port)
    with running(home, command, "--json") as process:
        until(lambda: (home / "daemon.lock").exists(), "the lock")
        if command == "serve":
            until(lambda: healthy(port), "a healthy answer")
        time.sleep(1)
        process.terminate()
        out, _ = process.communicate(timeout=20)
    pages = f"127.0.0.1:{port}" if command == "serve" else None
    assert json.loads(out) == {"home": str(home), "pid": process.pid, "pages": pages}


def test_the_demo_says_in_json_where_it_is(tmp_path: Path) -> None:
    words = ["demo", "--json", "--home", str(tmp_path / "demo"), "--port", "0", "--mail-port", "0"]
    with running(tmp_path, *words) as process:
        until(lambda: (tmp_path / "demo" / "daemon.lock").exists(), "the lock")
        time.sleep(1)
        process.terminate()
        out, _ = process.communicate(timeout=20)
    said = json.loads(out)
    assert set(said) == {"home", "pages", "mails", "cases"}
    assert said["home"] == str(tmp_path / "demo") and len(said["cases"]) == 3


def test_the_fast_forward_tells_its_months_in_json(tmp_path: Path) -> None:
    said = json.loads(soppa(tmp_path, "demo", "--fast-forward", "--json").stdout)
    assert set(said) == {"cases", "happenings", "mails"}
    ended = {case["outcome"] for case in said["cases"]}
    assert ended >= {"corrected", "executed", "closed with notices", "deleted", "renewed"}
    assert {"to", "subject"} == set(said["mails"][0]) and {"at", "case", "kind", "detail"} == set(said["happenings"][0])


def test_a_visitor_who_never_ends_a_request_does_not_keep_it(tmp_path: Path, sink: MailSink) -> None:
    port = free_port()
    home = sample_home(tmp_path, sink, port)
    with running(home, "serve") as process:
        until(lambda: healthy(port), "a healthy answer")
        with socket.create_connection(("127.0.0.1", port)) as visitor:
            visitor.sendall(b"POST /t/token/enter HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
                            b"Content-Type: application/x-www-form-urlencoded\r\n\r\ncode")
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0


def test_pages_on_a_taken_address_are_refused_with_one_sentence(tmp_path: Path, sink: MailSink) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = soppa(sample_home(tmp_path, sink, port), "serve")
    assert refused.returncode == 78
    assert refused.stderr.startswith(f"soppa: the pages cannot listen on 127.0.0.1:{port} (")
    assert refused.stderr.count("\n") == 1


def test_a_second_daemon_on_one_home_is_refused_with_the_first_ones_number(tmp_path: Path, sink: MailSink) -> None:
    port = free_port()
    home = sample_home(tmp_path, sink, port)
    with running(home, "serve") as first:
        until(lambda: healthy(port), "a healthy answer")
        second = soppa(home, "worker")
        assert second.returncode == 78
        assert second.stderr.count("\n") == 1
        assert f"process {first.pid}" in second.stderr


def test_after_a_kill_the_next_daemon_starts(tmp_path: Path, sink: MailSink) -> None:
    port = free_port()
    home = sample_home(tmp_path, sink, port)
    with running(home, "serve") as first:
        until(lambda: healthy(port), "a healthy answer")
        first.kill()
        first.wait(10)
    with running(home, "serve"):
        assert until(lambda: healthy(port), "a healthy answer")
