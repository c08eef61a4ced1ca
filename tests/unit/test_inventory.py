"""An inventory of vendors: how it is read, what is said about it, and what an import of it would do."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

import workflows
from engine.errors import FaultyInput, SoppaError
from engine.model.case import Contact
from registry.elements import elements
from registry.export import to_csv
from registry.fields import agreement_with, operator_with, product_with
from registry.findings import Judge, matched
from registry.inventory import ALL_COLUMNS, COLUMNS, Finding, Row, read_inventory
from registry.plan import Planned, asks_again, planned, sound
from registry.values import Holding
from tests.office import calendars

SAMPLE = (Path(__file__).parents[2] / "cli" / "year" / "operators-sample.csv").read_bytes()
AS_OF = dt.date(2026, 11, 1)
JUDGE = Judge(AS_OF, workflows.lawbook().rules["R-POST-CONTRACT"], calendars())

PLANTED = {
    "business_address": "OP-0010 OP-0015 OP-0029 OP-0049 OP-0093 OP-0142",
    "agreement_expires_on": "OP-0035 OP-0081 OP-0170 OP-0175 OP-0101 OP-0117 OP-0144",
    "agreement_posted_on": "OP-0023 OP-0113 OP-0132 OP-0060 OP-0137 OP-0101 OP-0117 OP-0144",
    "last_attested_on": "OP-0068 OP-0163",
    "data_elements": "OP-0008 OP-0031",
    "agreement_signed_on": "OP-0101 OP-0117 OP-0144",
    "operator_name": "OP-0147 OP-0154 OP-0191 OP-0192 OP-0193 OP-0194 OP-0195",
    "notes": "OP-0152",
}
"""The rows with something wrong in them, by the column at fault."""

PLAIN = {
    "operator_id": "X-1", "operator_name": "Acme Learning", "product_name": "Acme Maths", "status": "Approved",
    "agreement_type": "Vendor DPA", "agreement_signed_on": "2026-03-02", "agreement_posted_on": "2026-03-09",
    "agreement_expires_on": "2029-03-01", "business_address": "1 Oak St", "contract_url": "https://d.example/x.pdf",
}  # fmt: skip


def table(*rows: Mapping[str, str], columns: Iterable[str] = COLUMNS) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(columns), restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def looked(content: bytes, known: Iterable[Holding] = ()) -> tuple[tuple[Row, ...], list[Finding]]:
    rows, unread = read_inventory(content, "x.csv")
    return rows, [*unread, *JUDGE.findings(rows, list(known))]


def told(**cells: str) -> list[tuple[str, str, str]]:
    """What is said of the plain row with some cells changed."""
    return [(one.column, one.weight, one.message) for one in looked(table({**PLAIN, **cells}))[1]]


def holding(row: Row, **values: object) -> Holding:
    """What the register has of a row once it was imported."""
    given = {**row.values, **values}
    operator = operator_with(None, given)  # type: ignore[arg-type]
    product = product_with(None, "O-0001", given)  # type: ignore[arg-type]
    agreement = agreement_with(None, "P-0001", given)  # type: ignore[arg-type]
    return Holding(operator, replace(product, id="P-0001", key=row.key), replace(agreement, id="A-0001"))


def one(**cells: str) -> Row:
    return read_inventory(table({**PLAIN, **cells}), "x.csv")[0][0]


def plan(row: Row, known: Holding) -> Planned | None:
    return next(planned([row], {row.key: known}), None)


def test_the_list_of_data_elements_has_each_pair_once() -> None:
    assert len(elements()) == len(set(elements())) == 90


def test_every_planted_flaw_is_named_by_row_and_column_and_nothing_else() -> None:
    _, findings = looked(SAMPLE)
    found = {(finding.key, finding.column) for finding in findings}
    assert found == {(key, column) for column, keys in PLANTED.items() for key in keys.split()}
    assert len(findings) == len(found)


def test_near_twins_and_american_dates_wait_to_be_accepted_and_the_rest_is_imported() -> None:
    rows, findings = looked(SAMPLE)
    held = {"OP-0101", "OP-0117", "OP-0144", "OP-0191", "OP-0192", "OP-0193", "OP-0194", "OP-0195"}
    assert {row.key for row in rows} - {row.key for row in sound(rows, findings, ())} == held
    assert len(sound(rows, findings, held)) == len(rows) == 200


def test_awkward_rows_are_read_as_they_were_typed() -> None:
    rows = {row.key: row.values for row in read_inventory(SAMPLE, "x.csv")[0]}
    assert rows["OP-0131"]["notes"] == "Renewal discussed with sponsor\nwaiting for counsel"
    assert rows["OP-0105"]["operator"] == "Élanvó Schülerhilfe “Nørd” GmbH (synthetic)"
    assert rows["OP-0169"]["operator"] == 'O\'Farrow & Tine, "The Workshop" (synthetic)'
    assert rows["OP-0154"]["operator"] == str(rows["OP-0154"]["operator"]).strip()
    assert rows["OP-0002"]["contact"] == (Contact("Droskmere Languages PBC (synthetic)", "privacy@droskmere.example"),)


def test_an_american_date_is_told_with_its_reading_and_taken_only_when_accepted() -> None:
    (finding,) = looked(table({**PLAIN, "agreement_signed_on": "3/2/2026"}))[1]
    assert (finding.column, finding.weight) == ("agreement_signed_on", "doubt")
    assert "month first it would be March 2, 2026" in finding.message
    assert one(agreement_signed_on="3/2/2026").values["signed_on"] == dt.date(2026, 3, 2)


@pytest.mark.parametrize(("cells", "column", "weight", "message"), [
    ({"agreement_signed_on": "31/12/2025"}, "agreement_signed_on", "fault", "is not a date"),
    ({"agreement_signed_on": "2025-02-30"}, "agreement_signed_on", "fault", "is not a date"),
    ({"agreement_signed_on": ""}, "agreement_signed_on", "fault", "give the day it was entered into"),
    ({"agreement_type": ""}, "agreement_signed_on", "fault", "belongs to an agreement"),
    ({"agreement_type": "Vendor DPS"}, "agreement_type", "fault", "did you mean 'Vendor DPA'?"),
    ({"status": "Aproved"}, "status", "fault", "did you mean 'Approved'?"),
    ({"status": ""}, "status", "fault", "is missing"),
    ({"operator_name": " "}, "operator_name", "fault", "is missing"),
    ({"operator_id": "a b"}, "operator_id", "fault", "use letters, digits"),
    ({"students_affected": "many"}, "students_affected", "fault", "is not a whole number"),
    ({"product_url": "acme.example"}, "product_url", "fault", "write it with https://"),
    ({"contact_email": "acme"}, "contact_email", "fault", "is not a mail address"),
    ({"data_elements": "Student name: Frist and/or last name"}, "data_elements", "fault",
     "did you mean 'Student name: First and/or last name'?"),
    ({"subject": "Ma\u2028ths"}, "subject", "fault", "control character"),
    ({"subject": "x" * 4001}, "subject", "fault", "has more than 4,000 characters"),
    ({"agreement_signed_on": "2019-03-01"}, "agreement_signed_on", "warning", "lies outside the calendar"),
    ({"notes": "+1 630 555 0100"}, "notes", "warning", "begins like a spreadsheet's formula"),
])  # fmt: skip
def test_what_is_wrong_with_a_cell_is_told_beside_it(
    cells: dict[str, str], column: str, weight: str, message: str
) -> None:
    assert any(message in said for at, how, said in told(**cells) if (at, how) == (column, weight)), told(**cells)


def test_nothing_is_said_of_a_sound_row() -> None:
    assert told() == []


@pytest.mark.parametrize(("posted", "late"), [("2026-03-16", False), ("2026-03-17", True)])
def test_posting_is_late_from_the_eleventh_business_day_on(posted: str, late: bool) -> None:
    assert any("too late (105 ILCS 85/27(c), by Mon Mar 16 2026)" in said
               for _, _, said in told(agreement_posted_on=posted)) is late


def test_an_agreement_of_last_week_may_still_be_posted() -> None:
    assert told(agreement_signed_on="2026-10-26", agreement_posted_on="", contract_url="") == []


@pytest.mark.parametrize(("content", "message"), [
    (b"id,name\n", "unknown column 'id'"),
    (b"operator_id,product_name\n", "the column 'operator_name' is missing"),
    (table(PLAIN, columns=[*COLUMNS, "notes"]), "a column is there twice"),
    (table(PLAIN).replace(b"Acme Maths", b"Acme \xe9"), "not UTF-8"),
    (table(PLAIN) + b'X-2,"never closed', "check the quotes"),
    (table(PLAIN) + b"X-2,too,short\r\n", "more or fewer cells than the header"),
    (b"", "the column 'operator_id' is missing"),
])  # fmt: skip
def test_a_file_that_is_no_inventory_is_refused_as_a_whole(content: bytes, message: str) -> None:
    with pytest.raises(SoppaError, match=r"x\.csv") as refused:
        read_inventory(content, "x.csv")
    assert message in str(refused.value)
    assert refused.value.exit_code == 2


def test_all_wrong_columns_are_told_at_once() -> None:
    with pytest.raises(FaultyInput) as refused:
        read_inventory(b"operator_id,prodct_name\n", "x.csv")
    assert len(refused.value.faults) == len(COLUMNS)


def test_rows_of_one_key_are_refused_both() -> None:
    rows, findings = looked(table(PLAIN, {**PLAIN, "operator_name": "Other", "product_name": "Thing"}))
    assert [(one.line, one.column) for one in findings if "stands on line" in one.message] == [(2, "operator_id"),
                                                                                              (3, "operator_id")]
    assert sound(rows, findings, ["X-1"]) == []


def test_the_very_same_product_twice_is_no_doubt_but_a_fault() -> None:
    _, findings = looked(table(PLAIN, {**PLAIN, "operator_id": "X-2"}))
    assert [(one.key, one.weight) for one in findings] == [("X-2", "fault")]


def test_a_product_of_the_register_under_another_key_is_a_fault_and_a_near_one_a_doubt() -> None:
    known = holding(one())
    same = looked(table({**PLAIN, "operator_id": "X-9"}), [known])[1]
    near = looked(table({**PLAIN, "operator_id": "X-9", "operator_name": "ACME Learning, Inc."}), [known])[1]
    assert [(one.weight, one.column) for one in same] == [("fault", "operator_id")]
    assert [(one.weight, "P-0001 in the register" in one.message) for one in near] == [("doubt", True)]


def test_a_product_that_came_from_no_inventory_takes_the_row_with_its_names() -> None:
    own = holding(one())
    keyless = Holding(own.operator, replace(own.product, key=None), own.agreement)
    rows, findings = looked(table({**PLAIN, "operator_id": "X-9"}), [keyless])
    assert findings == []
    assert matched(rows, [keyless]) == {"X-9": keyless}


def test_of_what_two_rows_say_of_one_operator_the_first_counts() -> None:
    second = {**PLAIN, "operator_id": "X-2", "product_name": "Acme Reading", "business_address": "2 Elm St"}
    rows, findings = looked(table(PLAIN, second))
    assert [(one.key, one.column) for one in findings] == [("X-2", "business_address")]
    assert [row.values["business_address"] for row in sound(rows, findings, ())] == ["1 Oak St", "1 Oak St"]


def test_the_same_row_again_changes_nothing() -> None:
    assert plan(one(), holding(one())) is None


def test_an_empty_cell_says_nothing() -> None:
    assert plan(one(business_address="", agreement_posted_on=""), holding(one())) is None


def test_a_changed_cell_is_a_change_of_that_field_alone() -> None:
    found = plan(one(grade_levels="K-8"), holding(one()))
    assert found is not None
    assert (found.kind, found.values) == ("changed", {"grades": "K-8"})


def test_a_sponsor_whom_the_register_knows_as_a_person_is_the_same_by_their_address() -> None:
    row, known = one(sponsor_email="Eve@District.example"), holding(one(), sponsor="eve")
    people = {"eve@district.example": "eve", "sam@district.example": "sam"}
    assert list(planned([row], {"X-1": known}, people)) == []
    (other,) = planned([one(sponsor_email="sam@district.example")], {"X-1": known}, people)
    assert other.values == {"sponsor": "sam@district.example"}
    assert '"Eve@District.example"' in to_csv([known], {"eve": "Eve@District.example"})


@pytest.mark.parametrize(("cells", "kind"), [
    ({"agreement_signed_on": "2029-02-20", "agreement_expires_on": "2032-02-20"}, "renewed"),
    ({"agreement_signed_on": "2026-06-01", "agreement_type": "Click-wrap terms"}, "renewed"),
    ({"agreement_signed_on": "2026-03-03"}, "changed"),
    ({"agreement_expires_on": "2030-03-01"}, "changed"),
])  # fmt: skip
def test_a_later_signing_with_a_later_end_or_another_type_is_another_agreement(
    cells: dict[str, str], kind: str
) -> None:
    found = plan(one(**cells), holding(one()))
    assert found is not None
    assert found.kind == kind
    assert found.values.get("supersedes") == ("A-0001" if kind == "renewed" else None)


def test_a_row_without_the_agreement_that_is_in_force_leaves_it() -> None:
    empty = dict.fromkeys(("agreement_type", "agreement_signed_on", "agreement_posted_on", "agreement_expires_on",
                           "contract_url"), "")
    row = {**PLAIN, **empty}
    _, findings = looked(table(row), [holding(one())])
    assert ["A-0001 in force: that stays as it is" in finding.message for finding in findings] == [True]
    assert plan(one(**empty), holding(one())) is None


@pytest.mark.parametrize(("changed", "asked"), [(2, False), (3, True)])
def test_more_than_a_fifth_changed_is_asked_about_again(changed: int, asked: bool) -> None:
    keys = [f"X-{number}" for number in range(10)]
    plans = [Planned(key, "changed", None, {}, {}) for key in keys[:changed]] + [Planned("new", "new", None, {}, {})]
    assert asks_again(plans, keys) is asked


def test_what_goes_out_as_csv_is_quoted_defused_and_comes_back_as_it_was() -> None:
    row = one(notes='=HYPERLINK("https://bad.example","open me")', contact_email="p@acme.example")
    out = to_csv([holding(row)], {})
    assert "\"'=HYPERLINK(" in out
    assert out.splitlines()[0] == ",".join(f'"{column}"' for column in ALL_COLUMNS)
    assert plan(read_inventory(out.encode(), "x.csv")[0][0], holding(row)) is None


@pytest.mark.parametrize("start", [*"=+-@", "\t", "\r"])
def test_no_cell_that_goes_out_begins_like_a_formula(start: str) -> None:
    (row,) = csv.DictReader(io.StringIO(to_csv([holding(one(), notes=f"{start}1+1")], {}), newline=""))
    assert row["notes"] == f"'{start}1+1"


def test_what_the_audit_of_messaging_platforms_says_goes_out_and_comes_in() -> None:
    plain = one()
    approved = holding(plain, messaging="approved")
    out = to_csv([approved], {})
    (row,), findings = read_inventory(out.encode(), "x.csv")
    assert not findings and row.values["messaging"] == "approved"
    assert plan(row, approved) is None
    change = plan(row, holding(plain))
    assert change is not None and change.values == {"messaging": "approved"}
    assert plan(plain, approved) is None, "a file without the column says nothing of it"


def test_another_word_of_that_audit_is_refused_with_those_there_are() -> None:
    _, (finding,) = read_inventory(table({**PLAIN, "messaging": "fine"}, columns=ALL_COLUMNS), "x.csv")
    assert (finding.column, finding.message) == (
        "messaging", "'fine' is unknown (known: approved, flagged, retired, transition)")
