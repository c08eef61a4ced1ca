"""Guards: what they accept, what they refuse, and how they answer when facts are missing."""

import datetime as dt
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.language.guard_parser import GuardError, compile_guard
from engine.model.guards import Atom, FactType, Guard, Unknown, atoms, evaluate, evaluate_atoms, reads, recorded_if
from engine.proof.guard_cells import MAX_CELLS, TooManyCells, cells, gaps, overlaps

FACTS = {
    "identity_ok": FactType("bool"),
    "holder": FactType("set", ("district", "operator", "isbe")),
    "kind": FactType("choice", ("fact", "opinion", "grade")),
    "pages": FactType("int"),
    "copies": FactType("int"),
    "asked_on": FactType("date"),
    "told_on": FactType("date"),
    "note": FactType("text"),
    "told_at": FactType("instant"),
    "seen_at": FactType("instant"),
    "scan": FactType("document"),
    "owner": FactType("person"),
    "heirs": FactType("contacts"),
}
PLACES = ("parents.mailing", "parents.told", "regulator.told")
VALUES = {
    "identity_ok": True,
    "holder": frozenset({"district"}),
    "kind": "grade",
    "pages": 50,
    "copies": 2,
    "asked_on": dt.date(2027, 3, 1),
    "told_on": dt.date(2027, 3, 2),
    "note": "x",
    "told_at": dt.datetime(2027, 3, 2, 15, tzinfo=dt.UTC),
    "seen_at": dt.datetime(2027, 3, 2, 14, tzinfo=dt.UTC),
    "heirs": ("a", "b"),
}


def guard(source: str) -> Guard:
    return compile_guard(source, FACTS, PLACES)


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("identity_ok", True),
        ("!identity_ok", False),
        ("identity_ok == false", False),
        ("identity_ok != false", True),
        ("identity_ok == true && pages > 49", True),
        ("identity_ok in [true, false]", True),
        ("'district' in holder", True),
        ("'isbe' in holder || 'operator' in holder", False),
        ("size(holder) == 1", True),
        ("size(heirs) > 2", False),
        ("kind in ['opinion', 'grade']", True),
        ("kind in ['opinion']", False),
        ("kind != 'fact'", True),
        ("pages != 50", False),
        ("pages >= 50", True),
        ("pages > 50", False),
        ("pages > -1", True),
        ("note == 'x'", True),
        ("note == '||'", False),
        ("asked_on < told_on", True),
        ("asked_on == told_on", False),
        ("asked_on >= date('2027-03-02')", False),
        ("seen_at <= told_at", True),
        ("has(note) && !(pages <= 10)", True),
        ("has(scan)", False),
        ("at('parents.told')", True),
        ("at('regulator.told')", False),
        (" ( identity_ok\n&&\tpages>1 ) ", True),
        ("false && true", None),
        # `&&` binds closer than `||`, `!` closest:
        ("identity_ok || pages == 1 && pages == 2", True),
        ("(identity_ok || pages == 1) && pages == 2", False),
        ("!identity_ok || identity_ok", True),
    ],
)
def test_answers(source: str, answer: bool | None) -> None:
    if answer is None:
        with pytest.raises(GuardError):
            guard(source)
    else:
        assert evaluate(guard(source), VALUES, frozenset({"parents.told"})) is answer


