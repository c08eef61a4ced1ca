"""The fingerprint of a definition: equal exactly when two definitions decide alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass

from engine.law.clocks import Rule
from engine.law.ladders import Ladder
from engine.model.definition import Definition
from engine.model.guards import Guard

_DECISIVE = ("id", "kind", "length", "unit", "rolls", "holds", "duty_of", "on", "keeps_day", "calendar", "agreement")
"""What of a rule decides a date. A pack's new version or a better citation changes no definition."""

_TEXT_FIELDS = frozenset(
    {
        *("title", "label", "help", "option_labels", "texts", "reviewed_by"),
        *("scenarios", "unnoticed", "migrates", "about", "need_to_know", "undo", "hash", "place", "places", "reasons"),
        "usual_days",
    }
)


def fingerprint(definition: Definition) -> str:
    """SHA-256, in hex, of the compiled form without its texts for people."""
    compact = json.dumps(_canonical(definition), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(compact.encode()).hexdigest()


def _canonical(value: object) -> object:
    """Plain JSON values that are equal exactly when two definitions decide alike; texts for people are left out."""
    match value:
        case Guard():
            return value.source
        case Rule():
            return _fields(value, [field for field in fields(value) if field.name in _DECISIVE])
        case Ladder():
            return _canonical(value.rungs)
        case Mapping():
            return [[str(key), _canonical(item)] for key, item in value.items()]
        case frozenset():
            return sorted(str(item) for item in value)
        case tuple() | list():
            return [_canonical(item) for item in value]
        case bool() | int() | str() | None:
            return value
        case _ if is_dataclass(value):
            return _fields(value, [field for field in fields(value) if field.name not in _TEXT_FIELDS])
    return str(value)


def _fields(value: object, wanted: Iterable[Field[object]]) -> dict[str, object]:
    """The fields that say something. One that holds its default is left out: when a later program knows more fields,
    the definitions that do not use them keep their fingerprints, and the cases on them go on."""
    found = ((field, getattr(value, field.name)) for field in wanted)
    return {field.name: _canonical(item) for field, item in found if item != _default(field)}


def _default(field: Field[object]) -> object:
    return field.default_factory() if field.default_factory is not MISSING else field.default
