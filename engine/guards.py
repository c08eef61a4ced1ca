"""Guards: a typed subset of CEL over declared facts. No clock, no calls out, no `eval`.

    guard  := either ("||" either)*        either := part ("&&" part)*
    part   := "!" part | "(" guard ")" | atom
    atom   := fact | fact OP literal | fact OP fact (two dates) | literal "in" fact | fact "in" "[" literals "]"
            | "size(" fact ")" OP int | "has(" fact ")"

A guard is three-valued: a fact that nobody has recorded is neither true nor false, except under `has`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from engine.nodes import nearest

MAX_LENGTH = 500
MAX_NESTING = 16

Literal_ = bool | int | str | dt.date

_TOKEN = re.compile(r"\s*(?:(?P<text>'[^']*')|(?P<date>date\('\d{4}-\d{2}-\d{2}'\))|(?P<int>\d+)"
                    r"|(?P<op>&&|\|\||==|!=|<=|>=|<|>|!|\(|\)|\[|\]|,)|(?P<name>[A-Za-z_][A-Za-z0-9_]*))")
_COMPARE: Mapping[str, Callable[[object, object], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,  # type: ignore[operator]
    "<=": lambda a, b: a <= b,  # type: ignore[operator]
    ">": lambda a, b: a > b,  # type: ignore[operator]
    ">=": lambda a, b: a >= b,  # type: ignore[operator]
}
_ORDERED = ("int", "date", "instant")


@dataclass(frozen=True, slots=True)
class FactType:
    """`kind`: bool, text, int, date, instant, choice, set, document, person or contacts; `options` of a choice or set."""

    kind: str
    options: tuple[str, ...] = ()


class GuardError(ValueError):
    """A guard that cannot be compiled; `column` counts from 1."""

    def __init__(self, message: str, column: int) -> None:
        self.column = column
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Unknown:
    """Neither true nor false: these facts are not recorded."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Atom:
    """One question about one fact (or two dates): `op` is `is`, `in`, `one_of`, `size`, `has` or `compare`."""

    fact: str
    op: str
    sign: str = ""
    value: Literal_ | tuple[Literal_, ...] | None = None
    other: str | None = None

    def ask(self, values: Mapping[str, object]) -> bool | Unknown:
        if self.op == "has":
            return self.fact in values
        missing = {name for name in (self.fact, self.other) if name is not None and name not in values}
        if missing:
            return Unknown(frozenset(missing))
        return self._answer(values[self.fact], values[self.other] if self.other else self.value)

    def _answer(self, fact: object, value: object) -> bool:
        if self.op == "is":
            return fact is True
        if self.op == "in":
            return value in fact  # type: ignore[operator]
        if self.op == "one_of":
            return fact in value  # type: ignore[operator]
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


def compile_guard(source: str, facts: Mapping[str, FactType]) -> Guard:
    """Parses and types a guard. Raises `GuardError` with a plain sentence and the column."""
    if len(source) > MAX_LENGTH:
        raise GuardError(f"a guard has at most {MAX_LENGTH} characters: split it into two branches", MAX_LENGTH)
    return Guard(source, _Parser(source, facts).whole())


def evaluate(guard: Guard, values: Mapping[str, object]) -> bool | Unknown:
    """True, False, or `Unknown` with the facts that would have to be recorded to tell."""
    return _walk(guard.tree, lambda atom: atom.ask(values))


def evaluate_atoms(guard: Guard, truth: Mapping[Atom, bool | None]) -> bool | None:
    """The guard under given answers to its atoms; None is unknown."""
    def ask(atom: Atom) -> bool | Unknown:
        answer = truth[atom]
        return Unknown(frozenset({atom.fact})) if answer is None else answer

    answer = _walk(guard.tree, ask)
    return None if isinstance(answer, Unknown) else answer


def atoms(guard: Guard) -> tuple[Atom, ...]:
    """Each atom once, in order."""
    return tuple(dict.fromkeys(_atoms(guard.tree)))


def reads(guard: Guard) -> frozenset[str]:
    """The facts that must be recorded before the guard can be true or false: all it reads outside `has`."""
    found = [atom for atom in atoms(guard) if atom.op != "has"]
    return frozenset(name for atom in found for name in (atom.fact, atom.other) if name is not None)


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


