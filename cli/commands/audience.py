"""`soppa audience`: the many people of a case who each get the same mail, and how far their letters have come."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from cli import completion
from cli.commands.letters import read_letters_of, run_mapping
from cli.home import Home
from cli.mailing.forecast import Forecast
from cli.mailing.leftout import decided_mapping, imported, imports_of, tell_decided, tell_imports
from cli.options import Commands, as_option, home_option, json_option
from cli.printing import print_json, say, table
from cli.wiring import House, open_house
from engine.deciding.audience import facts_of_import, letter_languages
from engine.errors import NotAllowed, Refused, UsageError
from engine.model.messages import Event
from engine.nodes import nearest

if TYPE_CHECKING:
    from cli.mailing.audience import Families
    from engine.model.case import Actor, Case
    from engine.model.definition import AudienceDef, Definition
    from engine.ports import Unit
    from storage.mailing.copies import Progress
    from storage.mailing.recipients import Member
    from storage.unit import SqlUnit

MAY = frozenset({"privacy", "custodian"})
BAR = 30
MOST_NAMED = 20


@click.group(cls=Commands, epilog="Example: soppa audience import 2026-0007 families.csv")
def command() -> None:
    """Who is told of a breach: import, show, address, decide."""


@command.command("import", epilog="Example: soppa audience import 2026-0007 families.csv --apply")
@click.argument("case", shell_complete=completion.cases)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--audience", default=None, help="Which one, where the process has several.")
@click.option("--apply", "apply_", is_flag=True, help="Do it; without this it is only shown.")
@as_option
@home_option
@json_option
def import_(
    case: str, file: Path, audience: str | None, apply_: bool, as_login: str | None, home: Home, as_json: bool
) -> None:
    """Take the families of CASE from a CSV FILE, a row for each guardian and student. Columns: guardian, student (a
    key, never a name), school; address, email, language, paper, consent, leaked, barred, why (of a bar)."""
    from cli.mailing.audience import read_families

    families = read_families(file)
    with open_house(home) as house:
        read_letters_of(house, case, as_login)
        found, definition = _case(house, case)
        wanted = _audience(found, definition, audience)
        if apply_:
            _enter(house, found, definition, wanted, families, as_login)
    shown = _families_mapping(case, wanted.name, families, apply_)
    unread = _unread(families.members, letter_languages(definition, wanted))
    unread_numbers = {language: [number for number, _ in some] for language, some in unread.items()}
    unreviewed = _unreviewed(definition, wanted, families)
    if as_json:
        print_json({**shown, "without_letter": unread_numbers, "unreviewed": unreviewed})
        return
    _tell_families(families, shown)
    _tell_languages(unread, unreviewed)
    say("imported" if apply_ else "nothing was changed: add --apply to import them")


@command.command(epilog="Example: soppa audience show 2026-0007")
@click.argument("case", shell_complete=completion.cases)
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    help="At most so many of those who are not done.",
)
@as_option
@home_option
@json_option
def show(case: str, limit: int, as_login: str | None, home: Home, as_json: bool) -> None:
    """How far the letters of CASE have come, who is not told yet, and whether the relay's day is long enough."""
    with open_house(home) as house:
        read_letters_of(house, case, as_login)
        _case(house, case)
        with house.store.read() as unit:
            audiences = unit.audiences(house.clock())
            counted, sent = audiences.counted(case), audiences.progress(case)
            left, runs = audiences.unfinished(case, limit), audiences.runs(case)
            decided, imports = audiences.decided(case), imports_of(house.store.views.history(case))
            forecast = _forecast(house, unit, unit.case(case), sent)
    if as_json:
        print_json(
            {
                "case": case,
                "audiences": [_counted_mapping(row) for row in counted],
                "mails": [_progress_mapping(one) for one in sent],
                "print_runs": [run_mapping(row) for row in runs],
                "forecast": forecast and forecast.mapping(),
                "not_done": [
                    {"number": who.number, "name": who.member.name, "channel": channel, "state": state}
                    for who, channel, state in left
                ],
                "imports": [one.mapping() for one in imports],
                "decided": [decided_mapping(one) for one in decided],
            }
        )
        return
    if not counted:
        say(f"case {case} has no list of families yet")
    for row in counted:
        fixed = "fixed, nobody changes it" if row["fixed_at"] else "may still be imported anew"
        families = _many(row["counted"], "family", "families")
        say(f"{row['audience']}: {families}, {_many(row['students'], 'student', 'students')}; {fixed}")
    for one in sent:
        _tell_progress(one)
    if forecast is not None:
        say(forecast.sentence())
    if left:
        say()
        table(
            ["number", "who", "by", "state"],
            [[str(who.number), who.member.name, channel, state] for who, channel, state in left],
        )
    tell_decided(decided)
    tell_imports(imports, house.settings.zone)


