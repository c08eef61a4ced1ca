"""Who looks at a list, read from the database without the libraries of the store."""

from __future__ import annotations

from pathlib import Path

from cli.identity import login, nobody
from cli.needtoknow import Reader
from cli.settings import Settings
from engine.errors import NotAllowed, UsageError
from engine.nodes import nearest


def viewer(settings: Settings, database: str | Path, as_login: str | None, *, needed: bool) -> str | None:
    """The login of whoever looks; None for somebody who is nobody, in a home of made-up people or while nobody has a
    login. Raises `NotAllowed` or `UsageError`."""
    from storage.looking import hints

    if as_login is not None and not settings.demo:
        raise NotAllowed("--as works in a home marked as demo only: sign in as that person")
    name, known = as_login or login(), hints.logins(database)
    if name in known:
        return name
    if as_login is not None:
        raise UsageError(f"nobody here has the login '{name}'{nearest(name, known)}")
    if needed or (not settings.demo and known):
        raise nobody(name)
    return None


def reader_of(settings: Settings, database: str | Path, login: str) -> Reader:
    """Whoever works here under a login; somebody without a role for one that is nobody's."""
    from storage.looking import hints

    known = hints.person(database, login)
    return Reader(*(known or ("", frozenset())), known is not None and known[0] == settings.second_person)
