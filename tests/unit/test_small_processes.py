"""Small processes in motion: joins, anchors, windows, time that moves a case, and who is asked."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import pytest

import workflows
from cli.commands.check import gaps_in
from engine.deciding.decide import decide, start
from engine.errors import NeedsSecond, NotAllowed, SoppaError
from engine.law.calendar import SchoolDays
from engine.law.clocks import NOT_ENTERED
from engine.model.case import SYSTEM, Actor, Case, Contact, FactValue
from engine.model.definition import Definition
from engine.model.messages import (
    CompleteTask,
    Decision,
    FireTimer,
    Notify,
    PlaceHold,
    RecordFacts,
    SetTimer,
    StartCase,
    StartChild,
)
from engine.model.office import Office
from engine.proof.simulate import Answer, Story, play
from tests.office import PEOPLE, office

D = dt.date
MONDAY = D(2027, 3, 1)
NOW = dt.datetime(2027, 3, 1, 18, 0, tzinfo=dt.UTC)
HEAD = """
process: sample
version: 1
title: Sample
cites: [105 ILCS 85/33]
start: {needs: [received_on], by: [custodian, privacy]}
"""
FACTS = """
facts:
  received_on: {type: date, label: Received}
"""


def compiled(text: str, texts: Mapping[str, str] | None = None) -> Definition:
    return workflows.compile_source(HEAD + text, "sample.yaml", texts or {})


class One:
    """The catalogue of one definition."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition

    def newest(self, process: str) -> Definition:
        return self.definition

    def processes(self) -> tuple[str, ...]:
        return (self.definition.process,)

    def scheduled(self) -> tuple[Definition, ...]:
        return (self.definition,) if self.definition.schedule else ()

    def pinned(self, process: str, version: int, digest: str) -> Definition:
        return self.definition

    def source(self, definition: Definition) -> str:
        return ""


def told(definition: Definition, *answers: Answer) -> Story:
    return play(definition, One(definition), office(), MONDAY, {"received_on": MONDAY}, {}, answers, days=60)


REVIEW = """
states:
  review:
    title: Review
    initial: true
    join: {join}
    tasks:
      - {{id: privacy_view, role: privacy, title: Privacy, due: 10 business_days, outcomes: {{fine: {fine}, no: {no}}}}}
      - {{id: legal_view, role: legal, title: Legal, due: 10 business_days, outcomes: {{fine: {fine}, no: {no}}}}}
    {joined}
  good: {{title: Good, final: good}}
  bad: {{title: Bad, final: bad}}
"""
RECORDS = "{}"


def review(join: str) -> Definition:
    joined = "" if join == "any" else "joined: good"
    ways = {"any": ("good", "bad"), "all": (RECORDS, RECORDS), "veto": (RECORDS, "bad")}
    fine, no = ways[join]
    text = FACTS + REVIEW.format(join=join, fine=fine, no=no, joined=joined)
    return compiled(text if join != "all" else text.replace("  bad: {title: Bad, final: bad}\n", ""))


FINE_1, FINE_2 = Answer(D(2027, 3, 2), "privacy_view", "fine"), Answer(D(2027, 3, 3), "legal_view", "fine")
NO_2 = Answer(D(2027, 3, 3), "legal_view", "no")


@pytest.mark.parametrize(("join", "answers", "state", "why"), [
    ("any", [FINE_1], "good", "the first answer decides"),
    ("all", [FINE_1], "review", "the other one is still asked"),
    ("all", [FINE_1, FINE_2], "good", "everybody has answered"),
    ("all", [FINE_1, NO_2], "good", "an answer that only records does not stop"),
    ("veto", [FINE_1, FINE_2], "good", "nobody objected"),
    ("veto", [NO_2], "bad", "one objection decides at once"),
    ("veto", [FINE_1, NO_2], "bad", "also the last one"),
])  # fmt: skip
def test_joins(join: str, answers: list[Answer], state: str, why: str) -> None:
    assert told(review(join), *answers).case.state == state, why


def test_what_was_not_answered_is_closed_when_the_state_is_left() -> None:
    story = told(review("veto"), NO_2)
    assert [line.detail["name"] for line in story.of("task_closed")] == ["privacy_view"]


