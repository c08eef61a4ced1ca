"""Taking an inventory into the register, and a schedule's cases that are due for what it holds."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

from bench.figures import part, seconds, tell_process, told
from bench.grounds import Ground, begin, raw
from cli.home import Home
from cli.identity import actor_of
from cli.inventory import apply, look
from cli.wiring import open_house

SAMPLE = Path(__file__).parents[1] / "cli" / "year" / "operators-sample.csv"
AS_OF = dt.date(2026, 11, 1)
BULK = "subcontractor_list"
LARGE = part(5_000)


def measure(ground: Ground) -> None:
    large = many_rows(ground.place / "large.csv", LARGE)
    for file, what in ((SAMPLE, "sample of 200 rows"), (large, f"{LARGE:,} rows")):
        with ground.district(f"register-{file.stem}") as home:
            told(ground.kind, f"register import, {what}", take_in(home, file), "s")
            told(ground.kind, "  the same file again", take_in(home, file), "s")
            tell_process(ground.kind, "soppa register list", home, "register", "list")


def many_rows(file: Path, size: int) -> Path:
    """An inventory of so many rows: the sound rows of the sample with an agreement, under other names."""
    with SAMPLE.open(newline="", encoding="utf-8") as sample:
        rows = [row for row in csv.DictReader(sample) if "/" not in row["agreement_signed_on"]]
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        for number in range(size):
            word = "".join(chr(97 + number // 26**place % 26) for place in range(4)) * 3
            names = {"operator_id": f"B-{number:04d}", "operator_name": word.title(), "product_name": f"{word} app",
                     "product_url": f"https://{word}.example/"}
            writer.writerow({**rows[number % len(rows)], **names})
    return file


def take_in(home: Home, file: Path) -> float:
    """Seconds to judge, plan and write an inventory."""
    with open_house(home) as house:
        priya = actor_of(next(each for each in house.store.people() if each.id == "priya"))
        return seconds(lambda: apply(house, look(house, file, (), AS_OF), priya))


def with_agreements(home: Home, wanted: int) -> dt.datetime:
    """Makes so many active agreements wait for one cycle each; gives the instant at which all of them are due."""
    take_in(home, many_rows(home.root.parent / "agreements.csv", 2 * wanted))
    with raw(home) as connection:
        begin(connection)
        connection.execute(f"DELETE FROM cycles WHERE process <> '{BULK}'")  # noqa: S608 - our own word
        connection.execute(
            f"DELETE FROM cycles WHERE id NOT IN (SELECT id FROM cycles ORDER BY id LIMIT {wanted})"  # noqa: S608
        )
        connection.execute("COMMIT")
        count, last = connection.execute("SELECT count(*), max(at) FROM cycles").fetchone()
    assert count == wanted, f"only {count} agreements have a cycle"
    at = dt.datetime.fromisoformat(last) if isinstance(last, str) else last
    return at.replace(tzinfo=at.tzinfo or dt.UTC)