@pytest.mark.parametrize(
    ("source", "column", "says"),
    [
        ("identity_okay", 1, "unknown fact 'identity_okay' (did you mean 'identity_ok'?)"),
        ("pages > 1 && note", 14, "'note' is a text, not true or false: compare it"),
        ("holder", 1, "'holder' is a set, not true or false: write 'member' in fact, or size(fact) > 0"),
        ("scan", 1, "write has(fact)"),
        ("owner == 'Ann'", 10, "'Ann' is no value of 'owner', which is a person: write has(fact)"),
        ("told_at > date('2027-01-01')", 11, "which is a instant: compare it with another instant"),
        ("pages == 'many'", 10, "'many' is no value of 'pages', which is a int"),
        ("pages == true", 10, "'true' is no value of 'pages'"),
        ("kind == 'fakt'", 9, "'fakt' is no value of 'kind' (did you mean 'fact'?)"),
        ("kind in ['fact', 'fakt']", 18, "did you mean 'fact'"),
        ("kind in []", 10, "expected a fact or a value before ']'"),
        ("kind in 'fact'", 9, "'[' is missing before 'fact'"),
        ("holder in ['isbe']", 12, "'isbe' is no value of 'holder'"),
        ("note < 'a'", 6, "'note' is a text and has no order"),
        ("'nobody' in holder", 1, "'nobody' cannot be in 'holder' (known: district, isbe, operator)"),
        ("'fact' in kind", 11, "only a set has members; 'kind' is a choice"),
        ("1 == pages", 1, "write the fact first"),
        ("pages == asked_on", 10, "only two dates or two numbers are compared"),
        ("asked_on < told_at", 12, "only two dates or two numbers are compared"),
        ("identity_ok &&", 15, "expected a fact or a value before the end"),
        ("", 1, "before the end"),
        ("pages == ", 10, "expected a fact or a value before the end"),
        ("(identity_ok", 13, "')' is missing before the end"),
        ("identity_ok identity_ok", 13, "'identity_ok' is not expected here: join"),
        ("size(pages) > 1", 6, "size() counts a set, contacts or a table; 'pages' is a int"),
        ("size(holder)", 13, "compared with a whole number"),
        ("size(holder) > 'a'", 14, "compared with a whole number"),
        ("at('parents.tol')", 4, "there is no 'parents.tol' (did you mean 'parents.told'?)"),
        ("at(parents)", 4, "at() asks about a region"),
        ("has(nothing)", 5, "unknown fact 'nothing'"),
        ("now() > told_at", 1, "unknown fact 'now'"),
        ("__import__('os')", 1, "unknown fact '__import__'"),
        ("pages + 1 == 2", 7, "'+' is not part of the guard language"),
        ("pages = 2", 7, "write =="),
        ("identity_ok & identity_ok", 13, "write &&"),
        ('note == "x"', 9, "put texts in single quotes"),
        ("note == 'x", 9, "a text begins here and has no closing '"),
        ("pages == ١", 10, "is not part of the guard language"),
        ("asked_on < date('2026-02-30')", 12, "there is no day 2026-02-30"),
        ("asked_on < date('20260701')", 12, "write it as date('2026-07-01')"),
        ("pages == 1234567890", 10, "at most 9 digits"),
        ("!" * 30 + "identity_ok", 17, "nests at most 16 deep"),
        ("(" * 200 + "identity_ok", 17, "nests at most 16 deep"),
        ("identity_ok || " * 60 + "identity_ok", 501, "at most 500 characters"),
    ],
)
def test_refuses_with_a_sentence_and_its_column(source: str, column: int, says: str) -> None:
    with pytest.raises(GuardError) as refused:
        guard(source)
    assert says in str(refused.value)
    assert refused.value.column == column


def test_what_is_not_recorded_is_neither_true_nor_false() -> None:
    assert evaluate(guard("identity_ok && pages > 1"), {"pages": 2}) == Unknown(frozenset({"identity_ok"}))
    assert evaluate(guard("identity_ok && pages > 1"), {"pages": 1}) is False
    assert evaluate(guard("identity_ok || pages > 1"), {"pages": 2}) is True
    assert evaluate(guard("!identity_ok"), {}) == Unknown(frozenset({"identity_ok"}))
    assert evaluate(guard("has(pages)"), {}) is False


def test_an_unknown_answer_cannot_pass_for_a_condition() -> None:
    answer = evaluate(guard("identity_ok"), {})
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(answer)


def test_reads_names_what_must_be_recorded() -> None:
    read = guard("has(note) && at('parents.told') && (asked_on < told_on || 'isbe' in holder)")
    assert reads(read) == {"asked_on", "told_on", "holder"}


def test_the_same_question_is_one_atom() -> None:
    asked = guard("identity_ok || !identity_ok || identity_ok == false || identity_ok != true")
    assert atoms(asked) == (Atom("identity_ok", "is"),)
    assert len(atoms(guard("kind == 'fact' || kind != 'fact' || kind in ['fact', 'grade']"))) == 2
    assert len(atoms(guard("pages < 3 || pages >= 3"))) == 1


