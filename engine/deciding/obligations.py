"""Clocks of a case: they start when their anchor is known, move with it, and end by what happens.

A moved clock is a new generation that supersedes the old with a reason. Rungs are timers of a generation; a date once
told is never overwritten.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.deciding.quiet import SEE_TO_IT, held_of, hushed
from engine.deciding.readers import recipients, reminded, supervisors
from engine.deciding.turn import Turn
from engine.law.clocks import Derived, Hold, HoldPolicy, Rule, derive
from engine.law.days import FIRE_HOUR
from engine.law.ladders import PlannedRung, following, plan, split
from engine.model.case import Clock, FactValue
from engine.model.definition import ClockDef, Source, Who, expired
from engine.model.guards import evaluate
from engine.model.messages import CancelTimers, Notify, SetTimer
from engine.model.undoable import TAKEN_BACK


def refresh(turn: Turn) -> None:
    """Starts each clock that can begin now, gives a new generation to each whose dates moved, and voids each whose
    guard holds no longer, until it holds again.

    A clock tied to another is looked at after it: definitions name clocks in that order.
    """
    for clock in turn.definition.clocks.values():
        current = turn.case.clocks.get(clock.name)
        if current is None or current.status == "running":
            _look_at(turn, clock, current)
        elif current.status == "void" and (clock.when is not None or current.reason == TAKEN_BACK):
            _revive(turn, clock, current)


def _look_at(turn: Turn, clock: ClockDef, current: Clock | None) -> None:
    wanted = True if clock.when is None else evaluate(clock.when, turn.case.facts, turn.case.at)
    anchor = _anchor(turn, clock)
    if current is not None and wanted is False and clock.when is not None:
        _end(turn, clock, "void", turn.today, f"it applies only if {clock.when.source}")
    elif current is not None and anchor is None and current.legal is not None:
        _move(turn, clock, current, _undated(turn, clock, current))
    elif anchor is not None and wanted is True:
        _count(turn, clock, anchor, current)


def _revive(turn: Turn, clock: ClockDef, old: Clock) -> None:
    """Begins a clock anew whose guard did not hold for a while, or whose cause was taken back; one that an event has
    voided stays void."""
    wanted = True if clock.when is None else evaluate(clock.when, turn.case.facts, turn.case.at)
    anchor = _anchor(turn, clock)
    if anchor is not None and wanted is True:
        _start(turn, clock, _derive(turn, clock, anchor, old), old)


def _count(turn: Turn, clock: ClockDef, anchor: dt.date, current: Clock | None) -> None:
    derived = _derive(turn, clock, anchor, current)
    if current is None:
        _start(turn, clock, derived)
    elif _moved(current, derived):
        _move(turn, clock, current, derived)
    elif current.calendars != derived.calendars:
        _put(turn, replace(current, calendars=derived.calendars))


def holdable(turn: Turn) -> dict[str, dt.date | None]:
    """The running clocks that a law-enforcement hold can stop, with their legal dates."""
    rules = {clock.name: clock.rule for clock in turn.definition.clocks.values()}
    running = ((name, clock) for name, clock in turn.case.clocks.items() if clock.status == "running")
    return {name: clock.legal for name, clock in running if rules[name].holds}


def settle(turn: Turn, event: str, on: dt.date) -> None:
    """Ends each running clock that this event satisfies or voids."""
    for clock in turn.definition.clocks.values():
        if event in clock.satisfied_by:
            _end(turn, clock, "satisfied", _done_on(turn, clock, event, on), event)
        elif event in clock.void_by:
            _end(turn, clock, "void", on, event)


def _done_on(turn: Turn, clock: ClockDef, event: str, on: dt.date) -> dt.date:
    """The day on which what satisfies a clock was done: that which a fact names, but never a later one than `on`, the
    day on which it was told."""
    stated = turn.case.facts.get(clock.dated_by.get(event, ""))
    return on if stated is None else min(on, _as_date(turn, stated))


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
    rule = replace(clock.rule, length=current.length)
    return derive(
        rule, current.anchor, turn.office.calendars, current.holds, current.policy, current.grace, current.agreed
    )


def _anchor(turn: Turn, clock: ClockDef) -> dt.date | None:
    """Day 0 as known now: the earliest of the clock's sources that have a date."""
    known = [day for source in clock.anchor.sources if (day := _source(turn, source)) is not None]
    return min(known, default=None)


def _source(turn: Turn, source: Source) -> dt.date | None:
    """A tied clock follows the legal date of the other."""
    if source.kind == "event":
        return turn.case.happened.get(source.name)
    if source.kind == "clock":
        other = turn.case.clocks.get(source.name)
        return other.legal if other else None
    return _as_date(turn, turn.case.facts[source.name]) if source.name in turn.case.facts else None


def _as_date(turn: Turn, value: object) -> dt.date:
    if isinstance(value, dt.datetime):
        return turn.office.today(value)
    if isinstance(value, dt.date):
        return value
    raise TypeError("an anchor is a date or an instant")


def _derive(turn: Turn, clock: ClockDef, anchor: dt.date, current: Clock | None) -> Derived:
    policy, grace = _policy(turn, current)
    holds, agreed = _holds(turn, clock), _agreed(turn, clock)
    return derive(rule_of(clock, turn.case.facts), anchor, turn.office.calendars, holds, policy, grace, agreed)


def _undated(turn: Turn, clock: ClockDef, current: Clock) -> Derived:
    """A tied clock while the other has no date: it has none either."""
    counted = _derive(turn, clock, current.anchor, current)
    return replace(counted, nominal=None, legal=None, target=None)


