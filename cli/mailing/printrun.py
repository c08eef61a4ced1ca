"""One print run: which letters can be printed, the files that they become, and these kept sealed as they were."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cli.home import write_private
from engine.errors import Refused, UsageError
from engine.law.days import day_name
from registry.export import defused

if TYPE_CHECKING:
    from cli.documents import Documents
    from cli.wiring import House
    from engine.model.case import Actor, Case
    from storage.mailing.printruns import Letter
    from storage.rows import Row
    from web.documents import Kind

Files = Mapping[str, bytes]
HEADER = ("number", "name", "language", "posted")


@dataclass(frozen=True, slots=True)
class Sorted:
    """Letters that can be printed; the numbers of those without a postal address; and by number the signs that no font
    here can draw."""

    fit: tuple[Letter, ...]
    homeless: tuple[int, ...] = ()
    undrawn: Mapping[int, str] | None = None


def sort_out(letters: Sequence[Letter]) -> Sorted:
    from notifiers.typesetting import undrawn

    homes = [letter for letter in letters if (letter.recipient.member.address or "").strip()]
    signs = undrawn([f"{letter.recipient.member.name}\n{letter.recipient.member.address}" for letter in homes])
    fit = tuple(letter for place, letter in enumerate(homes) if place not in signs)
    homeless = tuple(letter.recipient.number for letter in letters if letter not in homes)
    return Sorted(fit, homeless, {homes[place].recipient.number: found for place, found in signs.items()})


def left_out(case: str, sorted_: Sorted) -> list[str]:
    """What is not printed and why, a sentence each, with what to do."""
    said = []
    if sorted_.homeless:
        numbers = ", ".join(map(str, sorted_.homeless))
        said.append(f"without a postal address, not printed: number {numbers}: enter it with soppa audience address "
                    f"{case} NUMBER 'STREET; CITY', or decide by name")  # fmt: skip
    for number, signs in (sorted_.undrawn or {}).items():
        said.append(
            f"not printed: number {number}: no font of this machine can draw {in_words(signs)} of its name or address: "
            "install a font that can (Debian: fonts-noto-cjk), or enter how the envelope shows it with soppa audience "
            f"address {case} {number} 'STREET; CITY' --name NAME, or decide by name"
        )
    return said


def in_words(signs: str) -> str:
    """`山 (U+5C71)`; a sign that no terminal should be sent stands as its code point alone."""
    shown = (f"{sign} (U+{ord(sign):04X})" if sign.isprintable() else f"U+{ord(sign):04X}" for sign in signs)
    return ", ".join(shown)


def print_anew(house: House, case: Case, actor: Actor, letters: Sequence[Letter]) -> tuple[int, Files]:
    """A new run of these letters, counted and kept: its number and its files by name. Raises `Refused` where somebody
    else has printed meanwhile."""
    now = house.clock()
    with house.store.read() as unit:
        run = unit.audiences(now).next_run(case.id)
    made = files_of(house, case, run, letters, now, actor.name)
    files = {name: (content, _kind(name)) for name, content in made.items()}
    with house.documents.keeping(files) as kept, house.store.begin() as unit:
        unit.audiences(now).printed(case.id, run, letters, actor.id, kept)
    return run, made


def print_again(house: House, case: Case, row: Row, letters: Sequence[Letter]) -> Files:
    """The files of a run, byte for byte as they were printed; of a run from before they were kept, made again with the
    date of that day. Raises `UsageError` where one is missing or not what was kept."""
    kept = json.loads(row["files"])
    if kept:
        return read_kept(house.documents, kept)
    with house.store.read() as unit:
        by = house.office(unit).people.get(row["by"])
    return files_of(house, case, row["number"], letters, row["at"], by.name if by else row["by"])


def read_kept(documents: Documents, kept: Iterable[Sequence[str]]) -> Files:
    return {name: documents.read(value)[0] for name, value in kept}


def files_of(
    house: House, case: Case, run: int, letters: Sequence[Letter], at: dt.datetime, by: str
) -> Mapping[str, bytes]:
    """A PDF for each language, and the manifest as a sheet and as a page with boxes to tick."""
    pdfs = _letters(house, case, letters, at)
    files = {f"letters-{case.id}-run{run}-{language}.pdf": content for language, content in sorted(pdfs.items())}
    on = at.astimezone(house.settings.zone).date()
    files[f"manifest-{case.id}-run{run}.csv"] = _sheet(letters).encode()
    files[f"manifest-{case.id}-run{run}.pdf"] = _page(house, case.id, run, letters, on, by)
    return files


def write_out(out: Path, files: Files) -> list[Path]:
    """The files in a folder, readable by nobody else."""
    paths = [out / name for name in files]
    for path in paths:
        write_private(path, files[path.name])
    return paths


def check_free(out: Path, case: str, run: int) -> None:
    """Raises `UsageError` where a file of this run is in the folder already, or the folder cannot be made."""
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out: {out} cannot be made ({error.strerror}): name another folder") from error
    there = sorted(path for path in out.glob(f"*-{case}-run{run}*") if path.suffix in (".pdf", ".csv"))
    if there:
        raise UsageError(f"--out: {there[0]} is there already: name another folder, or delete what was printed")


def _kind(name: str) -> Kind:
    return "pdf" if name.endswith(".pdf") else "txt"


def _letters(house: House, case: Case, letters: Sequence[Letter], at: dt.datetime) -> Mapping[str, bytes]:
    from notifiers.compose import Matter
    from notifiers.onpaper import letters_to_many

    definition = house.definitions.pinned(case.process, case.version, case.hash)
    mails = {letter.mail for letter in letters}
    if len(mails) > 1:
        raise Refused(f"letters of several mails wait in case {case.id}: {', '.join(sorted(mails))}")
    with house.store.read() as unit:
        office = house.office(unit)
    whom = [(str(letter.recipient.number), letter.recipient.member.contact) for letter in letters]
    return letters_to_many(Matter(case, definition), definition.mails[mails.pop()], whom, office, at)


def _sheet(letters: Sequence[Letter]) -> str:
    out = io.StringIO(newline="")
    sheet = csv.writer(out, quoting=csv.QUOTE_ALL)
    sheet.writerow(HEADER)
    sheet.writerows(
        [letter.recipient.number, defused(letter.recipient.member.name), letter.recipient.member.language, ""]
        for letter in letters
    )
    return out.getvalue()


def _page(house: House, case: str, run: int, letters: Sequence[Letter], on: dt.date, by: str) -> bytes:
    from notifiers.typesetting import typeset

    data = {
        "title": f"Letters of case {case}, print run {run}",
        "district": house.settings.district, "keywords": ["manifest", case],
        "footer": f"Case {case}, print run {run}. Personal data: destroy this page when the run is ticked off.",
        "lead": [f"{len(letters):,} letters, printed by {by} on {day_name(on)}. Tick each as it goes into the post.",
                 f"When they are in the post: soppa letters posted {case} --run {run} --on DATE, with --except NUMBER "
                 "for each that has no tick."],
        "header": ["✓", "Number", "For", "Language", "Place"],
        "rows": [[str(letter.recipient.number), letter.recipient.member.name, letter.recipient.member.language,
                  letter.recipient.member.address.splitlines()[-1]] for letter in letters],
        "signed": ["Posted on", "By"],
    }  # fmt: skip
    return typeset(["paper.typ", "manifest.typ"], data, "the manifest")
