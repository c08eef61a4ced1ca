"""The sitting: one question after the other, each answer looked at before the next, and kept for a next try."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from cli.logo import read_logo
from cli.printing import WIDTH, clean
from cli.settings import settings_of
from cli.settings_parts import Logo
from cli.setup.answers import Answers
from cli.setup.document import Plain, lines
from engine.errors import FaultyInput, UsageError
from engine.model.office import Reference
from engine.nodes import Faults
from workflows.reader import read_yaml

NONE = "-"
"""What is typed to leave an answer out that would otherwise be taken from the brackets."""


@dataclass(slots=True)
class Sitting:
    """`keep` is called after each answer. `password` is the relay's; it is kept nowhere but in its own file."""

    answers: Answers
    folder: Path
    keep: Callable[[Answers], object]
    today: dt.date
    roles: Mapping[str, Sequence[str]]
    thresholds: Mapping[str, tuple[str, int]]
    references: Mapping[str, Reference]
    password: str = ""


def tell(text: str = "") -> None:
    """A line of the conversation; stdout is for what a program may read."""
    room = " " * (len(text) - len(text.lstrip()))
    click.echo(textwrap.fill(clean(text), WIDTH, subsequent_indent=room) if text else "", err=True)


def head(text: str) -> None:
    tell()
    click.secho(clean(text), bold=True, err=True)


def ask(text: str, default: str = "", *, hide: bool = False) -> str:
    """What is typed, trimmed; empty for nothing. Raises `click.Abort` when the person stops."""
    while True:
        given: str = click.prompt(text, default=default, show_default=bool(default), hide_input=hide, err=True)
        word = given.strip()
        if word == NONE:
            return ""
        if word.isprintable():
            return word
        tell("  there is a control character in it: type it again")


def put(sitting: Sitting, key: str, value: Plain) -> bool:
    """Takes an answer that the settings would accept; else says what is wrong with it."""
    wrong = faults_in(key, value, sitting.folder)
    for message in wrong:
        tell(f"  {message}")
    if not wrong:
        sitting.answers.settings[key] = value
        sitting.keep(sitting.answers)
    return not wrong


def leave_out(sitting: Sitting, key: str) -> None:
    sitting.answers.settings.pop(key, None)
    sitting.keep(sitting.answers)


def faults_in(key: str, value: Plain, folder: Path) -> list[str]:
    """What the strict reader would say of this one key."""
    least: dict[str, Plain] = {"district": "D", "zone": "America/Chicago"}
    faults = Faults()
    try:
        settings_of(read_yaml("\n".join(lines({**least, key: value})), key), folder, faults)
    except FaultyInput as error:
        return [fault.message for fault in error.faults]
    return [fault.message for fault in faults.found]


def one(sitting: Sitting, key: str, text: str, default: str, read: Callable[[str], Plain] = str) -> None:
    """Asks until the answer can be read; nothing leaves the key out, if it may be left out."""
    known = sitting.answers.settings.get(key)
    shown = default if known is None else _shown(known)
    while True:
        word = ask(text, shown)
        if not word and key not in ("district", "zone"):
            return leave_out(sitting, key)
        if word and put(sitting, key, read(word)):
            return None


def words(text: str) -> list[Plain]:
    return [word for word in text.replace(",", " ").split() if word]


def number(text: str) -> Plain:
    return int(text) if text.isascii() and text.isdigit() else text


def block(sitting: Sitting, key: str) -> dict[str, str]:
    """What is known of a key that holds keys, as texts to begin with."""
    known = sitting.answers.settings.get(key)
    return {name: _shown(value) for name, value in known.items()} if isinstance(known, Mapping) else {}


def without_empty(found: Mapping[str, Plain]) -> dict[str, Plain]:
    return {name: value for name, value in found.items() if value != ""}


def the_district(sitting: Sitting) -> None:
    head("The district")
    one(sitting, "district", "Its name, as it stands in mails", "")
    one(sitting, "zone", "Time zone", "America/Chicago")
    one(sitting, "fiscal_year_start", "Fiscal year begins on (month-day)", "07-01")
    one(sitting, "languages", "Languages of the office, the staff's first", "en es", words)


