"""What the privacy officer's brief says besides its lines: the legal dates that are near, and whom the office waits
for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.model.case import Clock, Task
from engine.model.definition import Who, say
from engine.model.kinds import DateKind, kind_of_date
from engine.model.office import Office
from engine.ports import Unit
from notifiers.blocks import Cell, Table
from notifiers.words import Matter, date_words, phrase

NEAR = dt.timedelta(days=7)
MOST = 25
"""Lines of whom the office waits for; the queue has the others."""

_COUNTED = 1000

Links = tuple[Callable[[Matter], str | None], Callable[[Matter, Task], str]]
"""The reader's own open task in a case, if there is one; and where they ask once more whoever a task waits for."""

_SAID: Mapping[str, Mapping[str, str]] = {
    "week": {"en": "Passed, or within seven days:", "es": "Vencidos, o en los próximos siete días:"},
    "agreement": {"en": "Passed, or within seven days:", "es": "Vencidas, o en los próximos siete días:"},
    "waiting": {"en": "The earliest first:", "es": "Primero lo que vence antes:"},
    "case": {"en": "Case", "es": "Caso"},
    "what": {"en": "What", "es": "Qué"},
    "date": {"en": "Legal deadline", "es": "Plazo legal"},
    "passed": {"en": "passed on ", "es": "venció el "},
    "who": {"en": "Who", "es": "Quién"},
    "due": {"en": "By when", "es": "Fecha"},
    "again": {"en": "Ask again", "es": "Pedirlo otra vez"},
    "nudge": {"en": "Nudge", "es": "Recordar"},
    "on_paper": {"en": "reads no mail", "es": "no lee correo electrónico"},
    "nobody": {"en": "nobody", "es": "nadie"},
    "more": {"en": "and {more} more: soppa queue", "es": "y {more} más: soppa queue"},
}


@dataclass(frozen=True, slots=True)
class Outlook:
    """`legal` are (case, clock), and `by_agreement` those whose date an agreement sets; `waiting` (case, task); `more`
    is how many tasks besides these wait for others."""

    legal: tuple[tuple[str, str], ...] = ()
    by_agreement: tuple[tuple[str, str], ...] = ()
    waiting: tuple[tuple[str, str], ...] = ()
    more: int = 0

    @property
    def cases(self) -> set[str]:
        return {case_id for case_id, _ in (*self.legal, *self.by_agreement, *self.waiting)}

    @property
    def is_quiet(self) -> bool:
        return not self.legal and not self.by_agreement and not self.waiting


NO_OUTLOOK = Outlook()


def read_outlook(unit: Unit, officer: str, today: dt.date) -> Outlook:
    """As the officer of this id sees it; what waits for the officer stands in lines of the brief."""
    asked, chased = unit.waiting(officer, _COUNTED), unit.chased(MOST)
    near = unit.running_until(today + NEAR)
    return Outlook(tuple(near), (), (*chased, *asked[:MOST]), max(0, len(asked) - MOST))


def of_duties(outlook: Outlook, matters: Mapping[str, Matter]) -> Outlook:
    """Without the clocks that are another party's right, or a date of the district's own, and without the tasks that
    are a party's right and no duty of it; what an agreement sets apart from what the law does."""
    kinds = {(case_id, clock): _kind(matters[case_id], clock) for case_id, clock in outlook.legal}
    legal = tuple(one for one in outlook.legal if kinds[one] not in ("window", "target", "contract"))
    by_agreement = tuple(one for one in outlook.legal if kinds[one] == "contract")
    waiting = tuple((case_id, task_id) for case_id, task_id in outlook.waiting if _is_waited(matters[case_id], task_id))
    return Outlook(legal, by_agreement, waiting, outlook.more)


