"""`soppa backup`: makes a backup; its key; and taking a database into service that was set back."""

from __future__ import annotations

from pathlib import Path

import click

from cli.home import Home, check_home
from cli.options import Commands, home_option, json_option
from cli.printing import bar, count, print_json, say, table
from cli.wiring import machine_clock, open_house
from engine.errors import UsageError


@click.group(cls=Commands, invoke_without_command=True,
             epilog="Example: soppa backup --to /mnt/backup --keep 30")
@click.option("--to", "folder", type=click.Path(path_type=Path), metavar="DIR", default=None,
              help="Where the backup goes: a folder on another disk.")
@click.option("--keep", type=click.IntRange(1, 10_000), default=30, show_default=True,
              help="How many backups of this home stay there; the oldest go.")
@home_option
@json_option
@click.pass_context
def command(ctx: click.Context, folder: Path | None, keep: int, home: Home, as_json: bool) -> None:
    """Make a backup while soppa works: database, documents and settings in one encrypted file. The key ring is never in
    it.
    """
    if ctx.invoked_subcommand is not None:
        return
    if folder is None:
        raise UsageError("--to is missing: name the folder for the backup, such as --to /mnt/backup")
    from cli.status.nightly import noting
    from cli.upkeep.backups import back_up

    with open_house(home) as house, noting(house) as note, bar("backing up") as progress:
        made = back_up(house, folder.expanduser().absolute(), keep, house.clock(), progress)
        note(made)
    manifest = made.manifest
    if as_json:
        print_json({"file": str(made.file), "bytes": made.bytes, "key": made.key, "made_at": manifest.made_at,
                    "schema": manifest.schema, "cases": manifest.cases, "lines": manifest.lines, "files": made.files,
                    "removed": made.removed})
        return
    say(f"made {made.file}")
    say(f"  {count(manifest.cases, 'case')}, {count(manifest.lines, 'line')} of history, {count(made.files, 'file')}; "
        f"{made.bytes / 1e6:,.1f} MB, backup key {made.key}")
    if made.removed:
        say(f"  {len(made.removed)} older beyond --keep {keep} removed")


@command.command(epilog="Example: soppa backup key")
@click.option("--show", is_flag=True, help="Print the key that is there, to keep it on paper.")
@click.option("--new", is_flag=True, help="Make another one; the one before stays, to open older backups.")
@home_option
@json_option
def key(show: bool, new: bool, home: Home, as_json: bool) -> None:
    """Make the backup key and print it, on stderr. Keep it apart from the home and from the backups."""
    from cli.upkeep.backups import key_of, make_key

    if show and new:
        raise UsageError("--show and --new together say two things: write one of them")
    check_home(home)
    made = not show and (new or not home.backup_key.exists())
    if not show and not made:
        raise UsageError(f"{home.backup_key} is there already: --show prints it, --new makes another")
    found = make_key(home) if made else key_of(home)
    if as_json:
        print_json({"key": found.id, "file": str(home.backup_key), "made": made})
    else:
        say(f"{'made' if made else 'this is'} the backup key {found.id}, kept in {home.backup_key}")
        say("Put it on paper, apart from the home and from the backups: they open with")
        say("nothing else. A restore needs the key ring besides, which no backup holds.")
    letters = found.text.split("-")
    for row in (letters[:7], letters[7:]):
        click.echo("  " + "-".join(row), err=True)


@command.command("list", epilog="Example: soppa backup list /mnt/backup")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@home_option
@json_option
def list_(folder: Path, home: Home, as_json: bool) -> None:
    """List the backups in FOLDER, newest first. How much one holds is shown where this home's keys open it."""
    from cli.upkeep.backups import backups_in, look_at

    found = [look_at(path, home) for path in reversed(backups_in(folder))]
    if as_json:
        print_json([{"file": line.file.name, "bytes": line.bytes, "key": line.key,
                     "made_at": line.manifest.made_at if line.manifest else None,
                     "cases": line.manifest.cases if line.manifest else None,
                     "lines": line.manifest.lines if line.manifest else None, "wrong": line.wrong} for line in found])
    elif not found:
        say(f"there is no backup in {folder}")
    else:
        table(["backup", "MB", "cases", "lines", ""], [
            [line.file.name, f"{line.bytes / 1e6:.1f}", *(
                [f"{line.manifest.cases:,}", f"{line.manifest.lines:,}"] if line.manifest else ["", ""]),
             line.wrong or ""] for line in found])


@command.command(epilog="Example: soppa backup accept --reason 'the old server is off and stays off'")
@click.option("--reason", required=True, help="How you know that nothing else works on these cases; it is kept.")
@click.option("--snapshot", is_flag=True, help="The whole machine was set back, which nothing here can show.")
@home_option
@json_option
def accept(reason: str, snapshot: bool, home: Home, as_json: bool) -> None:
    """Take a database into service that was restored or set back. Mails that may have been sent since are put in doubt,
    by name; nothing is sent again by itself.
    """
    from cli.upkeep.accepting import take

    if not reason.strip():
        raise UsageError("--reason is empty: say how you know that nothing else works on these cases")
    with open_house(home, machine_clock) as house:
        taken = take(house, reason.strip(), house.clock(), "the whole machine was set back" if snapshot else None)
    if as_json:
        print_json({"was": taken.was, "doubtful": taken.doubtful, "accepted": taken.accepted})
        return
    if taken.was is None:
        say("the database was in service already; nothing changed")
        return
    say("accepted: the daemon may start")
    if taken.doubtful:
        say(f"{count(len(taken.doubtful), 'mail')} may have been sent since: soppa mail outbox --state uncertain")
