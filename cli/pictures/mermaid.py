"""A picture as Mermaid text, which code hosts and editors draw by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cli.pictures.graph import Arrow, Box, Picture, by_region


def mermaid(picture: Picture) -> str:
    """A state diagram; ids are those of the states, with `__` for the dot of a region."""
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
    yield "stateDiagram-v2"
    boxes = by_region(picture)
    inside = picture.regions
    for box in boxes.get("", ()):
        if box.name in inside:
            yield from _parallel(box, picture)
        else:
            yield from _box(box, "  ")
    for arrow in picture.arrows:
        if "." not in arrow.source:
            yield f"  {_arrow(arrow)}"
    for box in boxes.get("", ()):
        if box.final:
            yield f"  {_id(box.name)} --> [*]"
    for number, line in enumerate(picture.clocks):
        yield from (f"  note left of {_id(picture.boxes[0].name)}",) if number == 0 else ()
        yield f"    {_text(line)}"
    if picture.clocks:
        yield "  end note"
    marked = sorted(picture.here - set(inside))
    if marked:
        yield "  classDef here stroke-width:4px,font-weight:bold"
        yield f"  class {','.join(map(_id, marked))} here"


def _parallel(box: Box, picture: Picture) -> Iterator[str]:
    boxes = by_region(picture)
    yield f'  state "{_text(box.title)}" as {_id(box.name)} {{'
    for number, (region, title) in enumerate(picture.regions[box.name].items()):
        if number:
            yield "    --"
        yield f'    state "{_text(title)}" as {_id(region)} {{'
        for inner in boxes.get(region, ()):
            yield from _box(inner, "      ")
        yield from (f"      {_arrow(arrow)}" for arrow in picture.arrows if arrow.source.startswith(f"{region}."))
        yield "    }"
    yield "  }"


def _box(box: Box, indent: str) -> Iterator[str]:
    words = [box.title, *box.asks, *box.ways_in]
    yield f'{indent}state "{_text("<br>".join(words))}" as {_id(box.name)}'
    if box.initial:
        yield f"{indent}[*] --> {_id(box.name)}"


def _arrow(arrow: Arrow) -> str:
    return f"{_id(arrow.source)} --> {_id(arrow.target)}: {_text(' / '.join(arrow.words))}"


def _id(name: str) -> str:
    return name.replace(".", "__")


def _text(words: str) -> str:
    """Words that end no statement and no quotation of Mermaid."""
    return re.sub(r"[\"#;]", " ", words).replace(":", " –").replace("\n", " ")
