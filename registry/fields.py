"""The fields of the register by the names that definitions use, and how a holding is read and written by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.model.case import Contact, FactValue
from engine.model.definition import Words
from engine.model.guards import Column, FactType
from engine.model.register import Entry, RegisterField
from registry.elements import elements
from registry.values import NEW, Agreement, Holding, Operator, Product

LISTINGS = {
    "approved": "Approved",
    "approved_no_data": "Approved/No Data Collected",
    "guardian_release": "Approved w/ Guardian Release",
    "renewal_pending": "Renewal Pending",
    "under_review": "Under Review",
    "declined": "Declined",
    "did_not_pursue": "Did Not Pursue",
    "not_approved": "Not Approved",
}
TYPES = {
    "ndpa_originator": "IL-NDPA originator",
    "ndpa_exhibit_e": "IL-NDPA Exhibit E subscriber",
    "district_addendum": "District SOPPA addendum",
    "vendor_dpa": "Vendor DPA",
    "click_wrap": "Click-wrap terms",
    "other": "Other written agreement",
}
MESSAGING = {
    "approved": "Approved for messages",
    "flagged": "Failed the audit; being mended",
    "transition": "Schools move away from it",
    "retired": "Not used for messages any more",
}
"""What the audit of messaging platforms says of a product; the approved ones are the list of acceptable platforms."""

RELATIONSHIPS = {"contract": "Contract", "on_demand": "On-Demand"}
STATUSES = {"active": "In force", "superseded": "Superseded by a later one", "ended": "Ended"}
CLAUSES = {
    "a": "A: categories of covered information",
    "b": "B: statement of the product or service",
    "c": "C: school official under FERPA",
    "d": "D: who bears the costs of a breach",
    "e": "E: deletion or return of covered information, and when",
    "f": "F: the school must post the agreement",
    "g": "G: reasonable security",
}
CLAUSE_STATUSES = {"present": "Present", "missing": "Missing", "not_applicable": "Not applicable"}

_TEXT, _INT, _DATE = (RegisterField(FactType(kind)) for kind in ("text", "int", "date"))


def _choice(options: Mapping[str, str], *, needed: bool = False, sure: bool = False) -> RegisterField:
    return RegisterField(FactType("choice", tuple(options)), _labels(options), needed=needed, sure=needed or sure)


def _labels(options: Mapping[str, str]) -> Mapping[str, Words]:
    return {option: {"en": label} for option, label in options.items()}


def _clauses() -> RegisterField:
    kinds = {"page": "text", "quote": "text", "reason": "text", "reviewer": "text", "checked_on": "date"}
    columns = (Column("status", FactType("choice", tuple(CLAUSE_STATUSES))),
               *(Column(name, FactType(kind), optional=True) for name, kind in kinds.items()))
    labels = {name: {"en": name.replace("_", " ").capitalize()} for name in ("status", *kinds)}
    return RegisterField(FactType("table", (), columns, tuple(CLAUSES)), _labels(CLAUSE_STATUSES), labels,
                         _labels(CLAUSES))


_FIELDS: Mapping[str, RegisterField] = {
    "operator": RegisterField(FactType("text"), needed=True, sure=True),
    "business_address": _TEXT,
    "contact": RegisterField(FactType("contacts")),
    "breach_contact": RegisterField(FactType("contacts")),
    "product": RegisterField(FactType("text"), needed=True, sure=True),
    "product_url": _TEXT,
    "listing": _choice(LISTINGS, sure=True),
    "relationship": _choice(RELATIONSHIPS),
    "purpose": _TEXT,
    "subject": _TEXT,
    "grades": _TEXT,
    "data_elements": RegisterField(
        FactType("set", elements()), {element: {"en": element} for element in elements()}
    ),
    "use_of_data": _TEXT,
    "disclosure_purpose": _TEXT,
    "schools": _INT,
    "students": _INT,
    "messaging": _choice(MESSAGING),
    "sponsor": RegisterField(FactType("person")),
    "type": _choice(TYPES, needed=True),
    "signed_on": RegisterField(FactType("date"), needed=True, sure=True),
    "status": _choice(STATUSES, sure=True),
    "posted_on": _DATE,
    "posted_url": _TEXT,
    "expires_on": _DATE,
    "last_attested_on": _DATE,
    "ended_on": _DATE,
    "breach_notice_days": _INT,
    "deletion_days": _INT,
    "correction_days": _INT,
    "clauses": _clauses(),
    "subcontractors": _TEXT,
    "supersedes": RegisterField(FactType("agreement"), fixed=True),
}

_OF_OPERATOR = {"operator": "name", "business_address": "business_address", "contact": "contact",
                "breach_contact": "breach_contact"}
_OF_AGREEMENT = {name: name for name in (
    "type", "signed_on", "status", "posted_on", "posted_url", "expires_on", "last_attested_on", "ended_on",
    "breach_notice_days", "deletion_days", "correction_days", "clauses", "subcontractors", "supersedes",
)}  # fmt: skip
_OF_PRODUCT = {name: {"product": "name", "product_url": "url"}.get(name, name)
               for name in (*_FIELDS, "notes") if name not in {**_OF_OPERATOR, **_OF_AGREEMENT}}

FIELDS: Mapping[str, RegisterField] = {
    name: replace(field, of_agreement=name in _OF_AGREEMENT) for name, field in _FIELDS.items()
}
"""What definitions may take from the register and write into it."""


def values_of(holding: Holding) -> dict[str, FactValue]:
    """The fields of a holding that have a value; a sponsor as stored."""
    found: dict[str, Any] = {}
    for record, names in ((holding.operator, _OF_OPERATOR), (holding.product, _OF_PRODUCT),
                          (holding.agreement, _OF_AGREEMENT)):
        found |= {name: getattr(record, attribute, None) for name, attribute in names.items()}
    values = {name: (value,) if isinstance(value, Contact) else value for name, value in found.items()}
    return {name: value for name, value in values.items() if value is not None and value not in ((), frozenset())}


def entry_of(holding: Holding, people: Mapping[str, str]) -> Entry:
    """An agreement as decisions see it. `people` are ids by mail address in small letters: a sponsor who is nobody here
    is left out, and so are the notes, which are for the office alone."""
    values = values_of(holding)
    values.pop("notes", None)
    sponsor = str(values.pop("sponsor", ""))
    sponsor = people.get(sponsor.casefold(), sponsor)
    if sponsor in people.values():
        values["sponsor"] = sponsor
    for name in ("contact", "breach_contact"):
        if isinstance(known := getattr(holding.operator, name), Contact):
            values[name] = (replace(known, address=known.address or holding.operator.business_address or ""),)
    return Entry(holding.agreement.id if holding.agreement else "", values, holding.label)


def operator_with(before: Operator | None, values: Mapping[str, FactValue]) -> Operator:
    """The operator with these fields; a new one without `before`."""
    given = _attributes(_OF_OPERATOR, values)
    return replace(before, **given) if before else Operator(**{"id": NEW, **given})


def product_with(before: Product | None, operator: str, values: Mapping[str, FactValue]) -> Product:
    """As `operator_with`. A new one is approved where it has an agreement, and else under review."""
    given = {"operator": operator, **_attributes(_OF_PRODUCT, values)}
    if before is not None:
        return replace(before, **given)
    return Product(**{"id": NEW, "listing": "approved" if "signed_on" in values else "under_review", **given})


def agreement_with(before: Agreement | None, product: str, values: Mapping[str, FactValue]) -> Agreement:
    """As `operator_with`."""
    given = _attributes(_OF_AGREEMENT, values)
    return replace(before, **given) if before else Agreement(**{"id": NEW, "product": product, **given})


def _attributes(names: Mapping[str, str], values: Mapping[str, FactValue]) -> dict[str, Any]:
    return {attribute: _single(values[name]) if name in ("contact", "breach_contact") else values[name]
            for name, attribute in names.items() if name in values}


def _single(value: FactValue) -> object:
    """The first of several contacts."""
    return value[0] if isinstance(value, tuple) and value else value