@command.command(
    epilog="Example: soppa audience decide 2026-0007 17 --reason 'told by telephone'"
)
@click.argument("case", shell_complete=completion.cases)
@click.argument("number", type=int)
@click.option("--reason", required=True, help="How this family was told, or why it cannot be.")
@as_option
@home_option
@json_option
def decide(case: str, number: int, reason: str, as_login: str | None, home: Home, as_json: bool) -> None:
    """Decide by name that nothing more is done about family NUMBER of CASE."""
    if not reason.strip():
        raise UsageError("a decision by name needs a reason: add --reason")
    with open_house(home) as house:
        actor = _actor(house, as_login)
        with house.store.begin() as unit:
            unit.case(case)
            unit.audiences(house.clock()).decide(case, number, actor.name, reason)
            told = Event("recipient_decided", {"number": str(number)}, {"by": actor.name, "reason": reason})
            unit.note(case, told, actor, house.clock(), again=True)
    print_json({"case": case, "number": number, "state": "decided"}) if as_json else say(
        f"case {case}: number {number} is decided by {actor.name}"
    )


@command.command(epilog="Example: soppa audience address 2026-0007 17 '12 Oak St; Mockton, IL 60000'")
@click.argument("case", shell_complete=completion.cases)
@click.argument("number", type=int)
@click.argument("address")
@click.option("--name", default=None, help="The name as the envelope shows it, where no font can draw the one on file.")
@as_option
@home_option
@json_option
def address(
    case: str, number: int, address: str, name: str | None, as_login: str | None, home: Home, as_json: bool
) -> None:
    """Enter the postal ADDRESS of family NUMBER of CASE, its lines parted by semicolons."""
    from cli.mailing.audience import address_lines

    lines = address_lines(address)
    if not lines or not all(char.isprintable() or char == "\n" for char in lines):
        raise UsageError("ADDRESS: write its lines parted by semicolons, such as '12 Oak St; Mockton, IL 60000'")
    if name is not None and not (name.strip() and name.isprintable()):
        raise UsageError("--name: write the name as it stands on the envelope, on one line")
    with open_house(home) as house:
        actor = _actor(house, as_login)
        with house.store.begin() as unit:
            unit.audiences(house.clock()).give_address(case, number, lines, name and name.strip())
            unit.note(case, Event("address_entered", {"number": str(number)}), actor, house.clock())
    print_json({"case": case, "number": number}) if as_json else say(
        f"case {case}: the address of number {number} is entered; soppa letters print {case} prints its letter"
    )


def _forecast(house: House, unit: SqlUnit, case: Case, sent: Sequence[Progress]) -> Forecast | None:
    """What is still to leave; None without a quota, or where nothing is."""
    relay, now = house.settings.relay, house.clock()
    audiences = unit.audiences(now)
    mails = sum(one.of("mail", "waiting") for one in sent) if sent else audiences.by_mail(case.id)
    if relay is None or relay.daily_quota is None or relay.letters_a_day is None or not mails:
        return None
    legal = min(
        (clock.legal for clock in case.clocks.values() if clock.status == "running" and clock.legal), default=None
    )
    room = max(0, relay.letters_a_day - house.store.outbox.day_count(now).taken) if sent else None
    today = now.astimezone(house.settings.zone).date()
    return Forecast(mails, relay.daily_quota, relay.letters_a_day, audiences.others_a_day(), legal, today, room)


def _enter(
    house: House,
    case: Case,
    definition: Definition,
    wanted: AudienceDef,
    families: Families,
    as_login: str | None,
) -> None:
    """The families, their number and what they read, and who was left out, in one transaction."""
    actor, now = _actor(house, as_login), house.clock()

    def also(unit: Unit, before: Case, after: Case) -> None:
        cast("SqlUnit", unit).audiences(now).enter(case.id, wanted.name, families.members)
        unit.note(case.id, imported(wanted.name, families, actor), actor, now, again=True)

    counted = facts_of_import(definition, wanted, [member.language for member in families.members])
    house.service.record(case.id, counted, actor, now, "the audience was imported", also=also)


def _unread(members: Sequence[Member], written: Collection[str]) -> Mapping[str, list[tuple[int, str]]]:
    """By the languages in which no letter is: the numbers and names of those who read them."""
    found: dict[str, list[tuple[int, str]]] = {}
    for number, member in enumerate(members, 1):
        if member.language not in written:
            found.setdefault(member.language, []).append((number, member.name))
    return found


def _unreviewed(definition: Definition, wanted: AudienceDef, families: Families) -> list[str]:
    """The languages of these families in which the letter's own text has no reviewer yet."""
    mails = [mail for mail in definition.mails.values() if mail.to.name == wanted.name and mail.to.kind == "audience"]
    return sorted(language for language in letter_languages(definition, wanted) & families.written_in.keys()
                  if language != "en" and any(mail.reviewed_by.get(language) is None for mail in mails))  # fmt: skip


