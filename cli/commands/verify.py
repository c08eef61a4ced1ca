"""`soppa verify`: whether histories, dates, mails and documents of a home are whole."""

from __future__ import annotations

import click

from cli.home import Home
from cli.options import home_option, json_option
from cli.printing import bar, print_json, say
from cli.wiring import open_house
from engine.errors import Refused


@click.command(epilog="Example: soppa verify")
@home_option
@json_option
def command(home: Home, as_json: bool) -> None:
    """Look at everything that is kept: the chains of all histories and the seals over them, each date derived again,
    mails against histories, documents against the cases that name them. What is wrong is named by case and line.
    """
    from cli.upkeep import verifying
    from cli.upkeep.seen import is_behind, setback

    with open_house(home) as house, bar("verifying") as progress:
        found, notice = verifying.verify_house(house, progress), setback(house)
        if is_behind(house):
            found.wrong.append(str(notice))
    if as_json:
        print_json({**verifying.as_json(found), "notice": notice})
    else:
        say(verifying.in_words(found))
        if notice:
            say(notice)
    if found.wrong:
        raise Refused(verifying.told_wrong(found))
    if not as_json:
        say("all is whole")
