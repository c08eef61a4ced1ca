"""What the pages stand on: the engine's ports, and what the command line lends them. One frozen value an app."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol
from urllib.parse import urlsplit

from engine.model.case import Case
from engine.model.office import Office
from engine.ports import Definitions, Links, Store
from engine.service import Service
from web.documents import Kind


class PageStore(Store, Protocol):
    @property
    def links(self) -> Links: ...


class Documents(Protocol):
    """Where uploaded files are kept. A kept file is named by the value of its fact."""

    def keeping(self, files: Mapping[str, tuple[bytes, Kind]]) -> AbstractContextManager[Mapping[str, str]]:
        """The facts' values of files that stay when the block is done, and go when it is refused."""
        ...

    def read(self, value: str) -> tuple[bytes, str]:
        """The content and its kind. Raises `UsageError` when it is missing or was changed."""
        ...


class Reach(Protocol):
    """Tests of whether people get through; each lives for minutes."""

    def kind(self, token: str) -> Literal["probe", "mail"] | None:
        """What a token is for; None when it is unknown or too old."""
        ...

    def arrived(self, token: str, how: str, peer: str) -> None:
        """Keeps that the reader of a test mail answered it, and how the request came."""
        ...


@dataclass(frozen=True, slots=True)
class WebSettings:
    """`public_url` is the only source of absolute addresses. `trusted_proxies` are addresses whose word on whom they
    speak for is taken. `session_hours` is the life of a staff session; a party's lasts two hours at most.
    `metrics_from` are other machines that may read the metrics."""

    public_url: str
    allow_http: bool = False
    trusted_proxies: tuple[str, ...] = ()
    session_hours: int = 12
    metrics_from: tuple[str, ...] = ()

    @property
    def secure(self) -> bool:
        """Whether pages are served over TLS, which cookies and HSTS rely on."""
        return urlsplit(self.public_url).scheme == "https"

    @property
    def is_loopback(self) -> bool:
        return urlsplit(self.public_url).hostname in ("localhost", "127.0.0.1", "::1")

    @property
    def origin(self) -> str:
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def cookie(self) -> str:
        return "__Host-soppa" if self.secure else "soppa"


@dataclass(frozen=True, slots=True)
class Answered:
    """Who gave the answer of a task, and when; `outcome` is the outcome's name. `undo_by` is the id of the person who
    may take it back, up to `undo_until`."""

    by: str
    at: dt.datetime
    outcome: str
    undo_by: str | None = None
    undo_until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a two-person act changes: what it is now and what it would be."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Act:
    """A two-person act that waits for its second person. `id` is no secret: it stands in addresses, and only the second
    person's session opens it. `decided` says how it ended, when it has."""

    id: str
    title: str
    begun_by: str
    begun_at: dt.datetime
    second: str
    reason: str
    changes: tuple[Change, ...] = ()
    decided: str | None = None


Inspect = Callable[[bytes, str], Kind]

MailNow = Callable[[str, str, Mapping[str, str]], None]
"""Puts a mail for a recipient into the outbox. Values of a `code`: `case`, `code`, `minutes`; of a `fresh_link`: `case`
and `task` (a task's id; absent for a status link); of `already_decided`: `case`, `decided_by`, `decided_at`; of a
`vouch`, that a parent waits to be called back: `case`."""


@dataclass(frozen=True, slots=True)
class Site:
    """`cases_of` names the cases in which a person has open tasks, the most pressing first; `answered` finds an answer
    that its case has left behind; `inspect(content, name)` says what kind a file is, or raises `Unfit`;
    `match_totp(secret, typed, now)` gives the time step of a right code; `letter` is the printable letter of a mail as
    a whole HTML page, `code_letter(case, party, {"code": …, "until": …})` the one with the code of a second channel.
    `act_of` finds an act by the token in its mail, `act` by its id; `confirm_act(id, person)` carries it out, or raises
    a `SoppaError` and changes nothing. `agreements` are those of the register that a form may offer, by id, as people
    call them. `metrics` is what a monitor reads; `mail_stands` says since when no mail leaves, for the pages of people
    of the district, who wait for mails, and `untold(language)` what else is wrong that a mail would have told."""

    service: Service
    store: PageStore
    definitions: Definitions
    office: Callable[[], Office]
    clock: Callable[[], dt.datetime]
    mail_now: MailNow
    settings: WebSettings
    cases_of: Callable[[str], Sequence[str]]
    answered: Callable[[str], Answered | None]
    documents: Documents
    inspect: Inspect
    letter: Callable[[Case, str], str]
    code_letter: Callable[[Case, str, Mapping[str, str]], str]
    match_totp: Callable[[str, str, dt.datetime], int | None]
    act_of: Callable[[str], Act | None]
    act: Callable[[str], Act | None]
    confirm_act: Callable[[str, str], None]
    agreements: Callable[[], Mapping[str, str]]
    reach: Reach
    metrics: Callable[[], str]
    mail_stands: Callable[[], dt.datetime | None]
    untold: Callable[[str], Sequence[str]]

    @property
    def links(self) -> Links:
        return self.store.links
