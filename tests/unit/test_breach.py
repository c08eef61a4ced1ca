"""What the response to a breach refuses: letters that lack what the Act wants, releases too early or by one person."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import pytest

from engine.law.calendar import SchoolDays
from engine.law.clocks import Calendars
from engine.model.definition import Scenario
from engine.model.office import Reference
from engine.proof.rehearse import rehearse
from notifiers.render import names_in, render_mail
from tests.office import calendars
from workflows import Catalogue

CATALOGUE = Catalogue()
BREACH = CATALOGUE.newest("breach_response")
Values = Mapping[str, str]
GIVEN = {"reporter": "staff", "source": "operator", "first_known_on": "2026-05-04", "report": "A list was open",
         "families_count": "120", "families_spanish": "0", "families_other": "0"}  # fmt: skip
SPANISH = {"what_es": "Una lista estuvo abierta.", "data_es": "Nombres.", "remedy_es": "La cerramos."}
LETTER = {"happened_on": "2026-04-28", "how_sure": "estimate", "what_en": "A list was open.", "data_en": "Names.",
          "remedy_en": "We closed it.", "operator_shown": "Reader", "operator_how": "555-0199", "spanish_read": "no",
          "read_aloud": "yes", "names_no_count": "yes"}  # fmt: skip


def step(on: str, do: str, **values: str) -> Mapping[str, object]:
    return {"on": f"2026-05-{on}", "do": do, "with": values}


def until_drafted(letter: Values = LETTER, pipa: str = "none", residents: str = "0") -> list[Mapping[str, object]]:
    return [
        step("04", "accept.ask_operator", operator_involved="yes", operator_contact="Vera <v@vendor.example>",
             operator_notice_on="2026-05-04"),
        step("06", "assess.breach", acquired="yes", covered="yes", pipa_data=pipa, encrypted="no", staff_affected="no"),
        step("07", "determine.determine"),
        step("08", "decide_ag.not_needed", residents=residents),
        step("11", "draft.ready", **letter),
    ]  # fmt: skip


def until_released(pipa: str, channel: str, **given: str) -> list[Mapping[str, object]]:
    signed = [step("14", "approve.approve"), *([step("14", "approve_legal.approve")] if pipa != "none" else [])]
    return [*until_drafted(pipa=pipa), *signed, step("20", "release.release", channel=channel), *(
        [] if given else [step("20", "release_second.release")])]  # fmt: skip


def told(steps: list[Mapping[str, object]], as_of: dt.date | None = None, **given: str) -> str:
    """What is said when a story is played whose mails nobody expects anything of."""
    days = calendars()
    school = SchoolDays("x", frozenset(), dt.date(2021, 1, 1), dt.date(2040, 12, 31))
    story = Scenario("x", "2026-05-04", {**GIVEN, **given}, tuple(steps), {}, "here")
    texts = {name: {"en": name} for name in ("equifax", "experian", "transunion", "ftc")}
    fresh = {"agencies": Reference("agencies", as_of or dt.date(2026, 5, 4), texts)}
    counted = Calendars(days.statutory, days.strict, school)
    return " ".join(rehearse(replace(BREACH, scenarios=(story,)), CATALOGUE, counted, fresh))


def test_a_letter_that_says_all_is_taken() -> None:
    assert told(until_drafted()) == ""


@pytest.mark.parametrize(("left_out", "pipa", "sentence"), [
    ({"operator_how": ""}, "none", "name it, and say how a parent reaches it (105 ILCS 85/27(d))"),
    ({"operator_shown": ""}, "none", "name it, and say how a parent reaches it"),
    ({"spanish_read": "yes"}, "none", "write what happened, which data and what you do about it in Spanish too"),
    ({"spanish_read": "yes", **SPANISH}, "none", "have somebody who reads it well read the Spanish letter"),
    ({"happened_on": "2026-05-12"}, "none", "happened_on: 2026-05-12 is in the future; today is 2026-05-11"),
    ({"happened_until": "2026-05-12"}, "none", "happened_until: 2026-05-12 is in the future"),
    ({"happened_until": "2026-04-27"}, "none", "happened_until: 2026-04-27 is before 2026-04-28"),
    ({"read_aloud": "no"}, "none", "Have somebody outside the office read the letter first"),
    ({"names_no_count": "no"}, "type_1", "the letter must not say how many residents are affected"),
])  # fmt: skip
def test_a_letter_that_lacks_something_is_not_ready(left_out: Values, pipa: str, sentence: str) -> None:
    letter = {name: value for name, value in {**LETTER, **left_out}.items() if value}
    assert sentence in told(until_drafted(letter, pipa))


def test_a_count_is_allowed_where_pipa_does_not_apply() -> None:
    assert told(until_drafted({**LETTER, "names_no_count": "no"})) == ""


@pytest.mark.parametrize(("pipa", "channel", "sentence"), [
    ("none", "as_wished", ""),
    ("type_1", "as_wished", "a family that has not consented to electronic notice gets a letter by post"),
    ("type_1", "post_without_consent", ""),
    ("type_2", "post_without_consent", "an address whose account may be in other hands gets a letter by post"),
    ("both", "post_if_address_leaked", ""),
])  # fmt: skip
def test_how_the_letters_may_go_out(pipa: str, channel: str, sentence: str) -> None:
    found = told(until_released(pipa, channel))
    assert sentence in found if sentence else found == ""


def test_a_letter_is_written_in_what_the_imported_families_read() -> None:
    assert "Imported families read Spanish" in told(until_drafted(), families_spanish="3")
    spanish = {**LETTER, **SPANISH, "spanish_read": "yes", "spanish_reviewed_by": "Rosa"}
    assert told(until_drafted(spanish), families_spanish="3") == ""


def test_a_language_without_a_letter_is_answered_for_before_the_release() -> None:
    steps = until_released("none", "as_wished", families_other="2")
    assert "Families read a language in which there is no letter" in told(steps, families_other="2")
    steps[-1] = step("20", "release.release", channel="as_wished", other_told="An interpreter calls them")
    assert told(steps, families_other="2") == ""


def test_nothing_is_released_while_nobody_is_to_be_told() -> None:
    assert "Import the affected families first" in told(until_released("none", "as_wished"), families_count="0")


def test_nothing_is_released_while_a_hold_stands() -> None:
    held = [*until_drafted(), step("14", "approve.approve"), step("15", "hold.place"),
            step("15", "release.release", channel="as_wished")]  # fmt: skip
    assert "a law-enforcement hold stands, release it first" in told(held)


def test_more_than_500_residents_are_not_waved_through() -> None:
    steps = until_drafted(pipa="type_1", residents="501")
    assert "More than 500 residents under PIPA: the Attorney General is told" in told(steps)
    assert told(until_drafted(residents="501")) == ""  # without PIPA there is nobody to tell


def test_an_unknown_share_is_listed() -> None:
    def omitted(**shares: str) -> str:
        left_out = step("22", "judge_list.omit", omit_ground="below", omit_reason="few", **shares)
        return told([*until_released("none", "as_wished"), left_out])

    assert "or the share is not known: it is listed" in omitted()
    assert omitted(school_share="9", district_share="1") == ""
    assert "It reaches the percentage" in omitted(school_share="10", district_share="1")


def test_a_breach_of_nobodys_date_is_not_determined() -> None:
    steps = [step("04", "accept.take", operator_involved="no"),
             step("05", "assess.breach", acquired="yes", covered="yes", pipa_data="none", encrypted="no",
                  staff_affected="no")]  # fmt: skip
    assert "the earlier one starts the 30 days" in told(steps, source="staff")


@pytest.mark.parametrize(("answer", "dates", "sentence"), [
    ("earlier.recorded", {"operator_notice_on": "2026-05-07"}, "parents: 2026-06-03 becomes 2026-06-08"),
    ("earlier.recorded", {"operator_notice_on": "2026-05-07"}, "correct that date with 'soppa record "),
    ("earlier.recorded", {"district_determined_on": "2026-05-07"}, ""),  # later than the notice, which counts
    ("earlier.recorded", {"operator_notice_on": "2026-05-03"}, ""),
])  # fmt: skip
def test_one_persons_answer_moves_no_legal_date_later(answer: str, dates: Values, sentence: str) -> None:
    found = told([*until_drafted()[:3], step("08", answer, **dates)])
    assert sentence in found if sentence else found == ""


@pytest.mark.parametrize(("on", "sentence"), [
    ("05-08", "The parents are told first"),
    ("06-03", "The parents are told first"),  # the legal date itself
    ("06-04", ""),
])  # fmt: skip
def test_the_public_list_waits_for_the_parents_or_for_their_legal_date(on: str, sentence: str) -> None:
    found = told([*until_drafted(), {"on": f"2026-{on}", "do": "list_now.go_on", "with": {}}])
    assert sentence in found if sentence else found == ""


def test_the_public_list_waits_while_a_hold_leaves_the_parents_without_a_date() -> None:
    steps = [step("10", "hold.place"), step("11", "confirm_hold_privacy.confirm"),
             step("11", "confirm_hold_legal.confirm")]  # fmt: skip
    assert "a law-enforcement hold stands" in told([*until_drafted()[:4], *steps, step("12", "list_now.go_on")])


def test_what_is_offered_and_leads_nowhere_is_offered_again() -> None:
    known = [step("08", "enter_answer.answered"), step("09", "enter_answer.answered"),
             step("10", "earlier.recorded", operator_notice_on="2026-05-03"),
             step("10", "earlier.recorded", operator_notice_on="2026-05-01")]  # fmt: skip
    assert told([*until_drafted()[:3], *known]) == ""


def until_closing(pipa: str, residents: str) -> list[Mapping[str, object]]:
    channel = "as_wished" if pipa == "none" else "post_without_consent"
    return [
        *until_drafted(pipa=pipa, residents=residents)[:4], *until_released(pipa, channel)[4:],
        step("22", "contain.contained", contained_on="2026-05-22"), step("22", "clean.clean"),
        step("22", "tell_carrier.told", carrier_told_on="2026-05-22"), step("22", "count_costs.claim"),
        step("22", "claim.in_time"), step("22", "act_on_agreement.without"),
        step("22", "judge_list.omit", omit_ground="below", omit_reason="few", school_share="1", district_share="1"),
    ]  # fmt: skip


def test_residents_found_late_keep_the_case_open_until_the_attorney_general_is_told() -> None:
    late = [*until_closing("type_1", "400"), step("25", "more_residents.recorded", residents="600")]
    assert "legal tells the Attorney General first" in told([*late, step("26", "close.close")])
    filed = step("26", "tell_late.filed", residents="600", filed_on="2026-05-26")
    assert told([*late, filed, step("27", "close.close")]) == ""


def test_residents_found_late_are_told_of_before_the_other_tracks_are_done() -> None:
    late = [*until_closing("type_1", "400")[:9], step("25", "more_residents.recorded", residents="600"),
            step("26", "tell_late.filed", residents="600", filed_on="2026-05-26")]  # fmt: skip
    assert told(late) == ""


@pytest.mark.parametrize(("ground", "acquired", "covered", "sentence"), [
    ("not_covered", "yes", "yes", "that none is, is no ground"),
    ("not_covered", "yes", "no", ""),
    ("good_faith", "yes", "yes", "it was not got in good faith only"),
    ("good_faith", "good_faith", "yes", ""),
    ("nobody_got_it", "yes", "no", "that nobody got it is no ground"),
    ("nobody_got_it", "good_faith", "yes", "that nobody got it is no ground"),
    ("nobody_got_it", "no", "yes", ""),
])  # fmt: skip
def test_no_breach_agrees_with_its_own_answers(ground: str, acquired: str, covered: str, sentence: str) -> None:
    assessed = step("06", "assess.no_breach", acquired=acquired, covered=covered, no_breach_ground=ground,
                    no_breach_reason="The log")  # fmt: skip
    found = told([until_drafted()[0], assessed])
    assert sentence in found if sentence else found == ""


@pytest.mark.parametrize(("field", "words", "quoted"), [
    ("what_en", "Data of 1,240 Illinois residents was taken.", "“1,240 Illinois residents”"),
    ("data_en", "Names. Students concerned: 40.", "“Students concerned: 40”"),
    ("remedy_en", "We wrote to two hundred families.", "“two hundred families”"),
    ("what_es", "Se vieron los datos de 1.240 residentes.", "“1.240 residentes”"),
    ("data_es", "Nombres de cientos de estudiantes.", "“cientos de estudiantes”"),
    ("what_en", "On May 2 students saw the list of grade 5 students, which was open for 3 days in 2026.", ""),
])  # fmt: skip
def test_under_pipa_a_letter_that_counts_people_is_refused_with_its_words(field: str, words: str, quoted: str) -> None:
    found = told(until_drafted({**LETTER, field: words}, "type_1"))
    assert quoted in found if quoted else found == ""
    assert told(until_drafted({**LETTER, field: words})) == ""  # without PIPA a number may stand there


OPENINGS = {
    "en": ("What happened", "When", "Which data", "What we do", "What you can do", "You need not answer"),
    "es": ("Qué pasó", "Cuándo", "Qué datos", "Qué hacemos", "Qué puede hacer", "No tiene que responder"),
}


@pytest.mark.parametrize("operator", [True, False])
@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("mail", ["letter", "letter_passwords"])
def test_each_paragraph_of_a_letter_stands_apart(mail: str, language: str, operator: bool) -> None:
    source = BREACH.mails[mail].texts[language]
    names = {name for name in names_in(source) if operator or not name.startswith("fact_operator")}
    text = render_mail(source, {name: f"({name})" for name in names}, language, "District 99").text
    apart = [" ".join(part.split()) for part in text.split("\n\n")]
    for words in OPENINGS[language]:
        assert any(part.lstrip("*").startswith(words) for part in apart), text
