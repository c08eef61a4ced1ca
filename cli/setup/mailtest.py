"""The test mail: handed over at once and reported, so that an office may try its mail before anything else works.

It does not go through the outbox, the one mail that does not: it is about no case and nobody, goes to an address that
is typed and not on file, is sent once by the person who waits for it, and must tell at once what the relay says.
"""

from __future__ import annotations

import datetime as dt
import secrets
import time
from dataclasses import dataclass, replace
from pathlib import Path

from cli.setup.authresults import Heard, heard
from cli.setup.reach import Reached, begin, latest
from cli.wiring import House
from engine.errors import Refused, UsageError

LASTS = dt.timedelta(days=1)
PATIENCE = 30.0
MAX_SIZE = 5_000_000


@dataclass(frozen=True, slots=True)
class Sent:
    to: str
    tls: str
    signed_in: bool
    reply: str


def send(house: House, address: str) -> Sent:
    """Raises `Refused` with what is wrong with the relay, or what it says."""
    from cli.serving.daemon import relay_settings
    from notifiers.message import domain_of
    from notifiers.smtp import SmtpLink, look_at
    from notifiers.trial import trial_mail

    wanted = house.settings.relay
    if wanted is None:
        raise Refused("no relay takes the mails yet: name one with soppa setup, or in district.yaml")
    settings = replace(relay_settings(wanted, house.settings.district), timeout=PATIENCE)
    looked = look_at(settings)
    if looked.trouble:
        raise Refused(f"nothing is sent: {looked.trouble}")
    message_id = f"<test-{secrets.token_hex(12)}@{domain_of(wanted.sender)}>"
    office, token = house.make_office(house.store.people()), begin(house, "mail", LASTS, message_id)
    link = f"{house.settings.public_url}/reach/{token}"
    raw = trial_mail(address, link, message_id, wanted.sender, office, house.clock())
    with SmtpLink(settings) as relay:
        delivery = relay.deliver(address, raw, lambda: True)
    if delivery.state != "accepted":
        raise Refused(f"the relay does not take the mail to {address}: {delivery.reply}")
    return Sent(address, looked.tls, looked.signed_in, delivery.reply)


def wait(house: House, seconds: float) -> Reached | None:
    """The answer of whoever got the mail; None when there was none in that time."""
    ends = time.monotonic() + seconds
    while True:
        found = latest(house, "mail")
        if found is not None and found.answered_at:
            return found
        if time.monotonic() >= ends:
            return None
        time.sleep(0.5)


def read_headers(house: House, path: Path, raw: bytes) -> Heard:
    """Raises `UsageError` for what holds no headers, or those of somebody else's mail."""
    found = heard(raw[:MAX_SIZE])
    if found is None:
        raise UsageError(f"{path} holds no headers of a mail: open the source of the test mail and save all of it, "
                         f"from the first line on")
    sender = house.settings.relay.sender if house.settings.relay else ""
    if found.sender.lower() != sender.lower():
        raise UsageError(f"{path} is a mail from {found.sender}, not from {sender or 'this office'}: save the test "
                         f"mail")
    return found
