"""Guards: a typed subset of CEL over declared facts. No clock, no calls out, no `eval`.

    guard  := either ("||" either)*        either := part ("&&" part)*
    part   := "!" part | "(" guard ")" | atom
    atom   := fact | fact OP literal | fact OP fact (two dates) | literal "in" fact | fact "in" "[" literals "]"
            | "size(" fact ")" OP int | "has(" fact ")" | "at('" region "." state "')"

A guard is three-valued: a fact that nobody has recorded is neither true nor false, except under `has`.

Whether the guards of one trigger overlap or leave a gap is decided by enumerating cells: every consistent way in which
their atoms can be true, false or unknown together. Cells come from representative values of the facts, so what cannot
be together (two options of one choice, `pages < 3` and `pages > 5`) is in no cell.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.nodes import nearest

MAX_LENGTH = 500
MAX_NESTING = 16
MAX_CELLS = 200_000

Value = bool | int | str | dt.date

_TOKEN = re.compile(
    r"(?P<text>'[^']*')|(?P<date>date\('[^']*'\))|(?P<int>-?[0-9]+)"
    r"|(?P<op>&&|\|\||==|!=|<=|>=|<|>|!|\(|\)|\[|\]|,)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
)
_SPACE = re.compile(r"[ \t\r\n]*")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_COMPARE: Mapping[str, Callable[[object, object], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,  # type: ignore[operator]
    "<=": lambda a, b: a <= b,  # type: ignore[operator]
    ">": lambda a, b: a > b,  # type: ignore[operator]
    ">=": lambda a, b: a >= b,  # type: ignore[operator]
}
_OPPOSITE = {"!=": "==", ">=": "<", ">": "<="}
_ORDERED = ("int", "date", "instant")
_QUESTIONS = {
    "set": "write 'member' in fact, or size(fact) > 0",
    "contacts": "write size(fact) > 0",
    "document": "write has(fact)",
    "person": "write has(fact)",
    "instant": "compare it with another instant",
}


@dataclass(frozen=True, slots=True)
class FactType:
    """`kind`: bool, text, int, date, instant, choice, set, document, person, contacts; a choice or set has options."""

    kind: str
    options: tuple[str, ...] = ()


class GuardError(ValueError):
    """A guard that cannot be compiled; `column` counts from 1."""

    def __init__(self, message: str, column: int) -> None:
        self.column = column
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Unknown:
    """Neither true nor false: these facts are not recorded. Never to be used as a condition."""

    names: frozenset[str]

    def __bool__(self) -> bool:
        raise TypeError("an unknown answer is neither true nor false: compare it with `is True`")


@dataclass(frozen=True, slots=True)
class Atom:
    """One question about one fact (or two dates, or a place): `op` is `is`, `in`, `size`, `has`, `compare` or `at`.

    Of `at`, `fact` is the place. Questions that answer each other share one atom: `x != 1` is not(`x == 1`).
    """

    fact: str
    op: str
    sign: str = ""
    value: Value | None = None
    other: str | None = None

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
        subject = len(fact) if self.op == "size" else fact  # type: ignore[arg-type]
        return bool(_COMPARE[self.sign](subject, value))


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
    tree: Tree


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two guards, by their index, that are true together, and when."""

    first: int
    second: int
    cell: Cell


class TooManyCells(ValueError):
    """These guards have more than `MAX_CELLS` cells: nothing is said about them rather than something sampled."""


Cell = Mapping[Atom, bool | None]
"""One consistent answer to every atom; None is unknown."""


def compile_guard(source: str, facts: Mapping[str, FactType], places: Collection[str] = ()) -> Guard:
    """Parses and types a guard; `places` are the names that `at` may ask about, as `region.state`.

    Raises `GuardError` with a plain sentence and the column.
    """
    if len(source) > MAX_LENGTH:
        raise GuardError(f"a guard has at most {MAX_LENGTH} characters: split it into two branches", MAX_LENGTH + 1)
    return Guard(source, _Parser(source, facts, places).whole())


def evaluate(guard: Guard, values: Mapping[str, object], at: Collection[str] = frozenset()) -> bool | Unknown:
    """True, False, or `Unknown` with the facts that would have to be recorded to tell.

    `values` holds the recorded facts only; `at` the places where the case is.
    """
    return _walk(guard.tree, lambda atom: atom.ask(values, at))


def evaluate_atoms(guard: Guard, truth: Cell) -> bool | None:
    """The guard under given answers to its atoms; None is unknown."""

    def ask(atom: Atom) -> bool | Unknown:
        answer = truth[atom]
        return Unknown(frozenset(atom.facts)) if answer is None else answer

    answer = _walk(guard.tree, ask)
    return None if isinstance(answer, Unknown) else answer


def atoms(guard: Guard) -> tuple[Atom, ...]:
    """Each atom once, in order."""
    return tuple(dict.fromkeys(_atoms(guard.tree)))


