"""The register in a real database: what is kept, what is refused, and what stands in its history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DatabaseError

from engine.errors import LostRace, Refused, UsageError
from engine.model.case import Contact, FactValue, TableRow
from registry.values import NEW, Holding
from storage.database import sentence_of
from storage.looking.register_list import listed, one_a_product
from storage.register import holding_of, holdings, latest, next_number
from storage.store import SqlStore
from storage.tables import AGREEMENTS, OPERATORS, PRODUCTS, REGISTER_HISTORY
from tests.integration.stored import ANN, NOW, opened

ACME: Mapping[str, FactValue] = {
    "operator": "Acme Learning", "business_address": "1 Oak St", "product": "Acme Maths", "listing": "approved",
    "contact": (Contact("Acme Learning", "privacy@acme.example"),), "sponsor": "eve@district.example",
    "data_elements": frozenset({"Student name: First and/or last name"}), "notes": "ask Eve first",
    "type": "vendor_dpa", "signed_on": dt.date(2026, 3, 2), "deletion_days": 30,
    "clauses": (TableRow("a", {"status": "present", "page": 3}), TableRow("e", {"status": "missing"})),
}  # fmt: skip


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    with opened(database_url) as store:
        yield store


def enter(store: SqlStore, values: Mapping[str, FactValue], holding: Holding | None = None,
          agreement: str | None = NEW, key: str | None = None) -> set[str]:
    with store.begin() as unit:
        writer = unit.register_writer(ANN, NOW, "import")
        writer.enter(values, holding, agreement=agreement, key=key)
        writer.flush()
        return writer.touched


def only(store: SqlStore) -> Holding:
    (found,) = latest(store.register.holdings())
    return found


def test_a_holding_comes_back_as_it_was_entered(store: SqlStore) -> None:
    assert enter(store, ACME) == {"A-0001"}
    found = only(store)
    assert found.agreement is not None
    assert (found.operator.id, found.product.id, found.agreement.id) == ("O-0001", "P-0001", "A-0001")
    assert found.operator.contact == Contact("Acme Learning", "privacy@acme.example")
    assert (found.product.sponsor, found.product.notes) == ("eve@district.example", "ask Eve first")
    assert found.product.data_elements == {"Student name: First and/or last name"}
    assert found.agreement.clauses == ACME["clauses"]
    assert (found.agreement.status, found.agreement.deletion_days) == ("active", 30)


def test_contacts_sponsors_and_notes_stand_nowhere_in_clear(store: SqlStore) -> None:
    enter(store, ACME)
    with store.base.reading() as connection:
        rows = [row for each in (OPERATORS, PRODUCTS, AGREEMENTS, REGISTER_HISTORY)
                for row in connection.execute(select(each)).all()]
    for word in (b"privacy@acme", b"eve@district", b"ask Eve"):
        assert not any(word in bytes(str(value), "utf-8") for row in rows for value in row)


def test_a_second_product_of_an_operator_shares_it(store: SqlStore) -> None:
    enter(store, ACME)
    enter(store, {**ACME, "product": "Acme Reading", "business_address": "2 Elm St"})
    first, second = latest(store.register.holdings())
    assert first.operator == second.operator
    assert first.operator.business_address == "2 Elm St"
    assert {first.product.id, second.product.id} == {"P-0001", "P-0002"}


def test_a_product_has_one_active_agreement(store: SqlStore) -> None:
    enter(store, ACME)
    with pytest.raises(Refused, match="has an active agreement, A-0001, already"):
        enter(store, {**ACME, "signed_on": dt.date(2027, 3, 2)})
    assert len(store.register.holdings()) == 1


def test_the_database_itself_refuses_a_second_active_agreement(store: SqlStore) -> None:
    enter(store, ACME)
    with store.base.reading() as connection:
        row = connection.execute(select(AGREEMENTS)).mappings().one()
    with pytest.raises(LostRace), store.begin() as unit:
        unit.connection.execute(AGREEMENTS.insert().values(**{**row, "id": "A-0002"}))


def test_a_renewal_supersedes_and_takes_the_product_of_the_one_before(store: SqlStore) -> None:
    enter(store, ACME)
    renewal: Mapping[str, FactValue] = {"supersedes": "A-0001", "type": "vendor_dpa", "signed_on": dt.date(2027, 3, 2)}
    assert enter(store, renewal) == {"A-0001", "A-0002"}
    statuses = {h.agreement.id: h.agreement.status for h in store.register.holdings() if h.agreement}
    assert statuses == {"A-0001": "superseded", "A-0002": "active"}
    assert only(store).agreement.supersedes == "A-0001"  # type: ignore[union-attr]


def test_an_agreement_of_another_product_is_not_superseded(store: SqlStore) -> None:
    enter(store, ACME)
    with pytest.raises(Refused, match="A-0001 is for another product, Acme Maths – Acme Learning"):
        enter(store, {**ACME, "product": "Acme Reading", "supersedes": "A-0001"})


def test_an_agreement_that_ends_makes_room_and_says_when(store: SqlStore) -> None:
    enter(store, ACME)
    assert enter(store, {"status": "ended"}, only(store), agreement=None) == {"A-0001"}
    ended = only(store).agreement
    assert ended is not None
    assert (ended.status, ended.ended_on) == ("ended", dt.date(2026, 11, 24))
    assert enter(store, {**ACME, "signed_on": dt.date(2026, 11, 20)}) == {"A-0002"}
    with store.read() as unit:
        before = holding_of(unit.connection, store.base.ring, "A-0001")
    with pytest.raises(Refused, match="has an active agreement, A-0002, already"):
        enter(store, {"status": "active"}, before, agreement=None)


def test_an_unknown_agreement_is_told_with_the_nearest(store: SqlStore) -> None:
    enter(store, ACME)
    with pytest.raises(UsageError, match=r"there is no agreement 'A-001' in the register \(did you mean 'A-0001'\?\)"):
        enter(store, {"supersedes": "A-001", "type": "other", "signed_on": dt.date(2027, 1, 4)})
    with pytest.raises(UsageError, match="nothing 'P-0009' in the register"):
        store.register.about("P-0009")


def test_every_change_leaves_a_line_and_one_without_a_change_none(store: SqlStore) -> None:
    enter(store, ACME, key="OP-1")
    enter(store, {"listing": "renewal_pending", "posted_on": dt.date(2026, 3, 9), "sponsor": "sam@district.example"},
          only(store), agreement=None)
    enter(store, {"listing": "renewal_pending"}, only(store), agreement=None)
    lines = {(line.entry, line.seq): line for line in store.register.history(["O-0001", "P-0001", "A-0001"])}
    assert sorted(lines) == [("A-0001", 1), ("A-0001", 2), ("O-0001", 1), ("P-0001", 1), ("P-0001", 2)]
    changed = lines["P-0001", 2]
    assert (changed.actor, changed.kind, changed.cause, changed.at) == ("person:ann", "changed", "import", NOW)
    assert changed.detail == {"listing": ("approved", "renewal_pending"),
                              "sponsor": ("eve@district.example", "sam@district.example")}
    assert lines["A-0001", 2].detail == {"posted_on": ("", "2026-03-09")}
    assert lines["O-0001", 1].detail["contact"] == ("", "Acme Learning <privacy@acme.example>")
    assert store.register.verify(["O-0001", "P-0001", "A-0001"]) == []


@pytest.mark.parametrize("what", ["update", "delete"])
def test_a_line_of_history_cannot_be_changed_or_taken_away(store: SqlStore, what: str) -> None:
    enter(store, ACME)
    statement = (update(REGISTER_HISTORY).values(detail="{}") if what == "update" else delete(REGISTER_HISTORY))
    with pytest.raises(DatabaseError), store.base.engine.begin() as connection:
        connection.execute(statement)


def test_a_history_that_was_tampered_with_is_told(store: SqlStore) -> None:
    enter(store, ACME)
    with store.base.engine.begin() as connection:
        off = "DROP TRIGGER register_history_no_update" + (
            " ON register_history" if connection.dialect.name == "postgresql" else "")
        connection.exec_driver_sql(off)
        connection.execute(update(REGISTER_HISTORY).where(REGISTER_HISTORY.c.entry == "A-0001").values(actor="x"))
    assert store.register.verify(["A-0001"]) == ["A-0001: line 1 of its history, or the one before, was changed"]


def test_numbers_are_dense_and_a_lost_one_is_given_again(store: SqlStore) -> None:
    enter(store, ACME)
    with pytest.raises(Refused):
        enter(store, ACME)
    with store.begin() as unit:
        assert next_number(unit.connection) == 2


def test_an_agreement_whose_number_was_taken_meanwhile_is_a_lost_race(store: SqlStore) -> None:
    enter(store, ACME)
    with pytest.raises(LostRace, match="another agreement was entered meanwhile"):
        enter(store, {**ACME, "product": "Acme Reading"}, agreement="A-0001")
    enter(store, {**ACME, "product": "Acme Reading"}, agreement="A-0002")


def test_the_light_list_says_the_same_as_the_store(store: SqlStore, database_url: str) -> None:
    enter(store, ACME)
    enter(store, {"supersedes": "A-0001", "type": "vendor_dpa", "signed_on": dt.date(2027, 3, 2)})
    enter(store, {"operator": "Zed", "product": "Zed Notes"}, agreement=None)
    found = listed(database_url)
    assert [(row.agreement, row.status) for row in found] == [("A-0001", "superseded"), ("A-0002", "active"),
                                                              (None, None)]
    assert [row.agreement for row in one_a_product(found)] == ["A-0002", None]
    assert found[0].signed_on == dt.date(2026, 3, 2)
    assert found[2].listing == "under_review"
    with store.read() as unit:
        kept = holdings(unit.connection, store.base.ring)
    assert [one.product.id for one in kept] == [row.product_id for row in found]


def test_labels_leave_out_what_was_superseded(store: SqlStore) -> None:
    enter(store, ACME)
    enter(store, {"supersedes": "A-0001", "type": "vendor_dpa", "signed_on": dt.date(2027, 3, 2)})
    assert store.register.labels() == {"A-0002": "Acme Maths – Acme Learning"}


def test_a_contradiction_names_no_value(store: SqlStore) -> None:
    enter(store, ACME)
    with pytest.raises(DatabaseError) as broken, store.base.engine.begin() as connection:
        connection.execute(update(AGREEMENTS).values(status="gone"))
    assert "gone" not in str(sentence_of(broken.value))
