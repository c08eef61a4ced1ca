"""One source, plain text and HTML; and no value becomes markup, a link or a header."""

from __future__ import annotations

import re
import textwrap
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.errors import FaultyInput, UsageError
from notifiers.blanks import wrapped
from notifiers.blocks import Cell, Table
from notifiers.render import Rendered, names_in, needed_names, parse, render_letter, render_mail
from workflows import Catalogue

SOURCE = """Subject: Case {{ case }}: {{ task }}

Dear {{ name }},

# What happened

Something **happened** to *{{ name }}*.

{% if has(due) %}
Do it by {{ due }}.
{% else %}
There is no hurry.
{% endif %}

1. read
2. answer

[Answer now]({{ link }})
"""
VALUES = {"case": "2026-0001", "task": "Look at it", "name": "Ana", "link": "https://d.example/t/abc"}


def rendered(source: str = SOURCE, **values: str) -> Rendered:
    return render_mail(source, VALUES | values, "en", "District · 2026-0001")


def test_the_plain_text_reads_like_a_letter() -> None:
    assert rendered(due="Monday, April 10, 2028").text.split("\n") == [
        "Dear Ana,", "", "What happened", "-------------", "", "Something happened to Ana.", "",
        "Do it by Monday, April 10, 2028.", "", "1. read", "2. answer", "", "Answer now:", "https://d.example/t/abc",
        "", "-- ", "District · 2026-0001", "",
    ]


def test_the_html_has_a_language_a_heading_a_list_and_one_button() -> None:
    html = rendered().html
    assert '<html lang="en">' in html
    assert re.search(r"<h1[^>]*>What happened</h1>", html)
    assert re.search(r"<ol[^>]*><li[^>]*>read</li>", html)
    assert re.findall(r'<a [^>]*href="([^"]*)"', html) == ["https://d.example/t/abc"]
    assert "prefers-color-scheme: dark" in html
    assert "<img" not in html


def test_styles_stand_in_the_elements_and_those_for_a_dark_screen_in_the_head() -> None:
    head, _, body = rendered().html.partition("<body")
    assert re.search(r'<a class="button" [^>]*style="[^"]*background: #24527a', body)
    assert re.search(r'<p style="[^"]*margin: 0 0 16px', body)
    assert re.search(r"@media \(prefers-color-scheme: dark\) \{[^@]*a\.button \{ background: #9cc4ec !important", head)
    assert "<style" not in body
    assert "style=" not in rendered().body


def test_what_is_not_known_takes_the_other_branch() -> None:
    assert "There is no hurry." in rendered().text
    assert "There is no hurry." not in rendered(due="today").text


def test_a_value_never_becomes_markup() -> None:
    page = rendered(name='<img src=x> **bold** [a](http://evil.example) <script>&"')
    assert "<img" not in page.html
    assert "<script" not in page.html
    assert "**bold** [a]" in page.html


def test_a_typed_address_is_broken_up_so_that_no_program_makes_it_a_link() -> None:
    page = rendered(name="see https://evil.example/x or www.evil.example")
    assert "https[:]//evil[.]example/x or www[.]evil[.]example" in page.text
    assert "https://evil" not in page.html


def test_line_breaks_in_a_value_stay_and_control_characters_go() -> None:
    page = rendered(name="12 Main St\u2028Springfield\x07\u202e")
    assert "12 Main St\nSpringfield" in page.text
    assert "12 Main St<br>Springfield" in page.html
    assert not {"\x07", "\u202e", "\u2028"} & set(page.text + page.html)


@pytest.mark.parametrize("sign", ["\n", "\r\nBcc: x@evil.example", "\x00", "\x85", "\u2028", "\u2029", "\u202e"])
def test_a_subject_is_one_line(sign: str) -> None:
    with pytest.raises(UsageError, match="line break or a control character"):
        rendered(task=f"Look{sign}at")


@given(st.text())
def test_no_value_changes_the_shape_of_the_page(value: str) -> None:
    source = "Subject: s\n\n- {{ name }}\n"
    plain, odd = rendered(source, name="x"), rendered(source, name=value or "x")
    tags = re.compile(r"</?(?!br>)[a-zA-Z][^>]*>")
    assert tags.findall(odd.html) == tags.findall(plain.html)


