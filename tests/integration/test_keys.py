"""Another key for what is sealed, on both kinds of database: nothing is lost, and nothing left."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary, update

from cli.demo.sink import MailSink
from cli.main import main
from cli.upkeep.joblock import only_job
from cli.upkeep.rotating import RESTS, check_may_go, keys_of_ring, make_next, retire, rotate
from cli.upkeep.verifying import verify_house
from cli.wiring import House, open_house
from engine.errors import Refused, UsageError, WrongEnvironment
from storage.mailing.briefs import contact_key
from storage.sealing import read_ring
from storage.tables import CASES, METADATA
from storage.upkeep.rotation import SEALED
from tests.integration.full_home import AFTER, full_house


def idle(done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    with MailSink() as sink, full_house(tmp_path, sink, database_url) as house:
        yield house


def wrong(house: House) -> list[str]:
    return verify_house(house, idle).wrong


def test_every_column_of_sealed_values_is_known_to_the_rotation() -> None:
    there = {(table.name, column.name) for table in METADATA.sorted_tables for column in table.columns
             if isinstance(column.type, LargeBinary)}  # fmt: skip
    assert {(one.table.name, one.column) for one in SEALED} == there


def test_everything_is_sealed_anew_and_reads_as_before(house: House, tmp_path: Path) -> None:
    before = {row.id: house.store.views.mail(row.id) for row in house.store.views.outbox()}
    old = keys_of_ring(house)
    (first,) = old.keys
    assert first.state == "seals" and first.values and first.documents and first.proofs and not old.strangers
    contact = contact_key(house.store.base.ring, "ana@families.example")

    made = make_next(house.home, tmp_path / "copy")
    assert keys_of_ring(house).left == first.values + first.documents
    assert read_ring((tmp_path / "copy").read_bytes()) == read_ring(house.home.ring.read_bytes())
    found = rotate(house, "the yearly change", AFTER, idle)

    states = {one.key: (one.state, one.values, one.documents) for one in found.keys}
    assert states == {first.key: ("older", 0, 0), made: ("seals", first.values, first.documents)}
    assert wrong(house) == []
    assert {row.id: house.store.views.mail(row.id) for row in house.store.views.outbox()} == before
    assert contact_key(house.store.base.ring, "ana@families.example") == contact
    with pytest.raises(Refused, match=r"sealed with the key .* already: soppa keys new"):
        rotate(house, "again", AFTER, idle)


def test_a_house_that_was_open_before_seals_with_the_new_key_at_once(house: House, tmp_path: Path) -> None:
    with open_house(house.home, house.clock) as other:
        made = make_next(house.home, tmp_path / "copy")
        rotate(house, "a leaver", AFTER, idle)
        other.store.outbox.notify("person:priya", "code", None, {"code": "1"}, AFTER)
        assert {one.key: one.values > 0 for one in keys_of_ring(other).keys}[made]
        assert keys_of_ring(other).left == 0


def test_an_old_key_goes_when_nothing_needs_it_and_old_lines_are_proved_still(house: House, tmp_path: Path) -> None:
    old = house.store.base.ring.now().current
    with pytest.raises(Refused, match="is sealing: only an older one can go"):
        check_may_go(house, old, AFTER)
    made = make_next(house.home, tmp_path / "copy")
    with pytest.raises(Refused, match="is to seal"):
        check_may_go(house, made, AFTER)
    rotate(house, "the yearly change", AFTER, idle)
    with pytest.raises(Refused, match="out of use since less than an hour"):
        retire(house, old, "soon", AFTER)
    retire(house, old, "the yearly change", AFTER + RESTS)
    assert old not in read_ring(house.home.ring.read_bytes()).keys
    assert {one.key: one.state for one in keys_of_ring(house).keys} == {made: "seals", old: "gone"}
    assert wrong(house) == []
    with pytest.raises(UsageError, match="the ring holds no key"):
        retire(house, old, "again", AFTER + RESTS)


def test_what_does_not_open_stays_and_keeps_its_key(house: House, tmp_path: Path) -> None:
    old = house.store.base.ring.now().current
    with house.store.base.writing() as connection:
        found = connection.execute(CASES.select().limit(1)).mappings().one()
        broken = bytes(found["sealed"][:-1]) + bytes([found["sealed"][-1] ^ 1])
        connection.execute(update(CASES).where(CASES.c.id == found["id"]).values(sealed=broken))
    make_next(house.home, tmp_path / "copy")
    assert rotate(house, "the yearly change", AFTER, idle).left == 1
    with pytest.raises(Refused, match="still seals 1 values and 0 documents"):
        check_may_go(house, old, AFTER + dt.timedelta(days=1))


def test_two_at_once_are_told_of_each_other(house: House, tmp_path: Path) -> None:
    with only_job(house.home, "soppa keys rotate"), pytest.raises(Refused, match=r"is doing soppa keys rotate in this"):
        make_next(house.home, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_copy_of_the_ring_is_asked_for_apart_from_the_home(house: House, tmp_path: Path) -> None:
    ring = house.home.ring.read_bytes()
    (tmp_path / "there").touch()
    inside, there = house.home.root / "ring-copy", tmp_path / "there"
    for place, says in ((inside, "lies in the home itself"), (there, "is there already")):
        with pytest.raises(UsageError, match=says):
            make_next(house.home, place)
    assert house.home.ring.read_bytes() == ring
    make_next(house.home, tmp_path / "copy")
    with pytest.raises(Refused, match="waits to be used already: soppa keys rotate"):
        make_next(house.home, tmp_path / "another")


def test_the_whole_way_on_the_command_line(house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOPPA_HOME", str(house.home.root))
    capsys.readouterr()
    old = keys_of_ring(house).to
    assert main(["keys", "new", "--copy", str(tmp_path / "copy"), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made == {"key": made["key"], "copy": str(tmp_path / "copy")}
    assert main(["keys", "rotate"]) == 0
    assert f"would be sealed anew with the key {made['key']}" in capsys.readouterr().out
    assert main(["keys", "rotate", "--apply"]) == 2
    assert main(["keys", "rotate", "--apply", "--reason", "yearly", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["applied"], said["left"], said["to"], said["strangers"]) == (True, 0, made["key"], 0)
    assert main(["keys", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(one["what"], one["reason"]) for one in listed["changes"]] == [("turned", "yearly"), ("done", "yearly")]
    assert main(["keys", "retire", old, "--json"]) == 1
    assert "less than an hour" in capsys.readouterr().err


def test_a_missing_ring_is_one_sentence(house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOPPA_HOME", str(house.home.root))
    house.home.ring.rename(tmp_path / "away")
    for words in (["list"], ["new", "--copy", str(tmp_path / "copy")], ["rotate"], ["retire", "k1"]):
        capsys.readouterr()
        assert main(["keys", *words]) == 78
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and "put the key ring back from its own backup" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a home to somebody else")
def test_a_home_of_another_user_is_not_written(house: House, tmp_path: Path) -> None:
    """Its own daemon could not read the ring afterwards."""
    os.chown(house.home.root, 12345, -1)
    for work in (lambda: make_next(house.home, tmp_path / "copy"), lambda: rotate(house, "yearly", AFTER, idle)):
        with pytest.raises(WrongEnvironment, match=r"belongs to another user \(number 12345\)"):
            work()
    os.chown(house.home.root, 0, -1)
