"""A page that is encoded in pieces is the page, to the library and to every rule about its lines."""

from __future__ import annotations

import quopri

from hypothesis import example, given
from hypothesis import strategies as st

from notifiers.blanks import Page, mark
from notifiers.quoted import quoted, unquoted

TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs", "Co"), include_characters="\n\t=. /"), max_size=120)


@given(st.lists(TEXT, min_size=1, max_size=6), TEXT)
@example(["x" * 75, "x" * 76, "", " "], "=" * 26)
@example(["", "", ""], "https://privacy.district.example/t/" + "a" * 43)
@example([".", "\n.", "From x\n"], "." * 77)
def test_pieces_and_values_make_the_page_in_short_lines(pieces: list[str], value: str) -> None:
    page = Page.cut(mark(7).join(pieces))
    said, coded = page.filled(lambda number: value, str), page.printed(lambda number: value, str)
    assert said == value.replace("\n", "<br>").join(pieces)
    assert unquoted(coded) == said and quopri.decodestring(coded).decode() == said.replace("\n", "\r\n")
    assert coded.isascii() and b"\n" not in coded.replace(b"\r\n", b"") and b"\r" not in coded.replace(b"\r\n", b"")
    lines = coded.split(b"\r\n")
    assert max(map(len, lines)) <= 76 and not any(line.endswith((b" ", b"\t")) for line in lines[:-1])


def test_a_link_is_broken_before_its_token_only() -> None:
    link = f"https://{'d' * 60}.example/t/{'a' * 43}"
    coded = Page.cut(f'<a href="{mark(1)}">').printed(lambda number: link, str)
    assert b"\r\n" + b"a" * 43 + b"=\r\n" in coded


@given(TEXT)
def test_a_text_is_encoded_as_a_whole_too(text: str) -> None:
    assert unquoted(quoted(text)) == text
