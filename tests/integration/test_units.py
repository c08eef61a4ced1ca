"""The units of systemd in deploy/: little is exposed, failures are told, and the watchdog is heard."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from cli.demo.sink import MailSink
from tests.processes import free_port, running, sample_home

DEPLOY = Path(__file__).parents[2] / "deploy"
SERVICES = sorted(DEPLOY.glob("soppa*.service"))
MOST = 2.0


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine")
@pytest.mark.parametrize("unit", SERVICES, ids=lambda path: path.name)
def test_a_unit_exposes_little(unit: Path) -> None:
    asked = ["systemd-analyze", "security", "--offline=true", str(unit)]
    said = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False).stdout
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found is not None, said
    assert float(found.group(1)) <= MOST


@pytest.mark.parametrize("unit", [path for path in SERVICES if "alarm" not in path.name], ids=lambda path: path.name)
def test_a_unit_that_fails_is_told_by_another(unit: Path) -> None:
    text = unit.read_text("utf-8")
    named = re.findall(r"^OnFailure=(\S+)$", text, re.MULTILINE)
    assert named == ["soppa-alarm@%n.service"]
    assert (DEPLOY / "soppa-alarm@.service").is_file()


def test_systemd_hears_of_the_start_and_of_the_watchdog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MailSink() as sink, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        home = sample_home(tmp_path, sink, free_port())
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "300000")
        with running(home, "worker") as daemon:
            said = {heard.recv(1000) for _ in range(5)}
            daemon.terminate()
            assert daemon.wait(20) == 0
        assert {b"READY=1", b"WATCHDOG=1"} <= said
