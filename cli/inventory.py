"""An inventory on its way into the register: judged, planned, and written in batches that a second run does not
repeat."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import workflows
from cli.home import Home
from cli.options import read_date
from cli.printing import count, print_json, say, table
from cli.wiring import House, open_house
from engine.errors import NotAllowed, Refused, UsageError
from engine.model.case import Actor
from engine.model.office import Person
from engine.nodes import nearest
from engine.words import written
from registry.findings import Judge, matched
from registry.inventory import DOUBT, FAULT, Finding, Row, column_of, read_inventory
from registry.plan import Planned, asks_again, planned, sound
from registry.values import NEW, Holding
from storage.register import latest

BATCH = 500
SHOWN = 20
"""Of more changes than these a person is shown the first ones only."""

A_WEEK = dt.timedelta(days=7)

POSTING = "R-POST-CONTRACT"
MAX_SIZE = 20_000_000
MAY = frozenset({"privacy", "superintendent"})


@dataclass(frozen=True, slots=True)
class Wish:
    """How far to go: `apply` writes, `accepted` are the doubtful rows that somebody has looked at, `yes` allows that
    more than a fifth of what is known changes."""

    apply: bool
    accepted: tuple[str, ...]
    yes: bool
    as_of: str | None
    as_login: str | None


@dataclass(frozen=True, slots=True)
class Looked:
    """An inventory held against the register: what is to be known of it, and what it would change. `known` counts the
    rows that the register has."""

    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    plans: tuple[Planned, ...]
    known: int
    asks_again: bool
    accepted: frozenset[str]

    @property
    def held(self) -> tuple[str, ...]:
        """The rows that are not imported, in their order."""
        keys = {one.key for one in self.findings if self.is_held(one)}
        return tuple(dict.fromkeys(row.key for row in self.rows if row.key in keys))

    def is_held(self, finding: Finding) -> bool:
        return finding.weight == FAULT or (finding.weight == DOUBT and finding.key not in self.accepted)


def import_inventory(home: Home, file: Path, wish: Wish, as_json: bool) -> None:
    """Raises `Refused` at the end where rows were left out, or nothing may be written; `FaultyInput`, `UsageError` or
    `NotAllowed` before anything is done."""
    with open_house(home) as house:
        actor = house.actor(wish.as_login)
        if not actor.roles & MAY:
            raise NotAllowed(f"{actor.name} may not change the register: it is for {' or '.join(sorted(MAY))}")
        local = house.clock().astimezone(house.settings.zone).date()
        looked = look(house, file, wish.accepted, read_date(wish.as_of, "--as-of") if wish.as_of else local)
        if wish.apply and looked.asks_again and not wish.yes:
            raise Refused(f"{len(looked.plans)} of {looked.known} known rows would change, more than a fifth: look at "
                          f"them without --apply, and add --yes if this is the right file")
        done = apply(house, looked, actor) if wish.apply else None
        starts = starting(house) if done else {}
    if as_json:
        print_json(_mapping(looked, done or 0))
    else:
        _print(looked, done)
        if starts:
            named = ", ".join(f"{number} of {process}" for process, number in starts.items())
            say(f"within a week {count(sum(starts.values()), 'case')} will start: {named}")
            say("next: soppa schedule list says when, and about what")
    if looked.held:
        would = "were" if wish.apply else "would be"
        more = f" and {len(looked.held) - SHOWN} more" if len(looked.held) > SHOWN else ""
        raise Refused(f"{len(looked.held)} of {len(looked.rows)} rows {would} left out: "
                      f"{', '.join(looked.held[:SHOWN])}{more}")


def look(house: House, file: Path, accepted: Collection[str], today: dt.date) -> Looked:
    """Raises `FaultyInput` or `UsageError` for a file that is no inventory, or an accepted row that is not in it."""
    rows, unread = read_inventory(read_file(file), str(file))
    for key in accepted:
        if all(row.key != key for row in rows):
            raise UsageError(f"--accept: there is no row '{key}'{nearest(key, [row.key for row in rows])}")
    with house.store.read() as unit:
        office = house.office(unit)
    known = latest(house.store.register.holdings())
    judge = Judge(today, workflows.lawbook().rules[POSTING], office.calendars)
    findings = (*unread, *judge.findings(rows, known))
    plans, there = _plans(sound(rows, findings, accepted), known, office.people.values())
    in_file_order = tuple(sorted(findings, key=lambda one: one.line))
    return Looked(rows, in_file_order, tuple(plans), len(there), asks_again(plans, there), frozenset(accepted))


def apply(house: House, looked: Looked, actor: Actor) -> int:
    """Writes what is sound, in batches of a transaction each; says how many rows. What another has changed meanwhile is
    planned again; a run that was cut off is finished by running it again."""
    rows = sound(looked.rows, looked.findings, looked.accepted)
    return sum(_apply(house, rows[start : start + BATCH], actor) for start in range(0, len(rows), BATCH))


def starting(house: House) -> Counter[str]:
    """How many cases of each process start by themselves within a week."""
    soon = house.clock() + A_WEEK
    return Counter(one.process for one in house.store.views.cycles() if one.at is not None and one.at <= soon)


def read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}): check the name and its permissions") from error
    if len(content) > MAX_SIZE:
        raise UsageError(f"{path}: larger than {MAX_SIZE // 1_000_000} MB: split it")
    return content


def _apply(house: House, rows: Sequence[Row], actor: Actor) -> int:
    now = house.clock()
    with house.store.begin() as unit:
        writer = unit.register_writer(actor, now, "import")
        plans, _ = _plans(rows, unit.holdings_of_rows([row.key for row in rows]), unit.people())
        writer.know_operators([str(row.values["operator"]) for row in rows])
        for plan in plans:
            makes = plan.kind in ("agreement", "renewed") or (plan.kind == "new" and "type" in plan.values)
            writer.enter(plan.values, plan.holding, agreement=NEW if makes else None, key=plan.key)
        writer.flush()
        house.service.plan(unit, writer.touched, now)
    return len(plans)


def _plans(
    rows: Sequence[Row], holdings: Sequence[Holding], people: Iterable[Person]
) -> tuple[list[Planned], dict[str, Holding]]:
    known = matched(rows, holdings)
    return list(planned(rows, known, {person.email.casefold(): person.id for person in people})), known


def _print(looked: Looked, done: int | None) -> None:
    if looked.findings:
        table(["row", "line", "field", "", "what"], [
            [one.key, str(one.line), one.column, _weight(looked, one), one.message] for one in looked.findings])
        say()
    for plan in looked.plans[:SHOWN] if looked.known else ():
        say(f"{plan.key}: {plan.kind} {_told(plan)}".rstrip())
    if looked.known and len(looked.plans) > SHOWN:
        say(f"… and {len(looked.plans) - SHOWN} more")
    kinds = [plan.kind for plan in looked.plans]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)) or "nothing changes"
    say(f"{len(looked.rows)} rows: {counts}")
    if done is None and looked.plans:
        say("nothing is written yet: add --apply")
    elif done is not None:
        say(f"{done} rows written")


def _weight(looked: Looked, finding: Finding) -> str:
    if finding.weight == "doubt":
        return "refused: --accept it" if looked.is_held(finding) else "accepted"
    return {"warning": "imported", "fault": "refused"}[finding.weight]


def _told(plan: Planned) -> str:
    changed = [f"{column_of(name)}: {_short(plan.was.get(name))} → {_short(value)}"
               for name, value in plan.values.items() if plan.was.get(name) != value]
    return "; ".join(changed) if plan.kind == "changed" else ""


def _short(value: object) -> str:
    text = "–" if value is None else written(value)  # type: ignore[arg-type]
    return text if len(text) <= 40 else f"{text[:39]}…"


def _mapping(looked: Looked, done: int) -> dict[str, object]:
    return {
        "rows": len(looked.rows), "known": looked.known, "written": done, "refused": list(looked.held),
        "findings": [{"row": one.key, "line": one.line, "field": one.column, "weight": one.weight,
                      "refused": looked.is_held(one), "message": one.message} for one in looked.findings],
        "changes": [{"row": plan.key, "kind": plan.kind, "fields": sorted(plan.values)} for plan in looked.plans],
    }
