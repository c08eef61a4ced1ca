"""Documents in the terminal: handed in as a file, sealed in the home, taken out again by whom it concerns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.demo.sink import MailSink
from tests.processes import free_port, sample_home, soppa

PDF = b"%PDF-1.7 a certificate"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with MailSink() as sink:
        yield sample_home(tmp_path_factory.mktemp("documents"), sink, free_port())


def start(home: Path, evidence: str) -> tuple[int, str, str]:
    facts = ("received_on=2026-11-02", "item=Date", "parent=Ana Ruiz <ana.ruiz@families.example>", evidence)
    words = [word for fact in facts for word in ("-f", fact)]
    done = soppa(home, "start", "correction_request", "--as", "carla", "--json", *words)
    return done.returncode, done.stdout, done.stderr


def test_a_file_goes_in_sealed_and_comes_out_as_it_was(home: Path, tmp_path: Path) -> None:
    (tmp_path / "proof.bin").write_bytes(PDF)
    code, out, _ = start(home, f"evidence=@{tmp_path / 'proof.bin'}")
    assert code == 0
    case = json.loads(out)["case"]
    assert all(PDF not in kept.read_bytes() for kept in (home / "documents").iterdir())
    taken = tmp_path / "taken.pdf"
    assert soppa(home, "document", case, "evidence", "--as", "carla", "--out", str(taken)).returncode == 0
    assert (taken.read_bytes(), taken.stat().st_mode & 0o777) == (PDF, 0o600)
    again = soppa(home, "document", case, "evidence", "--as", "carla", "--out", str(taken))
    assert (again.returncode, "name a new file" in again.stderr) == (2, True)
    refused = soppa(home, "document", case, "evidence", "--as", "dana", "--out", str(tmp_path / "x"))
    assert (refused.returncode, "may not take documents out" in refused.stderr) == (1, True)
    wrong = soppa(home, "document", case, "item", "--as", "carla", "--out", str(tmp_path / "x"))
    assert (wrong.returncode, "names no document" in wrong.stderr) == (2, True)


@pytest.mark.parametrize(("word", "says"), [
    ("proof.pdf", "evidence is a document: name its file as -f evidence=@letter.pdf"),
    ("@/nowhere/proof.pdf", "/nowhere/proof.pdf cannot be read (No such file or directory)"),
    ("@program", "program is no PDF, PNG, JPEG, Word document or plain text"),
])  # fmt: skip
def test_what_is_no_document_is_told_in_one_sentence(home: Path, tmp_path: Path, word: str, says: str) -> None:
    (tmp_path / "program").write_bytes(b"MZ\x00\x01")
    code, _, error = start(home, f"evidence={word.replace('@program', f'@{tmp_path}/program')}")
    assert (code, error.count("\n")) == (2, 1)
    assert says in error
