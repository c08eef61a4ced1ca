"""`district.yaml`: the settings of a district, read strictly, all faults at once."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from cli.settings_parts import Board, Logo, read_board, read_logo_key, read_undo_minutes
from engine import nodes
from engine.errors import FaultyInput, FaultySettings
from engine.law.days import FIRE_HOUR
from engine.model.roles import ROLES
from engine.nodes import Faults, Node
from engine.words import LANGUAGES
from workflows.reader import read_file, read_yaml

if TYPE_CHECKING:
    from engine.law.calendar import SchoolDays
    from engine.law.rules import HoldPolicy

RelayTls = Literal["starttls", "tls", "none"]
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_KEYS = ("fiscal_year_start", "attestation_month", "languages", "public_url", "bind", "trusted_proxies", "allow_http",
         "database", "workers",
         "relay", "thresholds", "attendance", "contacts", "stand_ins", "second_person", "hold_policy", "hold_grace",
         "hold_election", "weekly_briefs", "mail_window", "board", "logo", "ping_url", "metrics_from", "alarm_to",
         "undo_minutes", "demo")
_MAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+")
KEYS = ("district", "zone", *_KEYS)
MOST_WORKERS = 32
USUAL_CONNECTIONS, MOST_CONNECTIONS = 3, 50
"""At a time; Microsoft 365 allows one sender three. What is in hand on them when the process dies is in doubt."""


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """Where mail goes. TLS is required unless the host is this machine; the password stands in a file of its own."""

    host: str
    port: int
    tls: RelayTls
    sender: str
    username: str | None = None
    password_file: Path | None = None
    token_file: Path | None = None
    daily_quota: int | None = None
    connections: int = USUAL_CONNECTIONS

    @property
    def letters_a_day(self) -> int | None:
        """A tenth of the quota is kept from letters to many: whoever asks for a code must not wait for tomorrow."""
        return None if self.daily_quota is None else self.daily_quota - self.daily_quota // 10


@dataclass(frozen=True, slots=True)
class DistrictContact:
    name: str
    email: str = ""
    phone: str = ""

    def __str__(self) -> str:
        return ", ".join(word for word in (self.name, self.email, self.phone) if word)


@dataclass(frozen=True, slots=True)
class HoldElection:
    """Counsel's written choice of `toll`: nobody else may make it. `document` is a file of the home."""

    elected_by: str
    elected_on: dt.date
    document: Path


@dataclass(frozen=True, slots=True)
class MailHours:
    """Local times of a business day between which reminders leave: to people of the district, to contacts outside."""

    people: dt.time = dt.time(7, 30)
    contacts: dt.time = dt.time(8)
    until: dt.time = dt.time(17)


_NO_BOARD = Board()


@dataclass(frozen=True, slots=True)
class Settings:
    """`database` None means the SQLite file in the home. `second_person` and `stand_ins` name person ids."""

    district: str
    zone: ZoneInfo
    fiscal_year_start: str = "07-01"
    attestation_month: int | None = None
    languages: tuple[str, ...] = ("en",)
    public_url: str = "http://localhost:8080"
    bind: str = "127.0.0.1:8080"
    trusted_proxies: tuple[str, ...] = ()
    allow_http: bool = False
    database: str | None = None
    workers: int = 1
    relay: RelaySettings | None = None
    thresholds: Mapping[str, int] = field(default_factory=dict)
    attendance: SchoolDays | None = None
    contacts: Mapping[str, DistrictContact] = field(default_factory=dict)
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    second_person: str | None = None
    hold_policy: HoldPolicy = "asap"
    hold_grace: int = 1
    hold_election: HoldElection | None = None
    weekly_briefs: tuple[str, ...] = ("superintendent",)
    mail_window: MailHours = MailHours()
    board: Board = _NO_BOARD
    logo: Logo | None = None
    ping_url: str | None = None
    metrics_from: tuple[str, ...] = ()
    alarm_to: str | None = None
    undo_minutes: int = 0
    demo: bool = False

    @property
    def bind_address(self) -> tuple[str, int]:
        host, _, port = self.bind.rpartition(":")
        return host.strip("[]"), int(port)


