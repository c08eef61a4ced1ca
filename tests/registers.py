"""Small sample processes around the register: one enters an agreement, one changes it, one takes facts from it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import workflows
from engine.errors import UsageError
from engine.model.case import Contact, FactValue
from engine.model.definition import Definition
from engine.model.register import Entry

D = dt.date
ACME = Contact("Acme Learning", "privacy@acme.example", address="1 Oak St")
NAME, GRADE = "Student name: First and/or last name", "Enrollment: Grade level"

SIGNING = """
process: signing
version: 1
title: Signing
cites: [105 ILCS 85/15]
start: {needs: [product, operator, entered_on], by: [sponsor, custodian]}
facts:
  product: {type: text, label: Product}
  operator: {type: text, label: Operator}
  entered_on: {type: date, label: Entered into on}
  days: {type: int, label: Days until deletion}
  elements: {type: set, of: agreement.data_elements, label: Data elements}
  similar: {type: agreement, like: product, label: Is one of these the same?}
  agreement: {type: agreement, label: Agreement}
registers:
  agreement:
    kind: agreement
    facts: {product: product, operator: operator, signed_on: entered_on, data_elements: elements,
            deletion_days: {fact: days, optional: true}}
    set: {type: vendor_dpa, listing: approved}
  declined: {kind: product, facts: {product: product, operator: operator}, set: {listing: declined}}
children:
  posting: {process: posting, facts: {agreement: agreement}, joined: false}
states:
  review:
    title: Review
    initial: true
    tasks:
      - {id: sign, role: privacy, title: Sign, form: [elements, {fact: days, optional: true},
         {fact: similar, optional: true}], due: 5 business_days, outcomes: {signed: executed, dropped: dropped}}
  executed: {title: Executed, register: [agreement], start: [posting], always: in_force}
  in_force: {title: In force, final: executed}
  dropped: {title: Dropped, final: dropped, register: [declined]}
"""

POSTING = """
process: posting
version: 1
title: Posting
cites: [105 ILCS 85/27]
start: {needs: [agreement], by: [privacy, custodian]}
facts:
  agreement: {type: agreement, label: Agreement}
  signed_on: {type: date, from: agreement.signed_on, label: Entered into on}
  posted_on: {type: date, label: Posted on}
  url: {type: text, label: Address}
registers:
  posted: {kind: agreement, of: agreement, facts: {posted_on: posted_on, posted_url: url}}
clocks:
  post: {rule: R-POST-CONTRACT, title: Post the agreement, anchor: signed_on, satisfied_by: [publish.done],
         ladder: SHORT, owner: web}
states:
  pending:
    title: Pending
    initial: true
    tasks:
      - {id: publish, role: web, title: Publish, form: [posted_on, url], due: 5 business_days, outcomes: {done: posted}}
  posted: {title: Posted, final: posted, register: [posted]}
"""

DELETION = """
process: deletion
version: 1
title: Deletion
cites: [105 ILCS 85/27]
start: {needs: [received_on], by: [custodian]}
parties:
  operator: {kind: operator, label: Operator, from: agreement.contact}
facts:
  received_on: {type: date, label: Received}
  about: {type: text, label: What the parent calls it}
  agreement: {type: agreement, like: about, label: Product}
  product: {type: text, from: agreement.product, label: Product}
  deletion_days: {type: int, from: agreement.deletion_days, label: Days in the contract}
  elements: {type: set, from: agreement.data_elements, label: Data elements}
  clauses: {type: table, from: agreement.clauses, label: Provisions}
  soon: {type: bool, label: Soon}
decisions:
  soon:
    rows: [{when: deletion_days <= 30, give: true}, {when: deletion_days > 30, give: false}]
mails:
  order: {to: operator, paper: privacy}
states:
  received:
    title: Received
    initial: true
    tasks:
      - {id: find, role: custodian, title: Find the product, form: [{fact: about, optional: true}, agreement],
         due: 2 business_days, outcomes: {found: {to: ordered, when: has(agreement)}}}
  ordered:
    title: Ordered
    send: [order]
    tasks:
      - {id: certify, party: operator, title: Certify, shows: [product, elements, clauses, soon],
         due: 10 business_days, outcomes: {done: closed}}
      - {id: other, role: custodian, offered: true, title: It is another product, form: [agreement],
         outcomes: {again: {}}}
  closed: {title: Closed, final: closed}
