"""The sample district: invented people in every role, two schools, two operators. Nobody here exists."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.model.case import Contact, FactValue
from engine.model.office import Person

DOMAIN = "prairie-creek.example"

SETTINGS = """\
# The sample district of the demo.
district: Prairie Creek Unit School District 99
zone: America/Chicago
demo: true
languages: [en, es]
public_url: {public_url}
bind: {bind}
allow_http: true
relay: {{host: 127.0.0.1, port: {smtp_port}, tls: none, sender: privacy@prairie-creek.example}}
attendance:
  from: 2026-08-17
  to: 2028-05-26
  closed: [2026-09-07, 2026-10-12, 2026-11-11, 2026-11-25..2026-11-27, 2026-12-21..2027-01-04, 2027-01-18, 2027-02-15,
           2027-03-22..2027-03-26, 2027-05-31..2027-08-13, 2027-09-06, 2027-11-24..2027-11-26, 2027-12-20..2028-01-03]
contacts:
  privacy: {{name: Priya Raman, email: privacy@prairie-creek.example, phone: 555-0100}}
second_person: sam
"""


def _person(person_id: str, name: str, *roles: str, supervisor: str | None = "sam",
            deputy: str | None = None) -> Person:
    return Person(person_id, name, f"{person_id}@{DOMAIN}", frozenset(roles), login=person_id, deputy=deputy,
                  supervisor=supervisor)


PEOPLE = (
    _person("priya", "Priya Raman", "privacy", deputy="carla"),
    _person("carla", "Carla Mendez", "custodian", supervisor="priya", deputy="priya"),
    _person("sam", "Sam Whitfield", "superintendent", "ceo", supervisor=None),
    _person("lena", "Lena Ortiz", "legal", "board_attorney"),
    _person("ivan", "Ivan Petrov", "itsec", "web"),
    _person("edie", "Edie Nakamura", "edtech"),
    _person("paul", "Paul Dubois", "procurement", "signer"),
    _person("bea", "Bea Lindqvist", "board", "board_clerk"),
    _person("nora", "Nora Kelly", "principal", "staff"),
    _person("omar", "Omar Haddad", "principal", "staff"),
    _person("tess", "Tess Abara", "sponsor", "staff", supervisor="nora"),
    _person("dana", "Dana Novak", "data_owner", "staff", supervisor="omar"),
    _person("hugo", "Hugo Lang", "hearing_officer"),
    _person("ines", "Ines Okafor", "hr"),
)
"""Nora leads Creekside Elementary, Omar leads Prairie High; Dana keeps the student information system."""

BREACH = "breach_response"
PARENT_1 = Contact("Ana Ruiz", "ana.ruiz@families.example", "es")
PARENT_2 = Contact("Jo Miller", "jo.miller@families.example")
READWELL = Contact("Readwell Learning", "privacy@readwell.example")
MATHLOOP = Contact("MathLoop", "privacy@mathloop.example")


@dataclass(frozen=True, slots=True)
class Start:
    """A case to start: what a parent says, on the day the demo begins."""

    facts: Mapping[str, FactValue]
    parties: Mapping[str, Contact]
    process: str = "correction_request"


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody does on a day of the fast-forward: `by` is a person's id or a party's name; `story` counts from 0.

    `dates` are fields whose value is the day itself.
    """

    day: int
    story: int
    process: str
    task: str
    outcome: str
    by: str
    values: Mapping[str, FactValue] = field(default_factory=dict)
    dates: tuple[str, ...] = ()


def starts(received_on: dt.date) -> tuple[Start, Start]:
    """One fact that the district holds alone, and one that stands in an operator's product."""
    return (
        Start({"received_on": received_on, "item": "Date of birth in the student information system"},
              {"parent": PARENT_1}),
        Start({"received_on": received_on, "item": "Reading level shown in Readwell"}, {"parent": PARENT_2}),
    )


_CHECKED: Mapping[str, FactValue] = {
    "requester_kind": "parent", "identity_ok": True, "data_owner": "dana", "right_value": "As on the paper attached"}

@dataclass(frozen=True, slots=True)
class Matter:
    """A case that begins on a day of the fast-forward and is answered by habit. `dates` are facts whose value is the
    day itself; `agreement_of` is the process whose case has made the agreement that this one is about."""

    day: int
    process: str
    by: str
    facts: Mapping[str, FactValue] = field(default_factory=dict)
    dates: tuple[str, ...] = ()
    parties: Mapping[str, Contact] = field(default_factory=dict)
    agreement_of: str | None = None


MATTERS = (
    Matter(19, "vendor_sponsorship", "tess", {"sponsor": "tess"}),
    Matter(23, BREACH, "priya", {"reporter": "ivan", "source": "itsec", "report": "A list was open"},
           ("first_known_on",)),
    Matter(26, "deletion_request", "carla", {"wanted": "Answers in Readwell"}, ("received_on",), {"parent": PARENT_2}),
    Matter(80, "annual_attestation", "priya", {"why": "notice"}, ("cycle_on",), agreement_of="vendor_sponsorship"),
)

ACTS = (
    Act(2, 0, "correction_request", "verify", "complete", "carla", {**_CHECKED, "where_seen": "Student record"}),
    Act(3, 1, "correction_request", "verify", "complete", "carla", {**_CHECKED, "where_seen": "Readwell"}),
    Act(9, 0, "correction_request", "advise", "answered", "dana",
        {"owner_view": "wrong", "owner_basis": "The birth certificate on file says otherwise"}),
    Act(10, 1, "correction_request", "advise", "answered", "dana",
        {"owner_view": "wrong", "owner_basis": "The test report says otherwise; the product was never updated"}),
    Act(16, 0, "correction_request", "decide", "wrong_district", "carla", {"basis": "Birth certificate"}),
    Act(17, 1, "correction_request", "decide", "wrong_outside", "carla",
        {"basis": "Test report", "outside_holders": (READWELL,)}),
    Act(18, 1, "operator_fix", "notify", "send", "carla"),
    Act(21, 1, "correction_request", "confirm_notified", "notified", "carla", dates=("holders_notified_on",)),
    Act(71, 0, "correction_request", "fix", "fixed", "dana", {"fixed_where": "Student information system"},
        dates=("fixed_on",)),
    Act(98, 1, "operator_fix", "answer", "confirm", "operator",
        {"fixed_where": "Readwell", "downstream_done": True}, dates=("fixed_on",)),
    Act(99, 1, "operator_fix", "stamp_confirmation", "stamped", "carla"),
    Act(100, 1, "correction_request", "conclude", "corrected", "carla"),
)
"""Both matters end well, but slowly: the reminders of the district's and the operator's 90 days fire on the way."""
