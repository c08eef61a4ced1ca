"""`soppa start`: opens a case."""

from __future__ import annotations

import click

from cli import completion
from cli.commands.show import as_mapping
from cli.dates import dates_in_words
from cli.home import Home
from cli.options import as_option, example, facts_option, home_option, json_option, read_given
from cli.printing import print_json, say
from cli.sure import check_sure, sure_option
from cli.wiring import open_house


@click.command(epilog=example("soppa start correction_request -f received_on=2026-11-20 \\",
                              "-f item='Date of birth' -f 'parent=Ana Ruiz <ana@example.org>; language=es'"))
@click.argument("process", shell_complete=completion.processes)
@facts_option
@click.option("--after", metavar="CASE", default=None,
              help="An ended case of the same process, whose answers are suggested.")
@click.option("--on-behalf-of", metavar="NAME", default=None, help="For whom you act; it is recorded beside your name.")
@sure_option
@as_option
@home_option
@json_option
def command(process: str, given: tuple[str, ...], after: str | None, on_behalf_of: str | None, sure: bool,
            as_login: str | None, home: Home, as_json: bool) -> None:
    """Start a case of PROCESS."""
    from cli.documents import handing_in
    from cli.values import facts_and_parties

    with open_house(home) as house:
        definition = house.definitions.newest(process)
        typed, actor = read_given(given), house.actor(as_login, on_behalf_of)
        house.check_open(actor, after)
        with handing_in(house.documents, definition, typed) as words:
            facts, parties = facts_and_parties(definition, words, house.active())
            check_sure(house, definition, facts, {}, sure=sure)
            case = house.service.start(process, facts, parties, actor, house.clock(), after)
    if as_json:
        print_json(as_mapping(case))
        return
    say(f"started case {case.id}")
    for clock in case.clocks.values():
        say(f"  {clock.name}: {dates_in_words(clock, definition.clocks)}")
    say(f"next: soppa show {case.id}")
