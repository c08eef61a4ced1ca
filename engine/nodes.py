"""Plain document nodes with their places, and the reading of them into values.

A reader (YAML today) turns a document into these nodes: text stays text, nothing is guessed. The functions below read
a node as one expected shape. A wrong shape is written down as a `Fault` and `None` comes back, so that one pass over a
document finds all of its faults.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from engine.errors import FaultyInput
from engine.faults import Fault, Mark

T = TypeVar("T")

MOST_NAMED = 12
"""Of more known names than these a sentence names only the first."""

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INTEGER = re.compile(r"-?(0|[1-9]\d*)")


@dataclass(frozen=True, slots=True)
class Scalar:
    text: str
    mark: Mark
    quoted: bool = False

    @property
    def is_null(self) -> bool:
        """An empty plain scalar or `null`: written, but without a value."""
        return not self.quoted and self.text in ("", "~", "null")


@dataclass(frozen=True, slots=True)
class ListNode:
    items: tuple[Node, ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class MapNode:
    """Entries in document order; the reader has refused duplicate keys."""

    entries: tuple[tuple[Scalar, Node], ...]
    mark: Mark

    def get(self, key: str) -> Node | None:
        return next((value for name, value in self.entries if name.text == key), None)


Node = Scalar | ListNode | MapNode


@dataclass(slots=True)
class Faults:
    """Collects faults while a document is read; the only mutable thing here, and it never leaves a load.

    `meant` says of misspelt keys which key was meant, so that one mistake need not be told by all that follows from it;
    `misspelt` are the faults that say so.
    """

    found: list[Fault] = field(default_factory=list)
    meant: dict[Mark, str] = field(default_factory=dict)
    misspelt: list[Fault] = field(default_factory=list)

    def add(self, where: Node | Mark, message: str) -> None:
        mark = where if isinstance(where, Mark) else where.mark
        self.found.append(Fault(mark, message))

    def add_misspelt(self, key: Scalar, message: str, meant: str | None) -> None:
        """A fault of a key, and which key was meant, if that is plain."""
        self.add(key, message)
        if meant is not None:
            self.meant[key.mark] = meant
            self.misspelt.append(self.found[-1])

    def raise_if_any(self) -> None:
        if self.found:
            in_order = sorted(set(self.found), key=lambda f: (f.mark.file, f.mark.line, f.mark.column))
            raise FaultyInput(in_order)


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known name that a misspelt one is most like, if any is like it at all."""
    found = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return found[0] if found else None


def nearest(word: str, known: Iterable[str], most: int = MOST_NAMED) -> str:
    """` (did you mean 'x'?)`, or what is known, at `most` so many, or nothing when nothing is known."""
    names = sorted(known)
    close = closest(word, names)
    if close:
        return f" (did you mean '{close}'?)"
    if len(names) > most:
        names = [*names[:most], f"… {len(names) - most} more"]
    return f" (known: {', '.join(names)})" if names else ""


def fields(
    node: Node | None,
    faults: Faults,
    *,
    required: Iterable[str] = (),
    optional: Iterable[str] = (),
    what: str = "this block",
) -> Mapping[str, Node]:
    """The entries of a map whose keys are declared; unknown and missing keys are faults."""
    if node is None:
        return {}
    if not isinstance(node, MapNode):
        faults.add(node, f"{what} must be a block of keys")
        return {}
    must, known = tuple(required), {*required, *optional}
    found: dict[str, Node] = {}
    for key, value in node.entries:
        if key.text not in known:
            close = closest(key.text, known)
            meant = close if close is not None and node.get(close) is None else None
            faults.add_misspelt(key, f"unknown key '{key.text}' in {what}{nearest(key.text, known)}", meant)
        else:
            found[key.text] = value
    for name in must:
        if name not in found:
            faults.add(node, f"{what} needs the key '{name}'")
    return found


def renamed(node: Node, keys: Mapping[Mark, str]) -> Node:
    """The same document with other names for the keys at these places."""
    match node:
        case MapNode(entries, mark):
            return MapNode(tuple((replace(key, text=keys.get(key.mark, key.text)), renamed(value, keys))
                                 for key, value in entries), mark)
        case ListNode(members, mark):
            return ListNode(tuple(renamed(item, keys) for item in members), mark)
    return node


def named(node: Node | None, faults: Faults, what: str = "this block") -> Iterator[tuple[Scalar, Node]]:
    """The entries of a map whose keys are the author's own names."""
    if node is None or (isinstance(node, Scalar) and node.is_null):
        return
    if not isinstance(node, MapNode):
        faults.add(node, f"{what} must be a block of names")
        return
    for key, value in node.entries:
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9_.\-]*", key.text):
            yield key, value
        else:
            faults.add(key, f"'{key.text}' is not a name: use letters, digits, '_', '-' and '.'")


def items(node: Node | None, faults: Faults, what: str = "this list") -> tuple[Node, ...]:
    """The items of a list; a missing node is an empty list, a single scalar is refused."""
    if node is None or (isinstance(node, Scalar) and node.is_null):
        return ()
    if not isinstance(node, ListNode):
        faults.add(node, f"{what} must be a list: write [a, b] or one '- item' a line")
        return ()
    return node.items


def each(
    node: Node | None, faults: Faults, read: Callable[[Node, Faults], T | None], what: str = "this list"
) -> tuple[T, ...]:
    """Every item of a list through one reader; items with faults are left out."""
    values = (read(item, faults) for item in items(node, faults, what))
    return tuple(value for value in values if value is not None)


def text(node: Node | None, faults: Faults, what: str = "this value") -> str | None:
    if node is None:
        return None
    if not isinstance(node, Scalar) or node.is_null:
        faults.add(node, f"{what} must be a text")
        return None
    return node.text


def integer(node: Node | None, faults: Faults, what: str = "this value") -> int | None:
    if node is None:
        return None
    if not isinstance(node, Scalar) or node.quoted or not _INTEGER.fullmatch(node.text):
        faults.add(node, f"{what} must be a whole number")
        return None
    return int(node.text)


def boolean(node: Node | None, faults: Faults, what: str = "this value") -> bool | None:
    if node is None:
        return None
    if not isinstance(node, Scalar) or node.quoted or node.text not in ("true", "false"):
        faults.add(node, f"{what} must be true or false")
        return None
    return node.text == "true"


def date(node: Node | None, faults: Faults, what: str = "this value") -> dt.date | None:
    if node is None:
        return None
    if isinstance(node, Scalar) and _ISO_DATE.fullmatch(node.text):
        try:
            return dt.date.fromisoformat(node.text)
        except ValueError:
            faults.add(node, f"{what}: there is no day {node.text}")
            return None
    faults.add(node, f"{what} must be a date such as 2026-07-01")
    return None


def choice(node: Node | None, faults: Faults, known: Iterable[str], what: str = "this value") -> str | None:
    """A text out of a fixed set; one that is misspelt is a fault, and read as what it is most like."""
    value = text(node, faults, what)
    if value is None or node is None:
        return None
    options = tuple(known)
    if value in options:
        return value
    faults.add(node, f"{what}: '{value}' is unknown{nearest(value, options)}")
    return closest(value, options)
