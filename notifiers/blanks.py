"""A mail's text as a printed blank: everything but the values, which are filled in for each reader.

Where a value belongs stands a mark, its number between two characters of Unicode's private area. Reading a source,
laying it out and putting the style sheet in are thus done once for a text, not for each of ten thousand mails.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from notifiers import quoted

OPEN, CLOSE = "\ue000", "\ue001"
MARK = re.compile(f"{OPEN}(\\d+){CLOSE}")
T = TypeVar("T")
Value = Callable[[int], str]
"""The value of a number as plain text; its lines end with a single line feed."""


def mark(number: int) -> str:
    return f"{OPEN}{number}{CLOSE}"


@dataclass(frozen=True, slots=True)
class Page:
    """HTML in pieces: text, then the number of a value, then text again. `coded` are the pieces in quoted-printable."""

    pieces: tuple[str, ...]
    numbers: tuple[int, ...]
    coded: tuple[bytes, ...]

    @classmethod
    def cut(cls, html: str) -> Page:
        parts = MARK.split(html)
        return cls(tuple(parts[::2]), tuple(map(int, parts[1::2])), tuple(map(quoted.piece, parts[::2])))

    def filled(self, value: Value, escaped: Callable[[str], str]) -> str:
        """Values become text, also those that stand in an attribute: `escaped` is for both."""
        return "".join(self._woven(self.pieces, self._values(value, escaped)))

    def printed(self, value: Value, escaped: Callable[[str], str]) -> bytes:
        """The same in quoted-printable."""
        values = {number: quoted.value(text) for number, text in self._values(value, escaped).items()}
        return quoted.joined(self._woven(self.coded, values))

    def _woven(self, pieces: Sequence[T], values: Mapping[int, T]) -> Iterator[T]:
        yield pieces[0]
        for number, piece in zip(self.numbers, pieces[1:], strict=True):
            yield values[number]
            yield piece

    def _values(self, value: Value, escaped: Callable[[str], str]) -> dict[int, str]:
        return {number: escaped(value(number)).replace("\n", "<br>") for number in set(self.numbers)}


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A block of the plain text. `before` parts it from the one above, `first` and `rest` begin its lines. One with
    `width` is wrapped, the others stand as they are."""

    text: str
    before: str
    first: str
    rest: str
    width: int | None
    underlined: bool = False

    @property
    def has_values(self) -> bool:
        return MARK.search(self.text) is not None

    def filled(self, value: Value) -> str:
        text = MARK.sub(lambda found: value(int(found[1])), self.text)
        lines = (text if self.width is None else wrapped(text, self.width)).split("\n")
        if self.underlined:
            lines.append("-" * max(map(len, lines)))
        rest = (f"{self.rest}{line}" if line.strip() else line for line in lines[1:])
        return "\n".join([f"{self.before}{self.first}{lines[0]}", *rest])


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text in pieces; those without values are laid out already."""

    pieces: tuple[str | Paragraph, ...]

    @classmethod
    def cut(cls, paragraphs: Iterator[Paragraph]) -> Text:
        return cls(tuple(each if each.has_values else each.filled(_none) for each in paragraphs))

    def filled(self, value: Value) -> str:
        return "".join(piece if isinstance(piece, str) else piece.filled(value) for piece in self.pieces)


def wrapped(text: str, width: int) -> str:
    """Lines of at most `width` characters but for longer words; breaks in the text stay, except at its ends."""
    return "\n".join(_wrapped_line(line.strip(), width) for line in text.strip("\n").split("\n"))


def _wrapped_line(line: str, width: int) -> str:
    """As `textwrap.fill` does it, which takes ten times as long for plain words. `line` neither begins nor ends with a
    blank."""
    if "  " in line or not line.isprintable():
        return textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
    lines: list[str] = []
    while len(line) > width:
        end = line.rfind(" ", 0, width + 1)
        end = line.find(" ", width) if end < 0 else end
        if end < 0:
            break
        lines.append(line[:end])
        line = line[end + 1 :]
    return "\n".join([*lines, line])


def _none(number: int) -> str:
    raise KeyError(number)