@pytest.mark.parametrize(("body", "line", "says"), [
    ("{{ a|upper }}", 3, "only {{ name }}"),
    ("{{ a.b }}", 3, "only {{ name }}"),
    ("x\n{{ 1 + 1 }}", 4, "only {{ name }}"),
    ("x\n\n{% for a in b %}{% endfor %}", 5, "only {{ name }}"),
    ("{% set a = 1 %}", 3, "only {{ name }}"),
    ("{% if a %}x{% endif %}", 3, "only {{ name }}"),
    ("{% include 'x' %}", 3, "only {{ name }}"),
    ("a\n{{ b", 4, "not a mail text"),
    ("a\n\n[x](http://e.example)", 5, "never a written address"),
    ("<http://e.example>", 3, "never a written address"),
    ("[x]({{ name }})", 3, "never a written address"),
    ("![x](y)", 3, "'image' is not used"),
    ("a\n\n```\nb\n```", 6, "'fence' is not used"),
    ("\ue0000\ue001", 1, "private area"),
])
def test_a_source_that_says_more_is_refused_with_its_line(body: str, line: int, says: str) -> None:
    with pytest.raises(FaultyInput) as refused:
        names_in(f"Subject: s\n\n{body}\n", "m.en.md")
    assert str(refused.value).startswith(f"m.en.md:{line}:")
    assert says in str(refused.value)


@pytest.mark.parametrize("source", ["", "Hello\n\nx\n", "Subject: \n\nx\n", "Subject: a\nb\n", "Subject: a\n\n"])
def test_a_source_has_a_subject_an_empty_line_and_a_text(source: str) -> None:
    with pytest.raises(FaultyInput, match=r"m\.en\.md:[12]:1"):
        names_in(source, "m.en.md")


def test_a_name_without_a_value_is_an_error_outside_has() -> None:
    with pytest.raises(UsageError, match="'absent' is undefined"):
        rendered("Subject: s\n\n{{ absent }}\n")


def test_names_are_told_apart_by_has() -> None:
    assert names_in(SOURCE) == {"case", "task", "name", "due", "link"}
    assert needed_names(SOURCE) == {"case", "task", "name", "link"}


def test_a_link_in_a_sentence_stands_on_its_own_line_in_text() -> None:
    page = rendered("Subject: s\n\nAnswer here: {{ link }}\n")
    assert page.text.startswith("Answer here:\nhttps://d.example/t/abc\n")
    assert ">Open the page</a>" in page.html


def test_long_lines_are_wrapped_but_an_address_is_not() -> None:
    link = "https://d.example/t/" + "x" * 90
    lines = rendered("Subject: s\n\n" + "word " * 60 + "\n\n{{ link }}\n", link=link).text.splitlines()
    assert link in lines
    assert max(len(line) for line in lines if line != link) <= 72


def test_a_table_is_aligned_in_text_and_has_headers_in_html() -> None:
    table = Table("Due:", ("Case", "What"), ((Cell("2026-0001"), Cell("Look <at> it", "https://d.example/t/1")),))
    page = render_mail("Subject: s\n\n{{ rows }}\n", {}, "en", "F", tables={"rows": table})
    assert "Case       What\n---------  ------------\n2026-0001  Look <at> it\n  https://d.example/t/1" in page.text
    assert '<th scope="col"' in page.html
    assert re.search(r'<a href="https://d.example/t/1"[^>]*>Look &lt;at&gt; it</a>', page.html)


def test_a_table_too_wide_for_columns_becomes_a_list() -> None:
    table = Table("Due:", ("Case", "What"), ((Cell("2026-0001"), Cell("long " * 20)),))
    text = render_mail("Subject: s\n\n{{ rows }}\n", {}, "en", "F", tables={"rows": table}).text
    assert "Case: 2026-0001\n  What: long long" in text
    assert max(map(len, text.splitlines())) <= 72


def test_on_paper_nothing_can_be_clicked() -> None:
    page = render_mail("Subject: s\n\nAnswer here: {{ link }}\n", {}, "es", "F", paper=True)
    letter = render_letter(page, district="D 12", name="Ana <b>", address="12 Main St\nSpringfield", date="hoy",
                           footer="F")
    assert "<a " not in letter
    assert "esta carta no tiene enlace; venga, escriba o llame a la oficina del distrito" in letter
    assert "Ana &lt;b&gt;\n12 Main St\nSpringfield" in letter


