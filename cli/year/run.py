"""The year, day by day: the daemon beats in the morning and after noon, then people answer what is asked of them."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial

import workflows
from cli.commands.init import build_home
from cli.demo.run import FakeClock
from cli.demo.sink import MailSink
from cli.home import Home, write_private
from cli.identity import actor_of
from cli.inventory import apply, look
from cli.serving.daemon import beat_until_quiet, heart_of
from cli.wiring import House, open_house
from cli.year.answers import OFFERED, chosen, delay, is_silent, values
from cli.year.town import FAMILIES, OPERATORS, STUDENTS, Beginning, beginnings, people, settings
from engine.deciding.audience import facts_of_import
from engine.deciding.forms import read_values
from engine.errors import SoppaError, UsageError
from engine.law.calendar import ONE_DAY
from engine.model.case import Actor, Case, Contact, FactValue, Task
from engine.model.definition import Definition
from engine.proof.samples import fillings
from storage.looking.counts import Counts
from storage.mailing.recipients import Member
from storage.mailing.window import is_weekday
from web.documents import Kind

DAYS = 365
_PAPER: tuple[bytes, Kind] = (b"A paper of the sample year.\n", "txt")
IN_A_BREACH = 2
"""Days within which whoever is asked in a matter for those who need to know answers."""
_MORNING, _NOON, _AFTERNOON = dt.time(7, 45), dt.time(13, 0), dt.time(15, 0)
Progress = Callable[[int], None]


@dataclass(slots=True)
class Year:
    """A district in the middle of its year. `planned` says on which day each task is answered; None leaves it. Tasks
    of the processes `left` are left as well."""

    house: House
    work: Callable[[], object]
    """Has the daemon do all that is to be done now."""

    after_answer: Callable[[], object]
    """Whoever answers next sees what the answer before has brought about; several workers take their time with that."""

    clock: FakeClock
    chance: random.Random
    left: frozenset[str] = frozenset()
    planned: dict[str, dt.date | None] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    @property
    def today(self) -> dt.date:
        return self.clock.now.astimezone(self.house.settings.zone).date()

    def at(self, day: dt.date, hour: dt.time) -> None:
        self.clock.now = dt.datetime.combine(day, hour, self.house.settings.zone).astimezone(dt.UTC)
        self.work()


@contextmanager
def by_one_daemon(house: House) -> Iterator[tuple[Callable[[], object], Callable[[], object]]]:
    with heart_of(house, tells_gaps=False) as heart:
        work = partial(beat_until_quiet, heart)
        yield work, work


WorkOf = Callable[[House], AbstractContextManager[tuple[Callable[[], object], Callable[[], object]]]]
"""Who works in a house: `work` and `after_answer` of its year."""


@contextmanager
def new_year(
    home: Home, sink: MailSink, first: dt.date, more: str = "", work_of: WorkOf = by_one_daemon
) -> Iterator[Year]:
    """The district on the day before its year, with the sample's operators in its register; `more` are lines for its
    settings."""
    clock = FakeClock(dt.datetime.combine(first, dt.time(6, 0), dt.UTC))
    build_home(home, settings("http://127.0.0.1:9", "127.0.0.1:9", sink.smtp_port, first) + more)
    with open_house(home, clock, create=True) as house:
        for person in people():
            house.store.save_person(person)
        clock.now = dt.datetime.combine(first, dt.time(6, 0), house.settings.zone).astimezone(dt.UTC)
        accepted = [row.key for row in look(house, OPERATORS, (), first).rows]
        apply(house, look(house, OPERATORS, accepted, first), _person(house, "priya"))
        with work_of(house) as (work, after_answer):
            yield Year(house, work, after_answer, clock, random.Random(1))  # noqa: S311 - a story, told the same way


def live(year: Year, first: dt.date, days: int = DAYS, progress: Progress = lambda day: None) -> None:
    """Lives through the days from `first` on."""
    wanted: dict[int, list[Beginning]] = {}
    for one in beginnings(year.chance):
        wanted.setdefault(one.day, []).append(one)
    for number in range(days):
        day = first + dt.timedelta(days=number)
        year.at(day, _MORNING)
        year.at(day, _NOON)
        year.at(day, _AFTERNOON)
        for one in wanted.get(number, ()):
            _begin(year, one)
        answer_all(year)
        progress(number + 1)


def _begin(year: Year, one: Beginning) -> None:
    house, today, now = year.house, year.today, year.clock.now
    parent = Contact(
        f"Parent {one.number}", f"parent{one.number}@families.example", "es" if one.number % 3 == 0 else "en"
    )
    facts: dict[str, FactValue]
    parties: dict[str, Contact] = {}
    match one.process:
        case "vendor_sponsorship":
            by = f"sponsor{1 + one.number % 60:02d}"
            facts = {"sponsor": by}
        case "breach_response":
            by = "priya"
            facts = {"reporter": "ivan", "source": "operator", "first_known_on": today, "report": "A list was open",
                     "agreement": "A-0001"}  # fmt: skip
        case _:
            by, parties = "carla", {"parent": parent}
            what = "item" if one.process == "correction_request" else "wanted"
            facts = {"received_on": today, what: "Birth date"}
    case = house.service.start(one.process, facts, parties, _person(house, by), now)
    if one.process == "breach_response":
        import_families(year.house, case, FAMILIES)
    year.work()


def import_families(house: House, case: Case, number: int) -> None:
    """Five in six families have an address; the agencies' addresses were looked up on that day."""
    members = [
        Member(
            f"Family {n}",
            None if n % 6 == 0 else f"family{n}@families.example",
            f"{n} Main St\nMockton, IL 60000",
            "es" if n % 4 == 0 else "en",
            students=(f"S-{n}",),
        )
        for n in range(number)
    ]
    now = house.clock()
    today = now.astimezone(house.settings.zone).date()
    house.home.references.mkdir(mode=0o700, exist_ok=True)
    shipped = (workflows.SHIPPED / "references" / "agencies.yaml").read_text("utf-8").splitlines()
    dated = [f"as_of: {today}" if line.startswith("as_of:") else line for line in shipped]
    write_private(house.home.references / "agencies.yaml", ("\n".join(dated) + "\n").encode())
    with house.store.begin() as unit:
        unit.audiences(now).enter(case.id, "families", members)
    definition = house.definitions.pinned(case.process, case.version, case.hash)
    counted = facts_of_import(definition, definition.audiences["families"], [member.language for member in members])
    house.service.record(case.id, counted, _person(house, "priya"), now, "imported")


