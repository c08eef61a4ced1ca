"""`soppa upgrade`: brings a home to this version, or leaves it as it was."""

from __future__ import annotations

from pathlib import Path

import click

from cli.home import Home
from cli.options import home_option, json_option
from cli.printing import bar, print_json, say
from cli.wiring import machine_clock


@click.command(epilog="Example: soppa upgrade --to /mnt/backup --stop")
@click.option("--to", "folder", type=click.Path(path_type=Path), metavar="DIR", default=None,
              help="Where the backup goes that is made first: a folder on another disk.")
@click.option("--stop", is_flag=True, help="Ask a daemon that is at work here to stop.")
@click.option("--despite-faults", is_flag=True, help="Go on though verify finds faults, since they were there before.")
@home_option
@json_option
def command(folder: Path | None, stop: bool, despite_faults: bool, home: Home, as_json: bool) -> None:
    """Bring the database to this version of soppa. Nobody works meanwhile; a backup is made, the tables are migrated,
    definitions and histories are looked at. What goes wrong leads back by itself; after a kill, run it again.
    """
    from cli.upkeep import verifying
    from cli.upkeep.upgrading import Job, upgrade

    with bar("upgrading") as progress:
        job = Job(home, folder.expanduser().absolute() if folder else None, stop, despite_faults, machine_clock,
                  (lambda line: None) if as_json else say, progress)
        done = upgrade(job)
    if as_json:
        print_json({"was": done.was, "schema": done.schema, "backup": str(done.backup) if done.backup else None,
                    "definitions": done.definitions, **verifying.as_json(done.found)})
        return
    say(verifying.in_words(done.found))
    if done.backup is None:
        say(f"nothing to migrate: the database has schema {done.schema}, as this version wants it")
    else:
        say("done: a daemon that waits goes on by itself; else systemctl start soppa")