CLOCKED = """
facts:
  received_on: {type: date, label: Received}
  heard_on: {type: date, label: Heard}
  days: {type: int, label: Days in the contract}
clocks:
  first: {rule: R-CORR-OPERATOR, title: First, anchor: {earliest: [received_on, heard_on]}, days: days,
          satisfied_by: [look.done], ladder: LONG, owner: custodian}
  tied: {rule: R-COPY-ISSRA-EXT, title: Tied, anchor: {clock: first}, satisfied_by: [look.done], ladder: SHORT,
         owner: custodian}
states:
  open:
    title: Open
    initial: true
    tasks:
      - {id: look, role: custodian, title: Look, form: [{fact: heard_on, optional: true}, {fact: days, optional: true}],
         due: 5 business_days, outcomes: {done: ended}}
  ended: {title: Ended, final: ended}
"""


def recorded(values: Mapping[str, FactValue], second: str | None = None) -> Case:
    definition = compiled(CLOCKED)
    command = StartCase("2027-0001", by("cus"), {"received_on": D(2027, 2, 20)}, {})
    case = start(definition, command, NOW, office()).case
    return decide(definition, case, RecordFacts(values, by("cus"), "learned", second), NOW, office()).case


def by(person: str) -> Actor:
    known = PEOPLE[person]
    return Actor("person", known.id, known.name, known.roles)


@pytest.mark.parametrize(("values", "anchor", "legal", "generation"), [
    ({}, D(2027, 2, 20), D(2027, 5, 21), 1),
    ({"heard_on": D(2027, 2, 10)}, D(2027, 2, 10), D(2027, 5, 11), 2),
    ({"heard_on": D(2027, 2, 25)}, D(2027, 2, 20), D(2027, 5, 21), 1),
    ({"days": 30}, D(2027, 2, 20), D(2027, 3, 22), 2),
    ({"days": 120}, D(2027, 2, 20), D(2027, 5, 21), 1),
])  # fmt: skip
def test_earliest_of_two_and_a_contracts_shorter_days(
    values: Mapping[str, FactValue], anchor: D, legal: D, generation: int
) -> None:
    clock = recorded(values).clocks["first"]
    assert (clock.anchor, clock.legal, clock.generation) == (anchor, legal, generation)


def test_a_tied_clock_moves_with_the_other_in_the_same_decision() -> None:
    clocks = recorded({"heard_on": D(2027, 2, 10)}).clocks
    assert clocks["tied"].anchor == clocks["first"].legal == D(2027, 5, 11)
    assert clocks["tied"].generation == 2


WINDOW = FACTS + """
clocks:
  appeal: {rule: R-HEAR-APPEAL, title: Appeal, anchor: received_on, satisfied_by: [appeal_made.yes], owner: custodian}
states:
  open:
    title: Open
    initial: true
    expires: {appeal: over}
    tasks:
      - {id: appeal_made, role: custodian, offered: true, title: Appeal, outcomes: {yes: appealed}}
  over: {title: Over, final: over}
  appealed: {title: Appealed, final: appealed}
"""


def test_a_window_passes_by_itself_on_the_day_after_its_last() -> None:
    story = told(compiled(WINDOW))
    (passed,) = story.of("clock_expired")
    assert passed.detail["on"] == "2027-03-29"
    assert passed.at == dt.datetime(2027, 3, 30, 5, 0, tzinfo=dt.UTC)
    assert story.case.outcome == "over"
    assert story.of("rung_fired") == []


def test_a_right_that_is_used_in_time_does_not_expire() -> None:
    story = told(compiled(WINDOW), Answer(D(2027, 3, 29), "appeal_made", "yes"))
    assert (story.case.outcome, story.case.clocks["appeal"].status) == ("appealed", "satisfied")


AFTER = FACTS + """
states:
  waiting: {title: Waiting, initial: true, after: {10 school_days: ended}}
  ended: {title: Ended, final: ended}
"""


def test_time_moves_a_case_when_the_whole_of_it_has_passed() -> None:
    entered = told(compiled(AFTER)).of("state_entered")
    assert [line.detail["state"] for line in entered] == ["waiting", "ended"]
    assert entered[1].at == dt.datetime(2027, 3, 16, 5, 0, tzinfo=dt.UTC)


def without(school: SchoolDays) -> Office:
    return replace(office(), calendars=replace(office().calendars, school=school))