def test_places_cannot_be_asked_about_where_there_are_none() -> None:
    with pytest.raises(GuardError, match=r"there is no 'parents\.told'"):
        compile_guard("at('parents.told')", FACTS)


THREE = (True, False, None)


@pytest.mark.parametrize(("a", "b"), list(itertools.product(THREE, THREE)))
def test_laws_of_three_values(a: bool | None, b: bool | None) -> None:
    truth = {Atom("identity_ok", "is"): a, Atom("note", "compare", "==", "x"): b}

    def holds(source: str) -> bool | None:
        return evaluate_atoms(guard(source.replace("A", "identity_ok").replace("B", "note == 'x'")), truth)

    assert holds("!(A && B)") is holds("!A || !(B)")
    assert holds("!(A || B)") is holds("!A && !(B)")
    assert holds("A && B") is holds("B && A") and holds("A || B") is holds("B || A")
    assert holds("A || A && B") is holds("A") is holds("A && (A || B)")
    assert holds("!!A") is a
    assert holds("A || !A") is (None if a is None else True)
    assert holds("A && B") is (False if False in (a, b) else None if None in (a, b) else True)


@dataclass(frozen=True)
class Sample:
    """A guard beside the plain Python that it should mean; None is unknown."""

    source: str
    meant: Callable[[Mapping[str, object]], bool | None]


def _asks(source: str, fact: str, question: Callable[..., bool], *others: str) -> Sample:
    names = (fact, *others)
    return Sample(
        source, lambda values: question(*map(values.get, names)) if all(name in values for name in names) else None
    )


DAY = dt.date(2027, 3, 2)
LEAVES = [
    _asks("identity_ok", "identity_ok", lambda x: bool(x)),
    _asks("identity_ok == false", "identity_ok", lambda x: not x),
    _asks("kind == 'fact'", "kind", lambda x: bool(x == "fact")),
    _asks("kind in ['opinion', 'grade']", "kind", lambda x: x in ("opinion", "grade")),
    _asks("kind != 'grade'", "kind", lambda x: bool(x != "grade")),
    _asks("'isbe' in holder", "holder", lambda x: "isbe" in x),
    _asks("size(holder) == 0", "holder", lambda x: len(x) == 0),
    _asks("size(holder) >= 2", "holder", lambda x: len(x) >= 2),
    _asks("pages > 2", "pages", lambda x: bool(x > 2)),
    _asks("pages <= 4", "pages", lambda x: bool(x <= 4)),
    _asks("pages != 3", "pages", lambda x: bool(x != 3)),
    _asks("pages < copies", "pages", lambda x, y: bool(x < y), "copies"),
    _asks("copies >= 4", "copies", lambda x: bool(x >= 4)),
    _asks("asked_on < told_on", "asked_on", lambda x, y: bool(x < y), "told_on"),
    _asks("told_on == asked_on", "told_on", lambda x, y: bool(x == y), "asked_on"),
    _asks("asked_on >= date('2027-03-02')", "asked_on", lambda x: bool(x >= DAY)),
    _asks("told_on > date('2027-03-02')", "told_on", lambda x: bool(x > DAY)),
    Sample("has(pages)", lambda values: "pages" in values),
    Sample("has(told_on)", lambda values: "told_on" in values),
]


def _not(part: Sample) -> Sample:
    def meant(values: Mapping[str, object]) -> bool | None:
        answer = part.meant(values)
        return None if answer is None else not answer

    return Sample(f"!({part.source})", meant)


def _joined(sign: str, parts: list[Sample]) -> Sample:
    decides = sign == "||"

    def meant(values: Mapping[str, object]) -> bool | None:
        answers = [part.meant(values) for part in parts]
        if decides in answers:
            return decides
        return None if None in answers else not decides

    return Sample(f" {sign} ".join(f"({part.source})" for part in parts), meant)


