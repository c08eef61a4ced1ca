"""A Word document: a zip with the parts that Word needs, none of which acts, escapes or swells."""

from __future__ import annotations

import io
import re
import zipfile

from cli.inspection.verdict import Fault

MAX_PARTS = 5_000
MAX_UNPACKED = 100 * 1024 * 1024
_TYPES, _MAIN = "[Content_Types].xml", "word/document.xml"
_NEEDED = frozenset({_TYPES, "_rels/.rels", _MAIN})
_MACROS = b"macroEnabled"
_ACTIVE_PART = re.compile(r"(^|/)((vbaProject|vbaData|oleObject\d*)\.(bin|xml)$|activeX/)", re.IGNORECASE)
_TEMPLATE, _ELSEWHERE = b"attachedTemplate", re.compile(rb"TargetMode\s*=\s*[\"']External", re.IGNORECASE)
_ENCRYPTED = 0x1


def check_docx(content: bytes) -> None:
    """Raises `Fault`; a zip that is no Word document is none of our kinds."""
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        entries = parts.infolist()
        names = {entry.filename for entry in entries}
        if not names >= _NEEDED:
            raise Fault("kind")
        if len(entries) > MAX_PARTS or len(names) < len(entries) or any(map(_escapes, names)):
            raise Fault("unreadable")
        if any(entry.flag_bits & _ENCRYPTED for entry in entries):
            raise Fault("locked")
        if any(map(_ACTIVE_PART.search, names)):
            raise Fault("active")
        _unpack(parts, entries)


def _escapes(name: str) -> bool:
    """Whether an entry would be written outside the folder that it is unpacked into."""
    return name.startswith("/") or "\\" in name or ":" in name or "\0" in name or ".." in name.split("/")


def _unpack(parts: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> None:
    """Reads every part to its end, in memory and within bounds; whether it is whole is checked on the way."""
    left = MAX_UNPACKED
    for entry in entries:
        with parts.open(entry) as part:
            content = part.read(left + 1)
        left -= len(content)
        if left < 0:
            raise Fault("unreadable")
        if _acts(entry.filename, content):
            raise Fault("active")


def _acts(name: str, content: bytes) -> bool:
    """Whether a part says that the document runs macros, or fetches its template from elsewhere."""
    if name.endswith(".rels"):
        links = content.split(b">")
        return any(_TEMPLATE in link and _ELSEWHERE.search(link) is not None for link in links)
    return name == _TYPES and _MACROS in content
