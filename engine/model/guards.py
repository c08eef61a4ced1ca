"""Guards: three-valued questions about the facts of a case.

A fact that nobody has recorded is neither true nor false, except under `has`. The language is in `guard_parser`;
whether guards exclude each other is in `guard_cells`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

Value = bool | int | str | dt.date

COMPARE: Mapping[str, Callable[[object, object], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,  # type: ignore[operator]
    "<=": lambda a, b: a <= b,  # type: ignore[operator]
    ">": lambda a, b: a > b,  # type: ignore[operator]
    ">=": lambda a, b: a >= b,  # type: ignore[operator]
}


@dataclass(frozen=True, slots=True)
class FactType:
    """`kind`: bool, text, int, date, instant, choice, set, document, person, contacts, table, agreement. A choice or a
    set has options, a table columns, and rows where these are fixed."""

    kind: str
    options: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: bool, text, int, date or choice. An `optional` cell may be empty."""

    name: str
    type: FactType
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """Neither true nor false: these facts are not recorded. Never to be used as a condition."""

    names: frozenset[str]

    def __bool__(self) -> bool:
        raise TypeError("an unknown answer is neither true nor false: compare it with `is True`")


@dataclass(frozen=True, slots=True)
class Atom:
    """One question about one fact (or two dates, or a place): `op` is `is`, `in`, `size`, `has`, `compare`, `exists` or
    `at`.

    Of `at`, `fact` is the place; of `exists`, `inner` is asked of the cells of each row. Questions that answer each
    other share one atom: `x != 1` is not(`x == 1`), and all rows are so if there is none that is not.
    """

    fact: str
    op: str
    sign: str = ""
    value: Value | None = None
    other: str | None = None
    inner: Tree | None = None

    @property
    def facts(self) -> tuple[str, ...]:
        """The facts asked about; none for `at`."""
        if self.op == "at":
            return ()
        return (self.fact,) if self.other is None else (self.fact, self.other)

    def ask(self, values: Mapping[str, object], at: Collection[str] = frozenset()) -> bool | Unknown:
        if self.op == "at":
            return self.fact in at
        if self.op == "has":
            return self.fact in values
        missing = frozenset(name for name in self.facts if name not in values)
        if missing:
            return Unknown(missing)
        return self._answer(values[self.fact], self.value if self.other is None else values[self.other])

    def _answer(self, fact: object, value: object) -> bool:
        if self.op == "is":
            return fact is True
        if self.op == "in":
            return value in fact  # type: ignore[operator]
        if self.inner is not None:
            return any(_is_so(self.inner, {**row.cells, "key": row.key}) for row in fact)  # type: ignore[attr-defined]
        subject = len(fact) if self.op == "size" else fact  # type: ignore[arg-type]
        return bool(COMPARE[self.sign](subject, value))


@dataclass(frozen=True, slots=True)
class Not:
    part: Tree


@dataclass(frozen=True, slots=True)
class Both:
    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Either:
    parts: tuple[Tree, ...]


Tree = Atom | Not | Both | Either


@dataclass(frozen=True, slots=True)
class Guard:
    source: str
    tree: Tree = field(hash=False)


Cell = Mapping[Atom, bool | None]
"""One consistent answer to every atom; None is unknown."""


def evaluate(guard: Guard, values: Mapping[str, object], at: Collection[str] = frozenset()) -> bool | Unknown:
    """True, False, or `Unknown` with the facts that would have to be recorded to tell.

    `values` holds the recorded facts only; `at` the places where the case is.
    """
    return _walk(guard.tree, lambda atom: atom.ask(values, at))


def evaluate_atoms(guard: Guard, truth: Cell) -> bool | None:
    """The guard under given answers to its atoms; None, or no answer, is unknown."""

    def ask(atom: Atom) -> bool | Unknown:
        answer = truth.get(atom)
        return Unknown(frozenset(atom.facts)) if answer is None else answer

    answer = _walk(guard.tree, ask)
    return None if isinstance(answer, Unknown) else answer


@cache
def atoms(guard: Guard) -> tuple[Atom, ...]:
    """Each atom once, in order."""
    return tuple(dict.fromkeys(_atoms(guard.tree)))


@cache
def reads(guard: Guard) -> frozenset[str]:
    """The facts that must be recorded before the guard can be true or false: all it reads outside `has`."""
    return frozenset(name for atom in atoms(guard) if atom.op != "has" for name in atom.facts)


@cache
def recorded_if(guard: Guard, so: bool) -> frozenset[str]:
    """The facts that are certainly recorded when the guard gives this answer."""
    return _recorded_if(guard.tree, so)


def _recorded_if(tree: Tree, so: bool) -> frozenset[str]:
    """Of a table nothing can be asked but by what its rows hold, so an answer about rows tells that it is there."""
    match tree:
        case Atom():
            return frozenset(tree.facts) if so or tree.op != "has" else frozenset()
        case Not(part):
            return _recorded_if(part, not so)
        case Both(parts) | Either(parts):
            found = [_recorded_if(part, so) for part in parts]
            every = so is isinstance(tree, Both)
            return frozenset().union(*found) if every else found[0].intersection(*found)


def _is_so(tree: Tree, cells: Mapping[str, object]) -> bool:
    """Whether one row answers a question with yes; the parser lets it ask about columns only that are never empty."""
    return _walk(tree, lambda atom: atom.ask(cells)) is True


def _atoms(tree: Tree) -> Iterator[Atom]:
    match tree:
        case Atom():
            yield tree
        case Not(part):
            yield from _atoms(part)
        case Both(parts) | Either(parts):
            for part in parts:
                yield from _atoms(part)


def _walk(tree: Tree, ask: Callable[[Atom], bool | Unknown]) -> bool | Unknown:
    match tree:
        case Atom():
            return ask(tree)
        case Not(part):
            answer = _walk(part, ask)
            return answer if isinstance(answer, Unknown) else not answer
        case Both(parts):
            return _join([_walk(part, ask) for part in parts], decides=False)
        case Either(parts):
            return _join([_walk(part, ask) for part in parts], decides=True)


def _join(answers: list[bool | Unknown], *, decides: bool) -> bool | Unknown:
    """Kleene's and / or: one deciding answer settles it, else an unknown one leaves it open."""
    if any(answer is decides for answer in answers):
        return decides
    open_ = [answer.names for answer in answers if isinstance(answer, Unknown)]
    return Unknown(frozenset().union(*open_)) if open_ else not decides
