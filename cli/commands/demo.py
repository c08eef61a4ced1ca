"""`soppa demo`: the main job on sample data."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from cli.home import Home
from cli.options import json_option


@click.command(epilog="Example: soppa demo --fast-forward")
@click.option("--fast-forward", "fast", is_flag=True,
              help="Play months in seconds on a fake clock, print the timeline, end.")
@click.option("--home", "folder", type=click.Path(path_type=Path, file_okay=False), default=None,
              help="Keep the sample district here (a new folder); otherwise it is thrown away at the end.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Pages; another if taken.")
@click.option("--mail-port", type=click.IntRange(0, 65535), default=8025, show_default=True,
              help="Where the mails can be read; another if taken.")
@json_option
def command(fast: bool, folder: Path | None, port: int, mail_port: int, as_json: bool) -> None:
    """Show a sample district at work: two corrections, real mail to a sink on this machine, pages and a daemon."""
    from cli.demo.stage import perform

    if folder is not None:
        perform(Home(folder.absolute()), fast, port, mail_port, as_json)
        return
    with tempfile.TemporaryDirectory(prefix="soppa-demo-") as temporary:
        perform(Home(Path(temporary) / "home"), fast, port, mail_port, as_json)
