"""`soppa restore`: a backup into an empty folder, or only to see whether it could be."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.home import Home
from cli.options import example, home_option, json_option
from cli.printing import bar, count, numbered, print_json, say
from cli.serving.clockwatch import stamp
from cli.wiring import machine_clock, open_house
from engine.errors import Refused, UsageError

if TYPE_CHECKING:
    from cli.upkeep.restoring import Back
    from storage.backup.keys import BackupKey


@click.command(epilog=example("soppa restore /mnt/backup --into /var/lib/soppa \\", "--ring ring --key backup-key"))
@click.argument("backup", type=click.Path(path_type=Path))
@click.option("--into", type=click.Path(path_type=Path), metavar="DIR", default=None,
              help="An empty folder, which becomes the home.")
@click.option("--check", is_flag=True, help="Restore to a temporary place, verify it there, and take it away again.")
@click.option("--key", "key_file", type=click.Path(path_type=Path), metavar="FILE", default=None,
              help="The backup key; else that of the home, else it is asked for.")
@click.option("--ring", "ring_file", type=click.Path(path_type=Path), metavar="FILE", default=None,
              help="The key ring, from its own backup; with --check else that of the home.")
@click.option("--database", "url", metavar="URL", default=None,
              help="An empty PostgreSQL database to restore into, instead of a file in the folder.")
@home_option
@json_option
def command(
    backup: Path, into: Path | None, check: bool, key_file: Path | None, ring_file: Path | None, url: str | None,
    home: Home, as_json: bool,
) -> None:
    """Restore BACKUP, a file or a folder whose newest is meant. What comes out is not in service before soppa backup
    accept.
    """
    from cli.upkeep.restoring import find_backup, find_key

    if (into is None) != check:
        raise UsageError("write either --into DIR, or --check")
    if check and url is not None:
        raise UsageError("--check needs no --database: it restores into a file that goes away again")
    file = find_backup(backup.expanduser())
    key = find_key(file, home, key_file, _ask if sys.stdin.isatty() else None)
    if into is None:
        _check(file, key, ring_file or home.ring, as_json)
    else:
        _restore(file, key, Home(into.expanduser().absolute()), ring_file, url, as_json)


def _ask(what: str) -> str:
    return str(click.prompt(what, hide_input=True, err=True))


def _check(file: Path, key: BackupKey, ring_file: Path, as_json: bool) -> None:
    from cli.upkeep import verifying
    from cli.upkeep.restoring import restore_to_look

    with tempfile.TemporaryDirectory(prefix="soppa-check-") as folder, bar("checking") as progress:
        back = restore_to_look(file, key, Home(Path(folder) / "home"), ring_file, machine_clock(), progress)
        with open_house(back.home) as house:
            found = verifying.verify_house(house, progress)
    if as_json:
        print_json({**_as_json(back), "home": None, **verifying.as_json(found)})
    else:
        say(f"restored the backup of {stamp(back.manifest.made_at)}: {_what(back)}")
        say(verifying.in_words(found))
    if found.wrong:
        raise Refused(verifying.told_wrong(found))
    if not as_json:
        say("all is whole; what was restored to look at it is gone again")


def _restore(
    file: Path, key: BackupKey, into: Home, ring_file: Path | None, url: str | None, as_json: bool
) -> None:
    from cli.upkeep.restoring import restore

    with bar("restoring") as progress:
        back = restore(file, key, into, ring_file, url, machine_clock(), progress)
    if as_json:
        print_json(_as_json(back))
        return
    say(f"restored the backup of {stamp(back.manifest.made_at)} into {into.root}")
    say(f"  {_what(back)}")
    if back.doubtful:
        say(f"{count(back.doubtful, 'mail')} may have been sent since: soppa mail outbox --state uncertain")
    say("It is not in service yet. Next:")
    numbered([*([] if ring_file else [f"put the key ring back, as {into.ring} (chmod 600)"]),
              f"put back what else lay in {into.ring.parent}, such as the relay's password",
              f"soppa verify --home {into.root}",
              f"see that the old server is off, then soppa backup accept --home {into.root} --reason '…'",
              f"soppa serve --home {into.root}"])


def _what(back: Back) -> str:
    return (f"{count(back.manifest.cases, 'case')}, {count(back.manifest.lines, 'line')} of history and "
            f"{count(back.files, 'file')}")


def _as_json(back: Back) -> dict[str, object]:
    return {"file": str(back.file), "home": str(back.home.root), "made_at": back.manifest.made_at,
            "soppa": back.manifest.soppa, "schema": back.manifest.schema, "cases": back.manifest.cases,
            "lines": back.manifest.lines, "files": back.files, "doubtful": back.doubtful}
