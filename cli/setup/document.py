"""`district.yaml` as text: every key explained, what the district has not said as an example behind a `#`."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.nodes import ListNode, MapNode, Node, Scalar
from workflows.reader import read_yaml

Plain = str | int | bool | Sequence["Plain"] | Mapping[str, "Plain"]
WIDTH = 100
_SAFE = re.compile(r"[A-Za-z0-9_/][\w./@+-]*( [A-Za-z0-9_/@+][\w./@+-]*)*", re.ASCII)
_INTEGER = re.compile(r"-?(0|[1-9]\d*)")
_TRUTH = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the settings: what it means, and an example of it."""

    name: str
    says: str
    example: Plain


KEYS = (
    Key("district", "The district's name, as it stands in mails.", "Prairie Creek USD 99"),
    Key("zone", "The zone of every local date.", "America/Chicago"),
    Key("fiscal_year_start", "The day on which the fiscal year begins, month and day.", "07-01"),
    Key("attestation_month", "The number of the month in which every agreement is attested anew; without it each one "
        "is asked 90 days before its own anniversary.", 3),
    Key("languages", "The languages of the office; the first one is the staff's.", ["en", "es"]),
    Key("public_url", "Where people reach the pages: links in mails begin with this. https, but for a trial.",
        "https://privacy.example.org"),
    Key("bind", "Where the program itself listens. The web server with TLS stands in front of it.", "127.0.0.1:8080"),
    Key("trusted_proxies", "From which addresses that web server speaks: its X-Forwarded-For is believed, no other.",
        ["127.0.0.1"]),
    Key("allow_http", "Pages without TLS in front: for a closed network only.", True),
    Key("database", "PostgreSQL in the place of the file soppa.db. The password belongs into a .pgpass file.",
        "postgresql+psycopg://soppa@db.example.org/soppa"),
    Key("workers", "How many soppa worker processes share the work, soppa serve being one of them; more than one need "
        "PostgreSQL.", 4),
    Key("relay", "Where mail is handed over; without it mails wait. tls is starttls, tls, or none for this machine "
        "only. The password stands alone in a file of mode 0600; token_file in its place holds an access token of "
        "OAuth 2.0. daily_quota is how many mails it takes in a day, connections how many connections it grants at a "
        "time.",
        {"host": "mail.example.org", "port": 587, "tls": "starttls", "sender": "privacy@example.org",
         "username": "soppa", "password_file": "keys/relay-password", "daily_quota": 2000,
         "connections": 3}),
    Key("contacts", "Whom a reader may ask, as it stands in mails: privacy in all of them, edtech and ai in those to "
        "sponsors of a product. Without these two, privacy answers for them.",
        {"privacy": {"name": "Privacy office", "email": "privacy@example.org", "phone": "555-0100"},
         "edtech": {"name": "Edie Nakamura", "email": "edtech@example.org"},
         "ai": {"name": "Ivan Petrov", "email": "ai@example.org"}}),
    Key("board", "When the Board meets, and how many days before a meeting its packet closes. A sponsorship takes no "
        "other date for the Board, and none whose packet is closed.",
        {"meetings": ["2026-12-08", "2027-01-12"], "packet_days": 7}),
    Key("logo", "A PNG or SVG file of this folder, shown on pages and printed letters; alt is read to who does not see "
        "it.", {"file": "logo.png", "alt": "Prairie Creek USD 99"}),
    Key("second_person", "Who else must agree to the acts that need two people (a person's id; see soppa people). "
        "Without it a superintendent.", "sam"),
    Key("stand_ins", "Who answers for a role that nobody present holds: role and a person's id.", {"edtech": "priya"}),
    Key("thresholds", "Numbers of the district that processes ask for; those of the processes without it.",
        {"board_amount": 25000}),
    Key("attendance", "The days of student attendance, for rules that count school days: one block a school year, "
        "written by soppa calendar import.",
        [{"from": "2026-08-17", "to": "2027-05-28", "closed": ["2026-09-07", "2026-12-21..2027-01-04"]}]),
    Key("mail_window", "Between which local times of a business day reminders leave: to your people, to people "
        "outside. Not before 07:00.", {"people": "07:30", "contacts": "08:00", "until": "17:00"}),
    Key("weekly_briefs", "Whose brief carries what can wait only once a week.", ["superintendent"]),
    Key("undo_minutes", "For how many minutes whoever has answered a task may take that back (soppa undo), 0 to 10. "
        "Mails that follow from the answer wait so long, but for a breach, on a legal date and before midnight. 0: "
        "nothing waits, and nothing is taken back.", 10),
    Key("ping_url", "Asked once a minute after finished work; its monitor tells you when that stays away. https only.",
        "https://hc.example.org/ping/your-own-secret"),
    Key("metrics_from", "Addresses that may read /metrics besides this machine itself.", ["10.0.0.7"]),
    Key("alarm_to", "Whom this machine's own mail tells of a unit that failed; root without it.", "it@example.org"),
    Key("hold_policy", "What a released law-enforcement hold does to a date: asap (it was never away), or toll (the "
        "days are given back), which takes counsel's election.", "asap"),
    Key("hold_grace", "Business days after a release, 0 to 3.", 1),
    Key("hold_election", "Counsel's written choice of toll; document is a file of this folder.",
        {"elected_by": "Lena Ortiz", "elected_on": "2026-11-02", "document": "election.pdf"}),
    Key("demo", "A home of made-up people, where --as works.", True),
)


