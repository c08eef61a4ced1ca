"""The obligations that the register knows of and nobody has begun: agreements never posted, or run out."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Iterator, Mapping

from engine.model.register import ACTIVE
from registry.inventory import OPENS_A_FORMULA
from registry.values import Agreement, Holding

COLUMNS = ("key", "process", "state", "agreement", "product", "operator", "entered_on", "evidence.entered_on",
           "cycle_on")


def draft(holdings: Iterable[Holding], today: dt.date) -> list[dict[str, str]]:
    """A row for each running obligation; what nobody but a person can give, such as the signed paper, is left empty."""
    return [row for holding in holdings if holding.agreement is not None and holding.agreement.status == ACTIVE
            for row in _rows(holding, holding.agreement, today)]


def to_csv(rows: Iterable[Mapping[str, str]]) -> str:
    """Each cell quoted; one that a spreadsheet would compute gets an apostrophe, which reading takes away again."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    writer.writerows([_defused(row.get(name, "")) for name in COLUMNS] for row in rows)
    return out.getvalue()


def _rows(holding: Holding, agreement: Agreement, today: dt.date) -> Iterator[dict[str, str]]:
    if agreement.posted_on is None:
        contact = holding.operator.contact
        operator = holding.operator.name + (f" <{contact.email}>" if contact and contact.email else "")
        yield {"key": f"{holding.key}/posting", "process": "contract_posting", "state": "preparing",
               "agreement": agreement.id, "product": holding.product.name, "operator": operator,
               "entered_on": agreement.signed_on.isoformat()}
    if agreement.expires_on is not None and agreement.expires_on < today:
        yield {"key": f"{holding.key}/expiry", "process": "agreement_expiry", "state": "deciding",
               "agreement": agreement.id, "cycle_on": agreement.expires_on.isoformat()}


def _defused(cell: str) -> str:
    return f"'{cell}" if cell[:1] and cell[0] in OPENS_A_FORMULA else cell
