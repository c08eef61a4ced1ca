"""The worst day's mistakes: one plain sentence each, and nothing half-written."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.demo.sink import MailSink
from cli.home import Home
from cli.main import main
from cli.upkeep.backups import make_key
from cli.upkeep.restoring import find_backup
from storage.backup.frames import FrameWriter
from storage.backup.keys import new_backup_key
from storage.backup.manifest import Manifest
from storage.sealing import new_ring, write_ring
from tests.integration.full_home import AFTER
from tests.processes import sample_home


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Path]:
    """A home, and a folder with its one backup."""
    place = tmp_path_factory.mktemp("kept")
    with MailSink() as sink:
        home = Home(sample_home(place, sink, 8080))
    make_key(home)
    private(home.documents / "large", random.Random(1).randbytes(400_000))
    (place / "backups").mkdir()
    assert main(["backup", "--home", str(home.root), "--to", str(place / "backups")]) == 0
    return home, find_backup(place / "backups")


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    capsys.readouterr()
    code = main([str(word) for word in words])
    said = capsys.readouterr().err
    assert said.startswith("soppa: ") and said.count("\n") == 1, said
    return code, said


def private(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(0o600)
    return path


def a_backup(path: Path, schema: str, name: str = "district.yaml") -> tuple[Path, Path]:
    """A backup of this schema with one file, and the file of its key."""
    key = new_backup_key()
    with path.open("wb") as file:
        writer = FrameWriter(file, key)
        writer.put_json("manifest", Manifest("9.0", schema, AFTER, "sqlite", "", "", None, {}).as_json())
        writer.put_json("file", {"path": name, "size": 1})
        writer.put("piece", b"x")
        writer.finish()
    return path, private(path.with_suffix(".key"), key.text)


def test_a_foreign_file_a_folder_without_backups_and_no_file(
    kept: tuple[Home, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--into", tmp_path / "new", "--home", kept[0].root)
    foreign = private(tmp_path / "foreign", b"PK\x03\x04" * 100)
    assert refused(capsys, "restore", foreign, *words) == (
        78, f"soppa: {foreign} is no backup of soppa: name another file\n")
    code, said = refused(capsys, "restore", tmp_path, *words)
    assert (code, "there is no backup in" in said) == (2, True)
    code, said = refused(capsys, "restore", tmp_path / "none", *words)
    assert (code, "there is no file" in said) == (2, True)
    assert not (tmp_path / "new").exists()


def test_a_damaged_backup_leaves_the_folder_empty(
    kept: tuple[Home, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, backup = kept
    whole = backup.read_bytes()
    for damaged in (whole[:-20], whole[:3000] + bytes([whole[3000] ^ 1]) + whole[3001:]):
        file = private(tmp_path / "damaged", damaged)
        code, said = refused(capsys, "restore", file, "--into", tmp_path / "new", "--home", home.root)
        assert (code, "is damaged or was cut off: restore another backup" in said) == (78, True)
        assert not (tmp_path / "new").exists() or list((tmp_path / "new").iterdir()) == []
        code, said = refused(capsys, "restore", file, "--check", "--home", home.root)
        assert (code, "is damaged or was cut off" in said) == (78, True)


def test_a_newer_backup_names_what_is_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, key = a_backup(tmp_path / "newer", "9999")
    code, said = refused(capsys, "restore", file, "--into", tmp_path / "new", "--key", key)
    assert (code, "has schema 9999 and was made by soppa 9.0" in said, "install the newer soppa" in said) == (
        78, True, True)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "keys/ring", "documents/../../x", ""])
def test_a_backup_never_writes_outside_of_its_home(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    file, key = a_backup(tmp_path / "evil", "0001", name)
    code, said = refused(capsys, "restore", file, "--into", tmp_path / "new", "--key", key)
    assert (code, "names a file outside of a home" in said) == (78, True)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["evil", "evil.key", "new"]


def test_keys_that_are_missing_wrong_loose_or_mistyped(
    kept: tuple[Home, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, backup = kept
    text, into = home.backup_key.read_text(), ("--into", tmp_path / "new")
    elsewhere = ("--home", tmp_path / "nowhere")
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    code, said = refused(capsys, "restore", backup, *into, *elsewhere)
    assert (code, "which is not here: name its file with --key" in said) == (2, True)
    loose = private(tmp_path / "loose", text)
    loose.chmod(0o644)
    code, said = refused(capsys, "restore", backup, *into, "--key", loose)
    assert (code, f"chmod 600 {loose}" in said) == (78, True)
    other = private(tmp_path / "other", new_backup_key().text)
    code, said = refused(capsys, "restore", backup, *into, "--key", other)
    assert (code, "was made with the backup key b" in said) == (78, True)
    mistyped = private(tmp_path / "mistyped", text.strip()[:-1])
    code, said = refused(capsys, "restore", backup, *into, "--key", mistyped)
    assert (code, "holds no whole backup key" in said) == (78, True)
    home.backup_key.chmod(0o640)
    assert "chmod 600" in refused(capsys, "backup", "--home", home.root, "--to", tmp_path)[1]
    home.backup_key.chmod(0o600)


def test_a_key_ring_that_is_missing_or_of_another_home(
    kept: tuple[Home, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, backup = kept
    words = ("restore", backup, "--home", home.root, "--into", tmp_path / "new")
    code, said = refused(capsys, *words, "--ring", tmp_path / "gone")
    assert (code, "is missing: name its copy with --ring" in said) == (78, True)
    other = private(tmp_path / "ring", write_ring(new_ring()))
    code, said = refused(capsys, *words, "--ring", other)
    assert (code, "is not the key ring of this backup" in said) == (78, True)
    assert not (tmp_path / "new").exists()
    assert main([str(word) for word in words]) == 0
    code, said = refused(capsys, "queue", "--home", tmp_path / "new")
    assert (code, "put the key ring back" in said) == (78, True)


def test_a_folder_that_is_not_empty_or_holds_half_a_restore(
    kept: tuple[Home, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, backup = kept
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").write_text("mine")
    words = ("restore", backup, "--home", home.root, "--into")
    code, said = refused(capsys, *words, full)
    assert (code, "is not empty" in said, (full / "mine").read_text()) == (1, True, "mine")
    (full / "restoring").touch()
    for command in ((*words, full), ("init", "--home", full), ("worker", "--home", full), ("queue", "--home", full)):
        code, said = refused(capsys, *command)
        assert (code, "holds a restore that is not finished" in said) == (78, True), command
    assert "cannot be restored into" in refused(capsys, *words, full / "mine" / "below")[1]


@pytest.mark.parametrize(("words", "says"), [
    ((), "write either --into DIR, or --check"),
    (("--into", "x", "--check"), "write either --into DIR, or --check"),
    (("--check", "--database", "postgresql://h/d"), "--check needs no --database"),
    (("--into", "DIR", "--database", "postgresql://me:secret@h/d"), "--database holds a password"),
    (("--into", "DIR", "--database", "sqlite:///x"), "--database is for PostgreSQL"),
    (("--into", "DIR", "--database", "nonsense"), "is no URL"),
])  # fmt: skip
def test_calls_that_make_no_sense(
    kept: tuple[Home, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    home, backup = kept
    given = [str(tmp_path / "new") if word == "DIR" else word for word in words]
    code, said = refused(capsys, "restore", backup, "--home", home.root, *given)
    assert (code in (2, 78), says in said, (tmp_path / "new").exists()) == (True, True, False), said
    assert "secret" not in said


def test_a_backup_goes_to_a_folder_that_is_there_and_elsewhere(
    kept: tuple[Home, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = kept[0]
    words = ("backup", "--home", home.root)
    assert refused(capsys, *words)[0] == 2
    code, said = refused(capsys, *words, "--to", tmp_path / "unmounted")
    assert (code, "mount the disk that it is on" in said) == (2, True)
    code, said = refused(capsys, *words, "--to", home.documents)
    assert (code, "lies in the home itself" in said) == (2, True)
    assert refused(capsys, "backup", "key", "--home", home.root)[0] == 2
    assert refused(capsys, "backup", "key", "--home", home.root, "--show", "--new")[0] == 2
    assert not any(path.suffix == ".backup" for path in home.root.rglob("*"))


def test_the_key_is_printed_for_paper_and_opens_the_backup_when_typed(
    kept: tuple[Home, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, backup = kept
    capsys.readouterr()
    assert main(["backup", "key", "--show", "--home", str(home.root)]) == 0
    printed = capsys.readouterr()
    typed = private(tmp_path / "typed", printed.err)
    assert "".join(printed.err.split()) not in printed.out.replace("-", "")
    assert main(["restore", str(backup), "--into", str(tmp_path / "new"), "--key", str(typed)]) == 0
    assert "put the key ring back" in capsys.readouterr().out


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", folder],
                             capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
def test_a_full_disk_leaves_nothing_behind(
    kept: tuple[Home, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, backup = kept
    with small_disk(tmp_path / "small", "128k") as small:
        code, said = refused(capsys, "backup", "--home", home.root, "--to", small)
        assert (code, f"the disk of {small} is full: make room, no backup was made" in said) == (78, True)
        assert list(small.iterdir()) == []
    with small_disk(tmp_path / "smaller", "256k") as small:
        code, said = refused(capsys, "restore", backup, "--home", home.root, "--into", small / "new")
        assert (code, "full" in said or "make room" in said) == (78, True)
        assert list((small / "new").iterdir()) == []


def test_what_is_neither_file_nor_folder_is_left_out_and_nobody_waits_for_it(
    kept: tuple[Home, Path], tmp_path: Path
) -> None:
    pipe = kept[0].documents / "pipe"
    os.mkfifo(pipe)
    try:
        assert main(["backup", "--home", str(kept[0].root), "--to", str(tmp_path)]) == 0
    finally:
        pipe.unlink()
    assert [path.suffix for path in tmp_path.iterdir()] == [".backup"]