def read_settings(path: Path) -> Settings:
    """The settings in a file. Raises `FaultySettings` with every fault and its line, `UsageError` when unreadable."""
    try:
        return _checked(read_file(path), path)
    except FaultyInput as error:
        raise FaultySettings(error.faults) from error


def check_text(text: str, path: Path) -> Settings:
    """The settings that this text will be, once it is written to this file. Raises `FaultyInput`."""
    return _checked(read_yaml(text, str(path)), path)


def _checked(node: Node, path: Path) -> Settings:
    faults = Faults()
    settings = settings_of(node, path.parent, faults)
    faults.raise_if_any()
    return settings


def settings_of(node: Node, folder: Path, faults: Faults) -> Settings:
    """The settings in a document; `folder` is the home that its relative paths begin at."""
    top = nodes.fields(node, faults, required=("district", "zone"), optional=_KEYS, what="district.yaml")
    return Settings(
        district=nodes.text(top.get("district"), faults, "district") or "",
        zone=_zone(top.get("zone"), faults),
        fiscal_year_start=_match(top, "fiscal_year_start", r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])",
                                 "a day of the year such as 07-01", faults) or "07-01",
        attestation_month=_month(top, "attestation_month", faults),
        languages=_languages(top.get("languages"), faults) or ("en",),
        public_url=_public_url(top.get("public_url"), faults),
        bind=_match(top, "bind", r"(\[[0-9a-fA-F:]+\]|[\w.\-]+):\d{1,5}", "an address such as 127.0.0.1:8080",
                    faults) or "127.0.0.1:8080",
        trusted_proxies=_addresses(top.get("trusted_proxies"), "trusted_proxies", faults),
        allow_http=nodes.boolean(top.get("allow_http"), faults, "allow_http") or False,
        database=nodes.text(top.get("database"), faults, "database"),
        workers=_workers(top, faults),
        relay=_relay(top.get("relay"), folder, faults),
        thresholds=_thresholds(top.get("thresholds"), faults),
        attendance=_attendance(top.get("attendance"), faults),
        contacts=_contacts(top.get("contacts"), faults),
        stand_ins=_stand_ins(top.get("stand_ins"), faults),
        second_person=nodes.text(top.get("second_person"), faults, "second_person"),
        hold_policy=_hold_policy(top, faults),
        hold_grace=_grace(top.get("hold_grace"), faults),
        hold_election=_hold_election(top.get("hold_election"), folder, faults),
        weekly_briefs=_roles(top.get("weekly_briefs"), faults) if "weekly_briefs" in top else ("superintendent",),
        mail_window=_mail_window(top.get("mail_window"), faults),
        board=read_board(top.get("board"), faults),
        logo=read_logo_key(top.get("logo"), folder, faults),
        ping_url=_match(top, "ping_url", r"https://[^\s@]+", "an address such as https://hc.example.org/abc", faults),
        metrics_from=_addresses(top.get("metrics_from"), "metrics_from", faults),
        alarm_to=_match(top, "alarm_to", r"[A-Za-z0-9][^\s<>,;]*", "a mail address or a user of this machine", faults),
        undo_minutes=read_undo_minutes(top.get("undo_minutes"), faults),
        demo=nodes.boolean(top.get("demo"), faults, "demo") or False,
    )


def _roles(node: Node | None, faults: Faults) -> tuple[str, ...]:
    def role(item: Node, found: Faults) -> str | None:
        return nodes.choice(item, found, ROLES, "weekly_briefs")

    return nodes.each(node, faults, role, "weekly_briefs")


def _zone(node: Node | None, faults: Faults) -> ZoneInfo:
    name = nodes.text(node, faults, "zone") or "America/Chicago"
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        if node is not None:
            faults.add(node, f"zone: there is no time zone '{name}': write it as America/Chicago")
        return ZoneInfo("America/Chicago")


def _month(top: Mapping[str, Node], key: str, faults: Faults) -> int | None:
    found = _match(top, key, "[1-9]|1[0-2]", "the number of a month, from 1 to 12", faults)
    return None if found is None else int(found)


def _match(top: Mapping[str, Node], key: str, pattern: str, wanted: str, faults: Faults) -> str | None:
    value = nodes.text(top.get(key), faults, key)
    if value is not None and not re.fullmatch(pattern, value):
        faults.add(top[key], f"{key}: '{value}' is not {wanted}")
        return None
    return value