class _Parser:
    def __init__(self, source: str, facts: Mapping[str, FactType]) -> None:
        self.tokens = list(_tokens(source))
        self.facts = facts
        self.at = 0
        self.depth = 0

    def whole(self) -> Tree:
        tree = self.either()
        if self.peek().kind != "end":
            raise self.wrong(f"'{self.peek().text}' is not expected here")
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

    def atom(self) -> Atom:
        token = self.peek()
        if token.kind != "name" or token.text in ("true", "false"):
            return self.membership()
        if token.text in ("size", "has") and self.tokens[self.at + 1].text == "(":
            return self.call()
        fact = self.fact()
        if self.take("in"):
            return Atom(fact, "one_of", value=self.options(fact))
        sign = self.peek().text
        if sign in _COMPARE:
            self.at += 1
            return self.compare(fact, sign)
        if self.facts[fact].kind != "bool":
            raise self.wrong(f"'{fact}' is a {self.facts[fact].kind}, not true or false: compare it with something")
        return Atom(fact, "is")

    def membership(self) -> Atom:
        value = self.literal()
        if not self.take("in"):
            raise self.wrong("a literal stands only before 'in': write the fact first")
        fact = self.fact()
        kind = self.facts[fact]
        if kind.kind != "set" or value not in kind.options:
            raise self.wrong(f"{value!r} cannot be in '{fact}'{nearest(str(value), kind.options)}")
        return Atom(fact, "in", value=value)

    def call(self) -> Atom:
        name = self.next().text
        self.need("(")
        fact = self.fact()
        self.need(")")
        if name == "has":
            return Atom(fact, "has")
        if self.facts[fact].kind not in ("set", "contacts"):
            raise self.wrong(f"size() counts a set or contacts; '{fact}' is a {self.facts[fact].kind}")
        sign, number = self.next(), self.next()
        if sign.text not in _COMPARE or number.kind != "int":
            raise self.wrong("size(fact) is compared with a whole number, such as size(fact) > 0")
        return Atom(fact, "size", sign.text, int(number.text))

    def compare(self, fact: str, sign: str) -> Atom:
        kind = self.facts[fact]
        if sign not in ("==", "!=") and kind.kind not in _ORDERED:
            raise self.wrong(f"'{fact}' is a {kind.kind} and has no order: use == or !=")
        token = self.peek()
        if token.kind == "name" and token.text not in ("true", "false"):
            other = self.fact()
            if kind.kind not in ("date", "instant") or self.facts[other].kind != kind.kind:
                raise self.wrong("only two dates are compared with each other: compare with a literal")
            return Atom(fact, "compare", sign, other=other)
        value = self.literal()
        if not _fits(value, kind):
            raise self.wrong(f"{value!r} is no value of '{fact}'{nearest(str(value), kind.options)}")
        return Atom(fact, "compare", sign, value)

    def options(self, fact: str) -> tuple[Literal_, ...]:
        self.need("[")
        values = [self.literal()]
        while self.take(","):
            values.append(self.literal())
        self.need("]")
        for value in values:
            if self.facts[fact].kind == "set" or not _fits(value, self.facts[fact]):
                raise self.wrong(f"{value!r} is no value of '{fact}'{nearest(str(value), self.facts[fact].options)}")
        return tuple(values)

    def literal(self) -> Literal_:
        token = self.next()
        if token.kind == "text":
            return token.text[1:-1]
        if token.kind == "int":
            return int(token.text)
        if token.text in ("true", "false"):
            return token.text == "true"
        if token.kind == "date":
            return dt.date.fromisoformat(token.text[6:-2])
        raise GuardError(f"expected a value before '{token.text or 'the end'}'", token.column)

    def fact(self) -> str:
        token = self.next()
        if token.kind != "name" or token.text not in self.facts:
            raise GuardError(f"unknown fact '{token.text}'{nearest(token.text, self.facts)}", token.column)
        return token.text

    def peek(self) -> _Token:
        return self.tokens[self.at]

    def next(self) -> _Token:
        token = self.tokens[self.at]
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def take(self, text: str) -> bool:
        if self.peek().text != text or self.peek().kind == "text":
            return False
        self.at += 1
        return True

    def need(self, text: str) -> None:
        if not self.take(text):
            raise self.wrong(f"'{text}' is missing")

    def wrong(self, message: str) -> GuardError:
        return GuardError(message, self.peek().column)


def _tokens(source: str) -> Iterator[_Token]:
    at, end = 0, len(source.rstrip())
    while at < end:
        match = _TOKEN.match(source, at)
        if match is None:
            raise GuardError(f"'{source[at:].strip()[:10]}' is not part of the guard language", at + 1)
        kind = match.lastgroup or ""
        yield _Token(kind, match[kind], match.start(kind) + 1)
        at = match.end()
    yield _Token("end", "", len(source) + 1)


def _fits(value: Literal_, kind: FactType) -> bool:
    if kind.kind == "choice":
        return value in kind.options
    expected = {"bool": bool, "text": str, "date": dt.date, "int": int}.get(kind.kind)
    return expected is not None and type(value) is expected
