"""The register as the engine sees it: what an agreement may hold, and the agreements that a decision has to know.

Which fields there are is data, handed in like the rules of the law; what they mean is the registry's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from engine.model.case import FactValue
from engine.model.definition import Words
from engine.model.guards import FactType

SIGNED, STATUS, ACTIVE, SUPERSEDES = "signed_on", "status", "active", "supersedes"
"""The fields that the engine itself asks about: an agreement's anniversaries are those of the day it was signed on."""

WHICH_PRODUCT = ("operator", "product")
"""The fields that say which product is meant, where no agreement does."""


@dataclass(frozen=True, slots=True)
class RegisterField:
    """`option_labels` are those of a choice or a set, `columns` the labels of a table's columns, `rows` those of its
    rows. A `needed` field must be given with a new agreement; a `sure` one has a value in every agreement; a `fixed`
    one is never changed afterwards. A field `of_agreement` is none of a product that has no agreement."""

    type: FactType
    option_labels: Mapping[str, Words] = field(default_factory=dict)
    columns: Mapping[str, Words] = field(default_factory=dict)
    rows: Mapping[str, Words] = field(default_factory=dict)
    needed: bool = False
    sure: bool = False
    fixed: bool = False
    of_agreement: bool = False


Fields = Mapping[str, RegisterField]


@dataclass(frozen=True, slots=True)
class Entry:
    """One agreement with its product and operator: the fields that have a value, and what people call it."""

    id: str
    values: Mapping[str, FactValue]
    label: str = ""

    @property
    def is_active(self) -> bool:
        return self.values.get(STATUS) == ACTIVE


def entry_id(kind: str, number: int) -> str:
    """`A-0001` for an agreement (A); operators are O, products P."""
    return f"{kind}-{number:04d}"


def ids_in(value: FactValue) -> tuple[str, ...]:
    """The ids of the agreements that a fact names, one or several."""
    return tuple(sorted(value)) if isinstance(value, frozenset) else (str(value),)


def fits(fact: FactType, wanted: FactType) -> str | None:
    """Why a fact of one type cannot be kept in a field of another; None when it can."""
    if fact.kind != wanted.kind:
        return f"is a {fact.kind}, but must be a {wanted.kind}"
    strange = _strange(fact.options, wanted.options) or _strange(fact.rows, wanted.rows)
    if strange:
        return f"has '{strange}', which the register does not know"
    known = {column.name: column for column in wanted.columns}
    for column in fact.columns:
        if column.name not in known or fits(column.type, known[column.name].type) is not None:
            return f"has a column '{column.name}' that the register does not know, or knows as something else"
    lacking = [name for name, column in known.items()
               if not column.optional and not any(c.name == name and not c.optional for c in fact.columns)]
    return f"needs the column '{lacking[0]}', never empty" if lacking else None


def _strange(given: Iterable[str], known: Iterable[str]) -> str | None:
    options = set(known)
    return next((option for option in given if option not in options), None)
