"""`soppa purge`: removes what need not be kept any more, once two persons have agreed to it."""

from __future__ import annotations

import datetime as dt
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import completion
from cli.commands.acts import as_mapping as act_mapping
from cli.commands.acts import print_changes, tell_begun
from cli.home import Home, write_private
from cli.needtoknow import VEILED
from cli.options import Commands, as_option, example, home_option, json_option, read_date
from cli.printing import WIDTH, bar, count, day, print_json, say, table
from cli.wiring import House, open_house
from engine.errors import NotAllowed, Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.retention.agreeing import Wish
    from cli.retention.due import Outlook
    from engine.model.case import Actor
    from storage.removal.purges import Purge

MAY = frozenset({"privacy", "custodian"})


def what_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--except", "spared", multiple=True, metavar="CASE", shell_complete=completion.cases,
                     help="Leave this case and its family out; write it once for each."),
        click.option("--class", "kinds", multiple=True, metavar="CLASS",
                     help="Only this class of soppa retention; write it once for each."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group(cls=Commands, epilog="Example: soppa purge preview")
def command() -> None:
    """Remove what need not be kept any more: preview, begin, run, list, certificate."""


@command.command(epilog="Example: soppa purge preview --class parent_requests")
@what_options
@as_option
@home_option
@json_option
def preview(kinds: tuple[str, ...], spared: tuple[str, ...], as_login: str | None, home: Home, as_json: bool) -> None:
    """Show what a purge would remove today, by class and case, and what a preservation holds back. Nothing is
    removed."""
    from cli.retention.agreeing import outlook_of

    with open_house(home) as house:
        reader = house.reader(as_login)
        with house.store.read() as unit:
            outlook = outlook_of(house, unit, _wish(house, kinds, spared, None, None))
        outlook = _veiled(house, outlook, reader)
    if as_json:
        print_json(_outlook_mapping(outlook))
    else:
        _print_outlook(outlook)


@command.command(epilog=example("soppa purge begin --certificate 26-118 --filed 2026-09-01 \\",
                                "--reason 'yearly purge'"))
@what_options
@click.option("--certificate", metavar="NUMBER", default=None,
              help="The disposal certificate of the Local Records Commission.")
@click.option("--filed", metavar="DATE", default=None, help="The day on which it was filed.")
@click.option("--reason", required=True, help="Why now; it stands in the act and in the second person's page.")
@as_option
@home_option
@json_option
def begin(kinds: tuple[str, ...], spared: tuple[str, ...], certificate: str | None, filed: str | None, reason: str,
          as_login: str | None, home: Home, as_json: bool) -> None:
    """Ask the second person to confirm a purge of all that is due. Nothing is removed until soppa purge run."""
    from cli.staff.acts import begin as begin_act
    from cli.staff.acts import plan_purge

    with open_house(home) as house:
        actor = house.actor(as_login)
        if not actor.roles & MAY:
            raise NotAllowed(f"{actor.name} may not begin a purge: ask the privacy officer or the custodian")
        wish = _wish(house, kinds, spared, certificate, filed)
        planned = plan_purge(house, wish, actor, reason)
        act = begin_act(house, planned)
        if as_json:
            print_json(act_mapping(act))
            return
        print_changes(planned.shown)
        tell_begun(house, act)
        say(f"once it is confirmed: soppa purge run {act.id}")


@command.command(epilog="Example: soppa purge run 5d41402abc4b2a76")
@click.argument("act", shell_complete=completion.acts)
@as_option
@home_option
@json_option
def run(act: str, as_login: str | None, home: Home, as_json: bool) -> None:
    """Carry out the purge ACT that two persons have agreed to. It may be stopped at any moment: run it again."""
    from cli.retention.certificate import digest_of, in_words
    from cli.retention.running import run as run_purge
    from storage.removal import purges

    with open_house(home) as house:
        house.actor(as_login)
        with bar("purging") as progress:
            done = run_purge(house, act, progress)
        items = purges.items(house.store.base, done.id)
    certificate = str(done.certificate)
    held = [item for item in items if item.state == "held"]
    if as_json:
        print_json({**_purge_mapping(done), "items": len(items), "held_back": len(held)})
        return
    totals: dict[str, int] = {}
    for item in items:
        for name, number in (item.counts or {}).items():
            totals[name] = totals.get(name, 0) + number
    say(f"purge {done.id} is done: {count(len(items) - len(held), 'item')}")
    say(textwrap.fill(in_words({key: number for key, number in totals.items() if number}), WIDTH,
                      initial_indent="  ", subsequent_indent="  "))
    if held:
        say(f"  {count(len(held), 'item')} held back: preserved, or at work again, since it was agreed")
    say(f"the certificate is kept, SHA-256 {digest_of(certificate)}:")
    say(f"  soppa purge certificate {done.id} --out certificate.pdf")
    say("backups made before today hold all of it until they go")


@command.command("list", epilog="Example: soppa purge list")
@as_option
@home_option
@json_option
def list_(as_login: str | None, home: Home, as_json: bool) -> None:
    """List the purges that were agreed to, and how far they are."""
    from storage.removal import purges

    with open_house(home) as house:
        house.reader(as_login)
        found = purges.purges(house.store.base)
        rows = [[one.id, day(one.as_of), _counted(house, one), day(one.finished_at.date()) if one.finished_at else
                 f"not done: soppa purge run {one.id}"] for one in found]
    if as_json:
        print_json([_purge_mapping(one) for one in found])
    elif not found:
        say("nothing was ever purged")
    else:
        table(["purge", "as of", "items", "finished"], rows)


@command.command(epilog="Example: soppa purge certificate 5d41402abc4b2a76 --out certificate.pdf")
@click.argument("act", shell_complete=completion.acts)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=None,
              help="A new file, .pdf or .json; on the screen as JSON without it.")
