"""Whether the Board's meetings and the logo of the settings are of use."""

from __future__ import annotations

from collections.abc import Iterator

from cli.logo import read_logo
from cli.setup.finding import Finding, edit, missing, note, ready
from cli.wiring import House
from engine.errors import UsageError


def look_at_board(house: House) -> Iterator[Finding]:
    """Without a meeting to come, a sponsorship takes any day for one."""
    office = house.make_office(())
    coming = office.open_meetings(office.today(house.clock()))
    if coming:
        yield ready("board", f"the Board meets next on {coming[0]}, its packet closes {office.packet_days} days before")
    else:
        says = "all meetings are past, or their packets closed" if office.board_meetings else "no meetings are entered"
        yield note("board", f"{says}: a sponsorship takes any day for one", edit(house.home.settings))


def look_at_logo(house: House) -> Iterator[Finding]:
    if house.settings.logo is None:
        return
    try:
        read_logo(house.settings.logo)
    except UsageError as error:
        yield missing("logo", f"{error}; pages and letters go without it", edit(house.home.settings))
    else:
        yield ready("logo", f"{house.settings.logo.file.name} stands on pages and letters")
