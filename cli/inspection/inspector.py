"""Asks a child process what a file is. Whatever the file does to the child, the answer is a kind or one reason why the
file is not taken."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import PurePath
from typing import cast

from cli.inspection.verdict import FAULTS
from web.documents import MAX_DOCUMENT, MEDIA_TYPES, Kind, Unfit

CHILD = ("-I", "-m", "cli.inspection.child")
WALL_SECONDS = 20.0
_PLACES = threading.BoundedSemaphore(2)
"""How many children there are at once: each may take half a gigabyte."""

_NAMED: dict[str, Kind] = {
    "pdf": "pdf", "png": "png", "jpg": "jpg", "jpeg": "jpg", "docx": "docx", "txt": "txt", "text": "txt",
}  # fmt: skip


def inspect(content: bytes, name: str) -> Kind:
    """The kind of a file by what it holds; `name` is what its owner calls it. Raises `Unfit`."""
    if not content:
        raise Unfit("empty")
    if len(content) > MAX_DOCUMENT:
        raise Unfit("large")
    kind = _verdict(content)
    named = _NAMED.get(PurePath(name).suffix.lower().removeprefix("."))
    if named not in (None, kind):
        raise Unfit("named", name=name, named=named, kind=kind)
    return kind


def _verdict(content: bytes) -> Kind:
    """The child's word. A child that dies, hangs or says something else could not read the file."""
    try:
        with _PLACES:
            said = subprocess.run(  # noqa: S603, our own program; the file comes by its standard input
                [sys.executable, *CHILD], input=content, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, env={}, timeout=WALL_SECONDS, check=True,
            ).stdout.decode("ascii", "replace").strip()  # fmt: skip
    except (subprocess.SubprocessError, OSError) as error:
        raise Unfit("unreadable") from error
    if said in FAULTS:
        raise Unfit(said)
    if said not in MEDIA_TYPES:
        raise Unfit("unreadable")
    return cast("Kind", said)