def render(settings: Mapping[str, Plain]) -> str:
    """The whole document. `plain` of what a strict reader makes of it is `settings` again."""
    parts = ["# The settings of the district. Unknown keys are refused; a key behind a # is an example.\n"]
    for key in KEYS:
        said = textwrap.wrap(key.says, WIDTH - 2)
        if key.name in settings:
            body = list(lines({key.name: settings[key.name]}))
        else:
            body = [f"# {line}" for line in lines({key.name: key.example})]
        parts.append("\n".join([*(f"# {line}" for line in said), *body]) + "\n")
    return "\n".join(parts)


def lines(value: Plain, indent: str = "") -> Iterator[str]:
    """Block YAML; what holds nothing but scalars is written into one line, or wrapped where it is long."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if _is_block(inner):
                yield f"{indent}{key}:"
                yield from lines(inner, f"{indent}  ")
            else:
                yield from _wrapped(f"{indent}{key}: ", inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            first, *rest = lines(item, f"{indent}  ")
            yield f"{indent}- {first.strip()}"
            yield from rest
    else:
        yield f"{indent}{_scalar(value)}"


def plain(node: Node) -> Plain:
    """A document's nodes as plain values; what is written without a value is left out."""
    match node:
        case MapNode():
            kept = ((key.text, value) for key, value in node.entries if not _is_null(value))
            return {key: plain(value) for key, value in kept}
        case ListNode():
            return [plain(item) for item in node.items]
        case Scalar():
            return node.text if node.quoted else _unquoted(node.text)


def with_key(text: str, name: str, value: Plain, file: str) -> str:
    """The document with this value of a key. Its block is replaced; comments behind it belong to the next key and stay.
    A key that is not there comes behind its example, or last."""
    node, body = read_yaml(text, file), list(lines({name: value}))
    before = text.splitlines()
    if not isinstance(node, MapNode) or node.get(name) is None:
        there = next((at + 1 for at, line in enumerate(before) if line.startswith(f"# {name}:")), None)
        return "\n".join([*before[:there], *([] if there else [""]), *body, *(before[there:] if there else [])]) + "\n"
    marks = [key.mark.line - 1 for key, _ in node.entries] + [len(before)]
    start = next(key.mark.line - 1 for key, _ in node.entries if key.text == name)
    end = min(mark for mark in marks if mark > start)
    while end > start + 1 and (not before[end - 1].strip() or before[end - 1].startswith("#")):
        end -= 1
    return "\n".join([*before[:start], *body, *before[end:]]) + "\n"


def other_keys(text: str, name: str, file: str) -> Plain:
    """What the document says but for this key."""
    found = plain(read_yaml(text, file))
    return {key: value for key, value in found.items() if key != name} if isinstance(found, dict) else found


def _unquoted(text: str) -> Plain:
    return int(text) if _INTEGER.fullmatch(text) else _TRUTH.get(text, text)


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.is_null


def _is_block(value: Plain) -> bool:
    if isinstance(value, Mapping):
        return bool(value)
    return isinstance(value, Sequence) and any(isinstance(item, Mapping) for item in value)


def _wrapped(head: str, value: Plain) -> Iterator[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        yield head + _scalar(value)
        return
    line, room = f"{head}[", " " * (len(head) + 1)
    for number, item in enumerate(value):
        word = _scalar(item) + ("," if number < len(value) - 1 else "")
        if len(line) + len(word) + 1 > WIDTH and number:
            yield line.rstrip()
            line = room
        line += word + (" " if word.endswith(",") else "")
    yield f"{line.rstrip()}]"


def _scalar(value: Plain) -> str:
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if isinstance(value, int) or (_SAFE.fullmatch(text) and text not in ("null", *_TRUTH)
                                  and not _INTEGER.fullmatch(text)):
        return text
    return json.dumps(text, ensure_ascii=False)
