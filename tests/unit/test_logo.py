"""A logo is a plain picture, on letters with its words for who does not see it."""

from __future__ import annotations

import io
from base64 import b64decode
from pathlib import Path

import pytest
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, PdfObject

from cli.logo import MOST, logo_or_none, read_logo
from cli.settings import read_settings
from cli.settings_parts import Logo
from engine.errors import FaultyInput, UsageError
from engine.model.office import Logo as Picture
from notifiers.letters import letters_pdf
from notifiers.render import render_letter
from tests.files import png
from tests.unit.test_letters import ANA, letter

WHOLE = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVR4nGNwOMDgcAAABYYCAUIriVUAAAAASUVORK5CYII=")
"""Two by two points."""

SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><circle r="9"/></svg>'


@pytest.mark.parametrize(("name", "content", "kind"), [
    ("a.png", png(), "image/png"), ("a.PNG", png(), "image/png"), ("a.svg", SVG, "image/svg+xml"),
    ("a.svg", SVG.replace(b"<circle", b'<use href="#c"/><circle'), "image/svg+xml")])
def test_a_plain_picture_is_taken(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert read_logo(Logo(tmp_path / name, "alt")) == Picture(content, kind, "alt")


@pytest.mark.parametrize(("name", "content", "says"), [
    ("a.png", SVG, "is no PNG picture"),
    ("a.svg", png(), "is no SVG picture"),
    ("a.svg", SVG.replace(b"<circle", b"<script>1</script><circle"), "holds a script or reaches"),
    ("a.svg", SVG.replace(b"<circle", b'<circle onload="x()"'), "holds a script or reaches"),
    ("a.svg", SVG.replace(b"<circle", b'<image href="https://x.example/y.png"/><circle'), "holds a script or reaches"),
    ("a.svg", SVG.replace(b"<circle", b'<circle style="fill:url(http://x)"'), "holds a script or reaches"),
    ("a.svg", b"<!DOCTYPE svg [<!ENTITY a 'b'>]>" + SVG, "is no SVG picture"),
    ("a.png", png() + b"0" * MOST, "are the most"),
])  # fmt: skip
def test_anything_else_is_refused(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=says):
        read_logo(Logo(tmp_path / name, "alt"))
    assert logo_or_none(Logo(tmp_path / name, "alt")) is None


@pytest.mark.parametrize(("line", "says"), [
    ("logo: {file: gone.png, alt: x}", "logo: there is no file"),
    ("logo: {file: a.gif, alt: x}", "logo: 'a.gif' is neither a .png nor an .svg file"),
    ("logo: {file: a.png}", "logo needs the key 'alt'"),
    ("board: {meetings: [2026-12-08, 2026-12-08]}", "one of the meetings is there twice"),
    ("board: {meetings: [soon]}", "meetings must be a date"),
    ("board: {meetings: [2026-12-08], packet_days: 90}", "closes 0 to 60 days before"),
])  # fmt: skip
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "district.yaml").write_text(f"district: D\nzone: America/Chicago\n{line}\n")
    with pytest.raises(FaultyInput, match=says):
        read_settings(tmp_path / "district.yaml")


def alternatives(node: object) -> list[str]:
    """What a PDF says in the place of its pictures."""
    place = node.get_object() if isinstance(node, PdfObject) else node
    if isinstance(place, ArrayObject):
        return [said for kid in place for said in alternatives(kid)]
    if not isinstance(place, DictionaryObject):
        return []
    inner = place.get("/StructTreeRoot", place.get("/K"))
    return [*([str(place["/Alt"])] if "/Alt" in place else []), *alternatives(inner)]


@pytest.mark.parametrize(("content", "kind"), [(WHOLE, "image/png"), (SVG, "image/svg+xml")])
def test_a_printed_letter_has_it_with_its_words(content: bytes, kind: str) -> None:
    logo = Picture(content, kind, "Prairie Creek, a windmill")
    made = letters_pdf([letter("1", ANA)], sender=("Prairie Creek",), district="D", date="d", footer="f", logo=logo)
    assert "Prairie Creek, a windmill" in alternatives(PdfReader(io.BytesIO(made)).trailer["/Root"])
    sheet = letter("1", ANA).rendered
    page = render_letter(sheet, district="D", name="n", address="a", date="d", footer="f", logo=logo)
    assert f'<img class="logo" src="data:{kind};base64,' in page and 'alt="Prairie Creek, a windmill"' in page
