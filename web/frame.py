"""What stands round every page, whatever it is about: whom to ask, the way back, and that no mail leaves."""

from __future__ import annotations

from dataclasses import dataclass

from engine.model.office import Logo
from web.site import Site
from web.visitors import Visitor, is_enough
from web.words import instant_words, tell


@dataclass(frozen=True, slots=True)
class Frame:
    """`home` for people of the district who are signed in: their open tasks are a link away. `alarm` is theirs too."""

    district: str
    logo: Logo | None
    contact: str
    home: bool = False
    alarm: str = ""


def frame_of(site: Site, visitor: Visitor | None, language: str) -> Frame:
    """Parents, operators and strangers learn nothing of how the house stands."""
    office = site.office()
    frame = Frame(office.district, office.logo, office.contacts.get("privacy", ""))
    if visitor is None or visitor.person is None or not is_enough(visitor.session.level, "code"):
        return frame
    since = site.mail_stands()
    alarm = "" if since is None else tell("mail_stands", language, since=instant_words(since, office, language))
    untold = site.untold(language) if alarm else ()
    if untold:
        alarm += " " + tell("untold", language, what="; ".join(untold))
    return Frame(frame.district, frame.logo, frame.contact, home=True, alarm=alarm)