def fired(where: Office, on: dt.date) -> Decision:
    definition = compiled(AFTER)
    case = start(definition, StartCase("2027-0001", by("cus"), {"received_on": MONDAY}, {}), NOW, office()).case
    now = dt.datetime.combine(on, dt.time(6), dt.UTC)
    return decide(definition, case, FireTimer("after/1/waiting"), now, where)


def test_no_right_ends_by_school_days_that_nobody_has_entered() -> None:
    holidays = frozenset({D(2027, 3, 5)})
    decision = fired(without(replace(NOT_ENTERED, holidays=holidays)), D(2027, 4, 1))
    assert decision.case.state == "waiting"
    told = [effect for effect in decision.effects if isinstance(effect, Notify)]
    assert [(line.recipient, line.text) for line in told] == [
        ("person:ada", "'Waiting' cannot end before the school calendar is entered")]
    (again,) = [effect for effect in decision.effects if isinstance(effect, SetTimer)]
    assert (again.key, again.at) == ("after/1/waiting/2027-04-02", dt.datetime(2027, 4, 2, 5, 0, tzinfo=dt.UTC))


def test_a_calendar_that_is_entered_later_moves_the_end_of_a_state() -> None:
    spring = frozenset(D(2027, 3, day) for day in range(8, 13))
    at = without(SchoolDays("later", spring, D(2026, 8, 17), D(2027, 6, 8)))
    early, due = fired(at, D(2027, 3, 16)), fired(at, D(2027, 3, 24))
    assert (early.case.state, due.case.state) == ("waiting", "ended")
    (again,) = [effect for effect in early.effects if isinstance(effect, SetTimer)]
    assert again.at == dt.datetime(2027, 3, 23, 5, 0, tzinfo=dt.UTC)


ASKED = """
facts:
  received_on: {type: date, label: Received}
  owner: {type: person, label: Owner}
states:
  first:
    title: First
    initial: true
    tasks: [{id: name, role: custodian, title: Name, form: [owner], due: 5 business_days, outcomes: {done: second}}]
  second:
    title: Second
    tasks: [{id: act, person: owner, title: Act, due: 5 business_days, outcomes: {done: third}}]
  third:
    title: Third
    tasks: [{id: approve, role: privacy, title: Approve, approval: true, due: 5 business_days, outcomes: {done: ended}}]
  ended: {title: Ended, final: ended}
"""


def absent(person: str, deputy: str | None) -> Office:
    away = replace(PEOPLE[person], absent=(D(2027, 2, 1), D(2027, 12, 1)), deputy=deputy)
    return replace(office(), people={**PEOPLE, person: away})


def walked(by_start: str, *steps: tuple[str, str, dict[str, FactValue]], where: Office | None = None) -> Case:
    definition, at = compiled(ASKED), where or office()
    case = start(definition, StartCase("2027-0001", by(by_start), {"received_on": MONDAY}, {}), NOW, at).case
    for task, person, values in steps:
        found = case.open_task(task)
        assert found is not None
        case = decide(definition, case, CompleteTask(found.id, "done", values, by(person)), NOW, at).case
    return case


def asked(case: Case, task: str) -> tuple[tuple[str, ...], str | None]:
    found = case.open_task(task)
    assert found is not None
    return found.assignees, found.instead_of


def test_a_person_named_in_a_fact_is_asked() -> None:
    assert asked(walked("cus", ("name", "cus", {"owner": "dan"})), "act") == (("dan",), None)


def test_a_deputy_stands_in_and_both_names_are_kept() -> None:
    case = walked("cus", ("name", "cus", {"owner": "dan"}), where=absent("dan", "hea"))
    assert asked(case, "act") == (("hea",), "dan")


def test_deputies_in_a_circle_end_with_the_stand_in_for_the_role() -> None:
    people = dict(absent("cus", "dan").people)
    people["dan"] = replace(people["dan"], absent=people["cus"].absent, deputy="cus")
    where = replace(office(), people=people, stand_ins={"custodian": "hea"})
    assert asked(walked("ada", where=where), "name") == (("hea",), None)


def test_nobody_approves_their_own_request() -> None:
    steps: tuple[tuple[str, str, dict[str, FactValue]], ...] = (("name", "cus", {"owner": "dan"}), ("act", "dan", {}))
    case = walked("ada", *steps)
    assert asked(case, "approve")[0] == ("sup",)
    with pytest.raises(NotAllowed, match="may not"):
        walked("ada", *steps, ("approve", "ada", {}))
    assert asked(walked("cus", *steps), "approve")[0] == ("ada",)


