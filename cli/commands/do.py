"""`soppa do`: answers a task, as its page would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cli import completion
from cli.commands.show import as_mapping
from cli.home import Home
from cli.options import as_option, example, facts_option, home_option, json_option, read_given
from cli.printing import print_json, say
from cli.sure import check_sure, sure_option
from cli.wiring import open_house
from engine.errors import Refused, UsageError
from engine.nodes import nearest
from engine.words import say as in_words

if TYPE_CHECKING:
    from engine.model.case import Case, Task
    from engine.model.definition import Definition


def _first(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    complete = completion.processes if ctx.params.get("where") else completion.cases
    return complete(ctx, param, incomplete)


@click.command(epilog=example("soppa do 2026-0001 verify complete \\", "-f identity_ok=yes -f data_owner=dana"))
@click.argument("case", shell_complete=_first)
@click.argument("task", shell_complete=completion.tasks)
@click.argument("outcome", shell_complete=completion.outcomes)
@facts_option
@click.option("--where", metavar="CONDITION", default=None,
              help="Of every case of the process named as CASE that meets it, such as 'unchanged'; shown first.")
@click.option("--yes", is_flag=True, help="With --where: answer them, each for itself.")
@click.option("--also", "further", multiple=True, metavar="TASK",
              help="Another of your tasks in the same state, answered alike; write it once for each.")
@click.option("--break-glass", is_flag=True,
              help="In an absent person's place, when a legal date is near; needs --reason, and others learn of it.")
@click.option("--reason", default="", help="Why; it stands in the history.")
@click.option("--on-behalf-of", metavar="NAME", default=None,
              help="For whom you answer; needs --reason and never gives their approval.")
@sure_option
@as_option
@home_option
@json_option
def command(case: str, task: str, outcome: str, given: tuple[str, ...], where: str | None, yes: bool,
            further: tuple[str, ...], break_glass: bool, reason: str, on_behalf_of: str | None, sure: bool,
            as_login: str | None, home: Home, as_json: bool) -> None:
    """Answer TASK of CASE with OUTCOME. TASK is its name or its number."""
    from cli.documents import handing_in
    from cli.takingback import mapping, may_undo, sentence
    from cli.values import fact_values

    if on_behalf_of and not reason.strip():
        raise UsageError("--on-behalf-of needs --reason: say how you know")
    if where is not None:
        _answer_many(case, task, outcome, read_given(given), where, yes, further or break_glass, reason, on_behalf_of,
                     sure, as_login, home, as_json)
        return
    if yes:
        raise UsageError("--yes belongs to --where: a single task is answered at once")
    with open_house(home) as house:
        actor = house.actor(as_login, on_behalf_of)
        found = house.case(case, actor)
        definition = house.definitions.pinned(found.process, found.version, found.hash)
        left_behind = house.store.views.left_behind(found.id)
        wanted, *others = (find_task(found, word, definition, left_behind) for word in (task, *further))
        with handing_in(house.documents, definition, read_given(given)) as words:
            values = fact_values(definition, words, house.active())
            check_sure(house, definition, values, found.facts, sure=sure)
            after = house.service.complete_task(
                wanted.id, outcome, values, actor, house.clock(), reason=reason, break_glass=break_glass,
                also=tuple((other.id, None) for other in others),
            )
        title = in_words(definition.states[after.state].title, "en")
        kept = may_undo(house, [after.id], actor.id).get(after.id)
    if as_json:
        print_json({**as_mapping(after), "undo": mapping(kept)})
    else:
        say(f"case {after.id}: {wanted.name} answered, {outcome}; now at: {title}")
        if kept is not None:
            say(sentence(after.id, kept, house.settings.zone))


def _answer_many(process: str, task: str, outcome: str, given: dict[str, str], where: str, yes: bool, barred: object,
                 reason: str, on_behalf_of: str | None, sure: bool, as_login: str | None, home: Home, as_json: bool
                 ) -> None:
    """Raises `UsageError` with what is decided for each case by itself."""
    from cli.bulk import Asked, answer_many

    if barred:
        raise UsageError("--also and --break-glass are for one case: leave them out, or --where")
    with open_house(home) as house:
        asked = Asked(process, task, outcome, where, given, house.actor(as_login, on_behalf_of), reason,
                      sure)
        answer_many(house, asked, yes=yes, as_json=as_json)


def find_task(case: Case, word: str, definition: Definition, left_behind: Sequence[Task] = ()) -> Task:
    """A task by number, or the open one (else the latest) by name.

    Raises `Refused` for one of the process that is not open, `UsageError` for one that it does not have.
    """
    found = case.task(word) or case.open_task(word)
    done = [task for task in (*left_behind, *case.tasks) if word in (task.name, task.id)]
    if found is None and not done:
        still_open = [task.name for task in case.tasks if task.is_open]
        names = {task.name for state in definition.states.values() for task in state.tasks}
        if word in names:
            now = f"open are {', '.join(still_open)}" if still_open else "none is open"
            raise Refused(f"task '{word}' is not open in case {case.id}: {now}")
        raise UsageError(f"case {case.id} has no open task '{word}'{nearest(word, still_open)}")
    return found or done[-1]
