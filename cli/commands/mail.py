"""`soppa mail`: what would be sent, what waits, and mails that a person must decide about."""

from __future__ import annotations

import click

from cli.home import Home
from cli.options import as_option, home_option, json_option
from cli.printing import print_json, say, table
from cli.wiring import open_house
from engine.errors import UsageError
from engine.nodes import nearest

WAITING = ("queued", "claimed", "handing_over", "deferred", "failed", "uncertain")


@click.group(epilog="Example: soppa mail outbox --state uncertain")
def command() -> None:
    """Mails: preview, outbox, retry, settle."""


@command.command(epilog="Example: soppa mail preview correction_request receipt --language es")
@click.argument("process")
@click.argument("mail", required=False)
@click.option("--language", default="en", show_default=True)
@home_option
def preview(process: str, mail: str | None, language: str, home: Home) -> None:
    """Show MAIL of PROCESS with made-up values (all its mails, without a name)."""
    import datetime as dt

    from cli.office import references_of, settings_or_sample
    from engine.mailtexts import unreviewed
    from notifiers.compose import preview as render
    from workflows import Catalogue

    catalogue = Catalogue(home.workflows if home.workflows.is_dir() else None)
    definition, settings = catalogue.newest(process), settings_or_sample(home)
    if mail is not None and mail not in definition.mails:
        raise UsageError(f"process {process} has no mail '{mail}'{nearest(mail, definition.mails)}")
    today, references = dt.datetime.now(settings.zone).date(), references_of(home)
    for name in [mail] if mail else definition.mails:
        rendered = render(definition, definition.mails[name], language, settings.district, today, references)
        say(f"— {name} ({rendered.language})\nSubject: {rendered.subject}\n\n{rendered.text}\n")
        if f"{name}.{rendered.language}" in unreviewed(definition):
            say(f"Nobody has reviewed this text yet: `reviewed_by` of mail '{name}' in process.yaml names who did.\n")


@command.command(epilog="Example: soppa mail outbox --state uncertain")
@click.option("--state", "states", multiple=True, type=click.Choice([*WAITING, "accepted", "cancelled"]),
              help="Only these; everything not settled well, without it.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@home_option
@json_option
def outbox(states: tuple[str, ...], limit: int, home: Home, as_json: bool) -> None:
    """List mails that wait, failed or are in doubt."""
    with open_house(home) as house:
        found = [row for row in house.store.views.outbox() if row.state in (states or WAITING)][:limit]
    if as_json:
        print_json([{"id": row.id, "case": row.case_id, "mail": row.mail, "recipient": row.recipient,
                     "about": row.about, "state": row.state, "attempts": row.attempts, "reply": row.reply}
                    for row in found])
    elif not found:
        say("nothing waits")
    else:
        table(["id", "case", "mail", "to", "state", "tries", "reply"], [
            [str(row.id), row.case_id or "", row.mail, ", ".join(row.about) or row.recipient, row.state,
             str(row.attempts), row.reply]
            for row in found])


@command.command(epilog="Example: soppa mail retry 17")
@click.argument("mail", type=int)
@as_option
@home_option
def retry(mail: int, as_login: str | None, home: Home) -> None:
    """Send MAIL (its number in the outbox) again: a deferred or failed one. One in doubt is settled first.

    What a brief of another day said goes into its reader's next one.
    """
    with open_house(home) as house:
        house.actor(as_login)
        house.store.views.retry_mail(mail, house.clock())
    say(f"mail {mail} is sent again at the next heartbeat, a brief within the mail window")


@command.command(epilog="Example: soppa mail settle 17 accepted")
@click.argument("mail", type=int)
@click.argument("how", type=click.Choice(["accepted", "failed"]))
@as_option
@home_option
def settle(mail: int, how: str, as_login: str | None, home: Home) -> None:
    """Say what became of an uncertain MAIL, after you have asked the relay's log or the reader."""
    with open_house(home) as house:
        actor = house.actor(as_login)
        house.store.views.resolve_uncertain(mail, how == "accepted", actor.id, house.clock())
    say(f"mail {mail}: {how}")
