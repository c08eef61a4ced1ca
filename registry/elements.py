"""The kinds of data that a product may take, as pairs of category and element, and the words for them."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

from engine.nodes import nearest

SEPARATOR = ": "


@cache
def elements() -> tuple[str, ...]:
    """Each pair as `Category: element`, in the order of the list: the NDPA's schedule of data, then the kinds of
    covered information that 23 Ill. Adm. Code 380.5 names. The same element may stand in two categories."""
    text = files("registry").joinpath("data-elements.csv").read_text("utf-8")
    return tuple(f"{row['category']}{SEPARATOR}{row['element']}" for row in csv.DictReader(text.splitlines()))


def unknown(pair: str) -> str | None:
    """What is wrong with a pair, with the nearest known one; None when it is in the list."""
    known = elements()
    return None if pair in known else f"'{pair}' is no data element{nearest(pair, known)}"
