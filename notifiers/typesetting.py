"""Tagged PDFs from plain data: every text comes in as data and is set as it was typed, never read as markup."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files

import typst

from engine.errors import UsageError

_NOT_DRAWN = "could not be displayed"
_PLAIN = b"""#set document(title: "-")
#for one in json(bytes(sys.inputs.data)) { par(one) }"""
_NEVER_DRAWN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
_SELDOM_DRAWN = re.compile(
    r"[^\n\x20-\x7e\xa0-\u024f\u0370-\u03ff\u0400-\u04ff\u2010-\u2027\u2030-\u205e\u20ac\u2190-\u2193]"
)
_SOMETIMES_DRAWN = re.compile(r"[^\n\x20-\x7e\xa1-\xff\u2013\u2014\u2018-\u201d]")
"""Signs that are control codes; that the fonts which are always there may not have; that they hold for sure."""


def typeset(templates: Iterable[str], data: Mapping[str, object], what: str) -> bytes:
    """A PDF/UA-1 from templates of `notifiers/texts`, one after the other, and data for them. `what` it is stands in an
    error.

    A sign that no font here can draw stands as its code point, such as ⟨U+5C71⟩. Raises `UsageError` where no PDF can
    be made.
    """
    source = b"\n".join(files("notifiers.texts").joinpath(name).read_bytes() for name in templates)
    for strange in (_NEVER_DRAWN, _SELDOM_DRAWN, _SOMETIMES_DRAWN):
        try:
            return _compiled(source, _cleaned(data, strange), what)
        except typst.TypstError as error:
            if _NOT_DRAWN not in str(error):
                break
    raise UsageError(f"{what} cannot be made: the typesetter refuses it; run again with SOPPA_TRACE=1 and report it")


def undrawn(texts: Sequence[str]) -> Mapping[int, str]:
    """The places of the texts that cannot be set as they are, and the signs of each that no font here can draw."""
    strange = {char for text in texts for char in text if _SOMETIMES_DRAWN.match(char)}
    doubted = {char for char in strange if not _is_drawn(char)}
    found = {place: dict.fromkeys(sign for sign in text if sign in doubted) for place, text in enumerate(texts)}
    return {place: "".join(signs) for place, signs in found.items() if signs and not _is_drawn(texts[place])}


@cache
def _is_drawn(text: str) -> bool:
    """A sign that is not drawn alone may be part of one that is, such as an accent."""
    if _NEVER_DRAWN.search(text):
        return False
    try:
        _compiled(_PLAIN, [text], "a text")
    except typst.TypstError:
        return False
    return True


def _compiled(source: bytes, data: object, what: str) -> bytes:
    """Raises `TypstError`, whose text may hold a part of the data."""
    inputs = {"data": json.dumps(data, ensure_ascii=False)}
    made = typst.compile(source, format="pdf", pdf_standards=["ua-1"], sys_inputs=inputs)
    if not isinstance(made, bytes):
        raise UsageError(f"{what} cannot be made: it came out as several files")
    return made


def _cleaned(value: object, strange: re.Pattern[str]) -> object:
    """The same data with each strange sign as its code point."""
    match value:
        case str():
            return strange.sub(lambda found: f"⟨U+{ord(found.group()):04X}⟩", value)
        case Mapping():
            return {key: _cleaned(item, strange) for key, item in value.items()}
        case list() | tuple():
            return [_cleaned(item, strange) for item in value]
        case _:
            return value
