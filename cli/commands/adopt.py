"""`soppa adopt`: what the office had begun before becomes cases; see `cli.adoption`."""

from __future__ import annotations

from pathlib import Path

import click

from cli.home import Home
from cli.options import as_option, home_option, json_option


@click.command(epilog="Example: soppa adopt running.csv --quiet-until 2026-12-31 --apply")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--apply", "apply_", is_flag=True, help="Do it; without this it is only shown.")
@click.option("--quiet-until", metavar="DATE", default=None,
              help="Up to this day, at most 60 from now, nobody above the office is told of dates that have passed.")
@click.option("--draft", is_flag=True, help="Write FILE anew: what the register knows of and nobody has begun.")
@as_option
@home_option
@json_option
def command(file: Path, apply_: bool, quiet_until: str | None, draft: bool, as_login: str | None, home: Home,
            as_json: bool) -> None:
    """Take in cases that have run elsewhere, from a CSV or YAML FILE: where each stands, what its clocks count from and
    what was told to whom, each with its document. Rungs that have passed are not sent.

    Nothing is adopted as long as anything is wrong. The same file again adopts only what is left."""
    from cli.adoption.adopt import Wish, adopt, write_draft

    if draft:
        write_draft(home, file, as_json=as_json)
    else:
        adopt(home, Wish(file, apply_, quiet_until, as_json), as_login)