def _case(house: House, case_id: str) -> tuple[Case, Definition]:
    with house.store.read() as unit:
        case = unit.case(case_id)
    return case, house.definitions.pinned(case.process, case.version, case.hash)


def _audience(case: Case, definition: Definition, name: str | None) -> AudienceDef:
    known = definition.audiences
    if not known:
        raise Refused(f"case {case.id} ({definition.process}) writes to nobody but its parties: it has no audience")
    if name is None and len(known) > 1:
        raise UsageError(f"{definition.process} has several audiences: name one with --audience ({', '.join(known)})")
    if name is not None and name not in known:
        raise UsageError(f"--audience: {definition.process} has no '{name}'{nearest(name, known)}")
    return known[name] if name else next(iter(known.values()))


def _actor(house: House, as_login: str | None) -> Actor:
    actor = house.actor(as_login)
    if not actor.roles & MAY:
        raise NotAllowed(f"{actor.name} may not change who is told: ask the privacy officer or the custodian")
    return actor


def _families_mapping(case: str, audience: str, families: Families, applied: bool) -> dict[str, object]:
    members = families.members
    return {
        "case": case,
        "audience": audience,
        "applied": applied,
        "families": len(members),
        "students": len({student.casefold() for member in members for student in member.students}),
        "by_mail": sum(member.by_mail for member in members),
        "on_paper": sum(not member.by_mail for member in members),
        "without_consent": sum(not member.consent for member in members),
        "languages": dict(families.written_in),
        "folded": list(families.folded),
        "shared": list(families.shared),
        "barred": list(families.barred),
        "warned": list(families.warned),
    }


def _tell_languages(unread: Mapping[str, Sequence[tuple[int, str]]], unreviewed: Sequence[str]) -> None:
    """Whom no letter reaches in what they read: before it is released somebody says how they are told."""
    for language, some in unread.items():
        count = "1 family" if len(some) == 1 else f"{len(some):,} families"
        say(f"  no letter is in '{language}': {count} would get it in English. Have it translated, or say at the "
            "release how they are told")  # fmt: skip
        for number, name in some[:MOST_NAMED]:
            say(f"    number {number}: {name}")
        if len(some) > MOST_NAMED:
            say(f"    and {len(some) - MOST_NAMED:,} more: all with --json")
    for language in unreviewed:
        say(f"  the letter's own text in '{language}' has no reviewer yet (reviewed_by in process.yaml)")


def _tell_families(families: Families, shown: Mapping[str, object]) -> None:
    say(
        f"{_many(shown['families'], 'family', 'families')} with {_many(shown['students'], 'student', 'students')}: "
        f"{shown['by_mail']:,} by e-mail, {shown['on_paper']:,} by post"
    )
    say("  languages: " + ", ".join(f"{language} {count:,}" for language, count in families.written_in.items()))
    say(f"  {shown['without_consent']:,} have not consented to electronic notice")
    _name("brothers and sisters in one letter", families.folded)
    _name("guardians of one mail address, who get a letter each", families.shared)
    _name("barred, left out", families.barred)
    _name("look at these before the letters leave", families.warned)


def _many(count: object, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _name(title: str, lines: Sequence[str]) -> None:
    """The first lines of a list, so that nobody scrolls through a thousand of them."""
    if not lines:
        return
    say(f"  {title}: {len(lines):,}")
    for line in lines[:MOST_NAMED]:
        say(f"    {line}")
    if len(lines) > MOST_NAMED:
        say(f"    and {len(lines) - MOST_NAMED:,} more: all with --json")


def _tell_progress(one: Progress) -> None:
    done = BAR * one.told // one.recipients if one.recipients else BAR
    say(f"{one.mail}: {'█' * done}{'░' * (BAR - done)} {one.told:,} of {one.recipients:,} told")
    for channel, title in (("mail", "by e-mail"), ("paper", "by post")):
        counts = [f"{count:,} {_STATES[state]}" for (of, state), count in sorted(one.copies.items()) if of == channel]
        if counts:
            say(f"  {title}: {', '.join(counts)}")


_STATES = {
    "waiting": "waiting",
    "accepted": "accepted",
    "failed": "failed, by post instead",
    "uncertain": "in doubt: soppa mail outbox --state uncertain",
    "printed": "printed, not posted",
    "posted": "posted",
    "decided": "decided by name",
}


def _counted_mapping(row: Mapping[str, Any]) -> Mapping[str, object]:
    return {
        "audience": row["audience"],
        "families": row["counted"],
        "students": row["students"],
        "imported_at": row["imported_at"],
        "fixed_at": row["fixed_at"],
    }


def _progress_mapping(one: Progress) -> Mapping[str, object]:
    return {
        "mail": one.mail,
        "recipients": one.recipients,
        "told": one.told,
        "copies": {f"{channel}_{state}": count for (channel, state), count in sorted(one.copies.items())},
    }
