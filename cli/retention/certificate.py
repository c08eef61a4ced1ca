"""The certificate of a purge: what went, how many, under which term, with hashes. It names nobody."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from cli.printing import count, day, plain
from cli.wiring import House
from notifiers.typesetting import typeset
from storage.removal.purges import Item, Purge

FORMAT = "soppa-purge-1"
_ONE: Mapping[str, str] = {
    "facts": "fact", "former_facts": "former fact", "parties": "party", "lines": "line of history emptied",
    "mails": "mail", "brief_lines": "line of briefs", "recipients": "recipient", "copies": "copy", "links": "link",
    "sessions": "session", "codes": "code", "rate_counts": "count of tries", "documents": "document",
    "exports": "file left in the home", "acts": "act of two persons", "people": "person who left",
    "operators": "operator", "products": "product",
}  # fmt: skip
_MANY: Mapping[str, str] = {
    "parties": "parties", "lines": "lines of history emptied", "brief_lines": "lines of briefs", "copies": "copies",
    "rate_counts": "counts of tries", "exports": "files left in the home", "acts": "acts of two persons",
    "people": "people who left",
}  # fmt: skip


def certificate_of(house: House, purge: Purge, items: Sequence[Item], now: dt.datetime) -> str:
    """As JSON, the same bytes for the same purge."""
    terms: Mapping[str, Any] = purge.terms
    done = [item for item in items if item.state == "done"]
    held = Counter(item.kind for item in items if item.state == "held")
    whole = {
        "format": FORMAT, "purge": purge.id, "district": house.settings.district, "as_of": purge.as_of,
        "agreed_at": purge.confirmed_at, "finished_at": now, "agreed_by": terms["by"], "disposal": terms["disposal"],
        "classes": [_class(name, words, [item for item in done if item.kind == name], held[name])
                    for name, words in terms["classes"].items()],
        "cases": [_case(house, item) for item in done if item.what in ("case", "audience")],
        "preserved_then": terms["held"],
        "hashes": "SHA-256, chained over that of each sealed value and file before it was removed",
        "elsewhere": "Backups made before hold all of this until they go. What was handed out is listed by hash.",
    }  # fmt: skip
    return json.dumps(whole, default=plain, ensure_ascii=False, indent=1) + "\n"


def digest_of(certificate: str) -> str:
    return hashlib.sha256(certificate.encode()).hexdigest()


def _class(name: str, words: Mapping[str, str], items: Sequence[Item], held: int) -> dict[str, object]:
    counts = Counter[str]()
    for item in items:
        counts.update(item.counts or {})
    said = hashlib.sha256("".join(item.digest for item in items).encode()).hexdigest()
    return {"class": name, **words, "items": len(items), "held_back": held,
            "removed": {key: number for key, number in counts.items() if number}, "sha256": said}


def _case(house: House, item: Item) -> dict[str, object]:
    lines = house.store.views.history(item.ref)
    handed = [line.detail["sha256"] for line in lines if line.kind == "evidence_written" and "sha256" in line.detail]
    removed = {key: number for key, number in (item.counts or {}).items() if number}
    return {"case": item.ref, "class": item.kind, "due_since": item.due_on, "removed": removed, "sha256": item.digest,
            "handed_out": handed}


def certificate_pdf(certificate: str) -> bytes:
    """The same on paper. Raises `UsageError` where no PDF can be made."""
    known: Mapping[str, Any] = json.loads(certificate)
    return typeset(["paper.typ", "report.typ"], _paper(known, digest_of(certificate)), "the certificate")


def _paper(known: Mapping[str, Any], digest: str) -> dict[str, object]:
    period = f"What need not be kept on {_day(known['as_of'])}; finished on {_day(known['finished_at'])}"
    return {
        "title": "Certificate of a purge", "district": known["district"], "keywords": [], "few": "",
        "footer": f"Purge {known['purge']} · SHA-256 of the certificate {digest}", "period": period,
        "lead": _lead(known), "bars": [], "decided": [], "strips": [],
        "tables": [
            {"title": "What went, by class", "header": ["Class", "Term", "Items", "Removed"], "note": "",
             "widths": [2.1, 1.5, 0.6, 0],
             "rows": [[one["title"], f"{one['term']} from “{one['start'].replace('_', ' ')}”", f"{one['items']:,}",
                       in_words(one["removed"])] for one in known["classes"]]},
            {"title": "Cases", "header": ["Case", "Due since", "Removed", "SHA-256"],
             "note": "" if known["cases"] else "None.", "widths": [0.9, 1.1, 0, 2.2],
             "rows": [[one["case"], _day(one["due_since"]), in_words(one["removed"]), _in_parts(one["sha256"])]
                      for one in known["cases"]]},
            {"title": "Evidence of these cases that was handed out", "header": ["Case", "SHA-256 of the file"],
             "note": "", "widths": [0.9, 0],
             "rows": [[one["case"], _in_parts(said)] for one in known["cases"] for said in one["handed_out"]]},
        ],
    }  # fmt: skip


def _lead(known: Mapping[str, Any]) -> list[str]:
    by = known["agreed_by"]
    held = sum(one["held_back"] for one in known["classes"])
    said = [f"Begun by: {by['began']}. Confirmed by: {by['confirmed']}, on {_day(known['agreed_at'])}."]
    if known["disposal"]:
        said.append(f"Certificate {known['disposal']['number']} of the Local Records Commission, filed on "
                    f"{_day(known['disposal']['filed_on'])}.")
    if held or known["preserved_then"]:
        said.append(f"A preservation held back {count(held + known['preserved_then'], 'item')}.")
    return [*said, f"Hashes: {known['hashes']}.", known["elsewhere"]]


def in_words(removed: Mapping[str, int]) -> str:
    return ", ".join(_things(key, number) for key, number in removed.items()) or "nothing was left"


def _things(key: str, number: int) -> str:
    one = _ONE.get(key, key)
    return f"{number:,} {one if number == 1 else _MANY.get(key, f'{one}s')}"


def _in_parts(digest: str) -> str:
    """So that paper can break it."""
    return " ".join(digest[start : start + 16] for start in range(0, len(digest), 16))


def _day(word: str) -> str:
    return day(dt.date.fromisoformat(word[:10]))
