"""The blocks of a source as HTML and as plain text, before any value is known: what a blank is made of."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from markdown_it.tree import SyntaxTreeNode
from markupsafe import Markup, escape

from notifiers.blanks import CLOSE, MARK, OPEN, Paragraph, mark

WIDTH = 72

_URL = re.compile(r"(?:\b[a-z][a-z0-9+.-]*://|\bwww\.)\S+", re.IGNORECASE)
_BREAKS = re.compile("\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
CONTROLS = "\x00-\x09\x0b-\x1f\x7f-\x9f"
BIDI = "\u202a-\u202e\u2066-\u2069"
"""Ranges for a class of characters: those without a picture, but for the line feed; those that turn writing round."""

_NUMBER = re.compile(r"\d{4}-\d{4}(-\d+)?")
"""Of a case: never broken into two lines."""
_BUTTON_BEHIND = re.compile(r'(?<=[^\s>])\s*<a(?= class="button")')
_UNWANTED = re.compile(f"[{CONTROLS}{BIDI}{OPEN}{CLOSE}]")
_LABELS = {
    "en": {"link": "Open the page", "status_link": "See where this case stands"},
    "es": {"link": "Abrir la página", "status_link": "Ver en qué punto está el caso"},
}


@dataclass(frozen=True, slots=True)
class Cell:
    """`url` is the engine's own and makes the cell a link."""

    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """`caption` is read out before the table; each row has as many cells as there are headers."""

    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a blank is made of. `instead` stands where a link would, on paper."""

    names: tuple[str, ...]
    tables: Mapping[str, Table]
    language: str
    instead: str | None

    def name(self, number: str) -> str:
        return self.names[int(number)]

    def is_button(self, name: str) -> bool:
        return is_link(name) and self.instead is None

    def piece(self, number: str) -> str:
        """What stands for a value: its mark or, for a link on paper, where to go instead."""
        return self.instead if self.instead and is_link(self.name(number)) else mark(int(number))


def is_link(name: str) -> bool:
    return name == "link" or name.endswith("_link")


def clean(value: str) -> str:
    """A value as plain text: one kind of line break, no control characters, nothing that turns the writing round, no
    mark of ours."""
    return (value if value.isprintable() else _UNWANTED.sub("", _BREAKS.sub("\n", value))).strip()


def defanged(value: str) -> str:
    """Mail programs turn typed addresses into links; broken up, they stay readable and dead."""
    if "://" not in value and "www." not in value.lower():
        return value
    return _URL.sub(lambda found: found[0].replace("://", "[:]//").replace(".", "[.]"), value)


def _lone_table(sheet: Sheet, block: SyntaxTreeNode) -> Table | None:
    """The table that a paragraph is, if it is nothing but its name."""
    found = MARK.fullmatch(block.children[0].content.strip())
    return sheet.tables.get(sheet.name(found[1])) if found else None


def _label(sheet: Sheet, name: str) -> str:
    words = _LABELS.get(sheet.language, _LABELS["en"])
    return words.get(name, words["link"])


def _pieces(sheet: Sheet, text: str) -> Iterator[tuple[str, str | None]]:
    """The text of one token in pieces; a piece with a second part is a link with that name."""
    last = 0
    for found in MARK.finditer(text):
        name = sheet.name(found[1])
        yield text[last:found.start()], None
        yield (sheet.piece(found[1]), name if sheet.is_button(name) else None)
        last = found.end()
    yield text[last:], None


# --- HTML ------------------------------------------------------------------------------------------------------------


def html_blocks(sheet: Sheet, blocks: Sequence[SyntaxTreeNode]) -> Iterator[Markup]:
    for block in blocks:
        yield _HTML.get(block.type, _html_nested)(sheet, block)


def _element(tag: str, content: str, attributes: str = "") -> Markup:
    return Markup(f"<{tag}{attributes}>{escape(content)}</{tag}>")  # noqa: S704 - content is escaped here


def _html_nested(sheet: Sheet, block: SyntaxTreeNode) -> Markup:
    if block.type == "heading":
        return _element(block.tag, _html_inline(sheet, block.children[0]))
    start = block.attrs.get("start")
    attributes = f' start="{int(start)}"' if start is not None else ""
    return _element(block.tag, Markup("\n").join(html_blocks(sheet, block.children)), attributes)


def _html_paragraph(sheet: Sheet, block: SyntaxTreeNode) -> Markup:
    table = _lone_table(sheet, block)
    if table is not None:
        return _html_table(table)
    content = _on_its_line(_html_inline(sheet, block.children[0]))
    return content if block.hidden else _element("p", content)


def _on_its_line(content: Markup) -> Markup:
    """A button behind words begins a new line, as the address does in the text part."""
    return Markup(_BUTTON_BEHIND.sub("<br><a", content))  # noqa: S704 - markup before and after


def _html_rule(sheet: Sheet, block: SyntaxTreeNode) -> Markup:
    return Markup("<hr>")


_HTML: Mapping[str, Callable[[Sheet, SyntaxTreeNode], Markup]] = {"paragraph": _html_paragraph, "hr": _html_rule}


def _html_inline(sheet: Sheet, node: SyntaxTreeNode) -> Markup:
    if node.type == "text":
        return Markup().join(_button(text, _label(sheet, name)) if name else text
                             for text, name in _pieces(sheet, node.content))
    if node.type in ("softbreak", "hardbreak"):
        return Markup("\n") if node.type == "softbreak" else Markup("<br>")
    if node.type == "link":
        label = _text_children(sheet, node)
        return escape(sheet.instead) if sheet.instead else _button(str(node.attrs["href"]), label)
    content = Markup().join(_html_inline(sheet, child) for child in node.children)
    return content if node.type == "inline" else _element(node.tag, content)


def _button(url: str, label: str) -> Markup:
    return Markup('<a class="button" href="{}">{}</a>').format(url, label)


def _html_table(table: Table) -> Markup:
    head = Markup().join(_element("th", header, ' scope="col"') for header in table.headers)
    rows = [_element("tr", Markup().join(map(_html_cell, table.headers, row))) for row in table.rows]
    caption = _element("caption", table.caption)
    return _element("table", caption + _element("thead", _element("tr", head))
                    + _element("tbody", Markup().join(rows)))


def _html_cell(header: str, cell: Cell) -> Markup:
    """Its header stands before it where a narrow screen has taken the head of the table away."""
    label = _element("span", f"{header}: ", ' class="label"') if header and cell.text else Markup()
    text = Markup("<br>").join(defanged(clean(cell.text)).split("\n"))
    whole = ' class="whole"' if _NUMBER.fullmatch(cell.text) else ""
    said = Markup('<a href="{}">{}</a>').format(cell.url, text) if cell.url else text
    return _element("td", label + said, whole)


# --- plain text ------------------------------------------------------------------------------------------------------


def paragraphs(sheet: Sheet, blocks: Sequence[SyntaxTreeNode], width: int = WIDTH, first: str = "", rest: str = "",
                before: str = "") -> Iterator[Paragraph]:
    """The blocks of the text from above; `first` and `rest` are what the list around them puts before their lines."""
    for block in blocks:
        if block.type in ("bullet_list", "ordered_list"):
            yield from _list(sheet, block, width, first, rest, before)
        else:
            yield _paragraph(sheet, block, width, first, rest, before)
        first, before = rest, "\n\n"


def _list(sheet: Sheet, block: SyntaxTreeNode, width: int, first: str, rest: str, before: str) -> Iterator[Paragraph]:
    for number, item in enumerate(block.children, int(block.attrs.get("start", 1))):
        dot = "- " if block.type == "bullet_list" else f"{number}. "
        inner = (width - len(dot), first + dot, rest + " " * len(dot), before)
        if item.children:
            yield from paragraphs(sheet, item.children, *inner)
        else:
            yield Paragraph("", before, first + dot, rest, None)
        first, before = rest, "\n"


def _paragraph(sheet: Sheet, block: SyntaxTreeNode, width: int, first: str, rest: str, before: str) -> Paragraph:
    if block.type == "hr":
        return Paragraph("-" * width, before, first, rest, None)
    table = _lone_table(sheet, block)
    if table is not None:
        return Paragraph(_text_table(table), before, first, rest, None)
    text = _text_inline(sheet, block.children[0])
    return Paragraph(text, before, first, rest, width, underlined=block.type == "heading")


def _text_inline(sheet: Sheet, node: SyntaxTreeNode) -> str:
    if node.type == "text":
        return "".join(f"\n{piece}\n" if name else piece for piece, name in _pieces(sheet, node.content))
    if node.type in ("softbreak", "hardbreak"):
        return " " if node.type == "softbreak" else "\n"
    if node.type == "link":
        return sheet.instead or f"\n{_text_children(sheet, node)}:\n{node.attrs['href']}\n"
    return _text_children(sheet, node)


def _text_children(sheet: Sheet, node: SyntaxTreeNode) -> str:
    return "".join(_text_inline(sheet, child) for child in node.children)


def _text_table(table: Table) -> str:
    """Aligned columns with each row's link below it; one line a cell where the columns would be too wide."""
    texts = [[defanged(clean(cell.text)).replace("\n", " ") for cell in row] for row in table.rows]
    widths = [max(map(len, column)) for column in zip(table.headers, *texts, strict=True)]
    wide = sum(widths) + 2 * (len(widths) - 1) > WIDTH
    head = [] if wide else [_aligned(table.headers, widths), "  ".join("-" * width for width in widths)]
    rows = []
    for row, cells in zip(table.rows, texts, strict=True):
        lines = _listed(table.headers, cells) if wide else [_aligned(cells, widths)]
        rows.append("\n".join([*lines, *(f"  {cell.url}" for cell in row if cell.url)]))
    return "\n".join([table.caption, "", *head, ("\n\n" if wide else "\n").join(rows)])


def _listed(headers: Sequence[str], cells: Sequence[str]) -> list[str]:
    return [textwrap.fill(f"{header}: {cell}", WIDTH, initial_indent="" if first else "  ", subsequent_indent="    ",
                          break_long_words=False, break_on_hyphens=False)
            for first, header, cell in zip([True, *[False] * len(headers)], headers, cells, strict=False)]


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
