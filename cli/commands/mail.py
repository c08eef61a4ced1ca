"""`soppa mail`: what would be sent, what waits, and mails that a person must decide about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import completion
from cli.home import Home
from cli.options import Commands, as_option, example, home_option, json_option, read_date
from cli.printing import count, print_json, say, table
from cli.serving.clockwatch import stamp
from cli.wiring import House, open_house
from engine.errors import Refused, UsageError
from engine.nodes import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.mailing.settling import Settled
    from engine.model.case import Actor
    from engine.model.definition import MailDef
    from storage.looking.views import MailLine

WAITING = ("queued", "claimed", "handing_over", "deferred", "failed", "uncertain")
SETTLED = ("accepted", "cancelled")


@click.group(cls=Commands, epilog="Example: soppa mail outbox --state uncertain")
def command() -> None:
    """Mails: test, preview, outbox, retry, settle, bounced."""


@command.command(epilog=example("soppa mail test pat@example.org", "  then: soppa mail test --headers saved.eml"))
@click.argument("address", required=False)
@click.option("--headers", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), default=None,
              help="The test mail as it was received, saved or (-) pasted: says what its receiver thinks of it.")
@click.option("--wait", "minutes", type=click.IntRange(0, 60), default=10, show_default=True, metavar="MINUTES",
              help="Minutes to wait for the click in the mail.")
@as_option
@home_option
@json_option
def test(address: str | None, headers: Path | None, minutes: int, as_login: str | None, home: Home, as_json: bool
         ) -> None:
    """Send a test mail to ADDRESS and wait until its reader clicks; or read the headers that it arrived with."""
    from cli.setup.mailreport import hear, try_out

    if (address is None) == (headers is None):
        raise UsageError("name an ADDRESS to send to, or --headers FILE of the mail that came: one of the two")
    with open_house(home) as house:
        if house.store.people():
            house.actor(as_login)
        if headers is not None:
            hear(house, headers, as_json)
        elif address is not None:
            try_out(house, address, minutes, as_json)


@command.command(epilog="Example: soppa mail preview correction_request receipt --language es")
@click.argument("process", shell_complete=completion.processes)
@click.argument("mail", required=False, shell_complete=completion.process_mails)
@click.option("--language", default="en", show_default=True)
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), default=None,
              help="Also write the HTML part into this new file, to look at in a browser; of one MAIL.")
@home_option
@json_option
def preview(process: str, mail: str | None, language: str, html: Path | None, home: Home, as_json: bool) -> None:
    """Show the text part of a mail with made-up values, and with --html FILE its other part. Without MAIL, all mails of
    PROCESS."""
    import datetime as dt

    from cli.office import make_office, settings_or_sample
    from engine.deciding.forms import languages
    from notifiers.preview import preview as render
    from workflows import Catalogue

    catalogue = Catalogue(home.workflows if home.workflows.is_dir() else None)
    definition, settings = catalogue.newest(process), settings_or_sample(home)
    if mail is not None and mail not in definition.mails:
        raise UsageError(f"process {process} has no mail '{mail}'{nearest(mail, definition.mails)}")
    written_in = languages(definition)
    if language not in written_in:
        raise UsageError(f"no mail of {process} is written in '{language}'{nearest(language, written_in)}")
    if html is not None:
        _check_html(html, mail)
    today, office = dt.datetime.now(settings.zone).date(), make_office(settings, (), home)
    made = [definition.mails[name] for name in ([mail] if mail else definition.mails)]
    shown = [(one, render(definition, one, language, office, today)) for one in made]
    if html is not None:
        _write_html(html, shown[0][1].html)
    if as_json:
        print_json([{"mail": one.name, "language": text.language, "subject": text.subject, "text": text.text,
                     "html": text.html, "reviewed": _is_reviewed(one, text.language)} for one, text in shown])
        return
    for one, text in shown:
        say(f"— {one.name} ({text.language})\nSubject: {text.subject}\n\n{text.text}\n")
        if not _is_reviewed(one, text.language):
            say(f"Nobody has reviewed this text yet: `reviewed_by` of mail '{one.name}' in process.yaml says who.\n")
    if html is not None:
        say(f"its HTML part: {html}")


def _check_html(file: Path, mail: str | None) -> None:
    if mail is None:
        raise UsageError("--html writes one mail: name which, after the process")
    if file.exists():
        raise UsageError(f"{file} is there already: name a new file")


def _write_html(file: Path, content: str) -> None:
    try:
        file.write_text(content, "utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be written ({error.strerror}): name another") from error


@command.command(epilog=example("soppa mail outbox --case 2026-0001 --to parent",
                                "   or: soppa mail outbox --state uncertain"))
@click.option("--case", "case", default=None, shell_complete=completion.cases, help="Only mails of this case.")
@click.option("--to", "reader", default=None, metavar="WHOM",
              help="Only mails to this person (id or part of the name) or party (such as parent).")
@click.option("--state", "states", multiple=True, type=click.Choice([*WAITING, *SETTLED]),
              help="Only these; without it, --case and --to everything that is not settled well.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@as_option
@home_option
@json_option
def outbox(case: str | None, reader: str | None, states: tuple[str, ...], limit: int, as_login: str | None, home: Home,
           as_json: bool) -> None:
    """List mails, newest first: those that wait, failed or are in doubt, or all of a case or to a reader. Their numbers
    are what retry, settle and bounced want."""
    from cli.mailing.outbox import Wanted, mapping, wanted_mails

    shown = states or (() if case or reader else WAITING)
    with open_house(home) as house:
        found = wanted_mails(house, Wanted(case, reader, shown, limit), house.reader(as_login))
        zone = house.settings.zone
    if as_json:
        print_json([mapping(one) for one in found])
    elif not found:
        say("no such mail" if shown != WAITING else "nothing waits")
    else:
        table(["mail", "case", "what", "to", "when", "state", "reply"], [one.cells(zone) for one in found])
        say("soppa mail retry|settle|bounced MAIL, by the number in the first column")


@command.command(epilog="Example: soppa mail retry 17")
@click.argument("mail", type=int, shell_complete=completion.mails_to_retry)
@as_option
@home_option
@json_option
def retry(mail: int, as_login: str | None, home: Home, as_json: bool) -> None:
    """Send MAIL (its number in the outbox) again: a deferred or failed one. One in doubt is settled first.

    What a brief of another day said goes into its reader's next one.
    """
    with open_house(home) as house:
        house.check_open(house.actor(as_login), house.store.views.mail(mail).case_id)
        house.store.views.retry_mail(mail, house.clock())
    if as_json:
        print_json({"id": mail, "state": "queued"})
    else:
        say(f"mail {mail} is sent again at the next heartbeat, a brief within the mail window")


@command.command(epilog=example("soppa mail settle 17 accepted",
                                "   or: soppa mail settle --case 2026-0007 failed --yes"))
@click.argument("words", nargs=-1, required=True, metavar="[MAIL]... HOW", shell_complete=completion.mails_in_doubt)
@click.option("--case", default=None, shell_complete=completion.cases, help="Every mail in doubt of this case.")
@click.option("--mail", "kind", default=None, metavar="NAME", help="Every one of this kind, such as brief.")
@click.option("--reply", default=None, metavar="WORDS", help="Every one whose reply has these words.")
@click.option("--since", default=None, metavar="DATE", help="Every one that is in doubt since this day or later.")
@click.option("--until", default=None, metavar="DATE", help="Every one that is in doubt since this day or before.")
@click.option("--all", "everything", is_flag=True, help="Every mail in doubt.")
@click.option("--yes", is_flag=True, help="Settle them; without it several are only shown.")
@as_option
@home_option
@json_option
def settle(words: tuple[str, ...], case: str | None, kind: str | None, reply: str | None, since: str | None,
           until: str | None, everything: bool, yes: bool, as_login: str | None, home: Home, as_json: bool) -> None:
    """Say what became of mails in doubt. HOW is accepted or failed; ask the relay's log or the readers first.

    One MAIL (its number in the outbox) is settled at once. Several, or those that the options pick, are shown first.
    """
    from cli.mailing.settling import Picked, check, in_doubt
    from cli.mailing.settling import settle as settle_all

    numbers, how = _numbers_and_how(words)
    picked = Picked(numbers, case, kind, reply, read_date(since, "--since") if since else None,
                    read_date(until, "--until") if until else None)
    check(picked, everything)
    with open_house(home) as house:
        actor = house.actor(as_login)
        if picked == Picked(numbers) and len(numbers) == 1:
            house.check_open(actor, house.store.views.mail(numbers[0]).case_id)
            house.store.views.resolve_uncertain(numbers[0], how == "accepted", actor.id, house.clock())
            print_json({"id": numbers[0], "state": how}) if as_json else say(f"mail {numbers[0]}: {how}")
            return
        rows = in_doubt(house, picked, actor)
        settled = settle_all(house, rows, how == "accepted", actor.id, house.clock()) if yes else None
    _print_settled(rows, settled, how, as_json)


def _numbers_and_how(words: tuple[str, ...]) -> tuple[tuple[int, ...], str]:
    *numbers, how = words
    if how not in ("accepted", "failed"):
        raise UsageError(f"'{how}' is not what became of a mail{nearest(how, ('accepted', 'failed'))}: write accepted "
                         f"or failed at the end")
    strange = next((word for word in numbers if not word.isdecimal()), None)
    if strange is not None:
        raise UsageError(f"'{strange}' is no number of a mail: see soppa mail outbox --state uncertain")
    return tuple(map(int, numbers)), how


def _print_settled(rows: Sequence[MailLine], settled: Settled | None, how: str, as_json: bool) -> None:
    late = settled.late if settled else ()
    if as_json:
        print_json({"how": how, "applied": settled is not None, "mails": [
            {"id": row.id, "case": row.case_id, "mail": row.mail, "recipient": row.recipient, "about": row.about,
             "reply": row.reply, "settled": settled is not None and row not in late} for row in rows]})
    elif not rows:
        say("no mail in doubt is like that")
    elif settled is None:
        table(["id", "case", "mail", "to", "in doubt since", "reply"], [
            [str(row.id), row.case_id or "", row.mail, ", ".join(row.about) or row.recipient,
             stamp(row.settled_at) if row.settled_at else "", row.reply] for row in rows])
        say(f"\n{count(len(rows), 'mail')} would be {how}: add --yes")
    else:
        say(f"{count(len(settled.done), 'mail')}: {how}")
    if late:
        raise Refused(f"{count(len(late), 'mail')} had been settled by somebody else meanwhile and stay as they are: "
                      f"{', '.join(str(row.id) for row in late)}")


@command.command(epilog="Example: soppa mail bounced 17 --reason 'mailbox unknown'")
@click.argument("mail", type=int)
@click.option("--reason", required=True, help="What the answer of the other mail server said.")
@as_option
@home_option
@json_option
def bounced(mail: int, reason: str, as_login: str | None, home: Home, as_json: bool) -> None:
    """Record that MAIL, which the relay had accepted, came back: its reader gets a letter by post. Who was told stays
    told."""
    if not reason.strip():
        raise UsageError("a mail that came back needs a reason: add --reason")
    with open_house(home) as house:
        _came_back(house, mail, reason, house.actor(as_login))
    if as_json:
        print_json({"id": mail, "state": "bounced"})
    else:
        say(f"mail {mail} came back: its reader is told by post")


def _came_back(house: House, mail: int, reason: str, actor: Actor) -> None:
    from engine.model.handed import RECIPIENT
    from engine.model.messages import MailBounced

    row, now = house.store.views.mail(mail), house.clock()
    house.check_open(actor, row.case_id)
    if row.recipient.startswith(RECIPIENT) or row.case_id is None:
        with house.store.begin() as unit:
            unit.came_back(mail, now)
        return
    command = MailBounced(row.mail, row.recipient, actor, reason)
    house.service.bounced(row.case_id, command, now, lambda unit, *_: unit.came_back(mail, now))


def _is_reviewed(mail: MailDef, language: str) -> bool:
    """English is the author's own; a translation takes a reviewer."""
    return language not in mail.reviewed_by or mail.reviewed_by[language] is not None
