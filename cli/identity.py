"""Who sits at the terminal: the user of the operating system, mapped to a person of the office."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import NotAllowed, UsageError, WrongEnvironment
from engine.nodes import nearest

if TYPE_CHECKING:
    from engine.model.case import Actor
    from engine.model.office import Person


_stepped_down: list[str] = []
"""The login of whoever called this process as root, once it has become the home's owner."""


def step_down(root: Path) -> None:
    """As root in a home of another user, becomes that user for good, so that nothing in it comes to belong to root;
    whoever called through sudo stays known. Raises `WrongEnvironment` for a home that this user may not enter."""
    if not os.path.isdir(root):  # Path.is_dir raises where a folder above may not be entered
        return
    owner, us = root.stat().st_uid, os.geteuid()
    if us == owner:
        return
    if us != 0:
        if not os.access(root, os.X_OK):
            raise WrongEnvironment(f"{root} belongs to {_name(owner)}: write sudo before the command")
        return
    _stepped_down[:] = [login()]
    try:
        user = pwd.getpwuid(owner)
        os.initgroups(user.pw_name, user.pw_gid)
        os.setgid(user.pw_gid)
    except KeyError:
        os.setgroups([])
        os.setgid(root.stat().st_gid)
    os.setuid(owner)


def login() -> str:
    """The login behind this process: through sudo, the user who called it."""
    if _stepped_down:
        return _stepped_down[0]
    uid = os.getuid()
    behind = os.environ.get("SUDO_USER") if uid == 0 else None
    if behind:
        return behind
    return _name(uid)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"


def reading(people: Iterable[Person], *, as_login: str | None = None, demo: bool = False) -> Actor | None:
    """The person who reads; None in a home of made-up people for a user who is none of them, and while nobody has a
    login yet. Raises `NotAllowed` for an unmapped user."""
    everybody = tuple(people)
    logins = {person.login for person in everybody if person.active and person.login is not None}
    if as_login is None and (not logins or (demo and login() not in logins)):
        return None
    return acting(everybody, as_login=as_login, demo=demo)


def nobody(name: str, demo: Iterable[str] = ()) -> NotAllowed:
    """The refusal of a user whom no person is; `demo` are the logins of a home in which anybody may be one."""
    if logins := sorted(demo):
        return NotAllowed(f"the user '{name}' is nobody in this office: say who you are here, such as --as {logins[0]}")
    return NotAllowed(f"the user '{name}' is nobody in this office: soppa people set ID --login {name}, "
                      f"by somebody who is")


def acting(people: Iterable[Person], *, as_login: str | None = None, demo: bool = False,
           on_behalf_of: str | None = None) -> Actor:
    """The person who acts. `--as` works in a home marked as demo only. Raises `NotAllowed` for an unmapped user."""
    if as_login is not None and not demo:
        raise NotAllowed("--as works in a home marked as demo only: sign in as that person")
    known = {person.login: person for person in people if person.login is not None and person.active}
    name = as_login or login()
    if name not in known and as_login is not None:
        raise UsageError(f"nobody here has the login '{name}'{nearest(name, known)}")
    if name not in known:
        raise nobody(name, known if demo else ())
    return replace(actor_of(known[name]), on_behalf_of=on_behalf_of)


def actor_of(person: Person) -> Actor:
    from engine.model.case import Actor

    return Actor("person", person.id, person.name, person.roles)
