"""People from the exports of directories, in the columns that these have."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.staff.directory import Listed, Matched, matched, read_directory
from engine.errors import FaultyInput
from engine.model.office import Person

ADA = Person("ada", "Ada", "ada@district.example", frozenset({"privacy"}))
GOOGLE = """First Name [Required],Last Name,Email Address [Required],Org Unit Path [Required],Status [READ ONLY]
Ada,Lovelace,ADA@district.example,/Staff/Office,Active
New,Teacher,New.Teacher@district.example,/Staff/North,Active
New,Teacher,new.teacher@north.example,/Staff/North,Active
Sue,Spended,gone@district.example,/Staff,Suspended
Stu,Dent,stu@district.example,/Students/2030,Active
"""
ENTRA = """userPrincipalName,displayName,surname,mail,givenName,objectId,userType,department,accountEnabled
ada@district.onmicrosoft.com,Ada Lovelace,Lovelace,ada@district.example,Ada,1,Member,Office,True
x@y.example,Guest,G,x@y.example,G,2,Guest,,True
dan@district.example,Dan Left,Left,,Dan,3,Member,Office,False
"""
ACTIVE_DIRECTORY = '''"DistinguishedName","Enabled","GivenName","mail","Name","SamAccountName","Surname"
"CN=Ada","True","Ada","ada@district.example","Ada Lovelace","ada","Lovelace"
'''


def found(tmp_path: Path, text: str) -> list[Listed]:
    file = tmp_path / "export.csv"
    file.write_text(text, encoding="utf-8-sig")
    listed = read_directory(file)
    assert listed is not None
    return listed


def held(listed: list[Listed], *roles: str) -> Matched:
    return matched(listed, [ADA], roles)


@pytest.mark.parametrize("text", [GOOGLE, ENTRA, ACTIVE_DIRECTORY])
def test_whom_it_knows_by_their_address_it_renames_and_nothing_else(tmp_path: Path, text: str) -> None:
    rows = list(held(found(tmp_path, text)).rows.values())
    assert rows == [{"id": "ada", "name": "Ada Lovelace", "email": "ada@district.example"}]


def test_strangers_are_counted_and_taken_in_only_with_a_role(tmp_path: Path) -> None:
    listed = [one for one in found(tmp_path, GOOGLE) if one.is_in("/staff/")]
    assert held(listed).strangers == 2
    rows = held(listed, "staff", "sponsor").rows
    assert [(row["id"], row["roles"]) for row in rows.values() if row["id"] != "ada"] == [
        ("new.teacher", "staff sponsor"), ("new.teacher-2", "staff sponsor")]  # fmt: skip
    assert list(rows) == [2, 3, 4], "by the lines of the file; students and who is suspended are not in it"


def test_guests_and_whoever_is_suspended_are_not_taken_in(tmp_path: Path) -> None:
    assert held(found(tmp_path, ENTRA), "staff").rows.keys() == {2}
    gone = found(tmp_path, ACTIVE_DIRECTORY.replace('"True"', '"False"'))
    assert (held(gone, "staff").suspended, held(gone, "staff").rows) == (("ada",), {})


@pytest.mark.parametrize("header", ["id,name,email,roles", "id,name,email", "name,email,roles,first name,last name"])
def test_a_table_of_our_own_is_no_directory(tmp_path: Path, header: str) -> None:
    file = tmp_path / "people.csv"
    file.write_text(f"{header}\n")
    assert read_directory(file) is None


def test_an_address_that_is_none_is_named_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(FaultyInput, match=r"export\.csv:2.*'nobody' is not a mail address"):
        held(found(tmp_path, "displayName,mail\nNo Body,nobody\n"), "staff")
