"""A PDF: one that opens without a password, has pages, and holds nothing that acts by itself."""

from __future__ import annotations

import io
from collections.abc import Iterator

from pypdf import PdfReader
from pypdf.errors import FileNotDecryptedError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, PdfObject

from cli.inspection.verdict import Fault

MAX_OBJECTS = 200_000
_ACTIONS = frozenset({"/JavaScript", "/Launch", "/ImportData", "/SubmitForm", "/Rendition", "/Movie", "/Sound",
                      "/RichMediaExecute", "/GoToE"})
_HOLDERS = frozenset({"/EmbeddedFiles", "/XFA", "/RichMediaContent"})
_ATTACHMENTS = (frozenset({"/EF", "/F"}), frozenset({"/EF", "/UF"}))
"""The keys of a file inside the file. `/EF` alone may be the name of a font."""


def check_pdf(content: bytes) -> None:
    """Raises `Fault`, or whatever pypdf raises for a file that it cannot read."""
    reader = PdfReader(io.BytesIO(content))
    try:
        if not len(reader.pages):
            raise Fault("unreadable")
        for found in _reachable(reader):
            if _acts(found):
                raise Fault("active")
    except FileNotDecryptedError as error:
        raise Fault("locked") from error


def _acts(found: DictionaryObject) -> bool:
    action = found.get("/S")
    if isinstance(action, str) and action in _ACTIONS:
        return True
    return not _HOLDERS.isdisjoint(found) or any(keys <= found.keys() for keys in _ATTACHMENTS)


def _reachable(reader: PdfReader) -> Iterator[DictionaryObject]:
    """Every dictionary that a viewer can get to from the root, each once. Raises `Fault` when there are too many."""
    waiting: list[PdfObject] = [reader.trailer]
    seen = set[tuple[int, int]]()
    looked_at = 0
    while waiting:
        item = waiting.pop()
        if isinstance(item, IndirectObject):
            if (item.idnum, item.generation) in seen:
                continue
            seen.add((item.idnum, item.generation))
            item = item.get_object() or DictionaryObject()
        looked_at += 1
        if looked_at > MAX_OBJECTS:
            raise Fault("unreadable")
        if isinstance(item, DictionaryObject):
            yield item
            waiting.extend(item.values())
        elif isinstance(item, ArrayObject):
            waiting.extend(item)
