"""Guards: what they accept, what they refuse, and how they answer when facts are missing."""

import datetime as dt

import pytest

from engine.guards import FactType, GuardError, Unknown, compile_guard, evaluate, reads

FACTS = {
    "identity_ok": FactType("bool"),
    "holder": FactType("set", ("district", "operator", "isbe")),
    "kind": FactType("choice", ("fact", "opinion", "grade")),
    "pages": FactType("int"),
    "asked_on": FactType("date"),
    "told_on": FactType("date"),
    "note": FactType("text"),
}
VALUES = {"identity_ok": True, "holder": frozenset({"district"}), "kind": "grade", "pages": 50,
          "asked_on": dt.date(2027, 3, 1), "told_on": dt.date(2027, 3, 2), "note": "x"}


@pytest.mark.parametrize(("source", "answer"), [
    ("identity_ok", True),
    ("!identity_ok", False),
    ("identity_ok == true && pages > 49", True),
    ("'district' in holder", True),
    ("'isbe' in holder || 'operator' in holder", False),
    ("size(holder) == 1", True),
    ("kind in ['opinion', 'grade']", True),
    ("kind != 'fact'", True),
    ("asked_on < told_on", True),
    ("asked_on >= date('2027-03-02')", False),
    ("has(note) && !(pages <= 10)", True),
    ("false in holder || identity_ok", None),
])
def test_answers(source: str, answer: bool | None) -> None:
    if answer is None:
        with pytest.raises(GuardError):
            compile_guard(source, FACTS)
    else:
        assert evaluate(compile_guard(source, FACTS), VALUES) is answer


@pytest.mark.parametrize(("source", "says"), [
    ("identity_okay", "did you mean 'identity_ok'"),
    ("holder", "is a set, not true or false"),
    ("pages == 'many'", "is no value of 'pages'"),
    ("kind == 'fakt'", "did you mean 'fact'"),
    ("note < 'a'", "has no order"),
    ("'nobody' in holder", "cannot be in 'holder'"),
    ("pages == asked_on", "only two dates"),
    ("identity_ok &&", "before 'the end'"),
    ("(identity_ok", "')' is missing"),
    ("identity_ok identity_ok", "is not expected here"),
    ("size(pages) > 1", "counts a set"),
    ("__import__('os')", "unknown fact '__import__'"),
    ("pages + 1 == 2", "is not part of the guard language"),
    ("!" * 30 + "identity_ok", "nests at most"),
    ("identity_ok || " * 60 + "identity_ok", "at most 500"),
])
def test_refuses_with_a_sentence(source: str, says: str) -> None:
    with pytest.raises(GuardError) as refused:
        compile_guard(source, FACTS)
    assert says in str(refused.value)
    assert refused.value.column >= 1


def test_what_is_not_recorded_is_neither_true_nor_false() -> None:
    assert evaluate(compile_guard("identity_ok && pages > 1", FACTS), {"pages": 2}) == Unknown(frozenset({"identity_ok"}))
    assert evaluate(compile_guard("identity_ok && pages > 1", FACTS), {"pages": 1}) is False
    assert evaluate(compile_guard("identity_ok || pages > 1", FACTS), {"pages": 2}) is True
    assert evaluate(compile_guard("!identity_ok", FACTS), {}) == Unknown(frozenset({"identity_ok"}))
    assert evaluate(compile_guard("has(pages)", FACTS), {}) is False


def test_reads_names_what_must_be_recorded() -> None:
    guard = compile_guard("has(note) && (asked_on < told_on || 'isbe' in holder)", FACTS)
    assert reads(guard) == {"asked_on", "told_on", "holder"}
