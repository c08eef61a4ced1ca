"""How like two names are, whatever people type differently: case, punctuation, blanks, a leading `the`."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping

ALIKE = 0.8
"""From this likeness on, two names may be one: `Pimewick Lrng.` and `Pimewick Learning`."""


def name_key(name: str) -> str:
    plain = unicodedata.normalize("NFKC", name).casefold()
    words = re.sub(r"[^\w]+", " ", plain).split()
    return " ".join(words[1:] if words[:1] == ["the"] and len(words) > 1 else words)


def url_key(url: object) -> str:
    """An address without scheme, `www.` and a closing slash."""
    plain = re.sub(r"^https?://(www\.)?", "", str(url or "").casefold())
    return plain.rstrip("/")


def alike(one: str, other: str) -> bool:
    return one == other or _likeness(one, other) >= ALIKE


def by_likeness(text: str, names: Mapping[str, str]) -> dict[str, str]:
    """The same names, those that share most with a text first; in their own order where they are equally like it."""
    wanted = name_key(text)
    if not wanted:
        return dict(names)
    keys = {key: name_key(name) for key, name in names.items()}
    ranked = sorted(names, key=lambda key: (-_shared(wanted, keys[key]), -_likeness(wanted, keys[key])))
    return {key: names[key] for key in ranked}


def named_in(text: str, names: Mapping[str, str]) -> list[str]:
    """The keys of the names that stand in a text, word for word; of `Reader Plus` not those of `Reader`."""
    words, keys = f" {name_key(text)} ", {key: f" {name_key(name)} " for key, name in names.items() if name_key(name)}
    there = {name for name in keys.values() if name in words}
    longest = {name for name in there if not any(name in other for other in there - {name})}
    return [key for key, name in keys.items() if name in longest]


def _shared(one: str, other: str) -> int:
    return len(set(one.split()) & set(other.split()))


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()