def answer_all(year: Year) -> None:
    """Answers what is asked, each on the day on which its reader gets to it."""
    offered = [name for _, name in OFFERED]
    for task_id, case_id in Counts(year.house.store.base).open_tasks(offered):
        if task_id not in year.planned:
            year.planned[task_id] = _when(year, case_id, task_id)
        due = year.planned[task_id]
        if due is not None and due <= year.today:
            year.planned[task_id] = None
            _answer(year, case_id, task_id)
    year.work()


def _when(year: Year, case_id: str, task_id: str) -> dt.date | None:
    """The day on which whoever is asked answers, a working day for the office; None for a silent vendor."""
    case, task = _load(year, case_id, task_id)
    definition = year.house.definitions.pinned(case.process, case.version, case.hash)
    wanted = definition.task(task) if task else None
    if task is None or wanted is None or case.process in year.left:
        return None
    contact = case.parties.get(task.party or "")
    if task.party == "operator" and (contact is None or is_silent(contact.email)):
        return None
    days = delay(case.process, wanted, task.party, year.chance)
    day = year.today + dt.timedelta(days=min(days, IN_A_BREACH) if definition.need_to_know else days)
    while task.party is None and not is_weekday(day):
        day += ONE_DAY
    return day


def _answer(year: Year, case_id: str, task_id: str) -> None:
    """Answers as somebody would; what is refused is kept with its sentence, and left."""
    case, task = _load(year, case_id, task_id)
    definition = year.house.definitions.pinned(case.process, case.version, case.hash)
    wanted = definition.task(task) if task is not None else None
    if task is None or wanted is None or not task.is_open:
        return
    state = definition.states.get(task.state)
    offered = OFFERED.get((case.process, task.name))
    outcome = offered or (
        chosen(definition, state, wanted, case, year.chance) if state else next(iter(wanted.outcomes))
    )
    if outcome is None:
        return
    typed = {
        **fillings(definition, task.name, outcome, str(year.today)),
        **values(definition, wanted, outcome, case, year.today, year.chance),
    }
    typed = {name: word for name, word in typed.items() if name in {one.fact for one in wanted.form}}
    typed |= {"posted_on": str(year.today)} if wanted.posts else {}
    named = _with_people(year.house, definition, typed)
    kinds = {name: fact.type.kind for name, fact in definition.facts.items()}
    papers = {name: _PAPER for name in named if kinds.get(name) == "document"}
    try:
        with year.house.documents.keeping(papers) as kept:
            given, errors = read_values(definition, [*definition.facts, "posted_on"], {**named, **kept})
            if errors:
                raise UsageError(str(errors))
            _letters(year, case, wanted.posts)
            year.house.service.complete_task(task.id, outcome, given, _actor(year, case, task), year.clock.now)
    except SoppaError as error:
        year.refused.append(f"{year.today} {case.process} {case.id} {task.name}.{outcome}: {error}")
    year.after_answer()


def _with_people(house: House, definition: Definition, typed: Mapping[str, str]) -> dict[str, str]:
    """Sample persons are roles: here the first sponsor has a name."""
    sponsor = next(person.id for person in house.store.people() if "sponsor" in person.roles)
    persons = {name for name, fact in definition.facts.items() if fact.type.kind == "person"}
    return {name: sponsor if name in persons and word == "privacy" else word for name, word in typed.items()}


def _letters(year: Year, case: Case, mail: str | None) -> None:
    """Prints what goes by post before it is posted."""
    if mail is None or not case.regions:
        return
    with year.house.store.begin() as unit:
        audiences = unit.audiences(year.clock.now)
        letters = audiences.letters(case.id)
        if letters:
            audiences.printed(case.id, audiences.next_run(case.id), letters, "carla", {})


def _actor(year: Year, case: Case, task: Task) -> Actor:
    if task.party is not None:
        return Actor("party", task.party, case.parties[task.party].name if task.party in case.parties else task.party)
    return _person(year.house, task.assignees[0] if task.assignees else "priya")


def _load(year: Year, case_id: str, task_id: str) -> tuple[Case, Task | None]:
    with year.house.store.read() as unit:
        case = unit.case(case_id)
    return case, case.task(task_id)


def _person(house: House, person_id: str) -> Actor:
    return actor_of(next(person for person in house.store.people() if person.id == person_id))


__all__ = ["DAYS", "STUDENTS", "Year", "live", "new_year"]
