"""People from CSV: what is read, what is refused with its row, and what a file would change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cli.demo.district import PEOPLE
from cli.staff.people import changes, check_links, person_of, read_people, row_of
from engine.errors import FaultyInput, UsageError

HEADER = "id,name,email,roles,login,active\n"


def table(folder: Path, text: str) -> Path:
    path = folder / "people.csv"
    path.write_text(text, "utf-8")
    return path


def test_a_table_is_read(tmp_path: Path) -> None:
    people = read_people(table(tmp_path, HEADER + "carla,Carla Mendez,carla@d.example,custodian staff,cmendez,yes\n"))
    assert people[0].roles == {"custodian", "staff"}
    assert people[0].login == "cmendez"


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.id)
def test_a_person_survives_the_way_through_cells(person: object) -> None:
    assert person_of(row_of(person)) == person  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "sentence"), [
    pytest.param("id,name,mail,roles\n", "unknown column 'mail'", id="wrong column"),
    pytest.param("id,name,roles\n", "the column 'email' is missing", id="missing column"),
    pytest.param("id,name,email,roles,id\n", "a column is there twice", id="column twice"),
    pytest.param(HEADER + "a,A,a@d.example,custodian\n", "more or fewer cells", id="short row"),
    pytest.param(HEADER + "a,A,a@d.example,custodain,,\n", "did you mean 'custodian'?", id="unknown role"),
    pytest.param(HEADER + "a,A,nowhere,staff,,\n", "is not a mail address", id="address"),
    pytest.param(HEADER + "Ä,A,a@d.example,staff,,\n", "use small letters", id="id"),
    pytest.param(HEADER + "a,A,a@d.example,staff,,\nb,B,A@d.example,staff,,\n", "email 'a@d.example' is on line 2",
                 id="address twice"),
    pytest.param(HEADER + "a,A,a@d.example,staff,,\na,B,b@d.example,staff,,\n", "people.csv:3:1: id 'a'",
                 id="id twice"),
    pytest.param("id,name,email,roles,absent_from,absent_to\na,A,a@d.example,staff,2026-07-01,\n", "give both",
                 id="half an absence"),
])
def test_faults_name_their_row(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(FaultyInput) as caught:
        read_people(table(tmp_path, text))
    assert sentence in str(caught.value)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_people(tmp_path / "nothing.csv")


def test_changes_tell_old_and_new_and_delete_nobody() -> None:
    moved = replace(PEOPLE[0], email="new@d.example")
    assert [(how, person.id, told) for how, person, told in changes(PEOPLE, [moved])] == [
        ("changed", PEOPLE[0].id, f"email: {PEOPLE[0].email} → new@d.example")]
    assert changes(PEOPLE, PEOPLE) == []
    assert [how for how, _, _ in changes((), PEOPLE)] == ["new"] * len(PEOPLE)


def test_deputies_must_be_people() -> None:
    check_links(PEOPLE)
    with pytest.raises(UsageError, match="deputy 'prija' is nobody"):
        check_links([replace(PEOPLE[0], deputy="prija", supervisor=None)])
