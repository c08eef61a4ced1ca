"""What the shell offers after TAB. It must come at once, so nothing is loaded but what reads a few names.

Wherever something is wrong (no home, no database, a broken document) nothing is offered: the command will say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click

from cli.home import Home, find_home

Complete = Callable[[click.Context, click.Parameter, str], list[str]]
Find = Callable[[click.Context], Iterable[str]]


def offering(find: Find) -> Complete:
    """The words of `find` that go on as was begun."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        try:
            return [word for word in find(ctx) if word.startswith(incomplete)]
        except Exception:  # whatever it is, a shell in the middle of a line is no place to tell it
            return []

    return complete


def home_of(ctx: click.Context) -> Home:
    return find_home(ctx.params.get("home") or ctx.find_root().params.get("home"))


def database_of(ctx: click.Context) -> str | Path:
    from cli.settings import read_settings

    home = home_of(ctx)
    return read_settings(home.settings).database or home.database


@offering
def processes(ctx: click.Context) -> Iterable[str]:
    from workflows import Catalogue

    return Catalogue(home_of(ctx).workflows).processes()


@offering
def process_mails(ctx: click.Context) -> Iterable[str]:
    from workflows import hints

    return hints.mails(ctx.params["process"], home_of(ctx).workflows)


@offering
def rules(ctx: click.Context) -> Iterable[str]:
    from workflows import hints

    return hints.rules()


@offering
def roles(ctx: click.Context) -> Iterable[str]:
    from engine.model.roles import ROLES

    return sorted(ROLES)


@offering
def cases(ctx: click.Context) -> Iterable[str]:
    from storage.looking import hints

    found = hints.cases(database_of(ctx))
    return _open(ctx, {case: case for case in found})


@offering
def tasks(ctx: click.Context) -> Iterable[str]:
    from storage.looking import hints

    return hints.tasks(database_of(ctx), _case(ctx))


@offering
def clocks(ctx: click.Context) -> Iterable[str]:
    from storage.looking import hints

    return hints.clocks(database_of(ctx), _case(ctx))


@offering
def outcomes(ctx: click.Context) -> Iterable[str]:
    from workflows import hints

    return hints.outcomes(_source(ctx), ctx.params["task"])


@offering
def documents(ctx: click.Context) -> Iterable[str]:
    from workflows import hints

    return hints.documents(_source(ctx))


@offering
def people(ctx: click.Context) -> Iterable[str]:
    from storage.looking import hints

    return hints.people(database_of(ctx))


@offering
def logins(ctx: click.Context) -> Iterable[str]:
    from storage.looking import hints

    return hints.logins(database_of(ctx))


@offering
def acts(ctx: click.Context) -> Iterable[str]:
    from storage.looking import hints

    return _open(ctx, hints.acts(database_of(ctx)))


@offering
def incidents(ctx: click.Context) -> Iterable[str]:
    from storage.looking import hints

    return _open(ctx, hints.incidents(database_of(ctx)))


@offering
def mails_to_retry(ctx: click.Context) -> Iterable[str]:
    from storage.looking import hints

    return _open(ctx, hints.mails_to_retry(database_of(ctx)))


@offering
def mails_in_doubt(ctx: click.Context) -> Iterable[str]:
    from storage.looking import hints

    return _open(ctx, hints.mails_in_doubt(database_of(ctx)))


def _source(ctx: click.Context) -> str:
    from storage.looking import hints

    return hints.source(database_of(ctx), _case(ctx)) or ""


def _case(ctx: click.Context) -> str:
    """The case on the line; none where it is not for whoever types."""
    case = ctx.params["case"]
    return next(iter(_open(ctx, {case: case})), "")


def _open(ctx: click.Context, found: Mapping[str, str | None]) -> list[str]:
    """Of these words, each with its case, those that whoever types may read of, as `soppa queue` knows them."""
    from cli.needtoknow import closed_of
    from cli.settings import read_settings
    from cli.viewers import reader_of, viewer

    home, database = home_of(ctx), database_of(ctx)
    settings = read_settings(home.settings)
    who = viewer(settings, database, ctx.params.get("as_login"), needed=False)
    closed = closed_of(reader_of(settings, database, who), found.values(), home, database) if who else frozenset()
    return [word for word, case in found.items() if case not in closed]
