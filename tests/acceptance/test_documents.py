"""Documents in the terminal: handed in as a file, sealed in the home, taken out again by whom it concerns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from cli.demo.sink import MailSink
from tests.files import pdf, png
from tests.integration.pages import kept_files
from tests.processes import free_port, sample_home, soppa

PDF = pdf()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with MailSink() as sink:
        yield sample_home(tmp_path_factory.mktemp("documents"), sink, free_port())


def start(home: Path, *more: str) -> tuple[int, str, str]:
    facts = ("received_on=2026-11-02", "item=Date", "parent=Ana Ruiz <ana.ruiz@families.example>", *more)
    words = [word for fact in facts for word in ("-f", fact)]
    done = soppa(home, "start", "correction_request", "--sure", "--as", "carla", "--json", *words)
    return done.returncode, done.stdout, done.stderr


def test_a_file_goes_in_sealed_and_comes_out_as_it_was(home: Path, tmp_path: Path) -> None:
    (tmp_path / "proof.bin").write_bytes(PDF)
    code, out, _ = start(home, f"evidence=@{tmp_path / 'proof.bin'}")
    assert code == 0
    case = json.loads(out)["case"]
    assert all(PDF not in kept.read_bytes() for kept in kept_files(home / "documents"))
    taken = tmp_path / "taken.pdf"
    assert soppa(home, "document", case, "evidence", "--as", "carla", "--out", str(taken)).returncode == 0
    assert (taken.read_bytes(), taken.stat().st_mode & 0o777) == (PDF, 0o600)
    told, hashed = soppa(home, "history", case).stdout, sha256(PDF).hexdigest()
    assert f"was handed in as “proof.bin”, SHA-256 {hashed}." in told
    assert not [kept for kept in home.glob("*.db*") if b"proof.bin" in kept.read_bytes()], "sealed: it may name a child"
    assert f"was taken out, SHA-256 {hashed}." in told
    again = soppa(home, "document", case, "evidence", "--as", "carla", "--out", str(taken))
    assert (again.returncode, "name a new file" in again.stderr) == (2, True)
    refused = soppa(home, "document", case, "evidence", "--as", "dana", "--out", str(tmp_path / "x"))
    assert (refused.returncode, "may not take documents out" in refused.stderr) == (1, True)
    wrong = soppa(home, "document", case, "item", "--as", "carla", "--out", str(tmp_path / "x"))
    assert (wrong.returncode, "names no document" in wrong.stderr) == (2, True)


@pytest.mark.parametrize(("word", "says"), [
    ("proof.pdf", "evidence is a document: name its file as -f evidence=@letter.pdf"),
    ("@/nowhere/proof.pdf", "/nowhere/proof.pdf cannot be read (No such file or directory)"),
    ("@DIR/program", "evidence: this is no PDF, PNG, JPEG, Word or text file: choose another"),
    ("@DIR/letter.pdf", "evidence: “letter.pdf” is named as a PDF and holds a PNG picture"),
    ("@DIR/half.pdf", "evidence: this file cannot be read, it may be damaged"),
    ("@DIR", "cannot be read (Is a directory)"),
])  # fmt: skip
def test_what_is_no_document_is_told_in_one_sentence(home: Path, tmp_path: Path, word: str, says: str) -> None:
    files = {"program": b"MZ\x00\x01", "letter.pdf": png(), "half.pdf": PDF[:-100]}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    before = kept_files(home / "documents")
    code, _, error = start(home, f"evidence={word.replace('DIR', str(tmp_path))}")
    assert (code, error.count("\n")) == (2, 1)
    assert says in error
    assert kept_files(home / "documents") == before


def test_a_file_of_a_refused_command_is_gone(home: Path, tmp_path: Path) -> None:
    (tmp_path / "proof.pdf").write_bytes(PDF)
    before, word = kept_files(home / "documents"), f"evidence=@{tmp_path / 'proof.pdf'}"
    code, _, error = start(home, word, "owner=x")
    assert (code, "no fact or party 'owner'" in error) == (2, True)
    _, out, _ = start(home, "right_value=x")
    case = json.loads(out)["case"]
    wrong = soppa(home, "do", case, "verify", "complete", "-f", word, "--as", "carla")
    assert (wrong.returncode, "needs" in wrong.stderr) == (1, True)
    refused = soppa(home, "record", case, word, "received_on=2026-11-09", "--sure", "--reason", "x", "--as", "carla")
    assert (refused.returncode, "add --begin" in refused.stderr) == (1, True)
    assert kept_files(home / "documents") == before


def test_a_file_of_an_act_that_waits_for_its_second_person_stays(home: Path, tmp_path: Path) -> None:
    (tmp_path / "proof.pdf").write_bytes(PDF)
    before = set(kept_files(home / "documents"))
    _, out, _ = start(home, "right_value=x")
    words = (f"evidence=@{tmp_path / 'proof.pdf'}", "received_on=2026-11-09", "--sure", "--reason", "x", "--as",
             "carla")
    begun = soppa(home, "record", json.loads(out)["case"], *words, "--begin")
    assert begun.returncode == 0, begun.stderr
    assert len(set(kept_files(home / "documents")) - before) == 1