def reads(guard: Guard) -> frozenset[str]:
    """The facts that must be recorded before the guard can be true or false: all it reads outside `has`."""
    return frozenset(name for atom in atoms(guard) if atom.op != "has" for name in atom.facts)


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


def cells(guards: Iterable[Guard], facts: Mapping[str, FactType]) -> Iterator[Cell]:
    """Each consistent cell of all atoms of the guards, once, always in the same order. Raises `TooManyCells`."""
    asked = tuple(dict.fromkeys(atom for guard in guards for atom in atoms(guard)))
    pools = [_place_answers(group) for group in _regions(asked)]
    pools += [_fact_answers(group, facts) for group in _coupled(asked)]
    _limit(math.prod(len(pool) for pool in pools))
    for parts in itertools.product(*pools):
        yield {atom: answer for part in parts for atom, answer in part}


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


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int

    def __str__(self) -> str:
        if self.kind == "end":
            return "the end"
        return self.text if self.kind in ("text", "date") else f"'{self.text}'"


class _Parser:
    """Recursive descent; each method reads one rule of the grammar above and leaves `at` behind it."""

    def __init__(self, source: str, facts: Mapping[str, FactType], places: Collection[str]) -> None:
        self.tokens = list(_tokens(source))
        self.facts = facts
        self.places = places
        self.at = 0
        self.depth = 0

    def whole(self) -> Tree:
        tree = self.either()
        if self.peek().kind != "end":
            raise self.wrong(f"{self.peek()} is not expected here: join two questions with && or ||")
        return tree

    def either(self) -> Tree:
        parts = [self.both()]
        while self.take("||"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def both(self) -> Tree:
        parts = [self.part()]
        while self.take("&&"):
            parts.append(self.part())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def part(self) -> Tree:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise self.wrong(f"a guard nests at most {MAX_NESTING} deep")
        tree = self.nested()
        self.depth -= 1
        return tree

    def nested(self) -> Tree:
        if self.take("!"):
            return Not(self.part())
        if self.take("("):
            tree = self.either()
            self.need(")")
            return tree
        return self.atom()

    def atom(self) -> Tree:
        token = self.peek()
        if token.kind != "name" or token.text in ("true", "false"):
            return self.membership()
        if token.text in ("size", "has", "at") and self.tokens[self.at + 1].text == "(":
            return self.call()
        fact = self.fact()
        if self.take("in"):
            return self.one_of(fact)
        if self.peek().kind == "op" and self.peek().text in _COMPARE:
            return self.compare(fact, self.next().text)
        kind = self.facts[fact].kind
        if kind != "bool":
            raise self.wrong(f"'{fact}' is a {kind}, not true or false: {_QUESTIONS.get(kind, 'compare it')}", token)
        return Atom(fact, "is")

    def membership(self) -> Atom:
        token, value = self.peek(), self.literal()
        if not self.take("in"):
            raise self.wrong("a literal stands only before 'in': write the fact first", token)
        place, fact = self.peek(), self.fact()
        kind = self.facts[fact]
        if kind.kind != "set":
            raise self.wrong(f"only a set has members; '{fact}' is a {kind.kind}", place)
        if value not in kind.options:
            raise self.wrong(f"{token} cannot be in '{fact}'{nearest(str(value), kind.options)}", token)
        return Atom(fact, "in", value=value)

    def call(self) -> Tree:
        name = self.next().text
        self.need("(")
        if name == "at":
            return self.place()
        token, fact = self.peek(), self.fact()
        self.need(")")
        if name == "has":
            return Atom(fact, "has")
        if self.facts[fact].kind not in ("set", "contacts"):
            raise self.wrong(f"size() counts a set or contacts; '{fact}' is a {self.facts[fact].kind}", token)
        sign, number = self.next(), self.next()
        if sign.kind != "op" or sign.text not in _COMPARE or number.kind != "int":
            raise self.wrong("size(fact) is compared with a whole number, such as size(fact) > 0", sign)
        return _question(Atom(fact, "size", sign.text, self.number(number)))

    def place(self) -> Atom:
        token = self.next()
        self.need(")")
        if token.kind != "text" or token.text[1:-1] not in self.places:
            known = nearest(token.text.strip("'"), self.places)
            raise self.wrong(f"at() asks about a region and its state; there is no {token}{known}", token)
        return Atom(token.text[1:-1], "at")

    def compare(self, fact: str, sign: str) -> Tree:
        kind, token = self.facts[fact], self.peek()
        if sign not in ("==", "!=") and kind.kind not in _ORDERED:
            raise self.wrong(f"'{fact}' is a {kind.kind} and has no order: use == or !=", self.tokens[self.at - 1])
        if token.kind == "name" and token.text not in ("true", "false"):
            other = self.fact()
            if kind.kind not in ("date", "instant") or self.facts[other].kind != kind.kind:
                raise self.wrong("only two dates are compared with each other: compare with a literal", token)
            return _question(Atom(fact, "compare", sign, other=other))
        return _question(Atom(fact, "compare", sign, self.value_of(fact)))

    def one_of(self, fact: str) -> Tree:
        self.need("[")
        parts = [_question(Atom(fact, "compare", "==", self.value_of(fact)))]
        while self.take(","):
            parts.append(_question(Atom(fact, "compare", "==", self.value_of(fact))))
        self.need("]")
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def value_of(self, fact: str) -> Value:
        """A literal that the fact can have."""
        token, value, kind = self.peek(), self.literal(), self.facts[fact]
        if not _fits(value, kind):
            about = nearest(str(value), kind.options) or f", which is a {kind.kind}"
            asked = f": {_QUESTIONS[kind.kind]}" if kind.kind in _QUESTIONS else ""
            raise self.wrong(f"{token} is no value of '{fact}'{about}{asked}", token)
        return value

    def literal(self) -> Value:
        token = self.next()
        if token.kind == "text":
            return token.text[1:-1]
        if token.kind == "int":
            return self.number(token)
        if token.kind == "name" and token.text in ("true", "false"):
            return token.text == "true"
        if token.kind == "date":
            return self.day(token)
        raise self.wrong(f"expected a fact or a value before {token}", token)

    def number(self, token: _Token) -> int:
        if len(token.text) > 9:
            raise self.wrong("a number has at most 9 digits", token)
        return int(token.text)

    def day(self, token: _Token) -> dt.date:
        written = token.text.removeprefix("date('").removesuffix("')")
        try:
            if _DATE.fullmatch(written):
                return dt.date.fromisoformat(written)
        except ValueError:
            raise self.wrong(f"there is no day {written}", token) from None
        raise self.wrong(f"'{written}' is not a date: write it as date('2026-07-01')", token)

    def fact(self) -> str:
        token = self.next()
        if token.kind in ("end", "op"):
            raise self.wrong(f"expected a fact before {token}", token)
        if token.kind != "name" or token.text not in self.facts:
            raise self.wrong(f"unknown fact {token}{nearest(token.text, self.facts)}", token)
        return token.text

    def peek(self) -> _Token:
        return self.tokens[self.at]

    def next(self) -> _Token:
        token = self.tokens[self.at]
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def take(self, text: str) -> bool:
        if self.peek().text != text:
            return False
        self.at += 1
        return True

    def need(self, text: str) -> None:
        if not self.take(text):
            raise self.wrong(f"'{text}' is missing before {self.peek()}")

    def wrong(self, message: str, token: _Token | None = None) -> GuardError:
        return GuardError(message, (token or self.peek()).column)


def _question(atom: Atom) -> Tree:
    """The atom in the form that it shares with its opposite: `==` for `!=`, `<` for `>=`, `<=` for `>`."""
    if isinstance(atom.value, bool):
        asked = Atom(atom.fact, "is")
        return asked if atom.value is (atom.sign == "==") else Not(asked)
    if atom.sign not in _OPPOSITE:
        return atom
    return Not(Atom(atom.fact, atom.op, _OPPOSITE[atom.sign], atom.value, atom.other))


def _tokens(source: str) -> Iterator[_Token]:
    at = _SPACE.match(source).end()  # type: ignore[union-attr]
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            raise GuardError(_strange(source[at:]), at + 1)
        kind = match.lastgroup or ""
        yield _Token(kind, match[kind], at + 1)
        at = _SPACE.match(source, match.end()).end()  # type: ignore[union-attr]
    yield _Token("end", "", len(source) + 1)


def _strange(rest: str) -> str:
    if rest.startswith("'"):
        return "a text begins here and has no closing '"
    hint = {'"': ": put texts in single quotes", "=": ": write ==", "&": ": write &&", "|": ": write ||"}
    return f"'{rest[0]}' is not part of the guard language{hint.get(rest[0], '')}"


def _fits(value: Value, kind: FactType) -> bool:
    if kind.kind == "choice":
        return value in kind.options
    expected = {"bool": bool, "text": str, "date": dt.date, "int": int}.get(kind.kind)
    return expected is not None and type(value) is expected


_Answers = tuple[tuple[Atom, bool | None], ...]


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
    samples = [_samples(name, facts[name], group, len(names)) for name in names]
    _limit(math.prod(len(sample) + 1 for sample in samples))
    found: dict[_Answers, None] = {}
    for chosen in itertools.product(*((_ABSENT, *sample) for sample in samples)):
        values = {name: value for name, value in zip(names, chosen, strict=True) if value is not _ABSENT}
        found[tuple((atom, _three(atom.ask(values))) for atom in group)] = None
    return list(found)


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
        case "contacts":
            return [range(size) for size in _around([value for value in literals if isinstance(value, int)], 1, 0)]
        case "int":
            return list(_around([value for value in literals if isinstance(value, int)], 1))
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
    """The literals and `reach` whole numbers on both sides of each; 0 up to `reach` when there are none."""
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
