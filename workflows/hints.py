"""Names in the documents, found without compiling them: for completion, which must not wait."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from engine.nodes import ListNode, MapNode, Node, Scalar
from workflows import PROCESS_FILE, SHIPPED
from workflows.reader import read_file, read_yaml

_NEED_TO_KNOW = re.compile(r"^need_to_know: *\[([a-z_, ]*)\]", re.MULTILINE)


def rules() -> list[str]:
    """The ids of the shipped rules."""
    packs = (read_file(path) for path in sorted((SHIPPED / "rules").glob("*.yaml")))
    return sorted(name for pack in packs for name in _keys(_get(pack, "rules")))


def mails(process: str, overlay: Path) -> list[str]:
    """The mails of a process, the district's own before the shipped ones."""
    folders = [root / process / "mails" for root in (overlay, SHIPPED) if (root / process).is_dir()]
    return sorted({path.name.partition(".")[0] for path in folders[0].glob("*.md")}) if folders else []


def outcomes(source: str, task: str) -> list[str]:
    """The outcomes that a task allows somewhere in an adopted definition (`Catalogue.source`)."""
    found = (block for block in _blocks(_yaml(source)) if _text(_get(block, "id")) == task)
    return list(dict.fromkeys(name for block in found for name in _keys(_get(block, "outcomes"))))


def documents(source: str) -> list[str]:
    """The facts of an adopted definition that are documents."""
    facts = _get(_yaml(source), "facts")
    return [name for name in _keys(facts) if _text(_get(_get(facts, name), "type")) == "document"]


def need_to_know(process: str, overlay: Path) -> frozenset[str] | None:
    """The roles that alone may read the cases of a process, empty where everybody may; None where it is not on file."""
    files = [root / process / PROCESS_FILE for root in (overlay, SHIPPED)]
    text = next((file.read_text("utf-8") for file in files if file.is_file()), None)
    return None if text is None else _need_to_know(text)


def need_to_know_of(source: str) -> frozenset[str]:
    """The same of an adopted definition (`Catalogue.source`)."""
    return _need_to_know(json.loads(source)["yaml"]) if source else frozenset()


def _need_to_know(text: str) -> frozenset[str]:
    """The document is read whole only where the word does not stand in one line, since the queue must not wait."""
    if "need_to_know" not in text:
        return frozenset()
    line = _NEED_TO_KNOW.search(text)
    if line is not None:
        return frozenset(word.strip() for word in line[1].split(",") if word.strip())
    node = _get(read_yaml(text, ""), "need_to_know")
    return frozenset(_text(item) for item in node.items) if isinstance(node, ListNode) else frozenset()


def _yaml(source: str) -> Node:
    return read_yaml(json.loads(source)["yaml"], "")


def _blocks(node: Node) -> Iterator[MapNode]:
    if isinstance(node, MapNode):
        yield node
        for _, value in node.entries:
            yield from _blocks(value)
    elif isinstance(node, ListNode):
        for item in node.items:
            yield from _blocks(item)


def _get(node: Node | None, key: str) -> Node | None:
    return node.get(key) if isinstance(node, MapNode) else None


def _keys(node: Node | None) -> list[str]:
    return [key.text for key, _ in node.entries] if isinstance(node, MapNode) else []


def _text(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) else ""
