"""Every rule of the shipped pack against the table of the law, kept here a second time: a number changed in one place
alone is found."""

from __future__ import annotations

import pytest

import workflows
from engine.law.clocks import Rule

RULES = workflows.lawbook().rules

# kind, length, unit, rolls, hold policies, whose duty, dates, citation, certainty
TABLE = """
R-ANNUAL-NOTICE   no_number -  -             rolls -         district -                 105 ILCS 85/28(e) S/M
R-AUTH-SIGNERS    no_number -  -             rolls -         district -                 105 ILCS 85/27(b) S/M
R-BREACH-AG       tied      -  -             rolls -         district -                 815 ILCS 530/10(e) S
R-BREACH-LIST     cycle     30 calendar_days rolls -         district 01-01,fiscal_year 105 ILCS 85/27(a)(5) P
R-BREACH-OPERATOR period    30 calendar_days rolls -         operator -                 105 ILCS 85/15(5) S/M
R-BREACH-PARENT   period    30 calendar_days rolls asap,toll district -                 105 ILCS 85/27(d) S/M
R-BREACH-PIPA     no_number -  -             rolls -         district -                 815 ILCS 530/10(a) T
R-COPY-ISSRA      period    10 business_days rolls -         district -                 105 ILCS 10/5(c) T
R-COPY-ISSRA-EXT  period    5  business_days rolls -         district -                 105 ILCS 10/5(c-5) S
R-COPY-LIMIT      quota     2  -             rolls -         other    -                 23 Ill. Adm. Code 380.20(d) T
R-COPY-SOPPA      period    45 calendar_days rolls -         district -                 23 Ill. Adm. Code 380.20(a) T
R-CORR-CONFIRM    period    10 business_days rolls -         district -                 105 ILCS 85/33(c)(3) S/M
R-CORR-DISTRICT   period    90 calendar_days rolls -         district -                 105 ILCS 85/33(c)(3) S/M
R-CORR-OPERATOR   period    90 calendar_days rolls -         operator -                 105 ILCS 85/33(c)(3) S/M
R-DELETE          no_number -  -             rolls -         district -                 105 ILCS 85/27(g), 85/15(2) T/S
R-HEAR-APPEAL     window    20 school_days   rolls -         other    -                 23 Ill. Adm. Code 375.90(d) T
R-HEAR-CONF       period    15 school_days   rolls -         district -                 23 Ill. Adm. Code 375.90(c)(1) T
R-HEAR-DECIDE     period    10 school_days   rolls -         district -                 23 Ill. Adm. Code 375.90(c) S
R-HEAR-FORWARD    period    10 school_days   rolls -         district -                 23 Ill. Adm. Code 375.90(d) T
R-HEAR-HELD       period    15 calendar_days rolls -         district - 23 Ill. Adm. Code 375.90(c)(2)(B) T
R-HEAR-RULING     window    20 school_days   rolls -         other    -                 23 Ill. Adm. Code 375.90(d) T
R-MINIMISE        no_number -  -             rolls -         district -                 105 ILCS 85/33(a), (b) T
R-POST-CONTRACT   period    10 business_days rolls -         district -                 105 ILCS 85/27(c) S/M
R-POST-SEMI-CY    period    30 calendar_days rolls -         district -                 105 ILCS 85/27(a) S
R-POST-SEMI-FY    period    30 calendar_days rolls -         district -                 105 ILCS 85/27(a) S
R-SUBLIST         on_date   -  -             stays -         operator 01-01,07-01       105 ILCS 85/15(6) M
"""
ROWS = {line.split()[0]: line.split()[1:] for line in TABLE.strip().splitlines()}

ANCHORS = {
    "R-BREACH-OPERATOR": "the operator determined",
    "R-BREACH-PARENT": "whichever was earlier",
    "R-COPY-ISSRA": "the records custodian received the request",
    "R-COPY-ISSRA-EXT": "the original due date",
    "R-COPY-SOPPA": "a signed, dated and complete request form was received",
    "R-CORR-CONFIRM": "the operator's or ISBE's confirmation was received",
    "R-CORR-DISTRICT": "the parent's request was received",
    "R-CORR-OPERATOR": "the operator received the school's notice",
    "R-HEAR-APPEAL": "the decision was transmitted",
    "R-HEAR-CONF": "the hearing request was received",
    "R-HEAR-DECIDE": "the hearing ended",
    "R-HEAR-FORWARD": "the school was told of the appeal",
    "R-HEAR-HELD": "the informal conference was held",
    "R-POST-CONTRACT": "the school entered into the agreement",
    "R-POST-SEMI-CY": "the calendar year started",
    "R-POST-SEMI-FY": "the district's fiscal year started",
}


def row(rule: Rule) -> list[str]:
    """The rule in the columns of the table."""
    cells = (
        rule.kind,
        str(rule.length or "-"),
        rule.unit or "-",
        "rolls" if rule.rolls else "stays",
        ",".join(rule.holds) or "-",
        rule.duty_of,
        ",".join(rule.on) or "-",
        *rule.citation.split(),
        rule.certainty,
    )
    return list(cells)


def test_the_pack_has_the_rules_of_the_table_and_no_other() -> None:
    assert sorted(RULES) == sorted(ROWS)


@pytest.mark.parametrize("rule_id", ROWS)
def test_a_rule_says_what_the_table_says(rule_id: str) -> None:
    assert row(RULES[rule_id]) == ROWS[rule_id]


@pytest.mark.parametrize("rule_id", ANCHORS)
def test_day_0_is_the_day_that_the_law_names(rule_id: str) -> None:
    assert ANCHORS[rule_id] in RULES[rule_id].anchor


def test_whatever_counts_business_days_says_that_it_rests_on_a_reading() -> None:
    business = {rule.id for rule in RULES.values() if rule.unit == "business_days"}
    assert len(business) == 4
    assert {rule.calendar for rule in RULES.values() if rule.id in business} == {"il-statutory"}
    assert all("business days" in (RULES[rule].reading or "") for rule in business)


def test_a_breachs_dates_keep_their_day() -> None:
    assert {rule.id for rule in RULES.values() if rule.keeps_day} == {"R-BREACH-AG", "R-BREACH-PARENT"}
