"""What a set-up writes. All is looked at before the first byte; a try that was killed is finished by the next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cli.home import Home, check_home, make_home, write_private
from cli.logo import read_logo
from cli.settings import Settings, check_text
from cli.settings_parts import MOST_MINUTES
from cli.setup.answers import Answers, written
from cli.setup.document import Plain, render
from engine.errors import UsageError
from engine.nodes import nearest

if TYPE_CHECKING:
    from cli.wiring import House

KEPT = "setup.answers.yaml"
BEFORE = "district.yaml.before"
FROM_THE_START: Mapping[str, Plain] = {"undo_minutes": MOST_MINUTES}
"""Settings of a new home that are not asked for."""


@dataclass(frozen=True, slots=True)
class Made:
    """`is_new`: there was no home. `people` were written; `known` says that there were people already: who works here,
    and what has been looked up, is theirs to say."""

    is_new: bool
    people: int
    known: bool


def kept_answers(home: Home) -> Path:
    return home.root / KEPT


def keep_answers(home: Home, answers: Answers) -> None:
    """Keeps the answers so far for a next try. Raises `UsageError` where no folder can be made."""
    try:
        home.root.mkdir(parents=True, mode=0o700, exist_ok=True)
        put_file(kept_answers(home), written(answers))
    except OSError as error:
        raise UsageError(f"{home.root} cannot be made ({error.strerror}): name another folder with --home") from error


def make(home: Home, answers: Answers, password: str = "") -> Made:
    """Makes the home where there is none, writes settings and people. Raises `UsageError` before that."""
    from cli.wiring import open_house

    people = answers.persons()
    is_new = not home.settings.exists()
    if is_new:
        answers = replace(answers, settings={**FROM_THE_START, **answers.settings})
    settings = check_text(render(answers.settings), home.settings)
    picture = _picture(home, settings)
    text = render(_with_picture(answers, picture))
    wrong = list(_strangers(answers))
    if people and wrong:
        raise UsageError("\n".join(wrong))
    if not is_new:
        check_home(home)
    unmade = is_unmade(home, settings)
    _lay(home, text, picture)
    if password:
        put_file(home.root / str(_password_file(answers)), f"{password}\n")
    with open_house(home, create=unmade) as house:
        known = bool(house.store.people())
        if not known:
            _save(house, answers)
            _confirm_references(house, answers)
    kept_answers(home).unlink(missing_ok=True)
    return Made(is_new, 0 if known else len(people), known)


def is_unmade(home: Home, settings: Settings) -> bool:
    """Whether the home's database has yet to be made; one of an older program is left to its upgrade.

    Raises `WrongEnvironment` for a database that does not answer.
    """
    from cli.wiring import database_url
    from storage.upgrade import is_empty

    return is_empty(database_url(home, settings))


def put_file(path: Path, text: str) -> None:
    """A file of mode 0600 in the place of the one before, at once: there is never half of it."""
    put_bytes(path, text.encode())


def put_bytes(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    write_private(fresh, content)
    fresh.replace(path)


@dataclass(frozen=True, slots=True)
class _Picture:
    """The logo as it will lie in the home."""

    name: str
    content: bytes


def _picture(home: Home, settings: Settings) -> _Picture | None:
    """A logo that lies elsewhere, where no daemon may read it. Raises `UsageError` for one that is no fit picture."""
    if settings.logo is None:
        return None
    content = read_logo(settings.logo).content
    outside = not settings.logo.file.resolve().is_relative_to(home.root.resolve())
    return _Picture(f"logo{settings.logo.file.suffix.lower()}", content) if outside else None


def _with_picture(answers: Answers, picture: _Picture | None) -> Mapping[str, Plain]:
    logo = answers.settings.get("logo")
    if picture is None or not isinstance(logo, Mapping):
        return answers.settings
    return {**answers.settings, "logo": {**logo, "file": picture.name}}


def _lay(home: Home, text: str, picture: _Picture | None) -> None:
    """The folders, the ring, the logo and the settings, as far as they are not there; the settings before stay
    beside."""
    from storage.sealing import new_ring, write_ring

    before = home.settings.read_text("utf-8") if home.settings.exists() else None
    if before is None and not home.ring.exists():
        make_home(home)
        put_file(home.ring, write_ring(new_ring()).decode())
    if picture is not None:
        put_bytes(home.root / picture.name, picture.content)
    if before == text:
        return
    if before is not None:
        put_file(home.root / BEFORE, before)
    put_file(home.settings, text)


def _save(house: House, answers: Answers) -> None:
    from cli.identity import login
    from cli.staff.acts import record_set_up

    people = answers.persons()
    if not people:
        return
    with house.store.begin() as unit:
        for person in people:
            unit.save_person(person)
        record_set_up(house, unit, (), people, login())


def _strangers(answers: Answers) -> Iterator[str]:
    """Where the settings name somebody who is not among the people."""
    known = {cells["id"] for cells in answers.people}
    stand_ins = answers.settings.get("stand_ins")
    named = {"second_person": answers.settings.get("second_person")}
    named |= {f"stand_ins: {role}": one for role, one in stand_ins.items()} if isinstance(stand_ins, dict) else {}
    for what, person in named.items():
        if person and person not in known:
            yield f"{what}: '{person}' is none of the people{nearest(str(person), known)}"


def _password_file(answers: Answers) -> object:
    relay = answers.settings.get("relay")
    return relay.get("password_file", "keys/relay-password") if isinstance(relay, dict) else "keys/relay-password"


def _confirm_references(house: House, answers: Answers) -> None:
    from cli.commands.references import keep_confirmed
    from cli.office import references_of

    if answers.looked_up_on:
        on = dt.date.fromisoformat(answers.looked_up_on)
        for name, reference in references_of(house.home).items():
            if reference.as_of != on:
                keep_confirmed(house.home, name, on)

