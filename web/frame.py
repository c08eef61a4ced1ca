"""What stands round every page, whatever it is about: whom to ask, the way back, and that no mail leaves."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from engine.model.office import Logo, Office
from web.site import Site
from web.visitors import Visitor, is_enough
from web.words import instant_words, tell


@dataclass(frozen=True, slots=True)
class Frame:
    """`contact` is whom to ask, each part with where it leads on a telephone. `home` for people of the district who are
    signed in: their open tasks are a link away. `alarm` is theirs too."""

    district: str
    logo: Logo | None
    contact: tuple[tuple[str, str], ...]
    home: bool = False
    alarm: str = ""


def frame_of(site: Site, visitor: Visitor | None, language: str) -> Frame:
    """Parents, operators and strangers learn nothing of how the house stands."""
    office = site.office()
    contact = tuple((part, _leads_to(part)) for part in _whom_to_ask(office, office.today(site.clock())))
    frame = Frame(office.district, office.logo, contact)
    if visitor is None or visitor.person is None or not is_enough(visitor.session.level, "code"):
        return frame
    since = site.mail_stands()
    alarm = "" if since is None else tell("mail_stands", language, since=instant_words(since, office, language))
    untold = site.untold(language) if alarm else ()
    if untold:
        alarm += " " + tell("untold", language, what="; ".join(untold))
    return Frame(frame.district, frame.logo, frame.contact, home=True, alarm=alarm)


def _whom_to_ask(office: Office, today: dt.date) -> list[str]:
    """The district's contact `privacy` ('name, mail, telephone'), else who holds that role today."""
    written = office.contacts.get("privacy", "").split(",")
    parts = [part.strip() for part in written if part.strip()]
    holder = next(iter(office.holders("privacy", today)), None)
    return parts if parts or holder is None else [holder.person.name, holder.person.email]


def _leads_to(part: str) -> str:
    if "@" in part:
        return f"mailto:{part}"
    digits = "".join(sign for sign in part if sign in "+0123456789")
    return f"tel:{digits}" if part.lstrip("+(")[:1].isdigit() and len(digits) >= 7 else ""
