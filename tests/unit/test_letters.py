"""Letters to many on paper: tagged, in their language, the address within the window, and a name never markup."""

from __future__ import annotations

import io
from collections.abc import Iterable

import pytest
from pypdf import PageObject, PdfReader
from pypdf.generic import DictionaryObject

from engine.errors import UsageError
from notifiers.letters import PaperLetter, letters_pdf
from notifiers.render import Rendered

INCH = 72.0
PAPER = 11 * INCH
WINDOW = (2.0 * INCH, (3 + 1 / 3) * INCH)
"""How far below the edge of the paper the lower window of a double-window envelope begins and ends."""

ANA = ("Ana Ruiz", "1 Main St", "Apt 4", "Mockton, IL 60000")
HOSTILE = ("#panic() [Bo] $x$ *y*", "2 Main St", "Mockton, IL 60000")


def pdf(*letters: PaperLetter) -> PdfReader:
    made = letters_pdf(letters, sender=("Prairie Creek",), district="Prairie Creek", date="29 de noviembre", footer="f")
    return PdfReader(io.BytesIO(made))


def in_the_window(page: PageObject, lines: Iterable[str]) -> set[str]:
    """Those of the lines that stand where the window of the envelope is."""
    found: list[tuple[str, float]] = []
    page.extract_text(visitor_text=lambda text, cm, tm, _font, _size: found.append((text, PAPER - cm[5] - tm[5])))
    return {line for text, depth in found for line in lines if line in text and WINDOW[0] < depth < WINDOW[1]}


def letter(number: str, address: tuple[str, ...], language: str = "es") -> PaperLetter:
    body = "<p>Una lista estuvo abierta.</p><ul><li>Nombres</li><li>Notas</li></ul>"
    return PaperLetter(number, address, Rendered("Filtración de datos", "", b"", body, language))


def test_the_pdf_is_tagged_titled_and_in_its_language() -> None:
    root = pdf(letter("1", ANA)).trailer["/Root"]
    assert isinstance(root, DictionaryObject)
    mark = root["/MarkInfo"]
    assert isinstance(mark, DictionaryObject) and str(mark["/Marked"]) == "True"
    assert str(root["/Lang"]) == "es" and "/StructTreeRoot" in root


def test_the_address_stands_within_the_window_of_the_envelope() -> None:
    assert in_the_window(pdf(letter("1", ANA)).pages[0], ANA) == set(ANA)


def test_each_letter_begins_on_its_own_page_and_a_name_is_never_markup() -> None:
    pages = [page.extract_text() for page in pdf(letter("1", ANA), letter("2", HOSTILE)).pages]
    assert len(pages) == 2
    assert "Ana Ruiz" in pages[0] and HOSTILE[0] in pages[1] and "Ana Ruiz" not in pages[1]
    assert all("Filtración de datos" in page and "Nombres" in page for page in pages)


@pytest.mark.parametrize("address", [
    "www.equifax.com", "https://identitytheft.gov/steps", "privacy@prairie-creek.example"])  # fmt: skip
def test_an_address_that_a_reader_types_off_stands_on_one_line(address: str) -> None:
    """However long the line before it is, so that it would be parted somewhere."""
    body = "".join(f"<p>{'x' * before} {'words ' * 12}{address}.</p>" for before in range(1, 30))
    pages = pdf(PaperLetter("1", ANA, Rendered("A breach", "", b"", body, "en"))).pages
    assert sum(page.extract_text().count(address) for page in pages) == 29


def test_a_letter_without_an_address_is_named_before_anything_is_printed() -> None:
    with pytest.raises(UsageError, match="no postal address for number 7"):
        pdf(letter("1", ANA), letter("7", ("", " ")))