"""
CHECK_IN = """
process: check_in
version: 1
title: Yearly check-in
cites: [105 ILCS 85/15]
schedule: {for: agreements, on: {before: 90 calendar_days, of: anniversary}, facts: {why: yearly}}
facts:
  agreement: {type: agreement, label: Agreement}
  cycle_on: {type: date, label: Anniversary}
  why: {type: choice, of: [yearly, breach], label: Why}
  product: {type: text, from: agreement.product, label: Product}
  uses: {type: int, label: Teachers who use it, prefill: true}
  changed: {type: bool, label: Anything changed, prefill: true}
  areas:
    type: table
    label: Areas
    prefill: true
    columns: {state: {type: choice, of: [same, changed], label: State}, what: {type: text, label: What, optional: true}}
    rows: {data: Data, security: Security}
  attested_on: {type: date, label: Attested on}
registers:
  attested: {kind: agreement, of: agreement, facts: {last_attested_on: attested_on}}
states:
  asking:
    title: Asking
    initial: true
    tasks:
      - {id: attest, role: privacy, title: Attest, form: [uses, changed, areas], shows: [product, cycle_on, why],
         due: 10 business_days, outcomes: {sent: reviewing}}
  reviewing:
    title: Reviewing
    tasks:
      - {id: review, role: privacy, title: Review, form: [attested_on], shows: [uses, changed, areas],
         due: 10 business_days, outcomes: {fine: renewed}}
  renewed: {title: Renewed, final: renewed, register: [attested]}
"""

COLLECT = """
process: collect
version: 1
title: Subcontractors
cites: [105 ILCS 85/15]
schedule: {on: [11-17, 05-17]}
facts:
  cycle_on: {type: date, label: Collected for}
states:
  collecting:
    title: Collecting
    initial: true
    tasks: [{id: ask, role: privacy, title: Ask, shows: [cycle_on], due: 5 business_days, outcomes: {done: done}}]
  done: {title: Done, final: collected}
"""

EXPIRY = """
process: term
version: 1
title: End of a term
cites: [105 ILCS 85/15]
schedule: {for: agreements, on: {before: 60 calendar_days, of: expires_on}, late: start}
facts:
  agreement: {type: agreement, label: Agreement}
  cycle_on: {type: date, label: Last day}
  until: {type: date, label: New last day}
registers:
  extended: {kind: agreement, of: agreement, facts: {expires_on: until}}
states:
  deciding:
    title: Deciding
    initial: true
    tasks:
      - {id: decide, role: privacy, title: Decide, form: [until], due: 5 business_days, outcomes: {goes_on: extended}}
  extended: {title: It goes on, final: goes on, register: [extended]}
"""

ORDER = """Subject: Case {{ case }}: {{ fact_product }}

{% if has(fact_deletion_days) %}within {{ fact_deletion_days }} days{% endif %}
"""


def compiled(text: str, **mails: str) -> Definition:
    return workflows.compile_source(text, "sample.yaml", {f"{name}.en": mail for name, mail in mails.items()})


def deletion(text: str = DELETION) -> Definition:
    return compiled(text, order=ORDER)


def entry(agreement: str = "A-0001", **values: FactValue) -> Entry:
    sure: Mapping[str, FactValue] = {
        "product": "Acme Maths", "operator": "Acme Learning", "signed_on": D(2026, 3, 2), "status": "active",
        "listing": "approved", "type": "vendor_dpa", "contact": (ACME,), "data_elements": frozenset({NAME}),
        "deletion_days": 30,
    }  # fmt: skip
    kept = {name: value for name, value in {**sure, **values}.items() if value != ()}
    return Entry(agreement, kept, "Acme Maths – Acme Learning")


class Shelf:
    """A catalogue of these definitions."""

    def __init__(self, *definitions: Definition) -> None:
        self.definitions = {definition.process: definition for definition in definitions}

    def newest(self, process: str) -> Definition:
        if process not in self.definitions:
            raise UsageError(f"unknown process '{process}'")
        return self.definitions[process]

    def processes(self) -> tuple[str, ...]:
        return tuple(self.definitions)

    def scheduled(self) -> tuple[Definition, ...]:
        return tuple(each for each in self.definitions.values() if each.schedule)

    def pinned(self, process: str, version: int, digest: str) -> Definition:
        return self.newest(process)

    def source(self, definition: Definition) -> str:
        return ""
