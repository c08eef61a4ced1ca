"""States left by a date, the end of the school year, a case for each row or holder, approvals, a product alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import pytest

import workflows
from engine.deciding.decide import decide, start
from engine.errors import FaultyInput, NotAllowed, UsageError
from engine.law.calendar import SchoolDays, school_year_end
from engine.law.clocks import NOT_ENTERED
from engine.model.case import SYSTEM, Actor, Case, FactValue, TableRow
from engine.model.definition import Definition
from engine.model.messages import CompleteTask, FireTimer, RecordFacts, SetTimer, StartCase, StartChild, WriteRegister
from engine.model.office import Office
from engine.model.register import Entry
from engine.proof.prove import check
from tests.office import PEOPLE, actor, office

D = dt.date
TODAY = D(2027, 3, 1)
NOW = dt.datetime(2027, 3, 1, 18, 0, tzinfo=dt.UTC)
CLUB = """
process: club
version: 1
title: Club
cites: [District policy]
start: {needs: [asked_by], self: asked_by}
facts:
  asked_by: {type: person, label: Who asks}
  until: {type: date, label: Last day}
  year_end: {type: date, school_year_end: true, label: End of the school year}
  agreement: {type: agreement, label: Agreement}
  company: {type: text, label: Company}
  product: {type: text, label: Product}
  members:
    type: table
    label: Members
    columns: {name: {type: text, label: Name}, grade: {type: int, label: Grade, optional: true}}
registers:
  seen: {kind: product, of: agreement, facts: {operator: company, product: product}, set: {messaging: approved}}
children:
  member: {process: member, each: members, facts: {club_end: until}, joined: false}
  mentor: {process: member, each: {role: privacy}, person: mentor, joined: false, facts: {name: product}}
states:
  asked:
    title: Asked
    initial: true
    tasks:
      - {id: approve, role: custodian, approval: true, title: Approve, due: 5 business_days,
         form: [until, members, company, product, {fact: agreement, optional: true}], outcomes: {yes: running}}
  running:
    title: Running
    register: [seen]
    start: [member, mentor]
    tasks:
      - {id: move, role: custodian, offered: true, title: Move the end, shows: [year_end], form: [until],
         outcomes: {moved: {}}}
    after: {day: 0, of: until, to: over}
  over: {title: Over, final: over}
"""
MEMBER = """
process: member
version: 1
title: Member
cites: [District policy]
start: {needs: [name]}
facts:
  name: {type: text, label: Name}
  grade: {type: int, label: Grade}
  club_end: {type: date, label: End}
  mentor: {type: person, label: Mentor}
states:
  here: {title: Here, initial: true, tasks: [{id: bye, role: custodian, title: Say goodbye, due: 5 business_days,
         shows: [name, grade, club_end, mentor], outcomes: {done: gone}}]}
  gone: {title: Gone, final: gone}
