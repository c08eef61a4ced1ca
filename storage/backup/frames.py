"""The inside of a backup: frames one after the other, each with its kind and length.

manifest, then for each table its columns and its rows, then for each file its path and its pieces, then the end, which
holds a digest of all that came before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

from storage.backup.envelope import Sealing, damaged, opened
from storage.backup.keys import BackupKey
from storage.sealing import canonical

Kind = Literal["manifest", "table", "rows", "file", "piece", "end"]
_KINDS: tuple[Kind, ...] = ("manifest", "table", "rows", "file", "piece", "end")
_HEAD = 5
_LONGEST = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Frame:
    kind: Kind
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class FrameWriter:
    def __init__(self, file: BinaryIO, key: BackupKey) -> None:
        self._out = Sealing(file, key)
        self._digest = hashlib.sha256()

    def put(self, kind: Kind, body: bytes) -> None:
        head = bytes([_KINDS.index(kind)]) + len(body).to_bytes(_HEAD - 1, "big")
        for part in (head, body):
            self._digest.update(part)
            self._out.write(part)

    def put_json(self, kind: Kind, value: object) -> None:
        self.put(kind, canonical(value))

    def finish(self) -> None:
        """Writes the end; without it the file is refused as damaged."""
        self.put_json("end", {"sha256": self._digest.hexdigest()})
        self._out.finish()


def frames(file: BinaryIO, key: BackupKey, name: str) -> Iterator[Frame]:
    """The frames of a backup but the end, which is checked. Raises `WrongEnvironment` as `opened` does."""
    digest, waiting, ended = hashlib.sha256(), bytearray(), False
    for piece in opened(file, key, name):
        waiting += piece
        while (size := _size(waiting, name)) is not None and not ended:
            frame = Frame(_KINDS[waiting[0]], bytes(waiting[_HEAD:size]))
            if frame.kind == "end":
                ended = True
                if frame.json() != {"sha256": digest.hexdigest()}:
                    raise damaged(name)
            else:
                digest.update(waiting[:size])
                yield frame
            del waiting[:size]
    if not ended or waiting:
        raise damaged(name)


def _size(waiting: bytearray, name: str) -> int | None:
    """How long the frame at hand is with its head; None while it has not come in whole."""
    if len(waiting) < _HEAD:
        return None
    length = int.from_bytes(waiting[1:_HEAD], "big")
    if waiting[0] >= len(_KINDS) or length > _LONGEST:
        raise damaged(name)
    return _HEAD + length if len(waiting) >= _HEAD + length else None
