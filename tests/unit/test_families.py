"""The families who are told of a breach, as a file: who is folded, who is left out, and each fault with its line."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from cli.mailing.audience import COLUMNS, MOST, Families, read_families
from engine.errors import FaultyInput, UsageError

ANA = {"guardian": "Ana Ruiz", "student": "S-1", "school": "Oak", "email": "ana@families.example"}


def families(tmp_path: Path, *rows: Mapping[str, str]) -> Families:
    file = tmp_path / "families.csv"
    with file.open("w", encoding="utf-8", newline="") as lines:
        sheet = csv.DictWriter(lines, COLUMNS, restval="")
        sheet.writeheader()
        sheet.writerows(rows)
    return read_families(file)


def faults(tmp_path: Path, *rows: Mapping[str, str]) -> list[tuple[int, str]]:
    with pytest.raises(FaultyInput) as caught:
        families(tmp_path, *rows)
    return [(fault.mark.line, fault.message) for fault in caught.value.faults]


def test_children_of_one_guardian_are_one_letter_however_it_is_cased(tmp_path: Path) -> None:
    brother = {"guardian": "ana  ruiz", "student": "S-2", "school": "Elm", "email": "ANA@families.example"}
    told = families(tmp_path, ANA, brother)
    (member,) = told.members
    assert (member.name, member.students, member.schools) == ("Ana Ruiz", ("S-1", "S-2"), ("Oak", "Elm"))
    assert told.folded == ("line 3: S-2 with S-1, Ana Ruiz",)


@pytest.mark.parametrize("where", [{}, {"email": "", "address": "1 Elm St; Mockton, IL 60000"}])
def test_two_guardians_of_one_address_are_two_people_with_a_letter_each(tmp_path: Path, where: dict[str, str]) -> None:
    luis = ANA | where | {"guardian": "Luis Ruiz"}
    told = families(tmp_path, ANA | where, luis, luis | {"student": "S-2"})
    assert [(member.name, member.students) for member in told.members] == [
        ("Ana Ruiz", ("S-1",)), ("Luis Ruiz", ("S-1", "S-2"))]
    assert told.shared == (() if where else ("line 3: Luis Ruiz and Ana Ruiz",))


def test_one_wish_for_paper_or_one_leak_counts_for_the_family_and_one_consent_does_not(tmp_path: Path) -> None:
    wishes = {"address": "1 Elm St", "consent": "yes"}
    (member,) = families(tmp_path, ANA | wishes, ANA | {"paper": "yes", "address": "1 Elm St", "leaked": "yes"}).members
    assert (member.paper, member.leaked, member.consent, member.by_mail) == (True, True, False, False)


def test_a_barred_guardian_is_left_out_by_name_and_the_other_is_told(tmp_path: Path) -> None:
    told = families(tmp_path, ANA, ANA | {"guardian": "Bo Ruiz", "email": "bo@families.example", "barred": "yes"})
    assert [member.name for member in told.members] == ["Ana Ruiz"]
    assert told.barred == ("Bo Ruiz (line 3)",)


def test_the_reason_of_a_bar_stands_behind_who_is_left_out_and_the_file_is_known_again(tmp_path: Path) -> None:
    bo = {"guardian": "Bo", "email": "bo@x.example", "barred": "yes", "why": "26-OP-17"}
    told = families(tmp_path, ANA, ANA | bo)
    assert told.barred == ("Bo (line 3): 26-OP-17",)
    file = tmp_path / told.called
    assert told.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("other", ["JOSE RUIZ PAZ", "Jose\u0301 Ruiz-Paz", "José\u00a0Ruiz-Paz", "José Ruiz–Paz"])
def test_a_bar_does_not_hang_on_an_accent(tmp_path: Path, other: str) -> None:
    barred = {"guardian": "José Ruiz-Paz", "barred": "yes"}
    told = families(tmp_path, ANA | barred, ANA | {"guardian": other, "email": "jrp@families.example"})
    assert told.members == () and len(told.barred) == 2


def test_other_letters_are_another_guardian(tmp_path: Path) -> None:
    told = families(tmp_path, ANA | {"guardian": "राम", "barred": "yes"},
                    ANA | {"guardian": "रमा", "email": "rama@families.example"})  # fmt: skip
    assert [member.name for member in told.members] == ["रमा"]


def test_one_guardian_however_the_name_is_encoded_is_one_letter(tmp_path: Path) -> None:
    sister = {"guardian": "Zoe\u0308 Di\u0301az", "student": "S-2"}
    told = families(tmp_path, ANA | {"guardian": "Zoë Díaz"}, ANA | sister)
    assert [member.students for member in told.members] == [("S-1", "S-2")]


@pytest.mark.parametrize("other", [
    {}, {"student": "s-1", "guardian": "ANA RUIZ"}, {"email": "", "address": "1 Elm St"}])  # fmt: skip
@pytest.mark.parametrize("first", [True, False])
def test_a_bar_counts_for_each_row_of_the_guardian_and_the_student(
    tmp_path: Path, other: dict[str, str], first: bool
) -> None:
    rows = [ANA | {"barred": "yes"}, ANA | {"email": "Ana@families.example"} | other]
    told = families(tmp_path, *(rows if first else rows[::-1]))
    assert told.members == ()
    assert [line.partition(", barred from")[1] for line in told.barred].count(", barred from") == 1


def test_another_guardian_with_the_mail_address_of_a_barred_one_is_a_question(tmp_path: Path) -> None:
    ((line, message),) = faults(tmp_path, ANA | {"barred": "yes"}, ANA | {"guardian": "A. Ruiz"})
    assert line == 3 and message.endswith("has the mail address of one barred on line 2: which holds?")


def test_a_guardian_barred_from_one_student_is_told_of_another_and_named_for_it(tmp_path: Path) -> None:
    told = families(tmp_path, ANA | {"barred": "yes"}, ANA | {"student": "S-2"})
    assert [member.students for member in told.members] == [("S-2",)]
    assert told.warned == ("line 3: Ana Ruiz is told of S-2, barred from S-1 (line 2)",)


def test_a_letter_to_the_postal_address_of_a_barred_one_is_named(tmp_path: Path) -> None:
    home = {"email": "", "address": "1 Elm St; Mockton, IL 60000"}
    told = families(tmp_path, ANA | home, ANA | home | {"guardian": "Bo Ruiz", "barred": "yes"})
    assert [member.name for member in told.members] == ["Ana Ruiz"]
    assert told.warned == ("line 2: Ana Ruiz has the postal address of one barred on line 3",)


@pytest.mark.parametrize(("cells", "said"), [
    ({"email": "ana.families.example"}, "is not a mail address"),
    ({"email": "ana@families"}, "is not a mail address"),
    ({"email": ""}, "neither email nor address"),
    ({"paper": "yes"}, "there is no postal address"),
    ({"paper": "maybe"}, "neither yes nor no"),
    ({"guardian": "=HYPERLINK(1)"}, "would be a formula"),
    ({"guardian": "Ana\x07Ruiz"}, "control character"),
    ({"guardian": ""}, "guardian: is empty"),
    ({"language": "Spanish"}, "write its code"),
    ({"why": "Order of protection"}, "'barred' does not say yes"),
])  # fmt: skip
def test_each_fault_of_a_cell_has_its_line_and_says_what_to_do(
    tmp_path: Path, cells: dict[str, str], said: str
) -> None:
    assert [(line, said in message) for line, message in faults(tmp_path, ANA, ANA | cells)] == [(3, True)]


def test_faults_of_shape_and_of_content_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "families.csv"
    file.write_text('guardian,student,school,email\nA,S-1,Oak\nB,S-2,Oak,nowhere\nC,S-3,Oak,c@x.example,more\nD,"S-4')
    with pytest.raises(FaultyInput) as caught:
        read_families(file)
    assert [fault.mark.line for fault in caught.value.faults] == [2, 3, 4, 5]


@pytest.mark.parametrize(("content", "said"), [
    (b"%PDF-1.7\n\xff\xfe", "this is a PDF, whatever its name says"),
    (b"PK\x03\x04\x00\x00", "this is a workbook or another zip file"),
    (b"a\x00b", "no CSV file"),
    (b"guardian,student\n\xff", "not UTF-8 at byte 17"),
    (b" \n", "is empty"),
    (b"Guardian,Student,School\n", "no family in this file"),
])  # fmt: skip
def test_a_file_that_is_not_what_its_name_says_is_refused_in_a_sentence(
    tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "families.csv"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        read_families(file)


def test_columns_parted_by_semicolons_are_one_fault(tmp_path: Path) -> None:
    file = tmp_path / "families.csv"
    file.write_text("guardian;student;school\nAna;S-1;Oak\n")
    with pytest.raises(FaultyInput, match="parted by semicolons: save the file as CSV with commas") as caught:
        read_families(file)
    assert len(caught.value.faults) == 1


def test_a_row_twice_is_one_student_however_its_key_is_cased(tmp_path: Path) -> None:
    told = families(tmp_path, ANA, ANA | {"guardian": "ANA RUIZ", "student": "s-1"})
    assert (told.members[0].students, told.folded) == (("S-1",), ("line 3: s-1 a second time, Ana Ruiz",))


def test_more_families_than_may_be_told_so_are_refused(tmp_path: Path) -> None:
    many = ({**ANA, "email": f"family{number}@families.example"} for number in range(MOST + 1))
    with pytest.raises(UsageError, match="more than 10,000"):
        families(tmp_path, *many)
