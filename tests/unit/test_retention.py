"""Terms are data: what is shipped, what a district may change, and on which day something is due."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

import workflows
from engine.errors import FaultyInput
from engine.model.retention import Retention, Term, read_term

SHIPPED = workflows.retention(Path("nowhere"))


def own(text: str, folder: Path) -> Retention:
    (folder / "retention.yaml").write_text(text)
    return workflows.retention(folder / "retention.yaml")


@pytest.mark.parametrize(("term", "start", "due"), [
    ("5 years", "2026-09-14", "2031-09-15"),
    ("7 years", "2024-02-29", "2031-03-02"),  # there is no February 29 in 2031: its term ends on March 1
    ("1 month", "2026-12-31", "2027-02-01"),
    ("18 months", "2026-08-31", "2028-03-02"),
    ("90 days", "2026-12-31", "2027-04-01"),
])  # fmt: skip
def test_a_term_ends_with_its_last_day(term: str, start: str, due: str) -> None:
    found = read_term(term)
    assert found is not None
    assert found.after(dt.date.fromisoformat(start)) + dt.timedelta(days=1) == dt.date.fromisoformat(due)


@pytest.mark.parametrize("word", ["", "7", "0 years", "-1 year", "7 weeks", "seven years", "1000 years"])
def test_what_is_no_term_is_refused(word: str) -> None:
    assert read_term(word) is None


@pytest.mark.parametrize(("ended", "due"), [("2026-06-30", "2031-07-01"), ("2026-07-01", "2032-07-01"),
                                           ("2026-01-05", "2031-07-01")])
def test_a_school_year_ends_with_june(ended: str, due: str, tmp_path: Path) -> None:
    table = own("parent_requests: {start: school_year_ended, reason: our schedule}", tmp_path)
    kind = table.kinds["parent_requests"]
    assert kind.due_on(dt.date.fromisoformat(ended)) == dt.date.fromisoformat(due)


def test_what_goes_by_its_age_is_cut_off_on_the_right_day() -> None:
    kind, as_of = SHIPPED.only("brief"), dt.date(2028, 3, 1)
    before = kind.cut_off(as_of)
    assert kind.due_on(before - dt.timedelta(days=1)) <= as_of < kind.due_on(before)


def test_every_process_has_a_class_and_the_districts_own_have_one_too() -> None:
    for process in workflows.Catalogue().processes():
        assert process in SHIPPED.of_process(process).processes
    assert SHIPPED.of_process("field_trip").name == "other_cases"


def test_a_number_of_the_law_has_its_citation_and_all_others_are_called_the_districts_own() -> None:
    with_law = {kind.name: kind.basis for kind in SHIPPED.kinds.values() if kind.citation}
    assert with_law == {"parent_requests": "105 ILCS 10/4(f) [T]"}
    assert all("own choice" in kind.basis for kind in SHIPPED.kinds.values() if not kind.citation)


def test_a_district_has_its_own_terms_and_says_why(tmp_path: Path) -> None:
    table = own("breaches: {term: 10 years, reason: counsel}\nparent_requests: {term: 6 years, reason: ours}", tmp_path)
    assert (table.kinds["breaches"].term, table.kinds["breaches"].by) == (Term(10, "year"), "district")
    assert str(table.kinds["parent_requests"].term) == "6 years"
    assert table.kinds["contracts"] == SHIPPED.kinds["contracts"]


def test_all_faults_of_a_districts_terms_are_said_at_once(tmp_path: Path) -> None:
    text = ("parent_requests: {term: 4 years, reason: x}\nbreachs: {term: 9 years, reason: x}\n"
            "contracts: {term: long, reason: x}\nbriefs: {term: 1 year}\nacts: {certificate: false, reason: x}\n")
    with pytest.raises(FaultyInput) as refused:
        own(text, tmp_path)
    assert [(fault.mark.line, fault.message) for fault in refused.value.faults] == [
        (1, "parent_requests: 4 years is below what the law allows (105 ILCS 10/4(f) [T]): write 5 years or more"),
        (2, "there is no class 'breachs' (did you mean 'breaches'?)"),
        (3, "term: 'long' is no term: write 7 years, 18 months or 90 days"),
        (4, "briefs needs the key 'reason'"),
        (5, "acts: no record of a district is destroyed without the commission's certificate: leave this key out"),
    ]
