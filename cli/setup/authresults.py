"""What a receiver's headers say of a mail: SPF, DKIM and DMARC (RFC 8601), and which hops were encrypted. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import parseaddr

METHODS = ("spf", "dkim", "dmarc")
_RESULT = re.compile(r"\s*(?P<method>[\w-]+)(?:/\d+)?\s*=\s*(?P<result>\w+)(?P<rest>.*)", re.DOTALL)
_PROPERTY = re.compile(r"\b(?P<name>\w+\.[\w-]+)\s*=\s*(?P<value>\"[^\"]*\"|[^\s;]+)")
_COMMENT = re.compile(r"\([^()]*\)")
_SMTP = re.compile(r"\bwith\s+(?:UTF8)?E?SMTP(?P<secure>S?)A?\b", re.IGNORECASE)
_FROM = re.compile(r"from\s(?!.*(\b127\.0\.0\.1\b|\blocalhost\b|\[::1\]).*\bby\b)", re.IGNORECASE)
"""From another machine: a step within one, or within the house of a provider, crosses no network of others."""

_BY = re.compile(r"\bby\s+(\S+)", re.IGNORECASE)
_WHOSE = {"spf": ("smtp.mailfrom", "smtp.helo"), "dkim": ("header.d", "header.i"), "dmarc": ("header.from",)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the receiver says of one method: its word, and the domain that it looked at."""

    method: str
    result: str
    domain: str = ""

    @property
    def passed(self) -> bool:
        return self.result == "pass"


@dataclass(frozen=True, slots=True)
class Heard:
    """`receiver` is whoever judged. `in_clear` names the servers that took the mail without encryption."""

    sender: str
    message_id: str
    receiver: str
    verdicts: tuple[Verdict, ...]
    hops: int
    in_clear: tuple[str, ...]

    @property
    def domain(self) -> str:
        return self.sender.rpartition("@")[2].lower()


def heard(raw: bytes) -> Heard | None:
    """The headers of a saved mail, or of what was pasted; None where there are no headers of a mail."""
    mail = BytesParser(policy=compat32).parsebytes(raw.lstrip(), headersonly=True)
    sender = parseaddr(_one_line(mail, "From"))[1]
    if not sender or (not mail.get("Received") and not mail.get("Authentication-Results")):
        return None
    receiver, results = _results(mail)
    hops = [_one_line_of(value) for value in mail.get_all("Received", [])]
    carried = [hop for hop in hops if _FROM.match(hop) and "SMTP" in hop.upper()]
    domain = sender.rpartition("@")[2].lower()
    return Heard(sender, _one_line(mail, "Message-ID"), receiver,
                 tuple(_best([one for one in results if one.method == method], method, domain) for method in METHODS),
                 len(carried), tuple(_by(hop) for hop in carried if not _is_encrypted(hop)))


def advice(heard: Heard) -> Iterator[str]:
    """What to do, a sentence for each thing that is not as it should be."""
    by = {verdict.method: verdict for verdict in heard.verdicts}
    domain = heard.domain
    if not by["spf"].passed:
        yield f"SPF: name the relay in the SPF record of {by['spf'].domain or domain} (its DNS)"
    if not by["dkim"].passed:
        yield f"DKIM: have the relay sign mails as {domain}, and put its key into the DNS"
    elif not _is_within(by["dkim"].domain, domain):
        yield f"DKIM: the relay signs as {by['dkim'].domain}; have it sign as {domain}, which readers see"
    if by["dmarc"].result == "none":
        yield f"DMARC: put a record at _dmarc.{domain} (its DNS)"
    elif not by["dmarc"].passed:
        yield f"DMARC: SPF or DKIM must pass for {domain} itself, not for the relay's own name"
    if heard.in_clear:
        yield f"TLS: taken without encryption by {', '.join(heard.in_clear)}"


def _results(mail: Message) -> tuple[str, list[Verdict]]:
    """Those of the topmost header, which the reader's own server has put there, and of others by the same server:
    whatever stands further down may come from anybody."""
    receiver, found = "", list[Verdict]()
    for number, header in enumerate(mail.get_all("Authentication-Results", [])):
        name, verdicts = _read(_one_line_of(header))
        if number and name != receiver:
            break
        receiver = name
        found += verdicts
    return receiver, found


def _read(header: str) -> tuple[str, list[Verdict]]:
    text = header
    while _COMMENT.search(text):
        text = _COMMENT.sub(" ", text)
    first, *rest = text.split(";")
    parts = [first, *rest] if "=" in first else rest  # some receivers leave their own name out
    receiver = "" if "=" in first else first.split()[0] if first.split() else ""
    return receiver, [verdict for part in parts if (verdict := _verdict(part)) is not None]


def _verdict(part: str) -> Verdict | None:
    found = _RESULT.match(part)
    if found is None or found["method"].lower() not in METHODS:
        return None
    method = found["method"].lower()
    named = {one["name"].lower(): one["value"].strip('"') for one in _PROPERTY.finditer(found["rest"])}
    value = next((named[name] for name in _WHOSE[method] if name in named), "")
    return Verdict(method, found["result"].lower(), value.rpartition("@")[2].lower())


def _best(found: Sequence[Verdict], method: str, domain: str) -> Verdict:
    """Of several signatures one counts: that of the sender's own domain, else any that passed."""
    order = sorted(found, key=lambda one: (not one.passed, not _is_within(one.domain, domain)))
    return order[0] if order else Verdict(method, "none")


def _is_within(part: str, domain: str) -> bool:
    return bool(part) and (part == domain or domain.endswith(f".{part}") or part.endswith(f".{domain}"))


def _is_encrypted(hop: str) -> bool:
    found = _SMTP.search(hop)
    return bool(found and found["secure"]) or "TLS" in hop.upper()


def _by(hop: str) -> str:
    found = _BY.search(hop)
    return found.group(1) if found else "a server"


def _one_line(mail: Message, name: str) -> str:
    return _one_line_of(mail.get(name, ""))


def _one_line_of(value: object) -> str:
    return " ".join(str(value).split())