def _choice(top: Mapping[str, Node], key: str, known: tuple[str, ...], faults: Faults) -> str | None:
    return None if key not in top else nodes.choice(top[key], faults, known, key)


def _attendance(node: Node | None, faults: Faults) -> SchoolDays | None:
    """What counts days is loaded where there are any."""
    if node is None:
        return None
    from cli.settings_school import attendance_days

    return attendance_days(node, faults)


def _languages(node: Node | None, faults: Faults) -> tuple[str, ...]:
    return nodes.each(node, faults, lambda item, found: nodes.choice(item, found, LANGUAGES, "languages"), "languages")


def _addresses(node: Node | None, what: str, faults: Faults) -> tuple[str, ...]:
    return nodes.each(node, faults, lambda item, found: _address(item, what, found), what)


def _address(node: Node, what: str, faults: Faults) -> str | None:
    """Compared letter by letter with where a request comes from: a name or a network would never match."""
    word = nodes.text(node, faults, what)
    try:
        return None if word is None else str(ipaddress.ip_address(word))
    except ValueError:
        faults.add(node, f"{what}: '{word}' is not the address of one machine: write it as 127.0.0.1")
        return None


def _public_url(node: Node | None, faults: Faults) -> str:
    url = nodes.text(node, faults, "public_url")
    if url is None or node is None:
        return "http://localhost:8080"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        faults.add(node, f"public_url: '{url}' is not the address of a site: write it as https://privacy.example.org")
    return url.rstrip("/")


def _workers(top: Mapping[str, Node], faults: Faults) -> int:
    """A file of SQLite has one writer at a time: several workers would only wait for one another."""
    if "workers" not in top:
        return 1
    number = nodes.integer(top["workers"], faults, "workers") or 1
    database = nodes.text(top.get("database"), Faults(), "database") or ""
    if not 1 <= number <= MOST_WORKERS:
        faults.add(top["workers"], f"workers: how many soppa worker processes share the work, 1 to {MOST_WORKERS}")
    elif number > 1 and not database.startswith("postgresql"):
        faults.add(top["workers"], f"workers: {number} need PostgreSQL: move there with soppa migrate-to-postgres, or "
                                   f"leave this key out")
    return number


def _relay(node: Node | None, folder: Path, faults: Faults) -> RelaySettings | None:
    if node is None:
        return None
    top = nodes.fields(node, faults, required=("host", "port", "sender"),
                       optional=("tls", "username", "password_file", "token_file", "daily_quota", "connections"),
                       what="relay")
    host = nodes.text(top.get("host"), faults, "host") or ""
    tls = _choice(top, "tls", ("starttls", "tls", "none"), faults) or "starttls"
    if tls == "none" and host not in LOOPBACK:
        faults.add(node, f"relay: tls 'none' is allowed for this machine only, not for {host}: use starttls or tls")
    port = nodes.integer(top.get("port"), faults, "port") or 0
    if "port" in top and not 0 < port < 65536:
        faults.add(top["port"], "relay: port must be between 1 and 65535")
    secret, token = (nodes.text(top.get(key), faults, key) for key in ("password_file", "token_file"))
    return RelaySettings(host, port, tls, _sender(top.get("sender"), faults),  # type: ignore[arg-type]
                         nodes.text(top.get("username"), faults, "username"), folder / secret if secret else None,
                         folder / token if token else None, _quota(top.get("daily_quota"), faults),
                         _connections(top.get("connections"), faults))


def _quota(node: Node | None, faults: Faults) -> int | None:
    quota = nodes.integer(node, faults, "daily_quota")
    if quota is not None and quota < 1 and node is not None:
        faults.add(node, "relay: daily_quota is how many mails the relay takes in a day: 1 or more")
    return quota


def _connections(node: Node | None, faults: Faults) -> int:
    wanted = nodes.integer(node, faults, "connections")
    if wanted is not None and not 1 <= wanted <= MOST_CONNECTIONS and node is not None:
        faults.add(node, "relay: connections is how many the relay allows at a time: a number from 1 to "
                         f"{MOST_CONNECTIONS}")
    return wanted or USUAL_CONNECTIONS