@as_option
@home_option
@json_option
def certificate(act: str, out: Path | None, as_login: str | None, home: Home, as_json: bool) -> None:
    """Take out the certificate of the purge ACT: counts and hashes of what is gone. It names nobody."""
    from cli.retention.certificate import certificate_pdf, digest_of
    from cli.retention.running import purge_of

    if out is not None and out.suffix not in (".pdf", ".json"):
        raise UsageError("--out: name a file that ends in .pdf or .json")
    with open_house(home) as house:
        house.reader(as_login)
        found = purge_of(house, act)
    if found.certificate is None:
        raise Refused(f"purge {act} is not done, so there is no certificate yet: soppa purge run {act}")
    if out is None:
        click.echo(found.certificate, nl=False)
        return
    made = certificate_pdf(found.certificate) if out.suffix == ".pdf" else found.certificate.encode()
    _write(out, made)
    if as_json:
        print_json({**_purge_mapping(found), "file": str(out), "bytes": len(made)})
    else:
        say(f"{out}: {len(made):,} bytes; SHA-256 of the certificate {digest_of(found.certificate)}")


def _write(out: Path, content: bytes) -> None:
    try:
        write_private(out, content)
    except FileExistsError:
        raise UsageError(f"{out} is there already: name a new file with --out") from None
    except OSError as error:
        raise UsageError(f"{out} cannot be written ({error.strerror}): name another with --out") from error


def _wish(house: House, kinds: tuple[str, ...], spared: tuple[str, ...], certificate: str | None,
          filed: str | None) -> Wish:
    from cli.retention.agreeing import Certificate, Wish

    if (certificate is None) != (filed is None):
        raise UsageError("--certificate and --filed belong together: name its number and the day on which it was filed")
    today = house.clock().astimezone(house.settings.zone).date()
    named = Certificate(certificate, read_date(filed, "--filed")) if certificate and filed else None
    return Wish(today, kinds, spared, named)


def _print_outlook(outlook: Outlook) -> None:
    from cli.retention.agreeing import counted

    due = [one for one in outlook.due if one.items]
    if not due:
        say(f"nothing is due on {day(outlook.as_of)}")
    for one in due:
        say(f"\n{one.kind.title}  ({one.kind.name})")
        say(f"  {counted(one)}; kept {one.kind.term}")
        say(f"  {one.kind.basis}")
        if one.kind.note:
            say(textwrap.fill(one.kind.note, WIDTH, initial_indent="  ", subsequent_indent="  "))
        if one.kind.what not in ("brief", "access", "act"):
            table(["  due since", one.kind.what], [[f"  {day(item.due_on)}", item.ref] for item in one.items])
    if outlook.held:
        say(f"\nHeld back by a preservation: {count(len(outlook.held), 'case')}")
        table(["  case", "preserved", "reason"], [[f"  {one.ref}", one.by, one.reason] for one in outlook.held])


def _veiled(house: House, outlook: Outlook, reader: Actor | None) -> Outlook:
    """Without the reasons for which cases are preserved that the reader need not know of."""
    closed = house.closed_of(reader, (one.ref for one in outlook.held))
    held = [replace(one, reason=VEILED) if one.ref in closed else one for one in outlook.held]
    return replace(outlook, held=held)


def _outlook_mapping(outlook: Outlook) -> dict[str, object]:
    return {"as_of": outlook.as_of,
            "classes": [{"class": one.kind.name, "title": one.kind.title, "due": one.count, "due_since": one.since,
                         "items": [{"what": item.what, "ref": item.ref, "due_since": item.due_on}
                                   for item in one.items]} for one in outlook.due],
            "held": [{"class": one.kind, "ref": one.ref, "preserved": one.by, "reason": one.reason}
                     for one in outlook.held]}


def _counted(house: House, purge: Purge) -> str:
    from storage.removal import purges

    items = purges.items(house.store.base, purge.id)
    done = sum(item.state != "waiting" for item in items)
    return f"{done:,} of {len(items):,}"


def _purge_mapping(purge: Purge) -> dict[str, object]:
    from cli.retention.certificate import digest_of

    finished: dt.datetime | None = purge.finished_at
    return {"purge": purge.id, "as_of": purge.as_of, "confirmed_at": purge.confirmed_at, "finished_at": finished,
            "sha256": digest_of(purge.certificate) if purge.certificate else None}
