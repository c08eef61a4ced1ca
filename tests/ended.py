"""Cases of the sample district that ended years ago, with something personal in every corner: to be purged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cli.demo.run import FakeClock, person
from cli.demo.sink import MailSink
from cli.documents import handing_in
from cli.home import Home
from cli.serving.daemon import beat_until_quiet, heart_of
from cli.values import facts_and_parties
from cli.wiring import House, open_house
from engine.model.case import SYSTEM, Actor, Case
from engine.model.messages import AddNote, Decision, Event, FixAudience, SendToAll
from storage.mailing.recipients import Member
from tests.files import pdf
from tests.processes import sample_home

THEN = dt.datetime(2026, 9, 14, 15, 0, tzinfo=dt.UTC)
LATER = dt.datetime(2034, 3, 1, 15, 0, tzinfo=dt.UTC)
"""More than seven years after everything ended."""

PARENT = "Zoe Quillfeather"
"""A name that stands in nothing else."""

STAYS = "Ada Stayhere"
"""The parent of the case that never ended."""


@dataclass
class Past:
    """`cases` are corrections that ended, `breach` is one with an audience, `running` one that never ended."""

    house: House
    clock: FakeClock
    cases: list[str]
    breach: str
    running: str

    def case(self, case_id: str) -> Case:
        with self.house.store.read() as unit:
            return unit.case(case_id)


@contextmanager
def past_house(
    folder: Path, sink: MailSink, database: str | None = None, *, cases: int = 3, families: int = 30
) -> Iterator[Past]:
    """The district years later, opened."""
    home, clock = Home(sample_home(folder, sink, 8080, database)), FakeClock(THEN)
    with open_house(home, clock) as house:
        names = [PARENT] * cases + [STAYS]
        found = [_correction(house, folder / "proof.pdf", name) for name in names]
        breach = house.service.start("breach_response", {"reporter": "ivan", "source": "operator",
                                     "first_known_on": THEN.date(), "report": PARENT}, {}, person(house, "priya"), THEN)
        with heart_of(house, tells_gaps=False) as heart:
            beat_until_quiet(heart)
        with house.store.begin() as unit:
            unit.audiences(THEN).enter(breach.id, "families", [_family(n) for n in range(families)])
        keep(house, breach.id, Decision(_next(house, breach.id), (FixAudience("families"), SendToAll(
            "parents", "families", "1", "as_wished")), ()))
        for case_id in [*found[:-1], breach.id]:
            end(house, case_id)
        with house.store.begin() as unit:
            unit.staff(THEN).lock_out("tess")
            unit.save_person(replace(next(one for one in unit.people() if one.id == "tess"), active=False, login=None))
        clock.now = LATER
        yield Past(house, clock, found[:-1], breach.id, found[-1])


def end(house: House, case_id: str) -> None:
    """Ends a case as its last task would: nothing runs any more."""
    case = _next(house, case_id)
    over = {name: replace(clock, status="void", ended_on=THEN.date(), reason="withdrawn")
            for name, clock in case.clocks.items()}
    voided = [Event("clock_voided", {"clock": name, "generation": str(clock.generation), "on": str(THEN.date())})
              for name, clock in over.items()]
    ended = replace(case, ended_at=THEN, outcome="withdrawn", clocks=over, tasks=())
    keep(house, case_id, Decision(ended, (), (*voided, Event("case_ended", {"outcome": "withdrawn"}))))


def keep(house: House, case_id: str, decision: Decision) -> None:
    with house.store.begin() as unit:
        unit.keep(unit.case(case_id), decision, SYSTEM, THEN)


def _next(house: House, case_id: str) -> Case:
    with house.store.read() as unit:
        case = unit.case(case_id)
    return replace(case, revision=case.revision + 1)


def _correction(house: House, file: Path, parent: str) -> str:
    """With a document, a fact that was superseded, a note, a parent who was too late, and evidence left in the home."""
    file.write_bytes(pdf())
    definition, carla = house.definitions.newest("correction_request"), person(house, "carla")
    words = {"received_on": str(THEN.date()), "item": parent, "evidence": f"@{file}",
             "parent": f"{parent} <zoe@quillfeather.example>; language=es"}
    with handing_in(house.documents, definition, words) as given:
        facts, parties = facts_and_parties(definition, given, house.active())
        case = house.service.start("correction_request", facts, parties, carla, THEN)
    house.service.record(case.id, {"item": f"{parent}, again"}, carla, THEN, "misread")
    house.service.tend(case.id, AddNote(f"{parent} called", carla), THEN)
    with house.store.begin() as unit:
        told = Event("answer_too_late", {"task": f"{case.id}-1", "by": parent, "decided_by": "Carla Mendez"})
        unit.note(case.id, told, Actor("party", "parent", parent), THEN)
    (house.home.root / f"evidence-{case.id}.zip").write_bytes(parent.encode())
    return case.id


def _family(number: int) -> Member:
    address = f"family{number}@quillfeather.example" if number % 2 else None
    home = f"{number} Main St\nMockton, IL 60000"
    return Member(f"{PARENT} {number}", address, home, "en", students=(f"S-{number}",))


