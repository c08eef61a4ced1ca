"""`soppa evidence`: what a case proves, as one file that can be checked without soppa."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import completion
from cli.home import Home, write_private
from cli.options import as_option, home_option, json_option
from cli.printing import print_json, say
from cli.wiring import House, open_house
from engine.errors import NotAllowed, Refused, UsageError

if TYPE_CHECKING:
    from cli.evidence.gather import Subject
    from engine.model.case import Actor

MAY = frozenset({"privacy", "custodian"})


@dataclass(frozen=True, slots=True)
class Taken:
    """The zip file, its SHA-256, and what is wrong with the chain."""

    content: bytes
    digest: str
    faults: Sequence[str]


@click.command(epilog="Example: soppa evidence 2026-0001 --verifier")
@click.argument("case", shell_complete=completion.cases)
@click.option("--redacted", is_flag=True,
              help="For public records: without names, addresses, typed texts, numbers, letters and documents.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=None,
              help="A new file; evidence-CASE.zip here without it.")
@click.option("--verifier", "with_verifier", is_flag=True,
              help="Also write verify_evidence.py beside it, which checks the file with Python alone.")
@as_option
@home_option
@json_option
def command(case: str, redacted: bool, out: Path | None, with_verifier: bool, as_login: str | None, home: Home,
            as_json: bool) -> None:
    """Write the evidence of CASE: a PDF and a JSON file in a zip that only you can read.

    Dates with their derivation, history, letters as sent, proofs, hashes. For privacy officer and custodian. That it
    was taken, and the file's SHA-256, stand in the history of the case.
    """
    with open_house(home) as house:
        actor = _actor(house, as_login)
        case_id = house.case(case, actor).id
        if house.store.views.keeping_of(case_id).purged_at is not None:
            raise Refused(f"case {case_id} was purged: nothing is left but its history, and the certificate that "
                          "soppa purge list leads to")
        file = out or Path(f"evidence-{case_id}{'-redacted' if redacted else ''}.zip")
        _check_free(file, with_verifier)
        taken = _take(house, case_id, actor, redacted=redacted)
    files = [_write(file, taken.content), *(_write_verifier(file) if with_verifier else ())]
    if as_json:
        print_json({"case": case_id, "redacted": redacted, "whole": not taken.faults, "bytes": len(taken.content),
                    "sha256": taken.digest, "files": [str(path) for path in files]})
    else:
        _print(taken, f"evidence of case {case_id}{', redacted' if redacted else ''}", files, personal=not redacted)


def _print(taken: Taken, what: str, files: Sequence[Path], *, personal: bool) -> None:
    for fault in taken.faults:
        say(f"THE CHAIN IS BROKEN: {fault}")
    say(f"{what}: {len(taken.content):,} bytes")
    for path in files:
        say(f"  {path}")
    say(f"SHA-256 {taken.digest}")
    say("that it was taken, and this hash, stand in the history of the case")
    if personal:
        say("the file holds personal data: keep it as the case itself")


def _take(house: House, case_id: str, actor: Actor, *, redacted: bool) -> Taken:
    """Notes that it is taken, makes the file, and notes its hash."""
    from cli.evidence.package import package

    _note_taking(house, case_id, actor, redacted=redacted)
    subject = _subject(house, case_id)
    content = package(subject, redacted=redacted)
    digest = sha256(content).hexdigest()
    _note(house, case_id, actor, "evidence_written", {"sha256": digest})
    return Taken(content, digest, subject.records.faults)


def _actor(house: House, as_login: str | None) -> Actor:
    actor = house.actor(as_login)
    if not actor.roles & MAY:
        raise NotAllowed(f"{actor.name} may not take evidence: ask the privacy officer or the custodian")
    return actor


def _check_free(file: Path, with_verifier: bool) -> None:
    from cli.evidence.package import VERIFIER, verifier

    if file.exists():
        raise UsageError(f"{file} is there already: name a new file with --out")
    if not file.absolute().parent.is_dir():
        raise UsageError(f"{file.absolute().parent} is no folder: make it, or name another with --out")
    script = file.with_name(VERIFIER)
    if with_verifier and script.exists() and script.read_bytes() != verifier():
        raise UsageError(f"{script} is there already and is another one: move it away")


def _note_taking(house: House, case_id: str, actor: Actor, *, redacted: bool) -> None:
    """The line that says so comes before anything is read. Its sealed part is chance: nobody can try out guesses at the
    lines before by the hash of this one, so that a redacted file may show it."""
    lines = len(house.store.views.history(case_id))
    _note(house, case_id, actor, "evidence_taken", {"form": "redacted" if redacted else "full", "lines": str(lines)},
          {"chance": secrets.token_hex(16)})


def _note(house: House, case_id: str, actor: Actor, kind: str, detail: dict[str, str],
          personal: dict[str, str] | None = None) -> None:
    from engine.model.messages import Event

    with house.store.begin() as unit:
        unit.case(case_id)
        unit.note(case_id, Event(kind, detail, personal or {}), actor, house.clock())


def _subject(house: House, case_id: str) -> Subject:
    from cli.evidence.gather import Subject
    from storage.looking import evidence

    with house.store.read() as unit:
        case, office = unit.case(case_id), house.office(unit)
        records = evidence.read(unit.connection, house.store.base.ring, case_id)
    definition = house.definitions.pinned(case.process, case.version, case.hash)
    taken = next(line for line in reversed(records.lines) if line.kind == "evidence_taken")
    return Subject(case, definition, records, office, house.documents, taken.seq, taken.at)


def _write(file: Path, content: bytes) -> Path:
    try:
        write_private(file, content)
    except OSError as error:
        raise UsageError(f"{file} cannot be written ({error.strerror}): name another with --out") from error
    return file


def _write_verifier(file: Path) -> list[Path]:
    """Beside the evidence, unless the same script is there already."""
    from cli.evidence.package import VERIFIER, verifier

    script = file.with_name(VERIFIER)
    return [script if script.exists() else _write(script, verifier())]
