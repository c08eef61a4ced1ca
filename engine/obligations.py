"""Clocks of a case: they start when their anchor is known, move with it, and end by what happens.

A moved clock is a new generation that supersedes the old with a reason. Rungs are timers of a generation; a date once
told is never overwritten.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from engine.case import Clock
from engine.clocks import Derived, Hold, Rule, derive
from engine.definition import ClockDef, Who, expired
from engine.ladders import FIRE_HOUR, PlannedRung, following, plan, split
from engine.messages import CancelTimers, Notify, SetTimer
from engine.readers import recipients, reminded, supervisors
from engine.turn import Turn


def refresh(turn: Turn) -> None:
    """Starts each clock whose anchor became known, and gives a new generation to each whose dates moved.

    A clock tied to another is looked at after it: definitions name clocks in that order.
    """
    for clock in turn.definition.clocks.values():
        anchor = _anchor(turn, clock)
        current = turn.case.clocks.get(clock.name)
        if anchor is None or (current is not None and current.status != "running"):
            continue
        derived = _derive(turn, clock, anchor, current)
        if current is None:
            _start(turn, clock, derived)
        elif _moved(current, derived):
            _move(turn, clock, current, derived)
        elif current.calendars != derived.calendars:
            _put(turn, replace(current, calendars=derived.calendars))


def settle(turn: Turn, event: str, on: dt.date) -> None:
    """Ends each running clock that this event satisfies or voids."""
    for clock in turn.definition.clocks.values():
        if event in clock.satisfied_by:
            _end(turn, clock, "satisfied", on, event)
        elif event in clock.void_by:
            _end(turn, clock, "void", on, event)


def fire_rung(turn: Turn, name: str, generation: int, rung: str, on: dt.date) -> None:
    """Reminds whom the rung names; nothing when its clock has ended or moved on."""
    clock, current = turn.definition.clocks[name], turn.case.clocks.get(name)
    if current is None or current.generation != generation or current.status != "running":
        return
    planned = next((p for p in _plan(turn, clock, rederive(turn, clock, current)) if p.rung == rung), None)
    if planned is None:
        return
    fired = _times(planned, on, turn)
    _remind(turn, clock, current, replace(planned, on=on))
    again = following(replace(planned, on=on), turn.office.calendars, fired)
    if again is not None:
        _set(turn, current, replace(planned, on=again))


def close_window(turn: Turn, name: str, generation: int) -> str | None:
    """Lets a window pass; its event, or None when it has ended or moved on."""
    current = turn.case.clocks.get(name)
    if current is None or current.generation != generation or current.status != "running":
        return None
    _put(turn, replace(current, status="expired", ended_on=current.legal))
    turn.tell("clock_expired", clock=name, generation=generation, on=current.legal)
    return expired(name)


def running(turn: Turn) -> tuple[str, ...]:
    """The duties that still run."""
    return tuple(
        name
        for name, clock in turn.case.clocks.items()
        if clock.status == "running" and not turn.definition.clocks[name].window
    )


def rederive(turn: Turn, clock: ClockDef, current: Clock) -> Derived:
    """The dates of a stored clock again, from what it is."""
    return _derived(turn, replace(clock.rule, length=current.length), current.anchor, current.holds, current.agreed)


def _anchor(turn: Turn, clock: ClockDef) -> dt.date | None:
    """Day 0 as known now. A tied clock follows the legal date of the other."""
    names = clock.anchor.names
    if clock.anchor.kind == "event":
        return turn.case.happened.get(names[0])
    if clock.anchor.kind == "clock":
        other = turn.case.clocks.get(names[0])
        return other.legal if other else None
    known = [_as_date(turn, turn.case.facts[name]) for name in names if name in turn.case.facts]
    return min(known, default=None)


def _as_date(turn: Turn, value: object) -> dt.date:
    if isinstance(value, dt.datetime):
        return turn.office.today(value)
    if isinstance(value, dt.date):
        return value
    raise TypeError("an anchor is a date or an instant")


def _derive(turn: Turn, clock: ClockDef, anchor: dt.date, current: Clock | None) -> Derived:
    return _derived(turn, _rule(turn, clock), anchor, current.holds if current else (), _agreed(turn, clock))


def _derived(turn: Turn, rule: Rule, anchor: dt.date, holds: tuple[Hold, ...], agreed: dt.date | None) -> Derived:
    office = turn.office
    return derive(rule, anchor, office.calendars, holds, office.hold_policy, office.asap_grace, agreed)


def _agreed(turn: Turn, clock: ClockDef) -> dt.date | None:
    value = turn.case.facts.get(clock.agreed_fact or "")
    return value if isinstance(value, dt.date) else None


def _rule(turn: Turn, clock: ClockDef) -> Rule:
    """The rule, with the days of a contract where they are shorter."""
    days = turn.case.facts.get(clock.days_fact or "")
    if isinstance(days, int) and clock.rule.length is not None and 0 < days < clock.rule.length:
        return replace(clock.rule, length=days)
    return clock.rule


def _start(turn: Turn, clock: ClockDef, derived: Derived) -> None:
    if any(event in turn.case.happened for event in clock.void_by):
        return
    current = replace(_generation(clock, derived, 1, ""), agreed=_agreed(turn, clock))
    _put(turn, current)
    turn.tell("clock_started", **_told(current))
    _set_timers(turn, clock, current, derived, fire_passed=True)
    for event in clock.satisfied_by:
        on = turn.case.happened.get(event)
        if on is not None and on >= current.anchor:
            _end(turn, clock, "satisfied", on, event)


def _move(turn: Turn, clock: ClockDef, old: Clock, derived: Derived) -> None:
    reason = _why_moved(old, derived)
    fresh = _generation(clock, derived, old.generation + 1, reason)
    current = replace(fresh, holds=old.holds, agreed=_agreed(turn, clock))
    turn.do(CancelTimers(f"rung/{clock.name}/"))
    turn.do(CancelTimers(f"window/{clock.name}/"))
    _put(turn, current)
    turn.tell("clock_moved", was=old.legal, reason=reason, **_told(current))
    same = (old.legal, old.target) == (current.legal, current.target)
    _set_timers(turn, clock, current, derived, fire_passed=not same)


def _why_moved(old: Clock, derived: Derived) -> str:
    if old.anchor != derived.trigger:
        return f"day 0 was {old.anchor}, is {derived.trigger}"
    if old.length != derived.rule.length:
        return f"{old.length} days were counted, now {derived.rule.length}"
    if "agreed" in {step.what for step in derived.steps} and derived.legal != old.legal:
        return f"both sides agreed to {derived.legal}"
    return f"counted in {', '.join(old.calendars)}, now in {', '.join(derived.calendars)}"


def _moved(current: Clock, derived: Derived) -> bool:
    was = (current.anchor, current.nominal, current.legal, current.target, current.provisional)
    return was != (derived.trigger, derived.nominal, derived.legal, derived.target, derived.provisional)


def _generation(clock: ClockDef, derived: Derived, generation: int, reason: str) -> Clock:
    return Clock(
        name=clock.name,
        generation=generation,
        rule=clock.rule.id,
        rule_version=clock.rule.version,
        calendars=derived.calendars,
        anchor=derived.trigger,
        length=derived.rule.length,
        holds=(),
        status="running",
        nominal=derived.nominal,
        legal=derived.legal,
        target=derived.target,
        provisional=derived.provisional,
        reason=reason,
    )


def _told(clock: Clock) -> dict[str, object]:
    return {
        "clock": clock.name,
        "generation": clock.generation,
        "rule": f"{clock.rule}@{clock.rule_version}",
        "anchor": clock.anchor,
        "legal": clock.legal,
        "target": clock.target,
    }


def _end(turn: Turn, clock: ClockDef, how: str, on: dt.date, event: str) -> None:
    current = turn.case.clocks.get(clock.name)
    if current is None or current.status != "running":
        return
    turn.do(CancelTimers(f"rung/{clock.name}/"))
    turn.do(CancelTimers(f"window/{clock.name}/"))
    status = "satisfied" if how == "satisfied" else "void"
    _put(turn, replace(current, status=status, ended_on=on, reason=event))  # type: ignore[arg-type]
    kind = "clock_satisfied" if how == "satisfied" else "clock_voided"
    turn.tell(kind, clock=clock.name, generation=current.generation, on=on, by=event, legal=current.legal)


def _put(turn: Turn, clock: Clock) -> None:
    turn.change(clocks={**turn.case.clocks, clock.name: clock})


def _plan(turn: Turn, clock: ClockDef, derived: Derived) -> tuple[PlannedRung, ...]:
    return plan(clock.ladder, derived, turn.office.calendars) if clock.ladder else ()


def _set_timers(turn: Turn, clock: ClockDef, current: Clock, derived: Derived, *, fire_passed: bool) -> None:
    if clock.window and current.legal is not None:
        after = turn.office.at_local(current.legal + dt.timedelta(days=1), 0)
        turn.do(SetTimer(f"window/{clock.name}/{current.generation}", after))
    not_due, passed, later = split(_plan(turn, clock, derived), turn.today)
    for planned in not_due:
        turn.tell("rung_not_due", of=clock.name, rung=planned.rung, on=planned.on)
    if passed and fire_passed:
        _remind(turn, clock, current, _as_one(passed))
    for planned in later:
        _set(turn, current, planned)
    for planned in passed:
        again = following(replace(planned, on=turn.today), turn.office.calendars, 1)
        if again is not None:
            _set(turn, current, replace(planned, on=again))


def _as_one(passed: Sequence[PlannedRung]) -> PlannedRung:
    """Rungs that are late together go out as the strongest of them, to the readers of all."""
    strongest = max(passed, key=lambda planned: planned.strength)
    return replace(strongest, to=tuple(dict.fromkeys(reader for planned in passed for reader in planned.to)))


def _set(turn: Turn, clock: Clock, planned: PlannedRung) -> None:
    key = f"rung/{clock.name}/{clock.generation}/{planned.rung}/{planned.on.isoformat()}"
    turn.do(SetTimer(key, turn.office.at_local(planned.on, FIRE_HOUR)))


def _times(planned: PlannedRung, on: dt.date, turn: Turn) -> int:
    """How often a repeating rung has fired up to `on`, counted from its first day."""
    count, day = 1, planned
    while day.every is not None and day.on < on:
        again = following(day, turn.office.calendars, count)
        if again is None:
            break
        count, day = count + 1, replace(day, on=again)
    return count


def _remind(turn: Turn, clock: ClockDef, current: Clock, planned: PlannedRung) -> None:
    readers = reminded(turn, (reader for role in planned.to for reader in _readers(turn, clock, role)))
    turn.tell("rung_fired", of=clock.name, rung=planned.rung, on=planned.on, to=", ".join(readers) or "nobody")
    text = turn.words(clock.title)
    for reader in readers:
        by, legal = _date_for(reader, clock, current, planned)
        turn.do(Notify(reader, planned.kind, clock.name, text, planned.strength, by, legal))


def _date_for(reader: str, clock: ClockDef, current: Clock, planned: PlannedRung) -> tuple[dt.date | None, bool]:
    """The date that a reminder names, and whether it is the law's. Outsiders are told the law's own from the start."""
    if reader.startswith("party:") and current.legal is not None:
        return current.legal, clock.rule.kind_of_date == "legal deadline"
    legal = planned.kind in ("legal", "repeat")
    return current.legal if legal else current.target, legal


def _readers(turn: Turn, clock: ClockDef, role: str) -> tuple[str, ...]:
    if role == "owner":
        return recipients(turn, clock.owner)
    if role == "supervisor":
        return supervisors(turn, clock.owner)
    if role == "operator":
        return recipients(turn, clock.chases) if clock.chases else ()
    return recipients(turn, Who("role", role))