CHASED = FACTS + """
parties:
  operator: {kind: operator, label: Operator}
clocks:
  theirs: {rule: R-CORR-OPERATOR, title: Theirs, anchor: received_on, satisfied_by: [answer.done], ladder: LONG,
           owner: privacy, chases: operator}
states:
  open:
    title: Open
    initial: true
    tasks: [{id: answer, party: operator, title: Answer, due: 10 business_days, outcomes: {done: ended}}]
  ended: {title: Ended, final: ended}
"""
REACHED = Contact("Learn Inc", "learn@example.org")


def chased(parties: Mapping[str, Contact], days: int = 140) -> tuple[Story, set[str]]:
    """The story of an operator that never answers, and who read the lines of its briefs."""
    definition = compiled(CHASED)
    story = play(definition, One(definition), office(), MONDAY, {"received_on": MONDAY}, parties, days=days)
    return story, {line.detail["to"] for line in story.of("brief_line")}


def test_a_party_is_asked_and_reminded_by_lines_of_its_one_mail_a_day() -> None:
    story, readers = chased({"operator": REACHED})
    assert story.of("mail") == []
    assert readers == {"party:operator", "person:ada", "person:pro"}
    weekly = [line.at.date() for line in story.of("rung_fired") if line.detail["rung"] == "digest"]
    assert len(weekly) > 2
    theirs = {(line.at.date(), line.detail["of"]) for line in story.of("brief_line")
              if line.detail["to"] == "party:operator"}
    assert {(day, "theirs") for day in weekly} <= theirs
    assert {of for _, of in theirs} == {"theirs", "S-1-1"}


def test_whom_a_mail_of_the_same_decision_asks_is_not_asked_twice() -> None:
    text = CHASED.replace("clocks:", "mails: {please: {to: operator, task: answer}}\nclocks:")
    definition = compiled(text.replace("    title: Open\n", "    title: Open\n    send: [please]\n"),
                          {"please.en": "Subject: Please answer\n\n{{ link }}\n"})
    story = play(definition, One(definition), office(), MONDAY, {"received_on": MONDAY}, {"operator": REACHED}, days=3)
    assert [line.detail["mail"] for line in story.of("mail")] == ["please"]
    assert story.of("brief_line") == []


@pytest.mark.parametrize("parties", [
    {"operator": Contact("Learn Inc", None)}, {"operator": replace(REACHED, paper=True)}, {}])
def test_the_custodian_reads_the_reminders_of_a_party_that_reads_no_mail(parties: Mapping[str, Contact]) -> None:
    story, readers = chased(parties)
    assert readers == {"person:cus", "person:ada", "person:pro"}
    assert not [line for line in story.of("rung_fired") if "party:" in line.detail["to"]]


TARGETED = FACTS + """  promised: {type: int, label: Days of the contract}
parties:
  operator: {kind: operator, label: Operator}
states:
  open:
    title: Open
    initial: true
    tasks:
      - id: answer
        party: operator
        title: Answer
        due: {day: 30, days: promised}
        ladder: CERTIFICATE
        outcomes: {done: ended}
  ended: {title: Ended, final: ended}
"""


@pytest.mark.parametrize(("promised", "due", "rungs"), [
    (None, D(2027, 3, 31), [("day_10", 11), ("day_20", 19), ("target", 31)]),
    (12, D(2027, 3, 12), [("day_10", 11), ("target", 12)])])
def test_a_target_takes_its_days_from_a_fact_and_its_rungs_from_a_ladder_of_its_own(
    promised: int | None, due: dt.date, rungs: list[tuple[str, int]]
) -> None:
    definition = compiled(TARGETED)
    given: dict[str, FactValue] = {"received_on": MONDAY}
    if promised is not None:
        given["promised"] = promised
    story = play(definition, One(definition), office(), MONDAY, given, {"operator": REACHED}, days=30)
    (opened,) = story.of("task_opened")
    assert opened.detail["due"] == due.isoformat()
    fired = story.of("rung_fired")
    assert [(line.detail["rung"], line.at.day) for line in fired if line.detail["rung"] != "weekly"] == rungs
    assert {line.detail["to"] for line in fired if line.detail["rung"] == "day_10"} == {"party:operator"}
    assert {line.detail["to"] for line in fired if line.detail["rung"] == "target"} == {"party:operator, person:ada"}


