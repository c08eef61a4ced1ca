"""Letters to many on paper: one tagged PDF a language, for a window envelope, with the same words as the mail."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from html.parser import HTMLParser
from importlib.resources import files

from engine.errors import UsageError
from engine.model.office import Logo
from notifiers.render import Rendered

_TEMPLATE = "letters.typ"
_FORMATS = {"image/png": "png", "image/svg+xml": "svg"}
_UNDRAWN = re.compile(r'the text `"(?P<sign>[^"]*)"` could not be displayed')


@dataclass(frozen=True, slots=True)
class PaperLetter:
    """One letter: whom it is for, as the lines of an address, its number in the print run, and its words."""

    number: str
    address: tuple[str, ...]
    rendered: Rendered


@dataclass(slots=True)
class _Part:
    kind: str
    runs: list[dict[str, object]] = field(default_factory=list)
    items: list[list[dict[str, object]]] = field(default_factory=list)


def letters_pdf(
    letters: Sequence[PaperLetter],
    *,
    sender: Sequence[str],
    district: str,
    date: str,
    footer: str,
    logo: Logo | None = None,
) -> bytes:
    """The letters of one language as a tagged PDF (PDF/UA-1), in the order given; each begins on a page of its own.

    Raises `UsageError` where a letter has no address to be posted to, or the PDF cannot be made.
    """
    import typst  # several MB that the daemon would hold for what only a print run needs

    homeless = [letter.number for letter in letters if not any(line.strip() for line in letter.address)]
    if homeless:
        raise UsageError(f"no postal address for number {', '.join(homeless)}: enter one, or decide by name")
    first = letters[0].rendered
    data = {
        "title": first.subject, "district": district, "language": first.language, "date": date, "footer": footer,
        "sender": list(sender),
        "logo": logo and {"bytes": list(logo.content), "format": _FORMATS[logo.media_type], "alt": logo.alt},
        "letters": [{"number": letter.number, "address": list(letter.address), "parts": parts_of(letter.rendered.body)}
                    for letter in letters],
    }  # fmt: skip
    source = files("notifiers.texts").joinpath(_TEMPLATE).read_bytes()
    try:
        made = typst.compile(source, format="pdf", pdf_standards=["ua-1"], sys_inputs={"letters": json.dumps(data)})
    except typst.TypstError as error:
        raise UsageError(f"the letters cannot be printed: {_why(str(error))}") from error
    if not isinstance(made, bytes):
        raise UsageError("the letters cannot be printed: they came out as several files")
    return made


def _why(said: str) -> str:
    sign = _UNDRAWN.search(said)
    return said if sign is None else (
        f"no font of this machine can draw '{sign['sign']}' in their words: write it otherwise, or install a font"
    )


def parts_of(body: str) -> list[dict[str, object]]:
    """The paragraphs, headings and lists of a rendered text, as plain data."""
    reader = _Reader()
    reader.feed(body)
    reader.close()
    return [asdict(part) for part in reader.parts]


class _Reader(HTMLParser):
    """Reads the HTML that `render` makes, and nothing else: it has no attributes that matter here."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[_Part] = []
        self.marks: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        in_list = bool(self.parts) and self.parts[-1].kind in ("list", "ordered") and "li" in self.marks
        if tag in ("ul", "ol"):
            self.parts.append(_Part("list" if tag == "ul" else "ordered"))
        elif tag == "li":
            self.parts[-1].items.append([])
        elif tag == "p" and not in_list:
            self.parts.append(_Part("paragraph"))
        elif tag in ("h1", "h2", "h3"):
            self.parts.append(_Part("heading"))
        self.marks.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.marks:
            while self.marks.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self.marks or not self.parts:
            return
        text = " ".join(data.split("\n"))
        run: dict[str, object] = {"text": text} | {name: True for name in ("strong", "em") if name in self.marks}
        part = self.parts[-1]
        if part.kind in ("list", "ordered"):
            if "li" in self.marks and part.items:
                part.items[-1].append(run)
        else:
            part.runs.append(run)


def address_lines(name: str, address: str) -> tuple[str, ...]:
    """Name and address as an envelope shows them."""
    return (name, *_lines(address)) if address.strip() else ()


def _lines(text: str) -> Iterator[str]:
    yield from (line.strip() for line in text.splitlines() if line.strip())
