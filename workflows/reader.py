"""Strict YAML to plain nodes with their places.

Text stays text: no implicit dates, numbers or booleans, so `on`, `12:30` and `2026-07-01` mean what was typed.
Duplicate keys, tags, anchors, aliases, a second document and control characters are refused, each with its place.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from engine.errors import FaultyInput, UsageError
from engine.nodes import Fault, Faults, ListNode, MapNode, Mark, Node, Scalar

MAX_BYTES = 1_000_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029\ufeff]")


def read_file(path: Path) -> Node:
    """The document in a file. Raises `UsageError` when it can't be read and `FaultyInput` when it is not strict YAML."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}): check the name and its permissions") from error
    try:
        return read_yaml(content.decode("utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 at byte {error.start}: save the file as UTF-8") from error


def read_yaml(text: str, file: str) -> Node:
    """The one document in `text`. Raises `FaultyInput`."""
    faults = Faults()
    if len(text) > MAX_BYTES:
        faults.add(Mark(file, 1, 1), f"the document is larger than {MAX_BYTES:,} characters: split it")
        faults.raise_if_any()
    _refuse_control(text, file, faults)
    try:
        _refuse_events(text, file, faults)
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        raise FaultyInput([*faults.found, _syntax(error, file)]) from error
    except yaml.YAMLError as error:
        raise FaultyInput([*faults.found, Fault(Mark(file, 1, 1), f"not readable as YAML: {error}")]) from error
    if root is None:
        faults.add(Mark(file, 1, 1), "the document is empty")
    faults.raise_if_any()
    node = _convert(root, file, faults)
    faults.raise_if_any()
    return node


def _refuse_control(text: str, file: str, faults: Faults) -> None:
    for match in _CONTROL.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        column = match.start() - text.rfind("\n", 0, match.start())
        code = ord(match.group())
        faults.add(Mark(file, line, column), f"the control character U+{code:04X} is not allowed: delete it")
    faults.raise_if_any()


def _refuse_events(text: str, file: str, faults: Faults) -> None:
    documents = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        where = _mark(event.start_mark, file)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if isinstance(event, yaml.DocumentStartEvent) and documents > 1:
            faults.add(where, "a second document begins here: keep one document a file")
        if getattr(event, "anchor", None) is not None:
            faults.add(where, "anchors and aliases ('&', '*') are not allowed: write the value out")
        if getattr(event, "tag", None) not in (None, "!"):
            faults.add(where, f"the tag '{event.tag}' is not allowed: write the plain value")
    faults.raise_if_any()


def _convert(node: yaml.Node, file: str, faults: Faults) -> Node:
    mark = _mark(node.start_mark, file)
    if isinstance(node, yaml.MappingNode):
        entries = tuple((_key(key, file, faults), _convert(value, file, faults)) for key, value in node.value)
        _refuse_twice(entries, faults)
        return MapNode(entries, mark)
    if isinstance(node, yaml.SequenceNode):
        return ListNode(tuple(_convert(item, file, faults) for item in node.value), mark)
    return Scalar(node.value, mark, quoted=bool(node.style))


def _key(node: yaml.Node, file: str, faults: Faults) -> Scalar:
    mark = _mark(node.start_mark, file)
    if not isinstance(node, yaml.ScalarNode):
        faults.add(mark, "a key must be one word, not a list or a block")
        return Scalar("", mark)
    return Scalar(node.value, mark, quoted=bool(node.style))


def _refuse_twice(entries: tuple[tuple[Scalar, Node], ...], faults: Faults) -> None:
    first: dict[str, Mark] = {}
    for key, _ in entries:
        if key.text in first:
            faults.add(key, f"the key '{key.text}' is here twice: the first is on line {first[key.text].line}")
        first.setdefault(key.text, key.mark)


def _syntax(error: yaml.MarkedYAMLError, file: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    where = _mark(mark, file) if mark else Mark(file, 1, 1)
    return Fault(where, f"not readable as YAML: {error.problem or error.context or 'broken here'}")


def _mark(mark: yaml.Mark, file: str) -> Mark:
    return Mark(file, mark.line + 1, mark.column + 1)
