"""`soppa setup`: from a bare server to a home, in one sitting or from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.home import Home
from cli.options import example, home_option, json_option
from cli.printing import print_json, say
from engine.errors import Refused

if TYPE_CHECKING:
    from cli.setup.answers import Answers
    from cli.setup.making import Made
    from cli.setup.sitting import Sitting


@click.command(epilog=example("soppa setup --home /var/lib/soppa", "   or: soppa setup --from answers.yaml"))
@click.option("--from", "file", type=click.Path(path_type=Path, dir_okay=False), default=None,
              help="A file of answers: the keys of district.yaml, people, agencies_looked_up_on.")
@home_option
@json_option
def command(file: Path | None, home: Home, as_json: bool) -> None:
    """Ask what an office must say of itself, then write settings and people. Makes the home if there is none.

    Ctrl-C stops: nothing is set up, and the answers so far are kept for the next try.
    """
    from cli.setup.answers import read_answers
    from cli.setup.making import make

    if file is not None:
        made = make(home, read_answers(file, home.root))
    else:
        sitting = _held(home)
        made = make(home, sitting.answers, sitting.password)
    if as_json:
        print_json({"home": str(home.root), "settings": str(home.settings), "ring": str(home.ring),
                    "new": made.is_new, "people": made.people})
    else:
        _tell(home, made)


def _held(home: Home) -> Sitting:
    """The sitting, to its end. Raises `Refused` when the person stops it."""
    from cli.setup import crew, sitting
    from cli.setup.making import kept_answers

    held, known = _begun(home), _people_known(home)
    first, last = ([], []) if known else ([crew.the_people], [sitting.the_references])
    steps = [sitting.the_district, sitting.the_pages, *first, sitting.the_contact, sitting.the_relay,
             sitting.the_numbers, sitting.the_board, sitting.the_hold, sitting.the_logo, *last]
    try:
        sitting.tell("Enter takes what stands in brackets, - leaves it out. Ctrl-C stops and keeps the answers.")
        for step in steps:
            step(held)
        _shown(held.answers)
        if not click.confirm("Write this?", default=True, err=True):
            raise click.Abort
    except click.Abort:
        place = kept_answers(home)
        kept = f"the answers are kept in {place}: soppa setup goes on with them"
        raise Refused(f"stopped, nothing is set up; {kept if place.is_file() else 'nothing is kept'}") from None
    return held


def _begun(home: Home) -> Sitting:
    """What a stopped try has kept, else what the home says, else nothing."""
    import datetime as dt

    from cli.office import references_of
    from cli.setup.answers import Answers, read_kept
    from cli.setup.document import plain
    from cli.setup.making import keep_answers, kept_answers
    from cli.setup.roles import needed, thresholds
    from cli.setup.sitting import Sitting
    from workflows import Catalogue
    from workflows.reader import read_file

    answers = read_kept(kept_answers(home))
    if not answers.settings and home.settings.is_file():
        present = plain(read_file(home.settings))
        answers = Answers(dict(present) if isinstance(present, dict) else {})
    catalogue = Catalogue(home.workflows if home.workflows.is_dir() else None)
    definitions = [catalogue.newest(process) for process in catalogue.processes()]
    return Sitting(answers, home.root, lambda now: keep_answers(home, now), dt.datetime.now(dt.UTC).astimezone().date(),
                   needed(definitions), thresholds(definitions), references_of(home))


def _people_known(home: Home) -> bool:
    from cli.settings import read_settings
    from cli.setup.making import is_unmade
    from cli.wiring import open_house

    if not home.settings.is_file() or is_unmade(home, read_settings(home.settings)):
        return False
    with open_house(home) as house:
        return bool(house.store.people())


def _shown(answers: Answers) -> None:
    from cli.setup.document import lines
    from cli.setup.sitting import head, tell

    head("This will be written")
    for line in lines(answers.settings):
        tell(f"  {line}")
    for cells in answers.people:
        tell(f"  {cells['id']}: {cells['name']} <{cells['email']}>, {cells['roles'].replace(' ', ', ')}")


def _tell(home: Home, made: Made) -> None:
    people = f", {made.people} people" if made.people else ""
    say(f"{'made' if made.is_new else 'changed'} {home.root}: settings{people}")
    if made.known:
        say("People were here already. They and the reference data stay as they are: soppa people import, and")
        say("soppa references confirm, change them.")
    if made.is_new:
        say(f"The key ring {home.ring} opens the personal data in the database. Back it up now, apart from the data:")
        say("without it the data is lost, and with both a thief needs nothing else. This is said only once.")
    say("next: soppa doctor says what is still missing before you go live")