def the_pages(sitting: Sitting) -> None:
    head("The pages that the links in mails lead to")
    one(sitting, "public_url", "Public address", "http://localhost:8080")
    one(sitting, "bind", "Where soppa itself listens", "127.0.0.1:8080")
    if str(sitting.answers.settings.get("public_url", "")).startswith("https:"):
        one(sitting, "trusted_proxies", "Address from which the web server in front speaks", "127.0.0.1", words)


CONTACTS = (("privacy", "privacy", "Whom the reader of a mail may ask"),
            ("edtech", "edtech", "Whom to ask what a product is good for in class (Enter: the same)"),
            ("ai", "", "Whom to ask about artificial intelligence (Enter: the first one)"))
"""Key, the role whose holder is proposed, heading."""


def the_contact(sitting: Sitting) -> None:
    for key, role, heading in CONTACTS:
        head(heading)
        _contact(sitting, key, _holder(sitting.answers, role))


def _contact(sitting: Sitting, key: str, proposed: Mapping[str, str]) -> None:
    known = sitting.answers.settings.get("contacts")
    others = {name: value for name, value in known.items() if name != key} if isinstance(known, Mapping) else {}
    was = known.get(key, {}) if isinstance(known, Mapping) else {}
    before = {name: str(value) for name, value in was.items()} if isinstance(was, Mapping) else {}
    while True:
        found = {"name": ask("Name", before.get("name", proposed.get("name", "")))}
        if not found["name"]:
            if not (others and put(sitting, "contacts", others)):
                leave_out(sitting, "contacts")
            return
        found |= {name: ask(text, before.get(name, proposed.get(name, "")))
                  for name, text in (("email", "Mail address"), ("phone", "Telephone"))}
        if put(sitting, "contacts", {**others, key: without_empty(found)}):
            return
        before = found


def the_board(sitting: Sitting) -> None:
    head("The Board")
    known = sitting.answers.settings.get("board")
    before = known if isinstance(known, Mapping) else {}
    while True:
        days = words(ask("Its meetings (2026-12-08 2027-01-12 …; Enter: not yet)", _shown(before.get("meetings", ""))))
        if not days:
            return leave_out(sitting, "board")
        closes = ask("The packet closes so many days before a meeting", _shown(before.get("packet_days", 7)))
        if put(sitting, "board", {"meetings": days, "packet_days": number(closes or "7")}):
            return None


def the_logo(sitting: Sitting) -> None:
    """The file is copied into the home when everything is written."""
    head("The logo on pages and printed letters")
    before = block(sitting, "logo")
    while True:
        word = ask("A PNG or SVG file (Enter: none)", before.get("file", ""))
        if not word:
            return leave_out(sitting, "logo")
        path = Path(word).expanduser()
        file = str(path if (sitting.folder / path).is_file() else path.absolute())
        name = _shown(sitting.answers.settings["district"])
        alt = ask("What it says to who does not see it", before.get("alt", name))
        if not (wrong := _picture_faults(sitting, file, alt)) and put(sitting, "logo", {"file": file, "alt": alt}):
            return None
        for message in wrong:
            tell(f"  {message}")


def _picture_faults(sitting: Sitting, file: str, alt: str) -> list[str]:
    """What is wrong with the picture itself, where there is one."""
    if not (sitting.folder / file).is_file():
        return []
    try:
        read_logo(Logo(sitting.folder / file, alt))
    except UsageError as error:
        return [str(error)]
    return []


def the_relay(sitting: Sitting) -> None:
    head("The relay that takes the mails (Enter at its name: not yet, mails wait)")
    before = block(sitting, "relay")
    while True:
        host = ask("Name of the relay", before.get("host", ""))
        if not host:
            return leave_out(sitting, "relay")
        found = _relay(sitting, host, before)
        if put(sitting, "relay", found):
            return None
        before = {name: _shown(value) for name, value in found.items()}


