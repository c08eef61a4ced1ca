"""From one source text to a mail: a subject, plain text and accessible HTML.

A source is a `Subject:` line, an empty line, and a small Markdown. It may hold `{{ name }}` and `{% if has(name) %} …
{% else %} … {% endif %}`, nothing else. The source is parsed to tokens before any value is known, and values are put in
as text afterwards: no value becomes markup, a link or a header. A link is `{{ link }}` or `[label]({{ link }})`, where
only names ending in `link` can be one: a button in HTML, an address on a line of its own in text.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from css_inline import CSSInliner
from jinja2 import Environment, StrictUndefined, Undefined, nodes
from jinja2 import Template as LoadedTemplate
from jinja2.exceptions import TemplateSyntaxError, UndefinedError
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from markupsafe import Markup, escape

from engine.errors import FaultyInput, UsageError
from engine.faults import Fault, Mark
from engine.mailtexts import REFERENCE
from engine.office import Logo

WIDTH = 72

_OPEN, _CLOSE = "\ue000", "\ue001"
_SENTINEL = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
_URL = re.compile(r"(?:\b[a-z][a-z0-9+.-]*://|\bwww\.)\S+", re.IGNORECASE)
_BREAKS = re.compile("\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BLOCKS = frozenset({
    "root", "paragraph", "inline", "text", "softbreak", "hardbreak", "strong", "em", "heading", "bullet_list",
    "ordered_list", "list_item", "hr", "link",
})
_LABELS = {
    "en": {"link": "Open the page", "status_link": "See where this case stands"},
    "es": {"link": "Abrir la página", "status_link": "Ver en qué punto está el caso"},
}


_PAPER = {"en": "at the district's office (see below whom to ask)",
          "es": "en la oficina del distrito (vea abajo a quién dirigirse)"}


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
class Rendered:
    """`body` is the HTML of the text alone, for a letter; `html` the whole page of the mail."""

    subject: str
    text: str
    html: str
    body: str
    language: str


@dataclass(frozen=True, slots=True)
class Template:
    """A source that has been checked. `needed` are the names read outside every `has`."""

    subject: str
    body: str
    names: tuple[str, ...]
    needed: frozenset[str]
    file: str


def _environment() -> Environment:
    return Environment(undefined=StrictUndefined, autoescape=False, trim_blocks=True,  # noqa: S701 - makes Markdown
                       lstrip_blocks=True, keep_trailing_newline=True)


def _markdown() -> MarkdownIt:
    """CommonMark without HTML. Addresses stay as they are written: `_check_tree` lets only sentinels be one."""
    parser = MarkdownIt("commonmark", {"html": False})
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    return parser


_SOURCES = _environment()
_STATEMENT = re.compile(r"\{%.*?%\}")
_KEEPS_BREAK = re.compile(r"[+-]?%\}\s*$")
_MARKDOWN = _markdown()
_LAYOUTS = Environment(autoescape=True, undefined=StrictUndefined)


def render_mail(source: str, values: Mapping[str, str], language: str, footer: str, *, file: str = "mail text",
                tables: Mapping[str, Table] | None = None, paper: bool = False) -> Rendered:
    """Renders a source with flat values. A table's name stands alone in its paragraph. On `paper` nobody can click: the
    words for the district's office stand where a link would.

    Raises `FaultyInput` for a source that is not allowed, `UsageError` for a name without a value or a subject that is
    empty or more than one line.
    """
    template = parse(source, file)
    office = _PAPER.get(language, _PAPER["en"]) if paper else None
    page = _Page(template, values, tables or {}, language, office)
    subject = _subject(template, page)
    tree = _tree(_expand(template, template.body, page.known()))
    body = Markup("\n").join(_html_blocks(page, tree.children))
    html = _layout("layout.html").render(language=language, subject=subject, body=body, footer=footer)
    return Rendered(subject, f"{_text_blocks(page, tree.children)}\n\n-- \n{one_line(footer)}\n",
                    _inliner().inline(html), str(body), language)


def names_in(source: str, file: str = "mail text") -> frozenset[str]:
    """Every name the source reads. Raises `FaultyInput`."""
    return frozenset(parse(source, file).names)


def needed_names(source: str, file: str = "mail text") -> frozenset[str]:
    """The names without which the source cannot be rendered: those read outside `has`. Raises `FaultyInput`."""
    return parse(source, file).needed


def render_letter(
    rendered: Rendered, *, district: str, name: str, address: str, date: str, footer: str, logo: Logo | None = None
) -> str:
    """A page to be printed and posted, with the same words as the mail; the logo stands in the page itself."""
    picture = logo and {"alt": logo.alt, "src": f"data:{logo.media_type};base64,{b64encode(logo.content).decode()}"}
    return _layout("letter.html").render(language=rendered.language, subject=rendered.subject, district=district,
                                         name=name, address=_clean(address), date=date, footer=footer, logo=picture,
                                         body=Markup(rendered.body))  # noqa: S704 - made by this module


def one_line(text: str) -> str:
    """`text` if it is one line of visible characters. Raises `UsageError` otherwise (headers, subjects, footers)."""
    if any(unicodedata.category(char) in ("Cc", "Zl", "Zp") or char in _BIDI for char in text):
        raise UsageError("a line of a mail's head holds a line break or a control character: take it out")
    return text


# --- reading and checking a source -----------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def parse(source: str, file: str = "mail text") -> Template:
    """Checks a source; all faults at once, each with file and line. Raises `FaultyInput`."""
    try:
        tree = _SOURCES.parse(source)
    except TemplateSyntaxError as error:
        raise FaultyInput([_fault(file, error.lineno, f"this is not a mail text: {error.message}")]) from error
    faults = [*_head_faults(source, file), *_node_faults(tree, file)]
    if faults:
        raise FaultyInput(faults)
    head, _, body = source.partition("\n")
    names = tuple(sorted({node.name for node in tree.find_all(nodes.Name) if node.name != "has"}))
    subject, text = head.removeprefix("Subject:").strip(), _with_breaks(body.strip("\n"))
    template = Template(subject, text, names, frozenset(_needed(tree)), file)
    _check_parts(template)
    return template


def _with_breaks(source: str) -> str:
    """Keeps the line break after a statement that ends a line with words in it; one that stands alone takes its own
    line away."""
    lines = source.split("\n")
    return "\n".join(_KEEPS_BREAK.sub("+%}", line) if _STATEMENT.sub("", line).strip() else line for line in lines)


def _fault(file: str, line: int, message: str) -> Fault:
    return Fault(Mark(file, line, 1), message)


def _head_faults(source: str, file: str) -> Iterator[Fault]:
    lines = source.split("\n")
    if not lines[0].startswith("Subject:") or not lines[0].removeprefix("Subject:").strip():
        yield _fault(file, 1, "the first line must be 'Subject: …'")
    if len(lines) < 3 or lines[1].strip() or not "".join(lines[2:]).strip():
        yield _fault(file, 2, "after the subject comes an empty line and then the text")
    if _OPEN in source or _CLOSE in source:
        yield _fault(file, 1, "the text holds a character of Unicode's private area: take it out")


def _node_faults(tree: nodes.Template, file: str) -> Iterator[Fault]:
    stack: list[nodes.Node] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, nodes.If) and _is_has(node.test) and not node.elif_:
            stack.extend([*node.body, *node.else_])
        elif isinstance(node, nodes.Template | nodes.Output):
            stack.extend(node.iter_child_nodes())
        elif not isinstance(node, nodes.TemplateData | nodes.Name):
            yield _fault(file, node.lineno, "only {{ name }} and {% if has(name) %} … {% else %} … {% endif %} may "
                                            "stand in a mail text")


def _is_has(test: nodes.Node) -> bool:
    return (isinstance(test, nodes.Call) and isinstance(test.node, nodes.Name) and test.node.name == "has"
            and len(test.args) == 1 and isinstance(test.args[0], nodes.Name)
            and not test.kwargs and test.dyn_args is None and test.dyn_kwargs is None)


def _needed(node: nodes.Node) -> Iterator[str]:
    if isinstance(node, nodes.Name):
        yield node.name
    elif isinstance(node, nodes.If):
        for child in node.else_:
            yield from _needed(child)
    else:
        for child in node.iter_child_nodes():
            yield from _needed(child)


def _check_parts(template: Template) -> None:
    """Both extremes are looked at: every `has` true, and every `has` false."""
    for present in (frozenset(template.names), template.needed):
        try:
            _expand(template, template.subject, present)
            _check_tree(template, _tree(_expand(template, template.body, present)))
        except TemplateSyntaxError as error:
            raise FaultyInput([_fault(template.file, 1, "an {% if %} begins in the subject and ends in the text")]
                              ) from error


def _check_tree(template: Template, tree: SyntaxTreeNode) -> None:
    for node in tree.walk():
        if node.type not in _BLOCKS:
            raise FaultyInput([_place(template, node, f"'{node.type}' is not used in mails: write paragraphs, "
                                                      "headings, lists, **strong** and *em*")])
        if node.type == "link" and not _is_ours(template, node):
            raise FaultyInput([_place(template, node, "a link is {{ link }} or [label]({{ link }}), with a name "
                                                      "that ends in 'link', never a written address")])


def _is_ours(template: Template, link: SyntaxTreeNode) -> bool:
    found = _SENTINEL.fullmatch(str(link.attrs.get("href", "")))
    return found is not None and is_link(template.names[int(found[1])])


def _place(template: Template, node: SyntaxTreeNode, message: str) -> Fault:
    """The line of the source that the node's first words stand in; lines of the expanded text are not the file's."""
    told = "" if node.is_root else str(node.attrs.get("href") or node.content or node.markup)
    words = re.split(f"[{_OPEN}\n]", told)[0].strip()
    lines = template.body.split("\n")
    line = next((number for number, text in enumerate(lines, 3) if words and words in text), 3)
    return _fault(template.file, line, message)


def is_link(name: str) -> bool:
    return name == "link" or name.endswith("_link")


def _expand(template: Template, text: str, present: frozenset[str]) -> str:
    """The text with its `if`s decided and a sentinel for every name."""
    context: dict[str, object] = {name: f"{_OPEN}{number}{_CLOSE}" for number, name in enumerate(template.names)
                                  if name in present}
    context["has"] = lambda value: not isinstance(value, Undefined)
    try:
        return _compiled(text).render(context)
    except UndefinedError as error:
        raise UsageError(f"{template.file}: {error.message}; the case does not have it, so it may stand only inside "
                         "{% if has(…) %}") from error


@lru_cache(maxsize=1024)
def _compiled(text: str) -> LoadedTemplate:
    return _SOURCES.from_string(text)


def _tree(markdown: str) -> SyntaxTreeNode:
    return SyntaxTreeNode(_MARKDOWN.parse(markdown))


# --- putting the values in -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Page:
    """`instead` stands where a link would, on paper."""

    template: Template
    values: Mapping[str, str]
    tables: Mapping[str, Table]
    language: str
    instead: str | None = None

    def known(self) -> frozenset[str]:
        named = frozenset(name for name, value in self.values.items() if value) | frozenset(self.tables)
        return named if self.instead is None else named | frozenset(filter(is_link, self.template.needed))

    def is_button(self, name: str) -> bool:
        return is_link(name) and self.instead is None

    def value(self, number: str) -> str:
        name = self.template.names[int(number)]
        if is_link(name):
            return self.instead or self.values[name]
        if name.startswith(REFERENCE):
            return _clean(self.values[name])
        return _defanged(_clean(self.values[name]))

    def put(self, text: str) -> str:
        return _SENTINEL.sub(lambda found: self.value(found[1]), text)


def _clean(value: str) -> str:
    """A value as plain text: one kind of line break, no control characters, nothing that turns the writing round."""
    text = _BREAKS.sub("\n", value)
    return "".join(c for c in text if c == "\n" or (unicodedata.category(c) != "Cc" and c not in _BIDI)).strip()


def _defanged(value: str) -> str:
    """Mail programs turn typed addresses into links; broken up, they stay readable and dead."""
    return _URL.sub(lambda found: found[0].replace("://", "[:]//").replace(".", "[.]"), value)


def _subject(template: Template, page: _Page) -> str:
    text = _expand(template, template.subject, page.known())
    subject = _SENTINEL.sub(lambda found: _defanged(one_line(page.values[template.names[int(found[1])]])), text).strip()
    if not subject:
        raise UsageError(f"{template.file}: the subject is empty: give it words of its own")
    return one_line(" ".join(subject.split()))


def _lone_table(page: _Page, block: SyntaxTreeNode) -> Table | None:
    """The table that a paragraph is, if it is nothing but its name."""
    inline = block.children[0]
    found = _SENTINEL.fullmatch(inline.content.strip())
    return page.tables.get(page.template.names[int(found[1])]) if found else None


def _label(page: _Page, name: str) -> str:
    words = _LABELS.get(page.language, _LABELS["en"])
    return words.get(name, words["link"])


def _pieces(page: _Page, text: str) -> Iterator[tuple[str, str | None]]:
    """The text of one token with its values, in pieces; a piece with a second part is a link with that name."""
    last = 0
    for found in _SENTINEL.finditer(text):
        name = page.template.names[int(found[1])]
        yield text[last:found.start()], None
        yield (page.value(found[1]), name if page.is_button(name) else None)
        last = found.end()
    yield text[last:], None


# --- HTML ------------------------------------------------------------------------------------------------------------


def _html_blocks(page: _Page, blocks: Sequence[SyntaxTreeNode]) -> Iterator[Markup]:
    for block in blocks:
        yield _HTML.get(block.type, _html_nested)(page, block)


def _element(tag: str, content: str, attributes: str = "") -> Markup:
    return Markup(f"<{tag}{attributes}>{escape(content)}</{tag}>")  # noqa: S704 - content is escaped here


def _html_nested(page: _Page, block: SyntaxTreeNode) -> Markup:
    if block.type == "heading":
        return _element(block.tag, _html_inline(page, block.children[0]))
    start = block.attrs.get("start")
    attributes = f' start="{int(start)}"' if start is not None else ""
    return _element(block.tag, Markup("\n").join(_html_blocks(page, block.children)), attributes)


def _html_paragraph(page: _Page, block: SyntaxTreeNode) -> Markup:
    table = _lone_table(page, block)
    if table is not None:
        return _html_table(table)
    content = _html_inline(page, block.children[0])
    return content if block.hidden else _element("p", content)


def _html_rule(page: _Page, block: SyntaxTreeNode) -> Markup:
    return Markup("<hr>")


_HTML: Mapping[str, Callable[[_Page, SyntaxTreeNode], Markup]] = {"paragraph": _html_paragraph, "hr": _html_rule}


def _html_inline(page: _Page, node: SyntaxTreeNode) -> Markup:
    if node.type == "text":
        return Markup().join(_button(url, _label(page, name)) if name else Markup("<br>").join(url.split("\n"))
                             for url, name in _pieces(page, node.content))
    if node.type in ("softbreak", "hardbreak"):
        return Markup("\n") if node.type == "softbreak" else Markup("<br>")
    if node.type == "link":
        label = _text_children(page, node)
        return escape(page.instead) if page.instead else _button(page.put(str(node.attrs["href"])), label)
    content = Markup().join(_html_inline(page, child) for child in node.children)
    return content if node.type == "inline" else _element(node.tag, content)


def _button(url: str, label: str) -> Markup:
    return Markup('<a class="button" href="{}">{}</a>').format(url, label)


def _html_table(table: Table) -> Markup:
    head = Markup().join(_element("th", header, ' scope="col"') for header in table.headers)
    rows = [_element("tr", Markup().join(map(_html_cell, row))) for row in table.rows]
    caption = _element("caption", table.caption)
    return _element("table", caption + _element("thead", _element("tr", head))
                    + _element("tbody", Markup().join(rows)))


def _html_cell(cell: Cell) -> Markup:
    text = Markup("<br>").join(_defanged(_clean(cell.text)).split("\n"))
    return _element("td", Markup('<a href="{}">{}</a>').format(cell.url, text) if cell.url else text)


# --- plain text ------------------------------------------------------------------------------------------------------


def _text_blocks(page: _Page, blocks: Sequence[SyntaxTreeNode], width: int = WIDTH) -> str:
    return "\n\n".join(_text_block(page, block, width) for block in blocks)


def _text_block(page: _Page, block: SyntaxTreeNode, width: int) -> str:
    if block.type == "hr":
        return "-" * width
    if block.type in ("bullet_list", "ordered_list"):
        return _text_list(page, block, width)
    table = _lone_table(page, block)
    if table is not None:
        return _text_table(table)
    text = _filled(_text_inline(page, block.children[0]), width)
    return f"{text}\n{'-' * max(map(len, text.splitlines()))}" if block.type == "heading" else text


def _text_list(page: _Page, block: SyntaxTreeNode, width: int) -> str:
    first = int(block.attrs.get("start", 1))
    items = []
    for number, item in enumerate(block.children, first):
        mark = "- " if block.type == "bullet_list" else f"{number}. "
        text = _text_blocks(page, item.children, width - len(mark))
        items.append(mark + textwrap.indent(text, " " * len(mark)).lstrip(" "))
    return "\n".join(items)


def _text_inline(page: _Page, node: SyntaxTreeNode) -> str:
    if node.type == "text":
        return "".join(f"\n{piece}\n" if name else piece for piece, name in _pieces(page, node.content))
    if node.type in ("softbreak", "hardbreak"):
        return " " if node.type == "softbreak" else "\n"
    if node.type == "link":
        return page.instead or f"\n{_text_children(page, node)}:\n{page.put(str(node.attrs['href']))}\n"
    return _text_children(page, node)


def _text_children(page: _Page, node: SyntaxTreeNode) -> str:
    return "".join(_text_inline(page, child) for child in node.children)


def _filled(text: str, width: int) -> str:
    """Wrapped lines; breaks in the text stay, but for those that nothing comes before or after."""
    return "\n".join(textwrap.fill(line.strip(), width, break_long_words=False, break_on_hyphens=False)
                     for line in text.strip("\n").split("\n"))


def _text_table(table: Table) -> str:
    """Aligned columns with each row's link below it; one line a cell where the columns would be too wide."""
    texts = [[_defanged(_clean(cell.text)).replace("\n", " ") for cell in row] for row in table.rows]
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


@lru_cache(maxsize=4)
def _layout(name: str) -> LoadedTemplate:
    return _LAYOUTS.from_string(_own_file(name))


@lru_cache(maxsize=1)
def _inliner() -> CSSInliner:
    """Puts the style sheet into the elements, where every mail program reads it. Rules for a dark screen cannot stand
    there and stay in the head."""
    return CSSInliner(extra_css=_own_file("mail.css"), keep_at_rules=True, load_remote_stylesheets=False)


def _own_file(name: str) -> str:
    return files("notifiers").joinpath("texts", name).read_text("utf-8")
