"""The outside of a backup: whoever changes, cuts, moves or mixes anything is found out; a key survives being typed."""

from __future__ import annotations

import io
import random

import pytest

from engine.errors import WrongEnvironment
from storage.backup import envelope
from storage.backup.frames import FrameWriter, frames
from storage.backup.keys import new_backup_key, read_backup_key

KEY = new_backup_key()
CONTENT = random.Random(5).randbytes(3 * envelope.CHUNK + 17)
SEALED_CHUNK = envelope.CHUNK + 16


def sealed(content: bytes = CONTENT) -> bytes:
    file = io.BytesIO()
    writer = FrameWriter(file, KEY)
    for start in range(0, len(content), 1000):
        writer.put("piece", content[start : start + 1000])
    writer.finish()
    return file.getvalue()


def opened(data: bytes) -> bytes:
    return b"".join(frame.body for frame in frames(io.BytesIO(data), KEY, "b.backup"))


WHOLE = sealed()
HEADER = WHOLE.index(b"\n", len(b"soppa backup 1\n")) + 1


@pytest.mark.parametrize("size", [0, 1, 999, 1000, envelope.CHUNK, len(CONTENT)])
def test_what_goes_in_comes_out(size: int) -> None:
    assert opened(sealed(CONTENT[:size])) == CONTENT[:size]


def test_nothing_of_the_content_stands_in_it() -> None:
    assert b"repeated words" not in sealed(b"repeated words " * 1000)


@pytest.mark.parametrize("end", [HEADER, HEADER + 5, HEADER + SEALED_CHUNK, HEADER + 2 * SEALED_CHUNK, len(WHOLE) - 1])
def test_a_file_that_was_cut_off_is_refused(end: int) -> None:
    with pytest.raises(WrongEnvironment, match=r"b\.backup is damaged or was cut off"):
        opened(WHOLE[:end])


def flipped(place: int) -> bytes:
    return WHOLE[:place] + bytes([WHOLE[place] ^ 1]) + WHOLE[place + 1 :]


@pytest.mark.parametrize("place", [HEADER - 4, HEADER, HEADER + SEALED_CHUNK + 9, len(WHOLE) - 1])
def test_one_changed_bit_is_refused(place: int) -> None:
    with pytest.raises(WrongEnvironment, match="damaged"):
        opened(flipped(place))


def test_pieces_that_change_places_are_refused() -> None:
    first, second = (WHOLE[HEADER + n * SEALED_CHUNK : HEADER + (n + 1) * SEALED_CHUNK] for n in (0, 1))
    swapped = WHOLE[:HEADER] + second + first + WHOLE[HEADER + 2 * SEALED_CHUNK :]
    with pytest.raises(WrongEnvironment, match="damaged"):
        opened(swapped)


def test_a_piece_of_another_backup_with_the_same_key_is_refused() -> None:
    other = sealed()
    mixed = WHOLE[: HEADER + SEALED_CHUNK] + other[HEADER + SEALED_CHUNK :]
    with pytest.raises(WrongEnvironment, match="damaged"):
        opened(mixed)


def test_more_after_the_end_is_refused() -> None:
    with pytest.raises(WrongEnvironment, match="damaged"):
        opened(WHOLE + b"more")


@pytest.mark.parametrize(("data", "says"), [
    (b"", "is no backup of soppa"),
    (b"SQLite format 3\x00" * 10, "is no backup of soppa"),
    (WHOLE.replace(b"soppa backup 1", b"soppa backup 2"), "made by a newer soppa"),
    (b"soppa backup 1\nnonsense\n", "damaged"),
])  # fmt: skip
def test_what_is_no_backup_of_ours_is_told_from_a_damaged_one(data: bytes, says: str) -> None:
    with pytest.raises(WrongEnvironment, match=says):
        opened(data)


def test_another_key_is_named() -> None:
    other = new_backup_key()
    with pytest.raises(WrongEnvironment, match=f"with the backup key {KEY.id}, and the key given is {other.id}"):
        list(frames(io.BytesIO(WHOLE), other, "b.backup"))


def test_a_key_is_read_as_it_is_typed() -> None:
    letters = KEY.text
    typed = letters.lower().replace("-", " ").replace("o", "0").replace("i", "1")
    for text in (letters, typed, f"# a note\n{letters[:30]}\n  {letters[30:]}\n"):
        found = read_backup_key(text)
        assert found is not None and found.secret == KEY.secret


def test_one_misread_letter_anywhere_is_no_key() -> None:
    letters = KEY.text.replace("-", "")
    assert len(letters) == 56
    for place, letter in enumerate(letters):
        wrong = "A" if letter != "A" else "B"
        assert read_backup_key(letters[:place] + wrong + letters[place + 1 :]) is None
    assert read_backup_key(letters[:-1]) is None and read_backup_key("") is None
