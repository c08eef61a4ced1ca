"""A breach told to ten thousand families: the list taken in, the letters released, mailed and printed."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

from bench.figures import part, seconds, seconds_and_cpu, told
from bench.grounds import Ground
from cli.demo.run import person
from cli.home import Home
from cli.serving.daemon import relay_of
from cli.wiring import House, open_house
from engine.model.case import FactValue
from tests.processes import soppa

FAMILIES = part(10_000)
ON_PAPER = part(1_000)
RELAYED = part(1_000)
BATCH = 50

Values = dict[str, FactValue]


def measure(ground: Ground) -> None:
    with ground.district("audience") as home:
        with open_house(home) as house:
            command(home, "references", "confirm", "agencies", "--on", str(day(house)))
            case = begun(house)
            families = many_families(home.root.parent / "families.csv")
            told(ground.kind, f"soppa audience import, {FAMILIES:,} families",
                 command(home, "audience", "import", case, str(families), "--apply"), "s")
            approved(house, case)
            told(ground.kind, f"releasing {FAMILIES:,} letters",
                 seconds(lambda: answer(house, case, "release_second", "release", "sam")), "s")
            mails, cpu = relayed(house)
            many = f"mails to many, the first {RELAYED:,} of {FAMILIES - ON_PAPER:,}"
            told(ground.kind, many, mails, "per s", cpu=cpu)
        told(ground.kind, f"soppa letters print, {ON_PAPER:,} letters",
             command(home, "letters", "print", case, "--out", str(home.root.parent / "letters")), "s")


def command(home: Home, *words: str) -> float:
    """Seconds of one whole command, given by the privacy officer."""
    done = []
    took = seconds(lambda: done.append(soppa(home.root, *words, "--as", "priya")))
    assert done[0].returncode == 0, done[0].stderr
    return took


def many_families(file: Path) -> Path:
    """A family a row; the last ones have a postal address and no mail."""
    with file.open("w", newline="", encoding="utf-8") as out:
        sheet = csv.writer(out)
        sheet.writerow(["guardian", "student", "school", "address", "email", "language"])
        for number in range(FAMILIES):
            email = f"family{number}@families.example" if number < FAMILIES - ON_PAPER else ""
            sheet.writerow([f"Family {number}", f"S{number}", "Creekside", f"{number} Oak St\nPrairie Creek, IL 60000",
                            email, "es" if number % 3 == 0 else "en"])
    return file


def begun(house: House) -> str:
    """A breach that is being looked into."""
    found: Values = {"reporter": "ivan", "source": "itsec", "first_known_on": day(house), "report": "A list was open"}
    case = house.service.start("breach_response", found, {}, person(house, "priya"), house.clock()).id
    answer(house, case, "accept", "take", "priya", operator_involved=False)
    return case


def approved(house: House, case: str) -> None:
    """The letter is written, read and approved, and waits for the second person."""
    answer(house, case, "assess", "breach", "priya", acquired="yes", covered=True, pipa_data="none",
           encrypted="no", staff_affected=False, district_determined_on=day(house))
    answer(house, case, "determine", "determine", "sam")
    answer(house, case, "draft", "ready", "priya", happened_on=day(house), how_sure="exact", what_en="A list was open.",
           what_es="Una lista estuvo abierta.", data_en="Names.", data_es="Nombres.", remedy_en="We closed it.",
           remedy_es="La cerramos.", spanish_read=True, spanish_reviewed_by="Rosa Diaz", read_aloud=True,
           names_no_count=True)
    answer(house, case, "approve", "approve", "sam")
    answer(house, case, "release", "release", "priya", channel="as_wished")


def day(house: House) -> dt.date:
    return house.clock().astimezone(house.settings.zone).date()


def answer(house: House, case_id: str, task: str, outcome: str, by: str, **values: FactValue) -> None:
    with house.store.read() as unit:
        opened = unit.case(case_id).open_task(task)
    assert opened is not None, f"nobody is asked to {task}"
    house.service.complete_task(opened.id, outcome, values, person(house, by), house.clock())


def relayed(house: House) -> tuple[float, float]:
    """Mails a second until so many are with the relay, and the processor's seconds for one."""
    with relay_of(house) as relay:
        assert relay is not None
        done: list[int] = []
        took, cpu = seconds_and_cpu(lambda: done.extend(relay.run(BATCH).accepted for _ in range(RELAYED // BATCH)))
    assert sum(done) == RELAYED, f"only {sum(done)} mails were accepted"
    return RELAYED / took, cpu / RELAYED
