"""Measures what a person or the daemon waits for, on SQLite: `python bench/run.py`. Medians; see README.md."""

from __future__ import annotations

import csv
import datetime as dt
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from itertools import count, islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from cli.daemon import heart_of
from cli.demo.run import person
from cli.demo.sink import MailSink
from cli.home import Home
from cli.identity import actor_of
from cli.inventory import apply, look
from cli.wiring import House, machine_clock, open_house
from engine.case import Case, Contact, FactValue
from storage.driver import SQLITE
from storage.tables import ASSIGNEES, CASES, CLOCKS, HISTORY, OUTBOX, TASKS, TIMERS
from tests.processes import sample_home

ROUNDS = 7
STARTS = 200
SAMPLE = Path(__file__).parents[1] / "cli" / "year" / "operators-sample.csv"
BEATS = 200
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")
Row = Mapping[str, Any]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, MailSink() as sink:
        place = Path(folder)
        homes = {size: Home(sample_home(place / str(size), sink, 8080)) for size in (100, 1_000, 100_000)}
        for size, home in homes.items():
            seed(home, size)
        told("soppa --help", whole_process(homes[100], "--help"), "s")
        told("soppa queue, 50 of 1,000 cases", whole_process(homes[1_000], "queue"), "s")
        told("soppa queue, 50 of 100,000 cases", whole_process(homes[100_000], "queue"), "s")
        told("idle beat, 100 cases asleep", idle_beat(homes[100]) * 1000, "ms")
        told("idle beat, 100,000 cases asleep", idle_beat(homes[100_000]) * 1000, "ms")
        ours, raw = zip(*[starts(homes[1_000], place) for _ in range(3)], strict=True)
        told("starts, one commit each", statistics.median(ours), "per s")
        told("the same rows by the raw driver", statistics.median(raw), "per s")
        sample, large = SAMPLE, many_rows(place / "large.csv")
        for file, what in ((sample, "sample of 200 rows"), (large, "5,000 rows")):
            home = Home(sample_home(place / what, sink, 8080))
            first, again = imports(home, file), imports(home, file)
            told(f"register import, {what}", first, "s")
            told("  the same file again", again, "s")
            told("soppa register list, whole process", whole_process(home, "register", "list"), "s")


def told(what: str, figure: float, unit: str) -> None:
    print(f"{what:35} {figure:10.3f} {unit}", flush=True)


def many_rows(file: Path) -> Path:
    """An inventory of 5,000 rows: the sound rows of the sample under other names."""
    with SAMPLE.open(newline="", encoding="utf-8") as sample:
        rows = [row for row in csv.DictReader(sample) if "/" not in row["agreement_signed_on"]]
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        for number in range(5_000):
            word = "".join(chr(97 + number // 26**place % 26) for place in range(4)) * 3
            names = {"operator_id": f"B-{number:04d}", "operator_name": word.title(), "product_name": f"{word} app",
                     "product_url": f"https://{word}.example/"}
            writer.writerow({**rows[number % len(rows)], **names})
    return file


def imports(home: Home, file: Path) -> float:
    """Seconds to judge, plan and write an inventory."""
    with open_house(home) as house:
        begun = time.perf_counter()
        looked = look(house, file, (), dt.date(2026, 11, 1))
        apply(house, looked, actor_of(next(each for each in house.store.people() if each.id == "priya")))
        return time.perf_counter() - begun


def whole_process(home: Home, *words: str) -> float:
    environment = {**os.environ, "SOPPA_HOME": str(home.root)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    call = [str(Path(sys.executable).with_name("soppa")), *words]

    def run() -> None:
        subprocess.run(call, env=environment, stdout=subprocess.DEVNULL, check=True)  # noqa: S603 - our own program

    return median(run, ROUNDS)


def idle_beat(home: Home) -> float:
    with open_house(home) as house, heart_of(house) as heart:
        heart.beat()
        return median(heart.beat, BEATS)


def median(work: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def start_one(house: House) -> Case:
    now = machine_clock()
    facts: dict[str, FactValue] = {"received_on": now.astimezone(house.settings.zone).date(), "item": "A date"}
    parent = Contact("Ana Ruiz", "ana@families.example", "es")
    return house.service.start("correction_request", facts, {"parent": parent}, person(house, "carla"), now)


def starts(home: Home, place: Path) -> tuple[float, float]:
    """Cases a second by the service, and what it wrote for one of them as often by the driver alone."""
    with open_house(home) as house:
        case = start_one(house)
        begun = time.perf_counter()
        for _ in range(STARTS):
            start_one(house)
        ours = STARTS / (time.perf_counter() - begun)
    return ours, raw_starts(home, place / "raw.db", case.id)


def raw_starts(home: Home, target: Path, case_id: str) -> float:
    """The rows of a case, written under new numbers into a copy of the tables with the same pragmas."""
    target.unlink(missing_ok=True)
    with closing(SQLITE.connect(str(home.database))) as source:
        source.execute("VACUUM INTO ?", (str(target),))
    with closing(SQLITE.connect(str(target), isolation_level=None)) as raw:
        for pragma in PRAGMAS:
            raw.execute(f"PRAGMA {pragma}")
        rows = [(table, list(raw.execute(f"SELECT * FROM {table.name} WHERE {key} LIKE ?", (f"{case_id}%",))))  # noqa: S608
                for table, key in written()]
        numbers = count()
        begun = time.perf_counter()
        for _ in range(STARTS):
            raw_start(raw, rows, case_id, f"raw-{next(numbers)}")
        return STARTS / (time.perf_counter() - begun)


def written() -> list[tuple[Table, str]]:
    by_case = [(table, "case_id") for table in (TASKS, CLOCKS, TIMERS, OUTBOX, HISTORY)]
    return [(CASES, "id"), *by_case, (ASSIGNEES, "task_id")]


def raw_start(raw: Any, rows: list[tuple[Table, list[tuple[Any, ...]]]], old: str, new: str) -> None:
    raw.execute("BEGIN IMMEDIATE")
    for table, lines in rows:
        numbered = table in (TIMERS, OUTBOX)
        for line in lines:
            values = [value.replace(old, new) if isinstance(value, str) else value for value in line]
            if numbered:
                values[0] = None
            places = ", ".join("?" * len(values))
            raw.execute(f"INSERT INTO {table.name} VALUES ({places})", values)  # noqa: S608
    raw.execute("COMMIT")


def seed(home: Home, size: int) -> None:
    """One case started as people do, and copies of its rows. Only the first can be opened; the queue reads all."""
    with open_house(home) as house:
        case = start_one(house)
        with heart_of(house) as heart:
            while heart.beat():
                pass
        with house.store.base.writing() as connection:
            for table, key in [(CASES, "id"), (TASKS, "case_id"), (CLOCKS, "case_id"), (TIMERS, "case_id"),
                               (ASSIGNEES, "task_id")]:
                rows = copies(connection, table, key, case.id, size)
                while some := list(islice(rows, 1000)):
                    connection.execute(insert(table), some)


def copies(connection: Connection, table: Table, key: str, case_id: str, size: int) -> Iterator[Row]:
    rows = connection.execute(select(table).where(table.c[key].startswith(case_id))).mappings().all()
    for number in range(1, size):
        for row in rows:
            yield {name: copied(value, case_id, number) for name, value in row.items() if table is not TIMERS
                   or name != "id"}


def copied(value: object, case_id: str, number: int) -> object:
    if isinstance(value, str):
        return value.replace(case_id, f"copy-{number:06d}")
    return value + dt.timedelta(days=number % 60) if type(value) is dt.date else value


if __name__ == "__main__":
    main()