def test_an_outsider_is_told_the_laws_own_date_and_the_office_its_target() -> None:
    definition = compiled(CHASED)
    command = StartCase("2027-0001", by("cus"), {"received_on": MONDAY}, {"operator": REACHED})
    case = start(definition, command, NOW, office()).case
    key = f"rung/theirs/1/third_1/{D(2027, 3, 30)}"
    lines = {effect.recipient: (effect.date, effect.legal)
             for effect in decide(definition, case, FireTimer(key), NOW, office()).effects
             if isinstance(effect, Notify)}
    clock = case.clocks["theirs"]
    assert clock.target != clock.legal
    assert lines == {"party:operator": (clock.legal, True), "person:ada": (clock.target, False)}


@pytest.mark.parametrize("contact", [Contact("X", "x@example.org", paper=True), Contact("X", None)])
def test_a_contact_reads_mail_only_with_an_address_and_without_a_wish_for_paper(contact: Contact) -> None:
    assert not contact.reads_mail


def test_a_story_that_never_rests_is_stopped() -> None:
    circle = FACTS + """
states:
  one: {title: One, initial: true, always: [{when: "received_on < date('2020-01-01')", to: ended}, {else: two}]}
  two: {title: Two, always: one}
  ended: {title: Ended, final: ended}
"""
    with pytest.raises(SoppaError, match="turns in a circle through 'one' and 'two'"):
        told(compiled(circle))


SIGNED = FACTS + """  needs_legal: {type: bool, label: Legal must look at it}
states:
  asking:
    title: Asking
    initial: true
    tasks: [{id: ask, role: privacy, title: Ask, form: [needs_legal], due: 2 business_days, outcomes: {go: signing}}]
  signing:
    title: Signing
    join: veto
    KIND
    tasks:
      - {id: sign_privacy, role: privacy, title: Sign, due: 2 business_days, outcomes: {yes: {}, no: refused}}
      - {id: sign_legal, role: legal, when: needs_legal, title: Sign, due: 2 business_days,
         outcomes: {yes: {}, no: refused}}
    joined: agreed
  agreed: {title: Agreed, final: agreed}
  refused: {title: Refused, final: refused}
"""


def signing(kind: str, *, legal: bool) -> tuple[Definition, Case, Office]:
    """A case in which a privacy officer who is legal too is asked for one or two signatures."""
    definition = compiled(SIGNED.replace("KIND", kind))
    both = {**PEOPLE, "ada": replace(PEOPLE["ada"], roles=frozenset({"privacy", "legal"})),
            "leg": replace(PEOPLE["leg"], roles=frozenset())}
    house = replace(office(), people=both)
    case = start(definition, StartCase("1", ADA, {"received_on": MONDAY}, {}), NOW, house).case
    return definition, answered(definition, case, house, "ask", "go", needs_legal=legal), house


def answered(
    definition: Definition, case: Case, house: Office, name: str, outcome: str, *also: str, **values: FactValue
) -> Case:
    task = case.open_task(name)
    assert task is not None
    further = tuple((other.id, None) for other in case.tasks if other.name in also)
    command = CompleteTask(task.id, outcome, values, ADA, also=further)
    return decide(definition, case, command, NOW, house).case


ADA = Actor("person", "ada", "Ada Priv", frozenset({"privacy", "legal"}))


def test_a_task_is_asked_only_where_its_guard_holds() -> None:
    definition, case, house = signing("", legal=False)
    assert [task.name for task in case.tasks] == ["sign_privacy"]
    assert answered(definition, case, house, "sign_privacy", "yes").state == "agreed"


def test_one_person_in_two_roles_answers_once_and_it_stands_for_each() -> None:
    definition, case, house = signing("", legal=True)
    both = CompleteTask(case.tasks[0].id, "yes", {}, ADA, also=((case.tasks[1].id, None),))
    decision = decide(definition, case, both, NOW, house)
    done = [event.detail for event in decision.events if event.kind == "task_completed"]
    assert [(line["name"], line["role"]) for line in done] == [("sign_privacy", "privacy"), ("sign_legal", "legal")]
    assert decision.case.state == "agreed"