def _holds(turn: Turn, clock: ClockDef) -> tuple[Hold, ...]:
    if not clock.rule.holds:
        return ()
    return tuple(Hold(hold.started, hold.released) for hold in turn.case.holds if hold.status != "refused")


def _policy(turn: Turn, current: Clock | None) -> tuple[HoldPolicy, int]:
    """What a released hold does: as the district has it, and for a clock that was held before as it was then."""
    if current is not None and current.holds:
        return current.policy, current.grace
    return turn.office.hold_policy, turn.office.asap_grace


def _agreed(turn: Turn, clock: ClockDef) -> dt.date | None:
    value = turn.case.facts.get(clock.agreed_fact or "")
    return value if isinstance(value, dt.date) else None


def rule_of(clock: ClockDef, facts: Mapping[str, FactValue]) -> Rule:
    """The rule, with the days of a contract where they are shorter."""
    days = facts.get(clock.days_fact or "")
    if isinstance(days, int) and clock.rule.length is not None and 0 < days < clock.rule.length:
        return replace(clock.rule, length=days)
    return clock.rule


def _start(turn: Turn, clock: ClockDef, derived: Derived, void: Clock | None = None) -> None:
    if any(event in turn.case.happened for event in clock.void_by):
        return
    current = _generation(turn, clock, derived, void)
    if void is not None:
        again = f"it applies again: {clock.when.source}" if clock.when is not None else "it began again"
        current = replace(current, reason=again)
    _put(turn, current)
    turn.tell("clock_started", **_told(current))
    told = ((event, turn.case.happened[event]) for event in clock.satisfied_by if event in turn.case.happened)
    done = ((event, _done_on(turn, clock, event, on)) for event, on in told)
    met = next(((event, on) for event, on in done if on >= current.anchor), None)
    if met is None:
        _set_timers(turn, clock, current, derived, fire_passed=True)
    else:
        _end(turn, clock, "satisfied", met[1], met[0])


def _move(turn: Turn, clock: ClockDef, old: Clock, derived: Derived) -> None:
    current = _generation(turn, clock, derived, old)
    turn.do(CancelTimers(f"rung/{clock.name}/"))
    turn.do(CancelTimers(f"window/{clock.name}/"))
    _put(turn, current)
    turn.tell("clock_moved", was=old.legal, reason=current.reason, **_told(current))
    same = (old.legal, old.target) == (current.legal, current.target)
    _set_timers(turn, clock, current, derived, fire_passed=not same)


def _why_moved(old: Clock, derived: Derived, holds: tuple[Hold, ...]) -> str:
    if old.holds != holds:
        standing = next((hold for hold in holds if hold.released is None), None)
        return f"held since {standing.started}" if standing else "a hold ended, or had no effect"
    if old.legal is not None and derived.legal is None:
        return "the date that it follows has none now"
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


def _generation(turn: Turn, clock: ClockDef, derived: Derived, old: Clock | None) -> Clock:
    """The next generation of a clock; it keeps all that its dates were counted from."""
    holds = _holds(turn, clock)
    policy, grace = _policy(turn, old)
    return Clock(
        name=clock.name,
        generation=old.generation + 1 if old else 1,
        rule=clock.rule.id,
        rule_version=clock.rule.version,
        calendars=derived.calendars,
        anchor=derived.trigger,
        length=derived.rule.length,
        holds=holds,
        status="running",
        nominal=derived.nominal,
        legal=derived.legal,
        target=derived.target,
        provisional=derived.provisional,
        reason=_why_moved(old, derived, holds) if old else "",
        agreed=_agreed(turn, clock),
        policy=policy,
        grace=grace,
        is_window=clock.window,
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
    past = "rung_before_adoption" if turn.adopting else "rung_not_due"
    for planned in not_due:
        turn.tell(past, of=clock.name, rung=planned.rung, on=planned.on)
    if passed and turn.adopting:
        _tell_passed(turn, clock, current, passed)
    elif passed and fire_passed:
        _remind(turn, clock, current, _as_one(passed))
    for planned in later:
        _set(turn, current, planned)
    for planned in passed:
        again = following(replace(planned, on=turn.today), turn.office.calendars, 1)
        if again is not None:
            _set(turn, current, replace(planned, on=again))


def _tell_passed(turn: Turn, clock: ClockDef, current: Clock, passed: Sequence[PlannedRung]) -> None:
    """Rungs that passed before the case was adopted are not sent. That the date has passed stands in one brief of those
    who see to it."""
    for planned in passed:
        turn.tell("rung_before_adoption", of=clock.name, rung=planned.rung, on=planned.on)
    if current.legal is not None and current.legal < turn.today:
        once = replace(_as_one(passed), kind="repeat", to=SEE_TO_IT)
        for reader in reminded(turn, (reader for role in once.to for reader in _readers(turn, clock, role))):
            turn.do(Notify(reader, once.kind, clock.name, turn.words(clock.title), once.strength, current.legal, True))


def end_quiet(turn: Turn) -> None:
    """Of each clock that runs still, tells those above the office what they were not told while it was quiet."""
    adopted = turn.case.adopted
    if adopted is None or adopted.quiet_until is None:
        return
    turn.tell("quiet_ended", on=adopted.quiet_until)
    for name in running(turn):
        clock, current = turn.definition.clocks[name], turn.case.clocks[name]
        planned = _plan(turn, clock, rederive(turn, clock, current))
        held = [kept for one in planned if adopted.on <= one.on <= adopted.quiet_until and (kept := held_of(one))]
        if held:
            _remind(turn, clock, current, _as_one(held))


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
    planned = hushed(turn, clock.name, planned)
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