SAMPLES = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        inner.map(_not),
        st.builds(_joined, st.sampled_from(["&&", "||"]), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=4,
)
RECORDED = st.fixed_dictionaries(
    {},
    optional={
        "identity_ok": st.booleans(),
        "kind": st.sampled_from(FACTS["kind"].options),
        "holder": st.frozensets(st.sampled_from(FACTS["holder"].options)),
        "pages": st.integers(0, 6),
        "copies": st.integers(0, 6),
        "asked_on": st.dates(DAY - dt.timedelta(3), DAY + dt.timedelta(3)),
        "told_on": st.dates(DAY - dt.timedelta(3), DAY + dt.timedelta(3)),
    },
)


@settings(max_examples=150)
@given(SAMPLES, RECORDED)
def test_a_guard_means_what_the_plain_python_beside_it_says(sample: Sample, values: Mapping[str, object]) -> None:
    answer = evaluate(guard(sample.source), values)
    assert (None if isinstance(answer, Unknown) else answer) is sample.meant(values)
    if isinstance(answer, Unknown):
        assert answer.names and answer.names.isdisjoint(values) and answer.names <= reads(guard(sample.source))


@settings(max_examples=300)
@given(st.lists(SAMPLES, min_size=1, max_size=2), RECORDED)
def test_whatever_is_recorded_lies_in_one_of_the_cells(samples: list[Sample], values: Mapping[str, object]) -> None:
    guards = [guard(sample.source) for sample in samples]
    asked = dict.fromkeys(atom for each in guards for atom in atoms(each))
    answers = {atom: atom.ask(values) for atom in asked}
    real = {atom: None if isinstance(answer, Unknown) else answer for atom, answer in answers.items()}
    found = list(cells(guards, FACTS))
    assert found.count(real) == 1
    for each, sample in zip(guards, samples, strict=True):
        assert evaluate_atoms(each, real) is sample.meant(values)


@settings(max_examples=200)
@given(SAMPLES, RECORDED)
def test_an_answer_tells_what_must_be_recorded(sample: Sample, values: Mapping[str, object]) -> None:
    answer = evaluate(guard(sample.source), values)
    if not isinstance(answer, Unknown):
        assert recorded_if(guard(sample.source), answer) <= values.keys()


@pytest.mark.parametrize(("source", "so", "facts"), [
    ("has(pages)", True, {"pages"}), ("has(pages)", False, set()), ("pages < 3", False, {"pages"}),
    ("!has(pages)", False, {"pages"}), ("has(pages) && pages < copies", True, {"pages", "copies"}),
    ("has(pages) && has(copies)", False, set()), ("has(pages) || has(copies)", True, set()),
    ("identity_ok || (has(pages) && identity_ok)", True, {"identity_ok"}),
    ("pages < 3 || copies < 3", False, {"pages", "copies"}),
])  # fmt: skip
def test_what_must_be_recorded_follows_the_shape_of_the_guard(source: str, so: bool, facts: set[str]) -> None:
    assert recorded_if(guard(source), so) == facts


@pytest.mark.parametrize(
    ("sources", "count", "shows"),
    [
        (["identity_ok", "!identity_ok"], 3, "a question and its negation: yes, no, unknown"),
        (["kind == 'fact'", "kind == 'grade'"], 4, "never two options of one choice"),
        (["kind == 'fact'", "kind == 'grade'", "kind == 'opinion'"], 4, "and always one of all options"),
        (["'isbe' in holder", "'operator' in holder"], 5, "members of a set are independent"),
        (["size(holder) == 0", "'isbe' in holder"], 4, "an empty set has no member"),
        (["size(holder) == 3", "'isbe' in holder"], 4, "a full set has every member"),
        (["pages < 3", "pages > 5"], 4, "never below 3 and above 5"),
        (["pages > 3", "pages < 4"], 3, "no whole number between 3 and 4"),
        (["asked_on < told_on", "told_on < asked_on"], 4, "before, same day, after"),
        (["asked_on < date('2026-01-02')", "asked_on > date('2026-01-01')"], 3, "no day between two days"),
        (["note == 'a'", "note == 'b'"], 4, "a text may be neither"),
        (["has(pages)", "pages == 1"], 3, "unknown is exactly what is not recorded"),
        (["has(scan)", "has(owner)"], 4, "documents and persons are there or not"),
        (["size(heirs) == 0", "size(heirs) > 1"], 4, "none, one, more"),
        (["at('parents.told')", "at('parents.mailing')"], 3, "a region is in one state"),
        (["at('parents.told')", "at('regulator.told')"], 4, "regions are independent"),
        (["seen_at < told_at"], 3, "instants are compared with each other"),
        (["asked_on == date('0001-01-01')"], 3, "the first day of all has none before it"),
        (["asked_on < date('9999-12-31')"], 3, "the last day of all has none after it"),
    ],
)
def test_cells_hold_only_what_can_be(sources: list[str], count: int, shows: str) -> None:
    found = [tuple(cell.items()) for cell in cells([guard(source) for source in sources], FACTS)]
    assert len(found) == len(set(found)) == count, shows


