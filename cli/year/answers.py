"""What the people of the year answer, and after how many days; who is not named here gives the first answer."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Callable, Mapping
from zlib import crc32

from cli.year.town import SILENT
from engine.model.case import Case
from engine.model.definition import Definition, StateDef, TaskDef

Values = Mapping[str, str]
Given = Callable[[Case, dt.date, random.Random], Values]

AREAS = ["data", "integrations", "security", "scope", "ai", "subcontractors", "policy", "ownership", "insurance"]
NAME = "Student name: First and/or last name"
CRITERIA = ["architecture", "perimeter", "recovery", "encryption", "sharing"]
ITEMS = ["elements", "operators", "subcontractors", "procedures", "breaches"]
LETTER = {"how_sure": "estimate", "what_en": "A list was open on the web.", "what_es": "Una lista estuvo abierta.",
          "data_en": "Names and grades.", "data_es": "Nombres y notas.", "remedy_en": "We closed it.",
          "remedy_es": "La cerramos.", "operator_shown": "Reader", "operator_how": "555-0199", "spanish_read": "yes",
          "spanish_reviewed_by": "Rosa Diaz", "read_aloud": "yes", "names_no_count": "yes"}  # fmt: skip
YES_NO = dict.fromkeys(("uses_ai", "connects", "in_person", "messaging"), "no")

AT_ONCE = frozenset({"verify", "classify", "gather_records", "redact_records", "hand_over_records"})
"""Of a `copy_inspection`: school student records are due in ten business days, so what is asked for them is done on the
next day. With three days more for the first, one that came on a Tuesday was late by a day."""


def is_silent(address: str | None) -> bool:
    """Three in ten vendors never answer, always the same ones."""
    return crc32((address or "").lower().encode()) % 1000 < SILENT * 1000


def delay(process: str, task: TaskDef, party: str | None, chance: random.Random) -> int:
    """Days from being asked to answering. What is collected 45 days ahead is published once its year has begun."""
    if task.name == "publish" and task.due is not None and task.due.of == "cycle_on":
        return 43
    if process == "copy_inspection" and task.name in AT_ONCE:
        return 1
    if party == "operator":
        return chance.choice((1, 3, 6, 9, 12, 16, 21))
    if party is not None:
        return chance.choice((2, 5, 9))
    return chance.choice((1, 1, 2, 2, 3, 4)) if task.who.name != "superintendent" else chance.choice((1, 2, 5))


def chosen(definition: Definition, state: StateDef, task: TaskDef, case: Case, chance: random.Random) -> str | None:
    """The outcome, or None where this task is left alone."""
    named = OUTCOMES.get((definition.process, task.name))
    if named is None:
        return next(iter(task.outcomes))
    outcome = named(case, chance)
    return outcome if outcome in task.outcomes else None


def values(
    definition: Definition, task: TaskDef, outcome: str, case: Case, today: dt.date, chance: random.Random
) -> Values:
    given = VALUES.get((definition.process, task.name, outcome)) or VALUES.get((definition.process, task.name, ""))
    return given(case, today, chance) if given else {}


def _areas(case: Case, today: dt.date, chance: random.Random) -> Values:
    changed = chance.choice(AREAS) if chance.random() < 0.15 else ""
    rows = [{"key": key, "now": "changed" if key == changed else "unchanged"} for key in AREAS]
    return {"areas": json.dumps(rows), "breach_since": "no", "attested_on": str(today)}


def _asked(case: Case, today: dt.date, chance: random.Random) -> Values:
    number = int(case.id[-4:])
    needs = "no" if number % 9 == 0 else "yes"
    return {
        **YES_NO,
        "product": f"Product {case.id}",
        "vendor_name": f"Vendor {number % 40} Inc",
        "vendor_contact": f"Vendor {number % 40} <desk@vendor{number % 40}.example>",
        "login": needs,
        "students_involved": needs,
        "data_exchanged": needs,
        "grades": "k_2",
    }


def _items(case: Case, today: dt.date, chance: random.Random) -> Values:
    row = {
        "item": "Answers",
        "held_by": "Reader",
        "record": "none",
        "copy_kept": "no",
        "preserved": "no",
        "decision": "delete",
        "ground": "none",
    }
    number = int(case.id[-4:]) % 40
    return {"items": json.dumps([row]), "operators": f"Vera <desk@vendor{number}.example>"}


def _elements(case: Case, today: dt.date, chance: random.Random) -> Values:
    elements = json.dumps([{"key": NAME, "needed_for": "Sign-in", "kept": "yes"}])
    return {
        "elements": elements,
        "complete_on": str(today),
        "standard_agreement": "yes" if chance.random() < 0.7 else "no",
        "amount": "900",
        "multi_year": "no",
    }


def _clauses(case: Case, today: dt.date, chance: random.Random) -> Values:
    def rows(names: str, **cells: str) -> str:
        return json.dumps([{"key": key, **cells} for key in names.split()])

    return {
        "clauses": rows("a b c d e f g", status="present", page="3"),
        "ferpa_parts": rows("official instead control purpose disclosure", there="yes"),
        "cost_groups": rows("notices monitoring legal other", there="yes"),
    }


def _tools(case: Case, today: dt.date, chance: random.Random) -> Values:
    used = {"used_by": "Coaches", "recipients": "staff", "channel": "chat", "accounts": "district", "consents": "no"}
    row = {**used, "product": f"Messenger {case.id}", "vendor_name": "Messenger Inc", "contract": "no"}
    return {"tools": json.dumps([row])}


def _plain(**given: str) -> Given:
    """Fixed words; `TODAY` stands for the day itself."""
    return lambda case, today, chance: {name: str(today) if word == "TODAY" else word for name, word in given.items()}


def _always(outcome: str | None) -> Callable[[Case, random.Random], str | None]:
    return lambda case, chance: outcome


def _one_of(*outcomes: str) -> Callable[[Case, random.Random], str | None]:
    return lambda case, chance: chance.choice(outcomes)


OUTCOMES: Mapping[tuple[str, str], Callable[[Case, random.Random], str | None]] = {
    ("correction_request", "decide"): _one_of("wrong_district", "wrong_district", "no_inaccuracy", "wrong_outside"),
    ("correction_request", "conclude"): _always("corrected"),
    ("operator_fix", "give_up"): _always(None),
    ("copy_inspection", "classify"): _always("both"),
    ("copy_inspection", "redact_records"): _always("paper"),
    ("copy_inspection", "redact_covered"): _always("paper"),
    ("deletion_order", "press"): _always(None),
    ("vendor_sponsorship", "triage"): lambda case, chance: (
        "agreement" if case.facts.get("contract_required") else "no_agreement"
    ),
    ("annual_attestation", "suspend"): _always("suspend"),
    ("annual_attestation", "judge"): _always("end"),
    ("annual_attestation", "review"): lambda case, chance: "renew" if _renewable(case) else "ask_again",
    ("subcontractor_list", "give"): lambda case, chance: "same" if "listed" in case.facts else "given",
    ("agreement_expiry", "decide"): _one_of("goes_on", "goes_on", "end"),
    ("school_messaging_tools", "answer"): _one_of("tools", "none", "none"),
    ("breach_response", "accept"): _always("ask_operator"),
    ("breach_response", "decide_ag"): _always("not_needed"),
    ("breach_response", "list_now"): _always(None),
    ("breach_response", "judge_list"): _always("list"),
    ("breach_response", "count_costs"): _always("claim"),
    ("breach_response", "act_on_agreement"): lambda case, chance: "attest" if "agreement" in case.facts else "without",
    ("website_posting", "check_entry"): _always("right"),
}
VALUES: Mapping[tuple[str, str, str], Given] = {
    ("correction_request", "verify", ""): _plain(identity_ok="yes", data_owner="dana", requester_kind="parent"),
    ("correction_request", "advise", ""): _plain(owner_view="wrong"),
    ("correction_request", "decide", ""): _plain(
        outside_holders="Readwell <privacy@readwell.example>", is_school_record="yes", subject="grade"
    ),
    ("correction_request", "fix", ""): _plain(fixed_on="TODAY"),
    ("correction_request", "confirm_notified", ""): _plain(holders_notified_on="TODAY"),
    ("operator_fix", "answer", ""): _plain(fixed_on="TODAY", downstream_done="yes"),
    ("copy_inspection", "verify", ""): _plain(identity_ok="yes", protection="none", wish="copy", format="paper",
                                              signed_on="TODAY", complete_on="TODAY"),
    ("copy_inspection", "classify", ""): _plain(earlier_requests="0", data_owner="dana"),
    ("copy_inspection", "redact_records", ""): _plain(records_clean="yes", records_pages="60"),
    ("copy_inspection", "redact_covered", ""): _plain(covered_clean="yes", covered_pages="9"),
    ("copy_inspection", "hand_over_records", ""): _plain(records_given_on="TODAY"),
    ("copy_inspection", "hand_over_covered", ""): _plain(covered_given_on="TODAY"),
    ("deletion_request", "verify", ""): _plain(identity_ok="yes", wants_copy="no"),
    ("deletion_request", "analyse", ""): _items,
    ("annual_notice", "begin", ""): lambda case, today, chance: {"first_day_on": str(today + dt.timedelta(days=60))},
    ("annual_notice", "draft", ""): _plain(says="types,purposes,operators,rights,how,website"),
    ("annual_notice", "confirm", ""): _plain(schools='[{"school": "All", "certified": "yes", "on": "today"}]'),
    ("website_posting", "review", ""): _plain(items=json.dumps([{"key": key, "state": "complete"} for key in ITEMS])),
    ("website_posting", "publish", ""): _plain(published_on="TODAY"),
    ("deletion_order", "direct", ""): lambda case, today, chance: (
        {} if "agreement" in case.facts else {"no_agreement": "It was used without one; a sponsorship is on its way"}
    ),
    ("deletion_order", "certify", ""): _plain(deleted_on="TODAY", backups="none", subcontractors_done="yes"),
    ("deletion_order", "certify_late", ""): _plain(deleted_on="TODAY", backups="none", subcontractors_done="yes"),
    ("vendor_sponsorship", "ask", ""): _asked,
    ("vendor_sponsorship", "send_package", ""): _plain(soppa_applies="yes", soppa_form="form.pdf", wanted_by="TODAY",
                                                 elements_taken=NAME),
    ("vendor_sponsorship", "check_package", ""): _elements,
    ("vendor_sponsorship", "review_privacy", ""): _elements,
    ("vendor_sponsorship", "check_clauses", ""): _clauses,
    ("vendor_sponsorship", "sign", ""): lambda case, today, chance: {
        **_plain(signed_on="TODAY", entered_on="TODAY", agreement_type="vendor_dpa", deletion_days="30",
                 breach_notice_days="30")(case, today, chance),
        "signed_by": next(task.assignees[0] for task in case.tasks if task.name == "sign" and task.is_open),
    },
    ("contract_posting", "prepare", ""): _plain(searchable="yes"),
    ("contract_posting", "publish", ""): _plain(posted_on="TODAY", posted_url="https://district.example/soppa/x"),
    ("annual_attestation", "attest", ""): _areas,
    ("annual_attestation", "attest_late", ""): _areas,
    ("annual_attestation", "review", ""): _plain(elements_true="yes"),
    ("annual_attestation", "judge", ""): _plain(why_end="No answer"),
    ("annual_attestation", "end", ""): _plain(no_other_school="yes", ended_on="TODAY"),
    ("subcontractor_list", "give", ""): _plain(as_of="TODAY"),
    ("agreement_expiry", "decide", "goes_on"): lambda case, today, chance: {
        "goes_on_until": str(today + dt.timedelta(days=500))
    },
    ("agreement_expiry", "decide", "end"): _plain(ended_on="TODAY"),
    ("school_messaging_tools", "answer", "tools"): _tools,
    ("messaging_platform_audit", "take_up", ""): _plain(
        students_involved="no", vendor_contact="Mia <desk@messenger.example>"
    ),
    ("messaging_platform_audit", "audit", ""): _plain(
        criteria=json.dumps([{"key": key, "result": "pass", "evidence": "Its report"} for key in CRITERIA])
    ),
    ("messaging_platform_audit", "publish_added", ""): _plain(listed_on="TODAY"),
    ("breach_response", "accept", ""): lambda case, today, chance: {
        "operator_involved": "yes", "operator_contact": "Vera <desk@vendor1.example>",
        "operator_notice_on": str(case.facts["first_known_on"])},
    ("breach_response", "assess", ""): _plain(
        acquired="yes", covered="yes", pipa_data="none", encrypted="no", staff_affected="no"
    ),
    ("breach_response", "draft", ""): lambda case, today, chance: {
        **LETTER,
        "happened_on": str(today - dt.timedelta(days=12)),
    },
    ("breach_response", "release", ""): _plain(channel="as_wished"),
    ("breach_response", "decide_ag", ""): _plain(residents="0"),
    ("breach_response", "contain", ""): _plain(contained_on="TODAY"),
    ("breach_response", "tell_carrier", ""): _plain(carrier_told_on="TODAY"),
    ("breach_response", "judge_list", ""): _plain(affected="320", school_share="14", district_share="6"),
    ("breach_response", "publish_entry", ""): _plain(listed_on="TODAY", listed_url="https://district.example/soppa/breaches"),
    ("breach_response", "act_on_agreement", "attest"): lambda case, today, chance: {
        "attest_on": str(today + dt.timedelta(days=30))
    },
    ("breach_response", "close", ""): _plain(board_told_on="TODAY"),
}
OFFERED = {("operator_fix", "answer"): "confirm"}
"""Answers that are offered only, and given all the same."""


def _renewable(case: Case) -> bool:
    areas = case.facts.get("areas")
    rows = areas if isinstance(areas, tuple) else ()
    return not any(
        getattr(row, "key", "") in ("data", "scope", "ai") and getattr(row, "cells", {}).get("now") == "changed"
        for row in rows
    )
