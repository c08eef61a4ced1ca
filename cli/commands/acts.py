"""`soppa acts`: what waits for a second person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cli import completion
from cli.home import Home
from cli.options import Commands, as_option, home_option, json_option
from cli.printing import day, pairs, print_json, say, table
from cli.staff.acts import Shown, check_waiting, confirm_act, shown_by, text_of, title_of
from cli.staff.totp import matching
from cli.wiring import House, open_house
from engine.errors import Refused

if TYPE_CHECKING:
    from engine.model.case import Actor
    from storage.entrance.acts import Act

TRIES, PER = 5, dt.timedelta(minutes=15)


@click.group(cls=Commands, epilog="Example: soppa acts list")
def command() -> None:
    """What waits for a second person: list, confirm."""


@command.command("list", epilog="Example: soppa acts list --all --json")
@click.option("--all", "every", is_flag=True, help="Also those confirmed, lapsed or exempt.")
@as_option
@home_option
@json_option
def list_(every: bool, as_login: str | None, home: Home, as_json: bool) -> None:
    """List the acts that wait for their second person."""
    with open_house(home) as house:
        now, zone = house.clock(), house.settings.zone
        reader = house.reader(as_login)
        found = _open_to(house, reader, house.store.acts.every() if every else house.store.acts.waiting(now))
    if as_json:
        print_json([as_mapping(act) for act in found])
    elif not found:
        say("nothing waits for a second person")
    else:
        table(["act", "what", "begun by", "second", "until", ""], [
            [act.id, title_of(act), act.by, text_of(act, "second"), day(act.expires.astimezone(zone).date()),
             _end(act, now)] for act in found])


@command.command(epilog="Example: soppa acts confirm 5d41402abc4b2a76")
@click.argument("act", shell_complete=completion.acts)
@as_option
@home_option
@json_option
def confirm(act: str, as_login: str | None, home: Home, as_json: bool) -> None:
    """Confirm ACT as its second person. A code of your authenticator app is asked for, or read from stdin."""
    with open_house(home) as house:
        person = house.actor(as_login).id
        found = house.store.acts.act(act)
        check_waiting(found, person, house.clock())
        if not as_json:
            show_act(found)
        bring_code(house, person, click.prompt("Code of your authenticator app, to confirm", err=True))
        confirm_act(house, act, person)
        done = house.store.acts.act(act)
    if as_json:
        print_json(as_mapping(done))
    else:
        say("confirmed and done")


def _open_to(house: House, reader: Actor | None, acts: Sequence[Act]) -> list[Act]:
    """Without those about cases that the reader need not know of."""
    with house.store.read() as unit:
        cases = {act.case_id: unit.case(act.case_id).process for act in acts if act.case_id is not None}
    closed = house.closed(reader, cases)
    return [act for act in acts if act.case_id not in closed]


def bring_code(house: House, person: str, typed: str) -> None:
    """Spends a code of the person's authenticator app; tries are counted with those of the pages. Raises `Refused`."""
    links, now = house.store.links, house.clock()
    secret = links.totp_secret(person)
    if secret is None:
        raise Refused(f"{person} has no authenticator yet: soppa people totp {person}")
    if not links.allow(f"totp:{person}", TRIES, PER, now):
        raise Refused("too many wrong codes: wait a quarter of an hour")
    step = matching(secret, typed.replace(" ", ""), now)
    if step is None or not links.totp_used(person, step):
        raise Refused("this code is wrong or was used already: wait for the next one")


def show_act(act: Act) -> None:
    say(title_of(act))
    pairs({"begun by": act.by, "reason": text_of(act, "reason")})
    print_changes(shown_by(act))


def print_changes(shown: Shown) -> None:
    """Both sides of what would change."""
    for what, was, becomes in shown:
        say(f"  {what}: {was} → {becomes}")


def tell_begun(house: House, act: Act) -> None:
    """Who is asked, until when, and what they still lack."""
    second = text_of(act, "second")
    until = day(act.expires.astimezone(house.settings.zone).date())
    say(f"nothing is changed yet: {second} is asked by mail to confirm act {act.id}, until {until}")
    if house.store.links.totp_secret(second) is None:
        say(f"note: {second} has no authenticator yet, which confirming needs: soppa people totp {second}")


def as_mapping(act: Act) -> dict[str, object]:
    """The documented JSON keys."""
    return {"act": act.id, "kind": act.act, "case": act.case_id, "begun_by": act.by, "at": act.at,
            "second": text_of(act, "second"), "expires": act.expires, "confirmed_by": act.confirmed_by,
            "confirmed_at": act.confirmed_at, "reason": text_of(act, "reason"),
            "changes": [{"what": what, "before": was, "after": becomes} for what, was, becomes in shown_by(act)]}


def _end(act: Act, now: dt.datetime) -> str:
    if act.confirmed_by is not None:
        return "confirmed"
    return "lapsed" if act.expires <= now else "waits"