@pytest.mark.parametrize(
    ("sources", "overlap", "gap"),
    [
        (["identity_ok", "!identity_ok"], None, False),
        (["identity_ok && pages > 2", "!identity_ok"], None, True),
        (["kind == 'fact'", "kind == 'grade'"], None, True),
        (["kind == 'fact'", "kind in ['grade', 'opinion']"], None, False),
        (["kind == 'fact'", "kind != 'grade'", "kind == 'grade'"], (0, 1), False),
        (["size(holder) == 0", "'isbe' in holder", "!('isbe' in holder) && size(holder) > 0"], None, False),
        (["'isbe' in holder", "size(holder) > 2"], (0, 1), True),
        (["pages < 10", "pages >= 10 && pages < 20", "pages >= 20"], None, False),
        (["pages < 10", "pages > 10"], None, True),
        (["pages <= 10", "pages >= 10"], (0, 1), False),
        (["asked_on < told_on", "told_on <= asked_on"], None, False),
        (["asked_on < told_on && told_on < date('2026-07-01')", "asked_on >= date('2026-06-30')"], None, True),
        (["asked_on < told_on && told_on < date('2026-07-01')", "asked_on >= date('2026-06-29')"], (0, 1), True),
        (["has(note)", "!has(note)"], None, False),
        (["has(note)", "note == 'x'"], (0, 1), False),
        (["at('parents.told')", "at('parents.mailing')"], None, True),
        (["at('parents.told')", "at('regulator.told')"], (0, 1), True),
    ],
)
def test_overlaps_and_gaps(sources: list[str], overlap: tuple[int, int] | None, gap: bool) -> None:
    guards = [guard(source) for source in sources]
    found, hole = overlaps(guards, FACTS), gaps(guards, FACTS)
    assert (None if found is None else (found.first, found.second)) == overlap
    if found is not None:
        assert all(evaluate_atoms(guards[index], found.cell) is True for index in (found.first, found.second))
    assert (hole is not None) is gap
    if hole is not None:
        assert all(evaluate_atoms(each, hole) is False for each in guards)


def test_three_dates_can_stand_in_every_order() -> None:
    facts = {name: FactType("date") for name in "abc"}
    chain = compile_guard("a < b && b < c && a > date('2026-01-01') && c < date('2026-01-05')", facts)
    narrow = compile_guard("a < b && b < c && a > date('2026-01-01') && c < date('2026-01-04')", facts)
    assert any(evaluate_atoms(chain, cell) is True for cell in cells([chain], facts))
    assert not any(evaluate_atoms(narrow, cell) is True for cell in cells([narrow], facts))


@pytest.mark.parametrize("kind", ["bool", "set", "date"])
def test_too_many_cells_are_refused_before_they_are_made(kind: str) -> None:
    names = [f"f{number}" for number in range(24)]
    facts = {name: FactType(kind) for name in names}
    sources = {
        "bool": names,
        "set": [f"'{name}' in all" for name in names],
        "date": [f"{a} < {b}" for a, b in itertools.pairwise(names)],
    }
    facts["all"] = FactType("set", tuple(names))
    guards = [compile_guard(source, facts) for source in sources[kind]]
    with pytest.raises(TooManyCells, match=f"{MAX_CELLS:,}"):
        next(cells(guards, facts))


def test_guards_are_values() -> None:
    assert guard("pages > 1") == guard("pages > 1")
    assert len({guard("pages > 1"), guard("pages > 1"), guard("pages > 2")}) == 2