def test_a_first_answer_that_moves_on_leaves_the_others() -> None:
    definition, case, house = signing("", legal=True)
    assert answered(definition, case, house, "sign_privacy", "no", "sign_legal").state == "refused"


def test_distinct_signatures_take_distinct_persons() -> None:
    definition, case, house = signing("distinct: true", legal=True)
    assert [task.assignees for task in case.tasks] == [("ada",), ("sup",)]
    after = answered(definition, case, house, "sign_privacy", "yes")
    with pytest.raises(NotAllowed, match="has signed 'sign_privacy' already"):
        answered(definition, after, house, "sign_legal", "yes")


def test_signatures_of_distinct_persons_are_no_first_answer() -> None:
    with pytest.raises(SoppaError, match="need 'join: all' or 'veto'"):
        compiled(SIGNED.replace("KIND", "distinct: true").replace("join: veto", "join: any"))


GUARDED = FACTS + """  count: {type: int, label: Residents}
clocks:
  tell: {rule: R-BREACH-PARENT, title: Tell, anchor: received_on, satisfied_by: [tell.told], ladder: MID,
         owner: privacy}
  attorney: {rule: R-BREACH-AG, title: Attorney General, when: count > 500, satisfied_by: [file.filed], ladder: SHORT,
             anchor: {earliest: [{event: tell.told}, {clock: tell}]}, void_by: [file.not_needed], owner: legal}
states:
  open:
    title: Open
    initial: true
    join: all
    tasks:
      - {id: tell, role: privacy, title: Tell, due: 2 business_days, outcomes: {told: {}}}
      - {id: count_them, role: privacy, title: Count, form: [count], due: 2 business_days, outcomes: {counted: {}}}
      - {id: file, role: legal, title: File, due: 2 business_days, outcomes: {filed: {}, not_needed: {}}}
    joined: ended
  ended: {title: Ended, final: ended}
"""


def guarded(*done: tuple[str, str, int | None], holding: bool = False) -> Case:
    definition = compiled(GUARDED)
    house = office()
    case = start(definition, StartCase("1", ADA, {"received_on": MONDAY}, {}), NOW, house).case
    if holding:
        request = PlaceHold("Sheriff", "Roe", "1", MONDAY, "paper", ADA)
        case = decide(definition, case, request, NOW, house).case
    for name, outcome, count in done:
        task = case.open_task(name)
        assert task is not None
        values: dict[str, FactValue] = {} if count is None else {"count": count}
        case = decide(definition, case, CompleteTask(task.id, outcome, values, SYSTEM), NOW, house).case
    return case


@pytest.mark.parametrize(("count", "begins"), [(None, False), (500, False), (501, True)])
def test_a_clock_with_a_guard_begins_only_if_it_holds(count: int | None, begins: bool) -> None:
    done = [] if count is None else [("count_them", "counted", count)]
    assert ("attorney" in guarded(*done).clocks) is begins


def test_a_tied_clock_is_due_with_the_other_and_on_the_day_of_the_event_when_that_is_earlier() -> None:
    assert guarded(("count_them", "counted", 501)).clocks["attorney"].legal == D(2027, 3, 31)
    assert guarded(("count_them", "counted", 501), ("tell", "told", None)).clocks["attorney"].legal == MONDAY
    assert guarded(("tell", "told", None), ("count_them", "counted", 501)).clocks["attorney"].legal == MONDAY


def test_a_tied_clock_has_no_date_while_the_other_is_held() -> None:
    assert guarded(("count_them", "counted", 501), holding=True).clocks.get("attorney") is None
    definition, case = compiled(GUARDED), guarded(("count_them", "counted", 501))
    held = decide(definition, case, PlaceHold("Sheriff", "Roe", "1", MONDAY, "paper", ADA), NOW, office()).case
    attorney = held.clocks["attorney"]
    assert (attorney.legal, attorney.reason) == (None, "the date that it follows has none now")