"""
ROWS = (TableRow("1", {"name": "Ada", "grade": 9}), TableRow("2", {"name": "Bo"}))
FORM: Mapping[str, FactValue] = {"until": D(2027, 3, 5), "members": ROWS, "company": "Acme", "product": "Chat"}


def compiled(text: str = CLUB) -> Definition:
    return workflows.compile_source(text, "club.yaml", {})


def faults(text: str) -> str:
    with pytest.raises(FaultyInput) as found:
        compiled(text)
    return str(found.value)


def begun(where: Office, asked_by: str = "dan", by: Actor = SYSTEM) -> Case:
    return start(compiled(), StartCase("2027-0001", by, {"asked_by": asked_by}, {}), NOW, where).case


def approved(where: Office, **values: FactValue) -> tuple[Case, tuple[object, ...]]:
    case = begun(where)
    task = case.open_task("approve")
    assert task is not None
    answer = CompleteTask(task.id, "yes", {**FORM, **values}, actor("cus"))
    decision = decide(compiled(), case, answer, NOW, where)
    return decision.case, decision.effects


def house(**more: object) -> Office:
    return replace(office(), processes=frozenset({"member"}), **more)  # type: ignore[arg-type]


def test_a_state_is_left_once_the_day_in_a_fact_is_over() -> None:
    case, effects = approved(house())
    (timer,) = (one for one in effects if isinstance(one, SetTimer) and one.key.startswith("after/"))
    assert timer.at == dt.datetime(2027, 3, 6, 6, 0, tzinfo=dt.UTC)
    early = decide(compiled(), case, FireTimer(timer.key), timer.at - dt.timedelta(hours=1), house())
    assert early.case.state == "running"
    assert decide(compiled(), case, FireTimer(timer.key), timer.at, house()).case.state == "over"


def test_a_day_that_moves_takes_its_state_with_it() -> None:
    case, effects = approved(house())
    (old,) = (one for one in effects if isinstance(one, SetTimer) and one.key.startswith("after/"))
    task = case.open_task("move")
    assert task is not None
    later = CompleteTask(task.id, "moved", {"until": D(2027, 4, 2)}, actor("cus"))
    moved = decide(compiled(), case, later, NOW, house())
    (new,) = (one for one in moved.effects if isinstance(one, SetTimer) and one.key.startswith("after/"))
    assert new.at.date() == D(2027, 4, 3)
    assert decide(compiled(), moved.case, FireTimer(old.key), old.at, house()).case.state == "running"


@pytest.mark.parametrize(("school", "day", "ends"), [
    (SchoolDays("x", frozenset(), D(2026, 8, 17), D(2027, 5, 28)), TODAY, D(2027, 5, 28)),
    # two years entered: the summer between them is closed
    (SchoolDays("x", frozenset(D(2027, 5, 29) + dt.timedelta(n) for n in range(70)), D(2026, 8, 17), D(2028, 5, 26)),
     TODAY, D(2027, 5, 28)),
    (SchoolDays("x", frozenset(), D(2026, 8, 17), D(2027, 5, 28)), D(2027, 6, 2), D(2027, 6, 30)),
    (SchoolDays("x", frozenset(), D(2026, 8, 17), D(2027, 5, 28)), D(2027, 7, 1), D(2028, 6, 30)),
    (NOT_ENTERED, TODAY, D(2027, 6, 30)),
])  # fmt: skip
def test_a_school_year_ends_with_its_attendance_else_in_june(school: SchoolDays, day: D, ends: D) -> None:
    assert school_year_end(school, day) == ends


def test_the_end_of_the_school_year_is_given_and_never_typed() -> None:
    case = begun(house())
    assert case.facts["year_end"] == D(2027, 6, 30)
    with pytest.raises(UsageError, match="the end of the district's school year: nobody types it"):
        decide(compiled(), case, RecordFacts({"year_end": TODAY}, actor("ada"), "sooner"), NOW, house())


def test_every_row_and_every_holder_of_a_role_gets_a_case() -> None:
    away = replace(PEOPLE["sup"], roles=frozenset({"privacy"}), absent=(TODAY, TODAY))
    gone = replace(PEOPLE["leg"], roles=frozenset({"privacy"}), active=False)
    _, effects = approved(house(people={**PEOPLE, "sup": away, "leg": gone}))
    started = [dict(one.facts) for one in effects if isinstance(one, StartChild)]
    end = {"club_end": D(2027, 3, 5)}
    assert started == [{**end, "name": "Ada", "grade": 9}, {**end, "name": "Bo"},
                       {"name": "Chat", "mentor": "ada"}, {"name": "Chat", "mentor": "sup"}]


@pytest.mark.parametrize(("entry", "written"), [
    (None, WriteRegister("", False, {"operator": "Acme", "product": "Chat", "messaging": "approved"})),
    ("A-0007", WriteRegister("A-0007", False, {"messaging": "approved"})),
])  # fmt: skip
def test_a_product_is_that_of_its_agreement_or_of_its_names(entry: str | None, written: WriteRegister) -> None:
    where = house(register={"A-0007": Entry("A-0007", {"product": "Chat Pro", "operator": "Acme Inc"})})
    _, effects = approved(where, **({"agreement": entry} if entry else {}))
    assert [one for one in effects if isinstance(one, WriteRegister)] == [written]


def test_nobody_approves_what_was_started_for_them() -> None:
    for case in (begun(house(), asked_by="cus"), begun(house(), by=actor("cus"))):
        task = case.open_task("approve")
        assert task is not None
        assert task.assignees == ("sup",)
        with pytest.raises(NotAllowed, match="may not approve it"):
            decide(compiled(), case, CompleteTask(task.id, "yes", FORM, actor("cus")), NOW, house())


def test_the_process_is_proved_with_its_children() -> None:
    found = check(compiled(), {"member": compiled(MEMBER)})
    assert found.good, found.flaws


@pytest.mark.parametrize(("old", "new", "said"), [
    ("after: {day: 0, of: until", "after: {day: x, of: until", "day must be a whole number"),
    ("after: {day: 0, of: until", "after: {day: 0, of: product", "of: fact 'product' is a text, but must be a date"),
    ("after: {day: 0, of: until, to: over}", "after: {}", "{day: 0, of: DATE FACT, to: …}"),
    ("company: {type: text,", "company: {type: text, school_year_end: true,", "only a date can be the end of a school"),
    ("form: [until,", "form: [year_end, until,", "'year_end' is given by the district's calendar"),
    ("each: members, facts", "each: members, party: x, facts", "'each' and 'party' belong together"),
    ("each: members, facts", "each: [members, members], facts", "'each' is one table"),
    ("each: {role: privacy}, person: mentor", "each: {role: privacy}", "say in 'person' which fact of the child"),
    ("each: {role: privacy}", "each: {role: privat}", "role: 'privat' is unknown"),
    ("each: members, facts", "each: members, person: mentor, facts", "'person' belongs to 'each: {role: ROLE}'"),
    ("messaging: approved", "messaging: aproved", "set: 'aproved' is unknown (did you mean 'approved'?)"),
])  # fmt: skip
def test_what_cannot_be_is_told(old: str, new: str, said: str) -> None:
    assert CLUB.count(old) == 1
    assert said in faults(CLUB.replace(old, new))


@pytest.mark.parametrize(("club", "member", "said"), [
    (("form: [until, members", "form: [{fact: until, optional: true}, members"), None,
     "state 'running' is left by the date in 'until', not set on every path to it"),
    (None, ("  mentor: {type: person,", "  mentor: {type: text,"), "member has no person fact 'mentor'"),
    (None, ("grade", "class_year"), "member has no fact 'grade' for the column of that name"),
    (None, ("grade: {type: int,", "grade: {type: text,"), "column 'grade' is not what that fact may be in member"),
    (("columns: {name:", "columns: {called:"), None, "member needs 'name' to start"),
])  # fmt: skip
def test_what_a_path_or_a_child_lacks_is_told(
    club: tuple[str, str] | None, member: tuple[str, str] | None, said: str
) -> None:
    texts: Mapping[str, str] = {"member": MEMBER.replace(*member) if member else MEMBER}
    found = check(compiled(CLUB.replace(*club) if club else CLUB), {"member": compiled(texts["member"])})
    assert any(said in flaw.message for flaw in found.flaws), found.flaws
