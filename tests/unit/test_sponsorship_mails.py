"""What the company and the sponsor of a new product read: what a package lacks, and when the agreement is attested."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.model.case import Case, Contact, FactValue, Task
from engine.model.office import Office
from tests.office import office as sample_office
from tests.unit.test_compose import DANA, NOW, made, row, text
from workflows import Catalogue, lawbook

SPONSORSHIP = Catalogue().newest("vendor_sponsorship")
REGISTERED: dict[str, FactValue] = {
    "sponsor": "ada", "product": "Reader", "vendor_name": "Reader Inc", "schools": "Creekside",
    "grades": frozenset({"k_2"}), "entered_on": NOW.date(), "breach_notice_days": 30, "deletion_days": 30}  # fmt: skip


def case(state: str, **facts: FactValue) -> Case:
    parties = {"operator": Contact("Vera", "vera@vendor.example")}
    asked = Task("2028-0001-1", "send_package", state, 1, 1, "Send the five items", (), None, "operator", None, NOW)
    return Case("2028-0001", SPONSORSHIP.process, 1, SPONSORSHIP.hash, state, 1, NOW, 1, NOW, "ada", parties=parties,
                facts={**REGISTERED, **facts}, tasks=(asked,))  # fmt: skip


def said(mail: str, recipient: str, of: Case, office: Office | None = None) -> str:
    known = office or replace(sample_office(), references=lawbook().references)
    known = replace(known, people={**known.people, "dana": DANA}, public_url="https://privacy.district.example")
    return " ".join(text(made(row(mail, recipient), of, SPONSORSHIP, known)).split())


def test_a_company_whose_package_came_back_reads_what_it_lacks() -> None:
    first = said("five_items", "party:operator", case("intake_pending"))
    again = said("five_items", "party:operator", case("intake_pending", change_wanted="The second form is not signed."))
    assert "not complete" not in first and "Send the five items" in first
    assert "What it lacks: The second form is not signed." in again.replace("*", "")
    sending = SPONSORSHIP.task_named("send_package")
    assert sending is not None and "change_wanted" in sending.shows


@pytest.mark.parametrize("month", [None, 3])
def test_the_month_of_the_attestation_is_the_districts_where_it_has_set_one(month: int | None) -> None:
    office = replace(sample_office(), attestation_month=month)
    sponsor = said("in_force_sponsor", "person:ada", case("executed"), office).replace("*", "")
    operator = said("in_force_operator", "party:operator", case("executed"), office).replace("*", "")
    named = "Each year in March we ask you" if month else "Its yearly attestation is due each January"
    assert named in sponsor
    assert ("Each year in March the agreement" if month else "the agreement is attested in January") in operator


@pytest.mark.parametrize(("process", "task"), [
    ("annual_attestation", "attest"), ("annual_attestation", "attest_late"), ("deletion_order", "certify"),
    ("deletion_order", "certify_late"), ("subcontractor_list", "complete"),
])  # fmt: skip
def test_whoever_is_asked_again_reads_what_was_lacking(process: str, task: str) -> None:
    asked = Catalogue().newest(process).task_named(task)
    assert asked is not None and "lacks" in asked.shows
