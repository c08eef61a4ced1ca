"""Cells of guards: whether the guards of one trigger overlap or leave a gap, decided by enumeration.

A cell is one consistent way in which all atoms can be true, false or unknown together. Cells come from representative
values of the facts, so what cannot be together (two options of one choice, `pages < 3` and `pages > 5`) is in no cell.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.model.guards import Atom, Cell, FactType, Guard, Unknown, atoms, evaluate_atoms

MAX_CELLS = 200_000


_Answers = tuple[tuple[Atom, bool | None], ...]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two guards, by their index, that are true together, and when."""

    first: int
    second: int
    cell: Cell


class TooManyCells(ValueError):
    """These guards have more than `MAX_CELLS` cells: nothing is said about them rather than something sampled."""


def overlaps(guards: Sequence[Guard], facts: Mapping[str, FactType]) -> Overlap | None:
    """The first cell in which two of the guards are true. Raises `TooManyCells`."""
    for cell in cells(guards, facts):
        true = [index for index, guard in enumerate(guards) if evaluate_atoms(guard, cell) is True]
        if len(true) > 1:
            return Overlap(true[0], true[1], cell)
    return None


def gaps(guards: Sequence[Guard], facts: Mapping[str, FactType]) -> Cell | None:
    """The first cell in which every guard is false, so that no way leads on. Raises `TooManyCells`.

    Where none is true and one is unknown there is no gap: recording a fact decides.
    """
    return next(
        (cell for cell in cells(guards, facts) if all(evaluate_atoms(guard, cell) is False for guard in guards)), None
    )


def satisfiable(wanted: Iterable[tuple[Guard, bool]], facts: Mapping[str, FactType], at: Collection[str]) -> bool:
    """Whether some values of the facts give each guard its answer where the case is. Raises `TooManyCells`."""
    pairs = tuple(wanted)
    asked = tuple(dict.fromkeys(atom for guard, _ in pairs for atom in atoms(guard)))
    here: dict[Atom, bool | None] = {atom: atom.fact in at for atom in asked if atom.op == "at"}
    return _fits(pairs, here, [_fact_answers(group, facts) for group in _coupled(asked)])


def _fits(wanted: Sequence[tuple[Guard, bool]], so_far: Cell, pools: Sequence[list[_Answers]]) -> bool:
    """Answers one pool after the other, and turns back as soon as a guard has the wrong answer for certain."""
    found = [(evaluate_atoms(guard, so_far), so) for guard, so in wanted]
    if any(answer is not None and answer is not so for answer, so in found):
        return False
    if not pools:
        return all(answer is so for answer, so in found)
    return any(_fits(wanted, {**so_far, **dict(part)}, pools[1:]) for part in pools[0])


def cells(guards: Iterable[Guard], facts: Mapping[str, FactType]) -> Iterator[Cell]:
    """Each consistent cell of all atoms of the guards, once, always in the same order. Raises `TooManyCells`."""
    asked = tuple(dict.fromkeys(atom for guard in guards for atom in atoms(guard)))
    pools = [_place_answers(group) for group in _regions(asked)]
    pools += [_fact_answers(group, facts) for group in _coupled(asked)]
    _limit(math.prod(len(pool) for pool in pools))
    for parts in itertools.product(*pools):
        yield {atom: answer for part in parts for atom, answer in part}


def _limit(count: int) -> None:
    if count > MAX_CELLS:
        raise TooManyCells(f"these guards have more than {MAX_CELLS:,} cells: ask fewer questions in one place")


def _regions(asked: Iterable[Atom]) -> Iterator[list[Atom]]:
    """The `at` atoms, those of one region together: a region is in one state at a time."""
    places = sorted((atom for atom in asked if atom.op == "at"), key=_region)
    return (list(group) for _, group in itertools.groupby(places, key=_region))


def _region(atom: Atom) -> str:
    return atom.fact.rpartition(".")[0]


def _place_answers(group: Sequence[Atom]) -> list[_Answers]:
    """In one of the states that are asked about, or in none of them."""
    return [tuple((atom, atom is here) for atom in group) for here in (*group, None)]


