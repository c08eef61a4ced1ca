"""From one source text to a mail: a subject, plain text and accessible HTML.

A source is a `Subject:` line, an empty line, and a small Markdown. It may hold `{{ name }}` and `{% if has(name) %} …
{% else %} … {% endif %}`, nothing else. The source is parsed to tokens before any value is known, and values are put in
as text afterwards: no value becomes markup, a link or a header. A link is `{{ link }}` or `[label]({{ link }})`, where
only names ending in `link` can be one: a button in HTML, an address on a line of its own in text.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
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
from engine.language.mailtexts import ON_SCREEN, REFERENCE
from engine.model.office import Logo
from notifiers.blanks import CLOSE, MARK, OPEN, Page, Text, mark
from notifiers.blocks import BIDI, CONTROLS, Sheet, Table, clean, defanged, html_blocks, is_link, paragraphs
from notifiers.quoted import unquoted

_NOT_ON_A_LINE = re.compile(f"[{CONTROLS}\n\u2028\u2029{BIDI}]")
_BLOCKS = frozenset({
    "root", "paragraph", "inline", "text", "softbreak", "hardbreak", "strong", "em", "heading", "bullet_list",
    "ordered_list", "list_item", "hr", "link",
})
_PAPER = {"en": "this letter has no link; please visit, write to or call the district's office instead (see below)",
          "es": "esta carta no tiene enlace; venga, escriba o llame a la oficina del distrito (vea abajo)"}


@dataclass(frozen=True, slots=True)
class Rendered:
    """`page` is the whole page of the mail in quoted-printable; `body`, for a letter only, what that says without its
    frame."""

    subject: str
    text: str
    page: bytes
    body: str
    language: str

    @property
    def html(self) -> str:
        return unquoted(self.page)


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
    """CommonMark without HTML. Addresses stay as they are written: `_check_tree` lets only marks be one."""
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
    instead = _PAPER.get(language, _PAPER["en"]) if paper else None
    known = frozenset(name for name, value in values.items() if value) | frozenset(tables or ())
    known = (known | set(filter(is_link, template.needed))) - {ON_SCREEN} if paper else known | {ON_SCREEN}
    known &= frozenset(template.names)
    blank = (_blank(template, Sheet(template.names, tables, language, instead), known) if tables
             else _kept_blank(template, known, language, instead))
    return _Filling(template, values, language, footer, paper).filled(blank)


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
                                         name=name, address=clean(address), date=date, footer=footer, logo=picture,
                                         body=Markup(rendered.body))  # noqa: S704 - made by this module


def one_line(text: str) -> str:
    """`text` if it is one line of visible characters. Raises `UsageError` otherwise (headers, subjects, footers)."""
    if not text.isprintable() and _NOT_ON_A_LINE.search(text):
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
    if OPEN in source or CLOSE in source:
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
    found = MARK.fullmatch(str(link.attrs.get("href", "")))
    return found is not None and is_link(template.names[int(found[1])])


def _place(template: Template, node: SyntaxTreeNode, message: str) -> Fault:
    """The line of the source that the node's first words stand in; lines of the expanded text are not the file's."""
    told = "" if node.is_root else str(node.attrs.get("href") or node.content or node.markup)
    words = re.split(f"[{OPEN}\n]", told)[0].strip()
    lines = template.body.split("\n")
    line = next((number for number, text in enumerate(lines, 3) if words and words in text), 3)
    return _fault(template.file, line, message)


def _expand(template: Template, text: str, present: frozenset[str]) -> str:
    """The text with its `if`s decided and a mark for every name."""
    context: dict[str, object] = {name: mark(number) for number, name in enumerate(template.names)
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


# --- making the blank ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Blank:
    """A mail without its values; those beyond the names of the template are the subject and the footer."""

    subject: str
    text: Text
    html: Page
    body: Page


@lru_cache(maxsize=256)
def _kept_blank(template: Template, known: frozenset[str], language: str, instead: str | None) -> _Blank:
    return _blank(template, Sheet(template.names, {}, language, instead), known)


def _blank(template: Template, sheet: Sheet, known: frozenset[str]) -> _Blank:
    beyond = len(template.names)
    blocks = _tree(_expand(template, template.body, known)).children
    body = Markup("\n").join(html_blocks(sheet, blocks))
    html = _layout("layout.html").render(language=sheet.language, subject=mark(beyond), body=body,
                                         footer=mark(beyond + 1))
    return _Blank(_expand(template, template.subject, known), Text.cut(paragraphs(sheet, blocks)),
                  Page.cut(_inliner().inline(html)), Page.cut(body))


# --- putting the values in -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Filling:
    template: Template
    values: Mapping[str, str]
    language: str
    footer: str
    paper: bool

    def filled(self, blank: _Blank) -> Rendered:
        subject = self._subject(blank)
        texts: dict[int, str] = {len(self.template.names): subject, len(self.template.names) + 1: self.footer}

        def value(number: int) -> str:
            if number not in texts:
                texts[number] = self._value(self.template.names[number])
            return texts[number]

        text = f"{blank.text.filled(value)}\n\n-- \n{one_line(self.footer)}\n"
        body = blank.body.filled(value, _as_markup) if self.paper else ""
        return Rendered(subject, text, blank.html.printed(value, _as_inlined), body, self.language)

    def _value(self, name: str) -> str:
        if is_link(name):
            return self.values[name]
        if name.startswith(REFERENCE):
            return clean(self.values[name])
        return defanged(clean(self.values[name]))

    def _subject(self, blank: _Blank) -> str:
        names, values = self.template.names, self.values
        found = MARK.sub(lambda mark: defanged(one_line(values[names[int(mark[1])]])), blank.subject).strip()
        if not found:
            raise UsageError(f"{self.template.file}: the subject is empty: give it words of its own")
        return one_line(" ".join(found.split()))


def _as_markup(text: str) -> str:
    return str(escape(text))


def _as_inlined(text: str) -> str:
    """As the inliner writes a text or an attribute out: what it wrote round them stays as it is."""
    escaped = text.replace("&", "&amp;").replace("\xa0", "&nbsp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace('"', "&#34;")


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