def _sender(node: Node | None, faults: Faults) -> str:
    sender = nodes.text(node, faults, "sender") or ""
    if node is not None and not _MAIL.fullmatch(sender):
        faults.add(node, f"relay: sender '{sender}' is not a mail address")
    return sender


def _thresholds(node: Node | None, faults: Faults) -> Mapping[str, int]:
    found = {key.text: nodes.integer(value, faults, key.text) for key, value in nodes.named(node, faults, "thresholds")}
    return {name: value for name, value in found.items() if value is not None}


def _contacts(node: Node | None, faults: Faults) -> Mapping[str, DistrictContact]:
    return {key.text: _contact(value, key.text, faults) for key, value in nodes.named(node, faults, "contacts")}


def _contact(node: Node, name: str, faults: Faults) -> DistrictContact:
    top = nodes.fields(node, faults, required=("name",), optional=("email", "phone"), what=f"contact {name}")
    contact = DistrictContact(*(nodes.text(top.get(key), faults, key) or "" for key in ("name", "email", "phone")))
    if contact.email and not _MAIL.fullmatch(contact.email):
        faults.add(top["email"], f"contact {name}: '{contact.email}' is not a mail address")
    return contact


def _stand_ins(node: Node | None, faults: Faults) -> Mapping[str, str]:
    found = {}
    for key, value in nodes.named(node, faults, "stand_ins"):
        if key.text not in ROLES:
            faults.add(key, f"stand_ins: there is no role '{key.text}'{nodes.nearest(key.text, ROLES)}")
        found[key.text] = nodes.text(value, faults, key.text) or ""
    return found


def _mail_window(node: Node | None, faults: Faults) -> MailHours:
    """The reminders of a day fire at 07:00: a brief that left earlier would tell them a day late."""
    if node is None:
        return MailHours()
    top = nodes.fields(node, faults, optional=("people", "contacts", "until"), what="mail_window")
    found = {key: time for key in top if (time := _time(top[key], key, faults)) is not None}
    hours = MailHours(**found)
    if min(hours.people, hours.contacts) < dt.time(FIRE_HOUR):
        faults.add(node, f"mail_window: no mail of a day can leave before {FIRE_HOUR:02}:00, when its reminders fire")
    if max(hours.people, hours.contacts) >= hours.until:
        faults.add(node, "mail_window: 'until' must be later than 'people' and 'contacts'")
    return hours


def _time(node: Node, what: str, faults: Faults) -> dt.time | None:
    word = nodes.text(node, faults, what)
    if word is None:
        return None
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", word):
        faults.add(node, f"mail_window: {what} '{word}' is not a time of the day: write it as 07:30")
        return None
    return dt.time.fromisoformat(word)


def _grace(node: Node | None, faults: Faults) -> int:
    value = nodes.integer(node, faults, "hold_grace")
    if value is not None and node is not None and not 0 <= value <= 3:
        faults.add(node, "hold_grace: business days after the release, 0 to 3")
    return 1 if value is None else value


def _hold_policy(top: Mapping[str, Node], faults: Faults) -> HoldPolicy:
    """`toll` gives days back that the law does not clearly give: only counsel may elect it, and in writing."""
    policy = _choice(top, "hold_policy", ("asap", "toll"), faults)
    if policy == "toll" and "hold_election" not in top:
        faults.add(top["hold_policy"], "hold_policy: toll needs hold_election: {elected_by, elected_on, document}")
    return "toll" if policy == "toll" else "asap"


def _hold_election(node: Node | None, folder: Path, faults: Faults) -> HoldElection | None:
    if node is None:
        return None
    top = nodes.fields(node, faults, required=("elected_by", "elected_on", "document"), what="hold_election")
    elected_on = nodes.date(top.get("elected_on"), faults, "elected_on")
    document = folder / (nodes.text(top.get("document"), faults, "document") or "")
    if "document" in top and not document.is_file():
        faults.add(top["document"], f"hold_election: there is no file {document}: put counsel's paper there")
    if elected_on is None:
        return None
    return HoldElection(nodes.text(top.get("elected_by"), faults, "elected_by") or "", elected_on, document)