def _relay(sitting: Sitting, host: str, before: Mapping[str, str]) -> dict[str, Plain]:
    found: dict[str, Plain] = {"host": host}

    def field(name: str, text: str, usual: str = "", read: Callable[[str], Plain] = str) -> None:
        """Asks until this one is right beside those before."""
        while True:
            word = ask(text, before.get(name, usual))
            least = {"port": 587, "sender": "privacy@example.org", **found}
            wrong = faults_in("relay", {**least, name: read(word)}, sitting.folder) if word else []
            for message in wrong:
                tell(f"  {message}")
            if not wrong:
                found.update({name: read(word)} if word else {})
                return

    field("port", "Port", "587", number)
    field("tls", "Encryption: starttls, tls, or none", "tls" if found.get("port") == 465 else "starttls")
    field("sender", "Mails come from", _officer(sitting.answers).get("email", ""))
    field("username", "User at the relay (Enter: it asks for none)")
    if "username" in found:
        found["password_file"] = before.get("password_file", "keys/relay-password")
        there = (sitting.folder / str(found["password_file"])).is_file()
        hint = f"Enter keeps the one in {found['password_file']}" if there else "not shown"
        sitting.password = ask(f"Password ({hint})", hide=True)
    field("daily_quota", "Mails that it takes in a day (Enter: not known)", "", number)
    return found


def the_numbers(sitting: Sitting) -> None:
    head("Numbers and times of the district")
    _thresholds(sitting)
    while True:
        before = block(sitting, "mail_window") or {"people": "07:30", "contacts": "08:00", "until": "17:00"}
        times = ask("Reminders leave from (your people), from (others), until", " ".join(before.values())).split()
        if len(times) != 3:
            tell("  write three times, as in 07:30 08:00 17:00")
        elif put(sitting, "mail_window", dict(zip(("people", "contacts", "until"), times, strict=True))):
            return


def _thresholds(sitting: Sitting) -> None:
    before, found = block(sitting, "thresholds"), dict[str, Plain]()
    for name, (label, usual) in sitting.thresholds.items():
        while True:
            word = ask(label, before.get(name, str(usual)))
            if not faults_in("thresholds", {name: number(word or str(usual))}, sitting.folder):
                break
            tell(f"  '{word}' is no whole number")
        found[name] = number(word or str(usual))
    if found:
        put(sitting, "thresholds", found)


def the_hold(sitting: Sitting) -> None:
    head("When a law-enforcement hold is released")
    tell("  asap: the date as it was, or the grace below. toll: the days are given back; only counsel may elect it.")
    while True:
        policy = ask("Policy: asap or toll", str(sitting.answers.settings.get("hold_policy", "asap")))
        if policy != "toll":
            if not policy or put(sitting, "hold_policy", policy):
                sitting.answers.settings.pop("hold_election", None)
                break
        elif _election(sitting):
            break
    one(sitting, "hold_grace", "Business days of grace, 0 to 3", "1", number)


def _election(sitting: Sitting) -> bool:
    before = block(sitting, "hold_election")
    asked = (("elected_by", "Elected by (counsel)"), ("elected_on", "On (2026-11-02)"),
             ("document", "Counsel's paper, a file"))
    found = {name: ask(text, before.get(name, "")) for name, text in asked}
    paper = Path(found["document"]).expanduser()
    found["document"] = str(paper if (sitting.folder / paper).is_file() else paper.absolute())
    if not put(sitting, "hold_election", without_empty({**found})):
        return False
    sitting.answers.settings["hold_policy"] = "toll"
    sitting.keep(sitting.answers)
    return True


def the_references(sitting: Sitting) -> None:
    """Shows what a breach letter must name, and asks when somebody looked it up."""
    head("Addresses that a breach letter must give")
    for reference in sitting.references.values():
        for texts in reference.texts.values():
            tell(f"  {texts['en']}")
    tell("  Where one has changed: not yet, then soppa references confirm NAME --from FILE.")
    while True:
        word = ask("Looked up and found right on (2026-11-02; Enter: not yet)", sitting.answers.looked_up_on)
        day = _past_day(word, sitting.today)
        if day is not None:
            sitting.answers.looked_up_on = day
            sitting.keep(sitting.answers)
            return
        tell(f"  '{word}' is no day until today: write it as {sitting.today}")


def _past_day(word: str, today: dt.date) -> str | None:
    """The day, or nothing for no answer; None for what is no day, or is still to come."""
    try:
        return "" if not word else word if dt.date.fromisoformat(word) <= today else None
    except ValueError:
        return None


def _officer(answers: Answers) -> dict[str, str]:
    return _holder(answers, "privacy")


def _holder(answers: Answers, role: str) -> dict[str, str]:
    return next((cells for cells in answers.people if role in cells["roles"].split()), {})


def _shown(value: Plain) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(str(item) for item in value)
    return str(value)