def test_a_letter_does_not_tell_of_a_page_and_its_code() -> None:
    """What a shipped mail says of the code for its page, a parent who reads no mail does not read; the rest they do."""
    catalogue = Catalogue()
    texts = [text for process in catalogue.processes() for mail in catalogue.newest(process).mails.values()
             for text in mail.texts.values() if re.search(r"\b(code that we send|código que le enviamos)\b", text)]
    assert len(texts) == 12
    for text in texts:
        values = dict.fromkeys(parse(text).names, "X")
        mail, letter = render_mail(text, values, "en", "F").text, render_mail(text, values, "en", "F", paper=True).text
        assert re.search(r"code|código", mail)
        assert not re.search(r"code|código|The page stays|queda abierta", letter)
        assert len(letter.split("\n\n")) > 4


def test_a_line_that_ends_with_a_statement_keeps_its_break() -> None:
    """Words may be left out in the middle of a paragraph or a list, and neither runs into what follows."""
    source = """Subject: s

Why: {{ why }}{% if has(more) %}, and {{ more }}{% endif %}

- First{% if has(more) %}
- {{ more }}{% endif %}
- Last {% if has(more) %}with{% else %}without{% endif %}

End.
"""
    full = render_mail(source, {"why": "a", "more": "b"}, "en", "F").text
    assert "Why: a, and b\n\n- First\n- b\n- Last with\n\nEnd." in full
    assert "Why: a\n\n- First\n- Last without\n\nEnd." in render_mail(source, {"why": "a"}, "en", "F").text


def test_no_line_of_a_shipped_mail_runs_into_the_next() -> None:
    """With everything known and with nothing that a text asks for, each list and paragraph of the source is one."""
    catalogue = Catalogue()
    texts = [(process, name, text) for process in catalogue.processes()
             for name, mail in catalogue.newest(process).mails.items() for text in mail.texts.values()]
    assert len(texts) > 90
    for process, name, text in texts:
        template = parse(text)
        for known in (template.names, template.needed):
            said = render_mail(text, dict.fromkeys(known, "X"), "en", "F", paper=True).body
            assert not re.search(r"[a-z*X.]- [A-ZÁÉÍÓÚ]", re.sub(r"<[^>]*>", "", said)), f"{process}.{name}"


@given(st.text(st.sampled_from("ab \t-\u00a0é\n"), max_size=120), st.integers(3, 20))
def test_lines_are_wrapped_as_the_library_does_it(text: str, width: int) -> None:
    lines = text.strip("\n").split("\n")
    told = [textwrap.fill(line.strip(), width, break_long_words=False, break_on_hyphens=False) for line in lines]
    assert wrapped(text, width) == "\n".join(told)


class Seen(HTMLParser):
    """The elements, addresses and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs).get("href")))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
@example("\ue0001\ue001 \ue0000\ue001")
@example("</p><a href=\"x\">'&amp;&nbsp;\u00a0")
def test_whatever_a_value_is_the_page_has_the_same_elements_and_says_it(value: str) -> None:
    source = "Subject: s\n\nSay **{{ said }}**.\n\n{{ link }}\n"
    values = {"said": f"({value})", "link": "https://d.example/t/a?b&c"}
    page = Seen(render_mail(source, values, "en", "F").html)
    plain = Seen(render_mail(source, values | {"said": "x"}, "en", "F").html)
    assert [each for each in page.found if each[0] != "br"] == plain.found
    assert ("a", "https://d.example/t/a?b&c") in page.found
    letters = [c for c in value if c.isalnum()]
    assert [c for c in page.text.partition("Say (")[2].rpartition(").")[0] if c.isalnum()] == letters


def test_a_button_behind_words_begins_a_line_of_its_own() -> None:
    page = rendered("Subject: s\n\nLook here: {{ link }}\n\n{{ link }}\n", link="https://d.example/t/a").html
    assert "Look here:<br><a class" in page and re.search('<p[^>]*><a class="button"', page)


def test_the_number_of_a_case_is_not_broken_in_a_table() -> None:
    table = Table("Cases", ("Case",), ((Cell("2026-0001"),), (Cell("none of 2026-0001"),)))
    page = render_mail("Subject: s\n\n{{ lines }}\n", {}, "en", "District", tables={"lines": table}).html
    label = r'<span class="label" style="[^"]*display: ?none[^"]*">Case: </span>'
    assert re.search(rf'<td class="whole" style="[^"]*nowrap[^"]*">{label}2026-0001</td>', page)
    assert page.count('class="whole"') == 1
