"""The demo's months through the real engine, database, outbox and SMTP: how it ends, and who was mailed what."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime

import pytest

from cli.demo.forward import FAST_START, fast_forward
from cli.demo.run import FakeClock, sample_house
from cli.demo.sink import Mail, MailSink
from cli.demo.timeline import print_timeline
from cli.home import Home
from cli.upkeep.verifying import verify_house
from cli.wiring import House
from cli.year.report import budgets
from engine.errors import AlreadyDecided
from engine.model.case import Actor, Case
from storage.looking.counts import Counts


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Sequence[Case], list[Mail]]]:
    clock = FakeClock(FAST_START)
    home = Home(tmp_path_factory.mktemp("demo") / "home")
    with MailSink() as sink, sample_house(home, sink, 8080, clock) as house:
        yield house, fast_forward(house, clock), sink.mails


Played = tuple[House, Sequence[Case], list[Mail]]


def day_of(mail: Mail) -> dt.date:
    return parsedate_to_datetime(str(mail.message["Date"])).date()


def test_all_five_processes_end_and_every_legal_date_is_met(played: Played) -> None:
    house, _, _ = played
    with house.store.read() as unit:
        ended = [unit.case(line.id) for line in house.store.views.case_rows()]
    assert Counter((case.process, case.outcome) for case in ended) == {
        ("correction_request", "corrected"): 2,
        ("operator_fix", "corrected"): 1,
        ("vendor_sponsorship", "executed"): 1,
        ("contract_posting", "posted"): 1,
        ("breach_response", "closed with notices"): 1,
        ("deletion_request", "deleted"): 1,
        ("deletion_order", "deleted"): 1,
        ("annual_attestation", "renewed"): 1,
        ("subcontractor_list", "unchanged"): 1,
        ("website_posting", "published"): 2,
    }
    clocks = [clock for case in ended for clock in case.clocks.values()]
    met = [clock for clock in clocks if clock.status == "satisfied"]
    assert len(met) == 9
    assert all(clock.ended_on and (clock.legal is None or clock.ended_on <= clock.legal) for clock in met)
    assert {clock.status for clock in clocks} == {"satisfied", "void"}


def test_all_that_is_kept_of_it_is_whole(played: Played) -> None:
    found = verify_house(played[0], lambda done, total: None)
    assert found.wrong == []
    assert (found.recounted, found.cases) == (0, len(played[0].store.views.case_rows()))
    assert min(found.lines, found.dates, found.mails, found.seals) > 0


def test_each_family_of_the_breach_is_told_once_by_mail_or_on_paper(played: Played) -> None:
    house, cases, mails = played
    letters = Counter(mail.envelope_to for mail in mails if mail.envelope_to.startswith("family"))
    assert len(letters) == 10 and set(letters.values()) == {1}
    breach = next(case for case in cases if case.process == "breach_response")
    with house.store.read() as unit:
        (progress,) = unit.audiences(house.clock()).progress(breach.id)
    assert dict(progress.copies) == {("mail", "accepted"): 10, ("paper", "posted"): 2}


def test_every_mail_arrived_once_and_none_is_in_doubt(played: Played) -> None:
    house, _, mails = played
    outbox = house.store.views.outbox()
    next_week = [line for line in outbox if line.mail == "brief" and line.state == "queued"]
    assert [line.recipient for line in next_week] == ["person:priya"]
    states = Counter(line.state for line in outbox if line not in next_week)
    assert set(states) <= {"accepted", "cancelled"}
    identities = Counter(str(mail.message["Message-ID"]) for mail in mails)
    assert len(identities) == states["accepted"] == len(mails)
    assert house.store.views.incidents() == ()


def test_the_chains_of_history_are_whole(played: Played) -> None:
    house, _, _ = played
    views = house.store.views
    assert [fault for line in views.case_rows() for fault in views.verify_history(line.id)] == []


def test_the_mail_budget_is_held(played: Played) -> None:
    house, _, _ = played
    found = list(budgets(house.store.people(), list(Counts(house.store.base).sent()), house.settings.zone))
    assert len(found) == 6
    assert [line for line in found if not line.held] == []


def test_no_mail_says_what_the_request_is_about(played: Played) -> None:
    _, cases, mails = played
    said = [str(value) for case in cases for name, value in case.facts.items() if name in ("item", "right_value")]
    assert said
    for mail in mails:
        words = f"{mail.subject}\n{mail.part('plain')}\n{mail.part('html')}"
        assert not [value for value in said if value in words]


def test_the_operator_is_reminded_of_its_own_duty_within_the_window_once_a_day(played: Played) -> None:
    _, _, mails = played
    to_operator = [mail for mail in mails if mail.envelope_to == "privacy@readwell.example"]
    reminders = [mail for mail in to_operator if mail.subject.startswith("Reminder")]
    assert len({day_of(mail) for mail in reminders}) == len(reminders) == 3
    assert {parsedate_to_datetime(str(mail.message["Date"])).hour for mail in reminders} == {13}
    said = " ".join(reminders[0].part("plain").split())
    assert "2026-0003" in said and "Thursday, December 31, 2026 (legal deadline, 105 ILCS 85/33(c)(3))" in said
    assert "/t/" in said


def test_an_attestation_answered_twice_changes_nothing_and_says_why(played: Played) -> None:
    house, cases, _ = played
    case_id = next(case.id for case in cases if case.process == "annual_attestation")
    signed = next(line.detail["task"] for line in house.store.views.history(case_id) if line.kind == "task_completed"
                  and line.detail["name"] == "attest")  # fmt: skip
    before = house.store.views.history(case_id)
    vendor = Actor("party", "operator", "Vendor 4")
    with pytest.raises(AlreadyDecided, match="already decided by Vendor 4: sign"):
        house.service.complete_task(signed, "sign", {}, vendor, house.clock())
    assert house.store.views.history(case_id) == before


def test_the_timeline_tells_the_start_of_a_case_once_and_who_started_it(
    played: Played, capsys: pytest.CaptureFixture[str]
) -> None:
    house, cases, _ = played
    with MailSink() as unused:
        print_timeline(house, cases, unused)
    told = capsys.readouterr().out
    begun = re.findall(r"(\d{4}-\d{4}) .*The case began", told)
    assert len(begun) == len(set(begun)) >= len(cases)
    assert re.search(r"2026-0002 +Carla Mendez +Started a case of “operator fix”", told)