def tables(outlook: Outlook, matters: Mapping[str, Matter], office: Office, today: dt.date, language: str, links: Links
           ) -> dict[str, Table]:
    """`week_lines`, `agreement_week` and `waiting_lines`, each only where it has a line."""
    own, again = links
    found = {}
    for name, title, date, near in (("week_lines", "week", "date", outlook.legal),
                                    ("agreement_week", "agreement", "due", outlook.by_agreement)):
        rows = tuple(_week_row(matters[case_id], clock, today, language, own) for case_id, clock in near)
        if rows:
            found[name] = Table(_said(title, language), _words(("case", "what", date), language), rows)
    if outlook.waiting:
        headers = _words(("who", "case", "what", "due", "again"), language)
        asked = [(matters[case_id], task) for case_id, task_id in outlook.waiting
                 if (task := matters[case_id].case.task(task_id)) is not None]
        rows = tuple(row for matter, task in sorted(asked, key=lambda pair: _due(*pair)[0] or dt.date.max)
                     for row in _waiting_row(matter, task, office, today, language, again))
        found["waiting_lines"] = Table(_said("waiting", language), headers, rows)
    return found


def words(outlook: Outlook, quiet: bool, language: str) -> dict[str, str]:
    """`quiet`, where the whole brief has nothing to say; `more_waiting`, where not all of what waits stands in it."""
    more = {"more_waiting": _said("more", language).format(more=outlook.more)} if outlook.more else {}
    return more | ({"quiet": "yes"} if quiet else {})


def _kind(matter: Matter, clock: str) -> DateKind:
    return kind_of_date(matter.definition.clocks[clock], matter.case.clocks[clock])


def _is_waited(matter: Matter, task_id: str) -> bool:
    task = matter.case.task(task_id)
    return task is not None and (not task.offered or _chasing(matter, task) is not None)


def _chasing(matter: Matter, task: Task) -> Clock | None:
    """The running clock that is the duty of a task's party."""
    clocks = matter.definition.clocks
    return next((clock for clock in matter.case.clocks.values() if clock.status == "running"
                 and clocks[clock.name].chases == Who("party", task.party or "")), None)  # fmt: skip


def _week_row(matter: Matter, name: str, today: dt.date, language: str, own: Callable[[Matter], str | None]
              ) -> tuple[Cell, ...]:
    legal = matter.case.clocks[name].legal
    wanted = matter.definition.clocks[name]
    passed = _said("passed", language) if legal is not None and legal < today else ""
    date = passed + date_words(legal, language) if legal is not None else ""
    return (Cell(matter.case.id), Cell(say(wanted.title, language), own(matter)),
            Cell(f"{date} ({wanted.rule.citation})"))


def _waiting_row(matter: Matter, task: Task, office: Office, today: dt.date, language: str,
                 again: Callable[[Matter, Task], str]) -> Iterator[tuple[Cell, ...]]:  # fmt: skip
    wanted = matter.definition.task(task)
    if wanted is None:
        return
    contact = matter.case.parties.get(task.party or "")
    reads = task.assignees if task.party is None else contact is not None and contact.reads_mail
    ask = Cell(_said("nudge", language), again(matter, task)) if reads else Cell(_said("on_paper", language))
    yield (Cell(_who(matter, task, office, language)), Cell(matter.case.id), Cell(say(wanted.title, language)),
           Cell(_by_when(matter, task, today, language)), ask)


def _due(matter: Matter, task: Task) -> tuple[dt.date | None, str]:
    """The task's target; of a party's duty the date of its clock. With it which kind of date it is."""
    clock = _chasing(matter, task)
    if task.due is None and clock is not None and clock.legal is not None:
        return clock.legal, kind_of_date(matter.definition.clocks[clock.name], clock)
    return task.due, "target"


def _by_when(matter: Matter, task: Task, today: dt.date, language: str) -> str:
    date, kind = _due(matter, task)
    if date is None:
        return "–"
    passed = _said("passed", language) if date < today else ""
    return f"{passed}{date_words(date, language)} ({phrase(kind, language)})"


def _who(matter: Matter, task: Task, office: Office, language: str) -> str:
    if task.party is not None and task.party in matter.definition.parties:
        return say(matter.definition.parties[task.party].label, language)
    people = [person.name for person in map(office.person, task.assignees) if person]
    return ", ".join(people) or _said("nobody", language)


def _words(names: Sequence[str], language: str) -> tuple[str, ...]:
    return tuple(_said(name, language) for name in names)


def _said(name: str, language: str) -> str:
    return say(_SAID[name], language)
