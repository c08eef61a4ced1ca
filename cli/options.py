"""Options that several commands share, and the reading of words into values."""

from __future__ import annotations

import datetime as dt
import functools
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from cli import completion
from cli.home import Home, find_home
from cli.identity import step_down
from engine.errors import UsageError
from engine.nodes import nearest

_WITHOUT_ALARMS = {"status", "doctor", "alarm", "serve", "worker", "demo", "init", "setup"}


class Commands(click.Group):
    """A group that names the nearest command for one that it does not know, and says each command's whole sentence."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, _sentence(one.help or "")) for name, one in found if one is not None])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args and not args[0].startswith("-") and args[0] not in known:
            raise click.UsageError(f"there is no command '{args[0]}'{nearest(args[0], known)}", ctx)
        return super().resolve_command(ctx, args)


def example(*lines: str) -> str:
    """An epilog that keeps its lines, so that a long example can be copied whole from a terminal of 80 columns."""
    return "\b\n" + "\n".join([f"Example: {lines[0]}", *(f"  {line}" for line in lines[1:])])


def _sentence(text: str) -> str:
    """The first one, on one line."""
    return " ".join(text.split("\n\n")[0].split()).partition(". ")[0].rstrip(".") + "."


def home_option(command: Callable[..., None]) -> Callable[..., None]:
    """Gives the command a `home: Home`: from `--home` here or before the command, SOPPA_HOME, or the user's own."""

    @functools.wraps(command)
    def with_home(*args: Any, home: Path | None, **kwargs: Any) -> None:
        ctx = click.get_current_context()
        found = find_home(home or ctx.find_root().obj)
        step_down(found.root)
        if sys.stderr.isatty() and sys.stdout.isatty() and not kwargs.get("as_json"):
            ctx.find_root().call_on_close(functools.partial(_show_alarms, found, str(ctx.info_name)))
        command(*args, home=found, **kwargs)

    return click.option("--home", "home", type=click.Path(path_type=Path, file_okay=False), default=None,
                        help="Folder of the district (or SOPPA_HOME).")(with_home)


def _show_alarms(home: Home, command: str) -> None:
    """One dim line after what a command has said."""
    from cli.status.alarmfile import banner  # only where a person looks

    said = None if command in _WITHOUT_ALARMS else banner(home, dt.datetime.now(dt.UTC))
    if said is not None:
        width = shutil.get_terminal_size().columns
        click.secho(textwrap.shorten(f"soppa: {said}", width, placeholder=" …"), dim=True, err=True)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON with stable keys.")
as_option = click.option("--as", "as_login", metavar="LOGIN", default=None, shell_complete=completion.logins,
                         help="Act as this person: only in a home marked as demo.")
facts_option = click.option("-f", "--fact", "given", multiple=True, metavar="FACT=VALUE",
                            help="A fact or a field; write it once for each.")


def read_given(given: Iterable[str]) -> dict[str, str]:
    """`name=value` words as a mapping. Raises `UsageError`."""
    values: dict[str, str] = {}
    for word in given:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise UsageError(f"'{word}' is not FACT=VALUE: write for example received_on=2026-07-01")
        if name in values:
            raise UsageError(f"'{name}' is given twice: write it once")
        values[name] = value
    return values


def read_date(word: str, what: str) -> dt.date:
    """A local date. Raises `UsageError`."""
    try:
        return dt.date.fromisoformat(word)
    except ValueError:
        raise UsageError(f"{what}: '{word}' is not a date: write it as 2026-07-01") from None


def read_dates(word: str, what: str) -> frozenset[dt.date]:
    """Dates and closed ranges, `2026-11-25,2026-12-21..2027-01-04`. Raises `UsageError`."""
    days: set[dt.date] = set()
    for part in word.split(","):
        first_word, dots, last_word = part.strip().partition("..")
        first = read_date(first_word, what)
        last = read_date(last_word, what) if dots else first
        if not 0 <= (last - first).days <= 366:
            raise UsageError(f"{what}: '{part}' is no range of days within a year: write FIRST..LAST")
        days.update(first + dt.timedelta(days=n) for n in range((last - first).days + 1))
    return frozenset(days)
