"""The language of guards: a typed subset of CEL over declared facts. No clock, no calls out, no `eval`.

    guard  := either ("||" either)*        either := part ("&&" part)*
    part   := "!" part | "(" guard ")" | atom
    atom   := fact | fact OP literal | fact OP fact (two dates, two ints)
            | literal "in" fact | fact "in" "[" literals "]"
            | "size(" fact ")" OP int | "has(" fact ")" | "at('" region "." state "')"
            | fact "." ("all" | "exists") "(" name "," either ")"   where name "." column is asked about inside
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from engine.model.guards import COMPARE, Atom, Both, Either, FactType, Guard, Not, Tree, Value
from engine.nodes import nearest

MAX_LENGTH = 500
MAX_NESTING = 16

_TOKEN = re.compile(
    r"(?P<text>'[^']*')|(?P<date>date\('[^']*'\))|(?P<int>-?[0-9]+)"
    r"|(?P<op>&&|\|\||==|!=|<=|>=|<|>|!|\(|\)|\[|\]|,|\.)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
)
_SPACE = re.compile(r"[ \t\r\n]*")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_OPPOSITE = {"!=": "==", ">=": "<", ">": "<="}
_ORDERED = ("int", "date", "instant")
_QUESTIONS = {
    "set": "write 'member' in fact, or size(fact) > 0",
    "contacts": "write size(fact) > 0",
    "document": "write has(fact)",
    "person": "write has(fact)",
    "agreement": "write has(fact)",
    "agreements": "write size(fact) > 0",
    "instant": "compare it with another instant",
    "table": "write fact.all(row, …) or fact.exists(row, …)",
}


class GuardError(ValueError):
    """A guard that cannot be compiled; `column` counts from 1."""

    def __init__(self, message: str, column: int) -> None:
        self.column = column
        super().__init__(message)


def compile_guard(source: str, facts: Mapping[str, FactType], places: Collection[str] = ()) -> Guard:
    """Parses and types a guard; `places` are the names that `at` may ask about, as `region.state`.

    Raises `GuardError` with a plain sentence and the column.
    """
    if len(source) > MAX_LENGTH:
        raise GuardError(f"a guard has at most {MAX_LENGTH} characters: split it into two branches", MAX_LENGTH + 1)
    return Guard(source, _Parser(source, facts, places).whole())


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
        self.row = ""

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
        if self.take("."):
            return self.rows(fact, token)
        if self.take("in"):
            return self.one_of(fact)
        if self.peek().kind == "op" and self.peek().text in COMPARE:
            return self.compare(fact, self.next().text)
        kind = self.facts[fact].kind
        if kind != "bool":
            raise self.wrong(f"'{fact}' is a {kind}, not true or false: {_QUESTIONS.get(kind, 'compare it')}", token)
        return Atom(fact, "is")

    def rows(self, fact: str, token: _Token) -> Tree:
        """`all` or `exists` over the rows of a table; `all` is asked as: there is none that is not so."""
        kind, which = self.facts[fact], self.next()
        if kind.kind != "table" or which.text not in ("all", "exists") or self.row:
            raise self.wrong(f"only a table has rows to ask about, once: '{fact}' is a {kind.kind}", token)
        self.need("(")
        self.row = self.next().text
        self.need(",")
        outside, self.facts = self.facts, _columns(kind)
        inner = self.either()
        self.facts, self.row = outside, ""
        self.need(")")
        every = which.text == "all"
        found = Atom(fact, "exists", inner=Not(inner) if every else inner)
        return Not(found) if every else found

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
        if self.facts[fact].kind not in ("set", "contacts", "table", "agreements"):
            raise self.wrong(f"size() counts a set, contacts or a table; '{fact}' is a {self.facts[fact].kind}", token)
        sign, number = self.next(), self.next()
        if sign.kind != "op" or sign.text not in COMPARE or number.kind != "int":
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
            if kind.kind not in _ORDERED or self.facts[other].kind != kind.kind:
                raise self.wrong("only two dates or two numbers are compared: compare with a literal", token)
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
        if self.row:
            token = self.column(token)
        if token.kind in ("end", "op"):
            raise self.wrong(f"expected a fact before {token}", token)
        if token.kind != "name" or token.text not in self.facts:
            raise self.wrong(f"unknown fact {token}{nearest(token.text, self.facts)}", token)
        return token.text

    def column(self, token: _Token) -> _Token:
        if token.text != self.row or not self.take("."):
            raise self.wrong(f"only the row is asked about here: write {self.row}.column", token)
        return self.next()

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


def _columns(table: FactType) -> Mapping[str, FactType]:
    """The columns that a guard may ask about: those that are never empty, and where rows are fixed, which one it is."""
    which = {"key": FactType("choice", table.rows)} if table.rows else {}
    return which | {column.name: column.type for column in table.columns if not column.optional}


def _fits(value: Value, kind: FactType) -> bool:
    if kind.kind == "choice":
        return value in kind.options
    expected = {"bool": bool, "text": str, "date": dt.date, "int": int}.get(kind.kind)
    return expected is not None and type(value) is expected
