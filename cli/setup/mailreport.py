"""What `soppa mail test` says: how the mail left, whether somebody clicked, and what its receiver thinks of it."""

from __future__ import annotations

import datetime as dt
import sys
import textwrap
from pathlib import Path

from cli.printing import WIDTH, print_json, say, table
from cli.serving.clockwatch import stamp
from cli.setup.authresults import Heard, advice
from cli.setup.machine import proxy_trouble
from cli.setup.mailtest import Sent, read_headers, send, wait
from cli.setup.reach import Reached
from cli.wiring import House
from engine.errors import Refused, UsageError


def try_out(house: House, address: str, minutes: int, as_json: bool) -> None:
    """Sends and waits. Raises `Refused` where nobody clicks in time, or not through the web server as it should be."""
    sent = send(house, address)
    if not as_json:
        how = f"over {sent.tls}" if sent.tls else "without encryption, on this machine"
        say(f"sent to {address} {how}{', signed in' if sent.signed_in else ''}; the relay says: {sent.reply}")
        if minutes:
            say(f"waiting up to {minutes} {'minute' if minutes == 1 else 'minutes'} for the click in it (Ctrl-C stops)")
    answered = wait(house, minutes * 60)
    if as_json:
        print_json(_sent_mapping(sent, answered))
    if minutes:
        _judge(house, answered, minutes, as_json)
    elif not as_json:
        say("the link in it works for a day; soppa doctor says whether it was clicked")


def hear(house: House, path: Path, as_json: bool) -> None:
    """Raises `Refused` where the receiver is not content."""
    found = read_headers(house, path, _raw(path))
    wrong = tuple(advice(found))
    if as_json:
        print_json(_heard_mapping(found, wrong))
    else:
        say(f"from {found.sender}, judged by {found.receiver or 'its receiver'}")
        table(["", "result", "of"], [[one.method.upper(), one.result, one.domain] for one in found.verdicts])
        say(f"{found.hops - len(found.in_clear)} of {found.hops} hops encrypted")
        for sentence in wrong:
            say(textwrap.fill(sentence, WIDTH, initial_indent="  → ", subsequent_indent="    "))
    if wrong:
        things = "1 thing" if len(wrong) == 1 else f"{len(wrong)} things"
        raise Refused(f"{things} may keep mails from their readers: see above")


def _judge(house: House, answered: Reached | None, minutes: int, as_json: bool) -> None:
    if answered is None:
        raise Refused(f"nobody clicked within {minutes} {'minute' if minutes == 1 else 'minutes'}: look into the spam "
                      f"folder, and whether {house.settings.public_url} opens there (soppa doctor)")
    wrong = None if house.settings.public_url.startswith("http:") else proxy_trouble(answered.arrival, answered.peer)
    if wrong is not None:
        raise Refused(f"the click came, but {wrong}: see soppa doctor")
    if not as_json:
        say(f"clicked at {stamp(dt.datetime.fromisoformat(answered.answered_at))}: mail and pages work")
        say("next: save that mail with its headers, then soppa mail test --headers FILE")


def _raw(path: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}): check the name and its permissions") from error


def _sent_mapping(sent: Sent, answered: Reached | None) -> dict[str, object]:
    return {"to": sent.to, "tls": sent.tls or None, "signed_in": sent.signed_in, "reply": sent.reply,
            "answered_at": answered.answered_at if answered else None,
            "arrival": answered.arrival if answered else None}


def _heard_mapping(found: Heard, wrong: tuple[str, ...]) -> dict[str, object]:
    return {"from": found.sender, "message_id": found.message_id, "receiver": found.receiver or None,
            "methods": [{"method": one.method, "result": one.result, "domain": one.domain} for one in found.verdicts],
            "hops": found.hops, "in_clear": found.in_clear, "advice": wrong}