def _coupled(asked: Iterable[Atom]) -> list[list[Atom]]:
    """The atoms about facts, those that share a fact (or are linked by others that do) together."""
    groups: list[list[Atom]] = []
    for atom in asked:
        if atom.facts:
            near = [group for group in groups if any(set(atom.facts) & set(other.facts) for other in group)]
            groups = [group for group in groups if group not in near]
            groups.append([other for group in near for other in group] + [atom])
    return groups


def _fact_answers(group: Sequence[Atom], facts: Mapping[str, FactType]) -> list[_Answers]:
    """Every way to answer the group's atoms that some values of its facts, or their absence, bring about."""
    names = sorted({name for atom in group for name in atom.facts})
    if facts[names[0]].kind == "table":
        return _table_answers(group)
    samples = [_samples(name, facts[name], group, len(names)) for name in names]
    _limit(math.prod(len(sample) + 1 for sample in samples))
    found: dict[_Answers, None] = {}
    for chosen in itertools.product(*((_ABSENT, *sample) for sample in samples)):
        values = {name: value for name, value in zip(names, chosen, strict=True) if value is not _ABSENT}
        found[tuple((atom, _three(atom.ask(values))) for atom in group)] = None
    return list(found)


def _table_answers(group: Sequence[Atom]) -> list[_Answers]:
    """Questions about rows answer each other only when they are the same one; all are open while there is no table."""
    there = [
        tuple((atom, atom.op == "has" or answer) for atom, answer in zip(group, answers, strict=True))
        for answers in itertools.product((True, False), repeat=len(group))
    ]
    nothing = tuple((atom, False if atom.op == "has" else None) for atom in group)
    return list(dict.fromkeys([nothing, *there]))


_ABSENT = object()


def _three(answer: bool | Unknown) -> bool | None:
    return None if isinstance(answer, Unknown) else answer


def _samples(name: str, kind: FactType, group: Sequence[Atom], coupled: int) -> list[object]:
    """Values of one fact that tell apart all that the group asks about it; `coupled` facts are compared together."""
    literals = [atom.value for atom in group if atom.fact == name and atom.value is not None]
    match kind.kind:
        case "bool":
            return [True, False]
        case "choice":
            return list(kind.options)
        case "text":
            return [*dict.fromkeys(literals), "".join(str(text) for text in literals) + "'"]
        case "set":
            return _subsets(name, kind, group)
        case "contacts" | "agreements":
            return [range(size) for size in _around([value for value in literals if isinstance(value, int)], 1, 0)]
        case "int":
            return list(_around([atom.value for atom in group if isinstance(atom.value, int)], coupled))
        case "date" | "instant":
            return _days(kind, group, coupled)
    return [None]  # only `has` asks about it, so any value will do


def _subsets(name: str, kind: FactType, group: Sequence[Atom]) -> list[object]:
    """Each subset of the options asked about, alone and, where sizes are asked too, with each number of the others."""
    named = [option for option in kind.options if Atom(name, "in", value=option) in group]
    others = [option for option in kind.options if option not in named]
    sized = any(atom.op == "size" for atom in group)
    _limit(2 ** len(named) * (len(others) + 1))
    return [
        frozenset((*chosen, *others[:more]))
        for count in range(len(named) + 1)
        for chosen in itertools.combinations(named, count)
        for more in range(len(others) + 1 if sized else 1)
    ]


def _around(literals: Iterable[int], reach: int, least: int | None = None) -> list[int]:
    """The literals and `reach` whole numbers on both sides of each; 0 up to `reach` when there are none. `reach` facts
    that are compared with each other fit in between in any order."""
    found = {number + step for number in literals for step in range(-reach, reach + 1)} or set(range(reach + 1))
    return sorted(number for number in found if least is None or number >= least)


def _days(kind: FactType, group: Sequence[Atom], coupled: int) -> list[object]:
    """Days for dates compared with literals and with each other: `coupled` of them fit between any two literals that
    have room for them, so each order that is possible at all occurs."""
    literals = [atom.value.toordinal() for atom in group if isinstance(atom.value, dt.date)]
    days = _around(literals, coupled, dt.date.min.toordinal()) if literals else range(_SOME_DAY, _SOME_DAY + coupled)
    dates = [dt.date.fromordinal(day) for day in days if day <= dt.date.max.toordinal()]
    if kind.kind == "date":
        return list(dates)
    return [dt.datetime.combine(day, dt.time(), dt.UTC) for day in dates]


_SOME_DAY = dt.date(2026, 7, 1).toordinal()
