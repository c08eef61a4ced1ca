"""Strict YAML to plain nodes with their places.

Text stays text: no implicit dates, numbers or booleans, so `on`, `12:30` and `2026-07-01` mean what was typed.
Duplicate keys, tags, anchors, aliases, a second document and control characters are refused, each with its place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import yaml

from engine.errors import FaultyInput, UsageError
from engine.faults import Fault, Mark
from engine.nodes import Faults, ListNode, MapNode, Node, Scalar

MAX_SIZE = 1_000_000
"""Bytes of a file, characters of a text."""
MAX_NESTING = 32

# Both give the same events; the C one is faster, and a build of PyYAML may lack it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_OPENS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSES = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
_ADVICE = (
    ("mapping values are not allowed", "a second ': ' stands here: put the text in quotes, or indent it right"),
    ("cannot start any token", "a value or line cannot begin so: indent with spaces and put the text in quotes"),
    ("a tab character", "a tab stands in the indent: indent with spaces"),
    ("unexpected end of stream", "a quotation mark is opened and never closed"),
    ("expected ',' or", "a '[' or '{' is not closed, or a comma is missing"),
    ("did not find expected node content", "a value is missing, or a '[' or '{' is not closed"),
    ("did not find expected key", "this line does not fit the block above it: check the indent and the ':'"),
    ("expected '-' indicator", "a list goes on here without its '- '"),
    ("could not find expected ':'", "the line before has no ':'"),
    ("unknown escape character", "this '\\' means nothing in double quotes: use single quotes"),
)


class _Place(Protocol):
    """A mark of either of PyYAML's readers, counting from 0."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


def read_file(path: Path) -> Node:
    """The document in a UTF-8 file, with or without a byte order mark.

    Raises `UsageError` when the file can't be opened and `FaultyInput` when it is not strict YAML.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}): check the name and its permissions") from error
    _refuse_size(len(content), "bytes", str(path))
    try:
        return read_yaml(content.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        before = content[: error.start]
        place = Mark(str(path), before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        raise FaultyInput([Fault(place, "this is not UTF-8: save the file as UTF-8")]) from error


def read_yaml(text: str, file: str) -> Node:
    """The one document in `text`; `file` is the name that its marks carry. Raises `FaultyInput`."""
    _refuse_size(len(text), "characters", file)
    faults = Faults()
    _refuse_control(text, file, faults)
    reading = _Reading(file, faults)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            reading.take(event)
    except yaml.YAMLError as error:
        raise FaultyInput([*faults.found, _syntax(error, file)]) from error
    faults.raise_if_any()
    if not reading.roots:
        raise FaultyInput([Fault(Mark(file, 1, 1), "the document is empty: write the keys it needs")])
    reading.keys.raise_if_any()
    return reading.roots[0]


@dataclass(slots=True)
class _Reading:
    """The nodes that the parser's events make. Composing them from our own events reads a document once, and no alias
    is ever resolved. `open` are the blocks not closed yet, each with what it holds so far; `keys` what is wrong with
    keys, which is told only of a document that is well-formed."""

    file: str
    faults: Faults
    keys: Faults = field(default_factory=Faults)
    roots: list[Node] = field(default_factory=list)
    open: list[tuple[Mark, list[Node]]] = field(default_factory=list)

    def take(self, event: yaml.Event) -> None:
        """Raises `FaultyInput` where the document nests too deep."""
        if isinstance(event, _CLOSES):
            mark, items = self.open.pop()
            self._put(_map(items, mark, self.keys) if isinstance(event, yaml.MappingEndEvent)
                      else ListNode(tuple(items), mark))
            return
        where = _mark(event.start_mark, self.file)
        if isinstance(event, yaml.DocumentStartEvent) and self.roots:
            self.faults.add(where, "a second document begins here: keep one document a file")
        if isinstance(event, _OPENS):
            self.open.append((where, []))
            self._refuse_nesting(where)
        _refuse_features(event, where, self.faults)
        if isinstance(event, yaml.ScalarEvent):
            self._put(Scalar(event.value, where, quoted=bool(event.style)))
        elif isinstance(event, yaml.AliasEvent):
            self._put(Scalar("", where))

    def _put(self, node: Node) -> None:
        (self.open[-1][1] if self.open else self.roots).append(node)

    def _refuse_nesting(self, where: Mark) -> None:
        if len(self.open) > MAX_NESTING:
            self.faults.add(where, f"a document nests at most {MAX_NESTING} deep: take blocks or brackets away")
            self.faults.raise_if_any()


def _refuse_size(size: int, unit: str, file: str) -> None:
    if size > MAX_SIZE:
        raise FaultyInput([Fault(Mark(file, 1, 1), f"the document has more than {MAX_SIZE:,} {unit}: split it")])


def _refuse_control(text: str, file: str, faults: Faults) -> None:
    for match in _CONTROL.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        column = match.start() - text.rfind("\n", 0, match.start())
        faults.add(Mark(file, line, column), _no_control(match))
    faults.raise_if_any()


def _no_control(found: re.Match[str]) -> str:
    return f"the control character U+{ord(found.group()):04X} is not allowed: delete it"


def _refuse_features(event: yaml.Event, where: Mark, faults: Faults) -> None:
    if getattr(event, "anchor", None) is not None:
        faults.add(where, "anchors and aliases ('&', '*') are not allowed: write the value out")
    tag = getattr(event, "tag", None)
    if tag is not None:
        faults.add(where, f"the tag '{tag}' is not allowed: write the plain value")
    if isinstance(event, yaml.ScalarEvent) and (found := _CONTROL.search(event.value)):
        faults.add(where, _no_control(found))


def _map(items: list[Node], mark: Mark, faults: Faults) -> MapNode:
    """Of keys and values in turn."""
    keys = (_key(node, faults) for node in items[::2])
    entries = tuple(zip(keys, items[1::2], strict=True))
    _refuse_twice(entries, faults)
    return MapNode(entries, mark)


def _key(node: Node, faults: Faults) -> Scalar:
    if isinstance(node, Scalar):
        return node
    faults.add(node, "a key must be one word, not a list or a block")
    return Scalar("", node.mark)


def _refuse_twice(entries: tuple[tuple[Scalar, Node], ...], faults: Faults) -> None:
    first: dict[str, Mark] = {}
    for key, _ in entries:
        if key.text in first:
            line = first[key.text].line
            faults.add(key, f"the key '{key.text}' is here twice, first on line {line}: keep one of them")
        first.setdefault(key.text, key.mark)


def _syntax(error: yaml.YAMLError, file: str) -> Fault:
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    mark = getattr(error, "problem_mark", None)
    begun = getattr(error, "context_mark", None)
    since = f" (in what begins on line {begun.line + 1})" if begun and mark and begun.line < mark.line else ""
    advice = next((advice for words, advice in _ADVICE if words in problem), problem)
    return Fault(_mark(mark, file), f"not readable as YAML: {advice}{since}")


def _mark(mark: _Place | None, file: str) -> Mark:
    return Mark(file, mark.line + 1, mark.column + 1) if mark else Mark(file, 1, 1)
