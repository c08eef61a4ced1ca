"""Keys of `district.yaml` that stand for themselves: the Board's meetings, the logo, the minutes of an undo."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from engine import nodes
from engine.nodes import Faults, Node

MOST_MINUTES = 10
"""How long an answer may be taken back at most."""


@dataclass(frozen=True, slots=True)
class Board:
    """When the Board meets, in order, and how many days before a meeting its packet closes."""

    meetings: tuple[dt.date, ...] = ()
    packet_days: int = 7


@dataclass(frozen=True, slots=True)
class Logo:
    """A PNG or SVG file of the home, and what it says to who does not see it."""

    file: Path
    alt: str


def read_board(node: Node | None, faults: Faults) -> Board:
    if node is None:
        return Board()
    top = nodes.fields(node, faults, required=("meetings",), optional=("packet_days",), what="board")
    meetings = nodes.each(top.get("meetings"), faults, _meeting, "meetings")
    if len(set(meetings)) < len(meetings):
        faults.add(top["meetings"], "board: one of the meetings is there twice")
    days = nodes.integer(top.get("packet_days"), faults, "packet_days")
    if days is not None and not 0 <= days <= 60:
        faults.add(top["packet_days"], "board: a packet closes 0 to 60 days before its meeting: correct packet_days")
    return Board(tuple(sorted(meetings)), 7 if days is None else days)


def _meeting(node: Node, faults: Faults) -> dt.date | None:
    return nodes.date(node, faults, "meetings")


def read_logo_key(node: Node | None, folder: Path, faults: Faults) -> Logo | None:
    """What the file holds is looked at where it is shown; a command that shows none need not read it."""
    if node is None:
        return None
    top = nodes.fields(node, faults, required=("file", "alt"), what="logo")
    word, alt = nodes.text(top.get("file"), faults, "file") or "", nodes.text(top.get("alt"), faults, "alt") or ""
    file = folder / word
    if "file" in top and file.suffix.lower() not in (".png", ".svg"):
        faults.add(top["file"], f"logo: '{word}' is neither a .png nor an .svg file")
    elif "file" in top and not file.is_file():
        faults.add(top["file"], f"logo: there is no file {file}: put it there, or leave the key out")
    return Logo(file, alt)


def read_undo_minutes(node: Node | None, faults: Faults) -> int:
    minutes = nodes.integer(node, faults, "undo_minutes")
    if minutes is not None and node is not None and not 0 <= minutes <= MOST_MINUTES:
        faults.add(node, f"undo_minutes: for so many minutes an answer may be taken back, 0 (never) to {MOST_MINUTES}")
    return minutes or 0
