"""A purge, on both databases: two persons, what goes, what stays and proves itself, what a preservation holds back."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from pypdf import PdfReader
from sqlalchemy import insert, select, text

from cli.commands.acts import as_mapping as act_mapping
from cli.commands.purge import command as purge_command
from cli.demo.run import person
from cli.demo.sink import MailSink
from cli.main import main
from cli.retention.agreeing import Certificate, Wish
from cli.retention.certificate import certificate_pdf
from cli.retention.running import purge_of, run
from cli.staff.acts import begin, confirm_act, plan_purge
from cli.upkeep.verifying import verify_house
from cli.wiring import House
from engine.errors import NotAllowed, Refused, Stale, UsageError
from storage.entrance.acts import Act
from storage.removal import preservations
from storage.removal.purges import Purge
from storage.tables import CASES, FACT_PAST, HISTORY, KEPT_ANSWERS, METADATA, OUTBOX, RECIPIENTS
from storage.undoing import kept_place
from tests.ended import LATER, PARENT, STAYS, Past, past_house
from tests.integration.test_commands import documented, keys

DISPOSAL = Certificate("26-118", dt.date(2033, 12, 1))
TODAY = LATER.date()


def idle(done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def past(database_url: str, tmp_path: Path) -> Iterator[Past]:
    with MailSink() as sink, past_house(tmp_path, sink, database_url) as past:
        yield past


def wish(*kinds: str, spared: tuple[str, ...] = (), disposal: Certificate | None = DISPOSAL) -> Wish:
    return Wish(TODAY, kinds, spared, disposal)


def begun(house: House, wanted: Wish) -> Act:
    return begin(house, plan_purge(house, wanted, person(house, "priya"), "the purge of the year"))


def purged(house: House, wanted: Wish) -> Purge:
    act = begun(house, wanted)
    confirm_act(house, act.id, "sam")
    return run(house, act.id, idle)


def preserve(house: House, case_id: str, reason: str = "Quillfeather v. District") -> None:
    with house.store.begin() as unit:
        preservations.place(unit.connection, house.store.base.ring, case_id, reason, person(house, "lena"), LATER)


def sealed_before(past: Past) -> list[bytes]:
    """All ciphertext of the cases that are due."""
    found: list[bytes] = []
    with past.house.store.base.reading() as connection:
        for table, column in ((CASES, "id"), (FACT_PAST, "case_id"), (HISTORY, "case_id"), (OUTBOX, "case_id"),
                              (RECIPIENTS, "case_id"), (KEPT_ANSWERS, "case_id")):  # fmt: skip
            due = table.c[column].in_([*past.cases, past.breach]) & table.c.sealed.is_not(None)
            rows = connection.scalars(select(table.c.sealed).where(due)).all()
            assert rows, table.name
            found += rows
    return found


def keep_an_answer(house: House, case_id: str) -> None:
    """As if the answer that ended the case could be taken back still."""
    row = {"case_id": case_id, "revision": 1, "by": "carla", "at": LATER, "until": LATER, "barred": "",
           "sealed": house.store.base.ring.seal(PARENT.encode(), kept_place(case_id))}  # fmt: skip
    house.store.base.write(lambda connection: connection.execute(insert(KEPT_ANSWERS).values(**row)))


def everything(house: House) -> bytes:
    """All that the database says in its rows, and on SQLite every byte of its files."""
    with house.store.base.reading() as connection:
        rows = [tuple(row) for table in METADATA.sorted_tables for row in connection.execute(select(table))]
    files = [path for path in house.home.root.glob("soppa.db*") if path.is_file()]
    return repr(rows).encode() + b"".join(path.read_bytes() for path in files)


def files_of_tables(house: House) -> set[tuple[str, int]]:
    """Which file each table of a PostgreSQL database stands in: one that is written anew is another."""
    base = house.store.base
    if base.engine.dialect.name == "sqlite":
        return set()
    with base.reading() as connection:
        names = "SELECT pg_relation_filenode(CAST(:name AS regclass))"
        return {(one.name, connection.scalar(text(names), {"name": one.name}) or 0) for one in METADATA.sorted_tables}


def test_what_is_purged_is_gone_from_every_byte_and_history_verifies(past: Past) -> None:
    house = past.house
    keep_an_answer(house, past.cases[0])
    sealed, kept, before = sealed_before(past), past.case(past.running), everything(house)
    assert PARENT.encode() in before  # in the line of a parent who was too late
    assert all(repr(one).encode() in before for one in sealed)
    assert verify_house(house, idle).wrong == []
    files = files_of_tables(house)
    done = purged(house, wish())
    after = everything(house)
    assert not files & files_of_tables(house)
    assert PARENT.encode() not in after and STAYS.encode() in after
    assert not [one for one in sealed if repr(one).encode() in after or one in after]
    assert verify_house(house, idle).wrong == []
    assert past.case(past.running) == kept
    for case_id in (*past.cases, past.breach):
        case = past.case(case_id)
        assert (case.facts, case.parties, case.outcome) == ({}, {}, "withdrawn")
        assert set(case.clocks) == ({"district_fix"} if case_id != past.breach else set())
        assert house.store.views.history(case_id)[-1].kind == "case_purged"
        assert not any(PARENT in str(line) for line in house.store.views.history(case_id))
    assert done.finished_at == LATER


def test_files_go_with_their_case_and_no_others(past: Past) -> None:
    house = past.house
    documents = {path.name for path in house.home.documents.iterdir() if path.is_file()}
    purged(house, wish("parent_requests"))
    left = {path.name for path in house.home.documents.iterdir() if path.is_file()}
    assert (len(documents), len(left)) == (4, 1)
    assert [path.name for path in house.home.root.glob("evidence-*")] == [f"evidence-{past.running}.zip"]
    assert len(verify_house(house, idle).documents) == 1


def test_the_certificate_says_how_much_and_names_nobody(past: Past) -> None:
    done = purged(past.house, wish())
    text = str(done.certificate)
    known = json.loads(text)
    by_class = {one["class"]: one["removed"] for one in known["classes"]}
    assert by_class["parent_requests"] | {"links": 0, "mails": 0, "brief_lines": 0} == {
        "facts": 9, "former_facts": 3, "parties": 3, "lines": 21, "documents": 3, "exports": 3, "links": 0, "mails": 0,
        "brief_lines": 0}  # fmt: skip
    assert by_class["breaches"]["recipients"] == by_class["breaches"]["copies"] == 30
    assert by_class["people_who_left"] == {"people": 1}
    assert known["disposal"] == {"number": "26-118", "filed_on": "2033-12-01"}
    assert known["agreed_by"] == {"began": "privacy", "confirmed": "ceo, superintendent"}
    people = past.house.store.people()
    for word in (PARENT, "Quillfeather", "quillfeather", "Tess", "tess", *(one.name for one in people), "priya", "sam"):
        assert word not in text
    (past.house.home.root / "c.pdf").write_bytes(certificate_pdf(text))
    pages = [page.extract_text() for page in PdfReader(past.house.home.root / "c.pdf").pages]
    assert "Certificate of a purge" in pages[0] and "26-118" in pages[0]


def test_a_machine_without_the_memory_is_told_and_goes_on_later(past: Past) -> None:
    act = begun(past.house, wish())
    confirm_act(past.house, act.id, "sam")
    if past.house.store.base.engine.dialect.name == "sqlite":
        with pytest.raises(Refused, match="MB of memory are needed, and 0 MB are free"):
            run(past.house, act.id, idle, lambda: 200_000)
        assert past.case(past.cases[0]).parties == {}
        assert not purge_of(past.house, act.id).finished_at
    assert run(past.house, act.id, idle, lambda: 2_000_000_000).finished_at == LATER


def test_running_again_changes_nothing(past: Past) -> None:
    done = purged(past.house, wish())
    past.clock.now = LATER + dt.timedelta(days=1)
    assert run(past.house, done.id, idle) == done
    with pytest.raises(Refused, match="nothing is due"):
        begun(past.house, Wish(TODAY, (), (), DISPOSAL))


def test_who_left_is_named_no_more_and_stays_left(past: Past) -> None:
    purged(past.house, wish("people_who_left"))
    tess = next(one for one in past.house.store.people() if one.id == "tess")
    assert (tess.name, tess.email, tess.login, tess.active) == ("tess", "", None, False)


def test_a_preservation_holds_back_with_its_reason(past: Past, capsys: pytest.CaptureFixture[str]) -> None:
    house, (first, *rest) = past.house, past.cases
    preserve(house, first)
    planned = plan_purge(house, wish("parent_requests"), person(house, "priya"), "yearly")
    assert ("Held back by a preservation", "1 case", "kept") in planned.shown
    purged(house, wish("parent_requests"))
    assert past.case(first).facts and not past.case(rest[0]).facts
    assert main(["show", first, "--home", str(house.home.root)]) == 0
    assert "Quillfeather v. District" in capsys.readouterr().out
    with pytest.raises(Refused, match=f"nothing is due .* case {first} is preserved .Quillfeather v. District"):
        begun(house, wish("parent_requests"))


def test_a_preservation_placed_after_the_agreement_still_holds_back(past: Past) -> None:
    house = past.house
    act = begun(house, wish("parent_requests", "breaches"))
    confirm_act(house, act.id, "sam")
    preserve(house, past.breach)
    done = run(house, act.id, idle)
    assert past.case(past.breach).facts
    breaches = next(one for one in json.loads(str(done.certificate))["classes"] if one["class"] == "breaches")
    assert (breaches["items"], breaches["held_back"], breaches["removed"]) == (0, 1, {})


def test_a_purge_takes_two_persons_and_the_list_they_were_shown(past: Past) -> None:
    house = past.house
    act = begun(house, wish("parent_requests"))
    with pytest.raises(Refused, match="waits for its second person"):
        run(house, act.id, idle)
    with pytest.raises(NotAllowed, match="you began act"):
        confirm_act(house, act.id, "priya")
    preserve(house, past.cases[0])
    with pytest.raises(Stale, match="has changed since it was begun"):
        confirm_act(house, act.id, "sam")
    assert past.case(past.cases[1]).facts


def test_records_need_the_commissions_certificate_and_its_sixty_days(past: Past) -> None:
    with pytest.raises(UsageError, match=r"certificate of the Local Records Commission only"):
        begun(past.house, wish(disposal=None))
    with pytest.raises(Refused, match=r"60 days after that .* from Thu Mar 2 2034 on"):
        begun(past.house, wish(disposal=Certificate("26-118", dt.date(2034, 1, 1))))
    assert begun(past.house, wish("access", disposal=None)).act == "purge"


def test_a_case_that_is_left_out_stays(past: Past) -> None:
    purged(past.house, wish("parent_requests", spared=(past.cases[1],)))
    assert past.case(past.cases[1]).facts and not past.case(past.cases[0]).facts


def test_what_is_added_to_a_purged_case_is_due_again(past: Past) -> None:
    house = past.house
    purged(house, wish("parent_requests"))
    preserve(house, past.cases[0], f"{PARENT} writes again")
    with house.store.begin() as unit:
        lena = person(house, "lena")
        preservations.release(unit.connection, house.store.base.ring, past.cases[0], "over", lena, LATER)
    done = purged(house, wish("parent_requests"))
    assert [one["case"] for one in json.loads(str(done.certificate))["cases"]] == [past.cases[0]]
    assert verify_house(house, idle).wrong == []


def test_the_commands_show_what_is_due_and_what_became_of_it(past: Past, capsys: pytest.CaptureFixture[str]) -> None:
    house, words = past.house, ("--home", str(past.house.home.root))
    done = purged(house, wish())
    assert main(["history", past.cases[0], *words]) == 0
    assert "lines above were cut, act" in capsys.readouterr().out
    assert main(["show", past.cases[0], *words]) == 0
    assert "Purged on Wed Mar 1 2034" in capsys.readouterr().out
    assert main(["evidence", past.cases[0], "--as", "carla", *words]) == 1
    assert "was purged: nothing is left but its history" in capsys.readouterr().err
    assert main(["purge", "list", *words]) == 0
    assert done.id in capsys.readouterr().out
    assert main(["purge", "certificate", done.id, "--out", "x.txt", *words]) == 2
    told = CliRunner().invoke(purge_command, ["certificate", done.id, *words])
    assert told.output == done.certificate


def test_the_json_of_a_purge_has_documented_keys_only(past: Past, capsys: pytest.CaptureFixture[str]) -> None:
    house, words = past.house, ("--json", "--home", str(past.house.home.root))
    act = begun(house, wish())
    assert keys(act_mapping(act)) <= documented()["acts list"]
    confirm_act(house, act.id, "sam")
    run(house, act.id, idle)
    out = str(house.home.root.parent / "certificate.pdf")
    preserve(house, past.running)
    for name, *more in (("purge run", act.id, "--as", "priya"), ("purge list",),
                        ("purge certificate", act.id, "--out", out),
                        ("preservation release", past.running, "--reason", "over", "--as", "lena")):  # fmt: skip
        capsys.readouterr()
        assert main([*name.split(), *more, *words]) == 0
        assert keys(json.loads(capsys.readouterr().out)) <= documented()[name], name
    assert Path(out).read_bytes().startswith(b"%PDF")
    assert Path(out).stat().st_mode & 0o777 == 0o600