def test_a_guard_that_holds_no_longer_voids_its_clock_and_takes_a_second_person() -> None:
    definition, case = compiled(GUARDED), guarded(("count_them", "counted", 501))
    fewer = RecordFacts({"count": 400}, ADA, "counted again")
    with pytest.raises(NeedsSecond, match="attorney: 2027-03-31 becomes void"):
        decide(definition, case, fewer, NOW, office())
    after = decide(definition, case, replace(fewer, second="sup"), NOW, office()).case
    attorney = after.clocks["attorney"]
    assert (attorney.status, attorney.reason) == ("void", "it applies only if count > 500")


LINKED = FACTS + """
children: {listing: {process: website_posting, joined: false, otherwise: Put it on the list by hand.}}
states:
  open: {title: Open, initial: true, tasks: [
    {id: look, role: privacy, title: Look, due: 2 business_days, outcomes: {done: {to: ended, start: [listing]}}}]}
  ended: {title: Ended, final: ended}
"""


def linked(processes: frozenset[str]) -> Decision:
    definition, house = compiled(LINKED), replace(office(), processes=processes)
    case = start(definition, StartCase("1", ADA, {"received_on": MONDAY}, {}), NOW, house).case
    return decide(definition, case, CompleteTask(case.tasks[0].id, "done", {}, ADA), NOW, house)


def test_a_linked_case_is_started_where_the_office_has_its_process() -> None:
    (started,) = [effect for effect in linked(frozenset({"website_posting"})).effects if isinstance(effect, StartChild)]
    assert (started.process, started.child) == ("website_posting", "listing")


def test_a_linked_case_of_a_process_that_is_not_there_is_a_task_that_says_what_to_do() -> None:
    definition, decision = compiled(LINKED), linked(frozenset())
    assert not [effect for effect in decision.effects if isinstance(effect, StartChild)]
    (task,) = decision.case.tasks
    assert (task.title, task.assignees, decision.case.is_open) == ("Put it on the list by hand.", ("ada",), False)
    done = decide(definition, decision.case, CompleteTask(task.id, "done", {}, ADA), NOW, office()).case
    assert done.tasks[0].outcome == "done"


@pytest.mark.parametrize(("second", "gaps"), [(None, 1), ("sup", 0), ("ada", 1)])
def test_signatures_that_no_two_people_can_give_are_named(second: str | None, gaps: int) -> None:
    definition, _, house = signing("distinct: true", legal=True)
    found = [gap for gap in gaps_in(definition, replace(house, second_person=second)) if "distinct persons" in gap]
    assert len(found) == gaps


BEFORE = FACTS + """clocks:
  post: {rule: R-POST-CONTRACT, title: Post, anchor: received_on, satisfied_by: [publish.published], ladder: SHORT,
         owner: web}
states:
  talking:
    title: Talking
    initial: true
    tasks: [{id: agree, role: legal, title: Agree, due: 2 business_days, outcomes: {agreed: ready}}]
    after: {before: 2 business_days, of: post, to: ready}
  ready: {title: Ready, tasks: [
    {id: publish, role: web, title: Publish, due: 1 business_days, outcomes: {published: ended}}]}
  ended: {title: Ended, final: ended}
"""


def state_on(story: Story, name: str) -> dt.date:
    entered = next(line for line in story.of("state_entered") if line.detail["state"] == name)
    return office().today(entered.at)


def test_a_state_is_left_so_long_before_the_date_of_a_clock() -> None:
    definition = compiled(BEFORE)
    story = play(definition, One(definition), office(), MONDAY, {"received_on": MONDAY}, {}, (), days=30)
    assert story.case.clocks["post"].target == D(2027, 3, 15)
    assert state_on(story, "ready") == D(2027, 3, 11)


def test_the_day_moves_with_the_clock() -> None:
    definition, house = compiled(BEFORE), office()
    case = start(definition, StartCase("1", ADA, {"received_on": D(2027, 2, 26)}, {}), NOW, house).case
    decision = decide(definition, case, RecordFacts({"received_on": MONDAY}, ADA, "misread", "sup"), NOW, house)
    (timer,) = [one for one in decision.effects if isinstance(one, SetTimer) and one.key.startswith("after/")]
    assert timer.key == "after/1/talking/2027-03-11"
    early, old = dt.datetime(2027, 3, 10, 18, 0, tzinfo=dt.UTC), FireTimer("after/1/talking/2027-03-10")
    assert decide(definition, decision.case, old, early, house).case.state == "talking"
    assert decide(definition, decision.case, FireTimer(timer.key), timer.at, house).case.state == "ready"
