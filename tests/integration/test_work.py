"""`soppa work` on a real home, in 80 columns and 24 lines: read, act and move on, by keys alone."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Select, TextArea

from cli.demo.district import PEOPLE, SETTINGS
from cli.home import Home
from cli.main import main
from cli.wiring import House, machine_clock, open_house
from cli.work.app import WorkApp
from cli.work.desk import Desk
from cli.work.form import FormScreen
from engine.model.case import Case, Contact, FactValue
from storage.looking.queue import View
from tests.databases import new_home
from tests.files import pdf
from tests.terminal import terminal

NOW = dt.datetime(2026, 11, 24, 15, 0, tzinfo=dt.UTC)
TODAY = dt.date(2026, 11, 24)
VERIFIED: dict[str, FactValue] = {"requester_kind": "parent", "identity_ok": True, "where_seen": "Record",
                                  "right_value": "2014", "data_owner": "dana"}  # fmt: skip
Story = Callable[[Pilot[None], WorkApp], Awaitable[None]]

TABLE = """
process: inventory_check
version: 1
title: Inventory check
cites: [105 ILCS 85/15]
facts:
  begun_on: {type: date, label: Begun on}
  seen_at: {type: instant, label: Seen at}
  kinds: {type: set, of: {paper: On paper, app: In an app}, label: Where it is kept}
  proof: {type: document, label: Proof}
  areas:
    type: table
    label: Areas
    columns: {state: {type: choice, of: {same: Same, changed: Changed}, label: State}}
    rows: {data: Data, security: Security}
start: {needs: [begun_on], by: [privacy]}
states:
  asking:
    title: Asking
    initial: true
    tasks:
      - {id: check, role: privacy, title: Check the inventory, form: [seen_at, kinds, areas, proof],
         due: 10 business_days, outcomes: {done: {label: Done, to: closed}}}
  closed: {title: Closed, final: closed}
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    made = Home(tmp_path / "home")
    new_home(made, SETTINGS.format(public_url="http://localhost:8080", bind="127.0.0.1:8080", smtp_port=9))
    (made.workflows / "inventory_check").mkdir()
    (made.workflows / "inventory_check" / "process.yaml").write_text(TABLE, "utf-8")
    monkeypatch.setenv("SOPPA_HOME", str(made.root))
    with open_house(made, clock=lambda: NOW, create=True) as opened:
        for person in PEOPLE:
            opened.store.save_person(person)
        yield opened


@pytest.fixture
def case(house: House) -> Case:
    return begun(house)


def begun(house: House, received: dt.date = dt.date(2026, 9, 14), item: str = "The birth date",
          now: dt.datetime = NOW) -> Case:
    facts: dict[str, FactValue] = {"received_on": received, "item": item}
    parent = {"parent": Contact("Ana Ruiz", "ana@families.example")}
    return house.service.start("correction_request", facts, parent, house.actor("carla"), now)


def play(house: House, story: Story, by: str = "carla", view: View | None = None) -> WorkApp:
    """A person at the screen; `story` presses the keys."""
    app = WorkApp(Desk(house, house.actor(by), view or View(TODAY, by, limit=1000)))

    async def run() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            await story(pilot, app)

    asyncio.run(run())
    return app


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
    await pilot.pause()
    await pilot.pause()


def shown(app: WorkApp) -> str:
    """What stands on the screen now."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def said(app: WorkApp) -> str:
    return str(app.said.content)


def field(app: WorkApp, name: str) -> Select[str] | TextArea | Input:
    found: Select[str] | TextArea | Input = next(one for one in app.screen.query(".typed") if one.name == name)  # type: ignore[assignment]
    return found


async def fill(pilot: Pilot[None], app: WorkApp, **values: str) -> None:
    """Types into fields; of a choice its value is set, as a key would."""
    for name, value in values.items():
        widget = field(app, name)
        if isinstance(widget, Select):
            widget.value = value
        else:
            widget.focus()
            await press(pilot, *value)
    await pilot.pause()


async def choose(pilot: Pilot[None], downs: int = 1) -> None:
    """Opens the choice that has the focus, and takes an option by keys."""
    await press(pilot, "enter", *["down"] * downs, "enter", "tab")


def loaded(house: House, case: Case) -> Case:
    with house.store.read() as unit:
        return unit.case(case.id)


# --- reading ---------------------------------------------------------------------------------------------------------


def test_the_queue_and_its_case_are_on_one_screen_with_clocks_as_bars_and_the_keys(house: House) -> None:
    begun(house, item="The birth date\x1b[31m")

    async def story(pilot: Pilot[None], app: WorkApp) -> None:
        screen = shown(app)
        assert "Mon Dec 14   20 days" in screen and "Carla Mendez" in screen
        assert "███████████████░░░░░ 71 of 91 days" in screen
        assert "legal deadline Mon Dec 14 2026, 20 days left" in screen and "105 ILCS" in screen
        assert "› Check who asks" in screen and "Check who asks …" in screen
        assert "Enter Answer  Space/b Read  o Others  n Note  g Nudge  z Snooze  u Undo  q Quit" in screen
        await press(pilot, "space", "space")
        assert "Ana Ruiz, ana@families.example, en" in shown(app)
        assert "The birth date\ufffd[31m" in shown(app)
        await press(pilot, "b", "b")
        assert "Clocks" in shown(app)

    play(house, story)


def test_moving_down_shows_the_next_case_and_what_is_late_is_said_in_words(house: House, case: Case) -> None:
    late = begun(house, dt.date(2026, 8, 20))

    async def story(pilot: Pilot[None], app: WorkApp) -> None:
        assert app.matter is not None and app.matter.case.id == late.id
        assert shown(app).count("6 days late") == 2 and "████████████████████ 96 of 90 days" in shown(app)
        await press(pilot, "down")
        assert app.matter.case.id == case.id

    play(house, story)


def test_a_new_case_comes_by_itself_and_the_cursor_stays_with_its_row(house: House, case: Case) -> None:
    async def story(pilot: Pilot[None], app: WorkApp) -> None:
        begun(house, dt.date(2026, 8, 20))
        app._look_by_itself()
        await pilot.pause()
        assert app.row is not None and (app.row.case_id, app.table.row_count) == (case.id, 2)

    play(house, story)


def test_an_empty_queue_says_so_and_every_key_is_harmless(house: House) -> None:
    async def story(pilot: Pilot[None], app: WorkApp) -> None:
        assert "Nothing waits." in shown(app)
        await press(pilot, "enter", "o", "n", "g", "z", "space", "b")
        assert len(app.screen_stack) == 1

    play(house, story)


# --- answering -------------------------------------------------------------------------------------------------------


def test_a_task_is_answered_by_keys_alone(house: House, case: Case) -> None:
    async def story(pilot: Pilot[None], app: WorkApp) -> None:
        await press(pilot, "enter")
        assert isinstance(app.screen, FormScreen) and "Send the answer" in shown(app)
        await choose(pilot)
        await choose(pilot)
        await press(pilot, "tab", *"Record", "tab", *"2014", "tab", "tab")
        await fill(pilot, app, data_owner="dana")
        field(app, "_outcome").focus()
        await choose(pilot)
        await press(pilot, "ctrl+s")
        assert said(app) == f"Case {case.id}: verify is answered."
        assert app.matter is not None and app.matter.case.state == "asking_owner"

    app = play(house, story)
    after = loaded(house, case)
    assert (after.state, after.facts["where_seen"], after.facts["right_value"]) == ("asking_owner", "Record", "2014")
    assert app.done == [(case.id, "verify answered")]


def test_what_is_missing_is_marked_and_what_was_typed_stays(house: House, case: Case) -> None:
    async def story(pilot: Pilot[None], app: WorkApp) -> None:
        await press(pilot, "enter")
        await fill(pilot, app, where_seen="Gradebook")
        await press(pilot, "ctrl+s")
        assert "3 answers are missing or cannot be read: they are marked below" in shown(app)
        assert "this is needed" in shown(app)
        assert field(app, "where_seen").text == "Gradebook"  # type: ignore[union-attr]

    play(house, story)
    assert loaded(house, case) == case


def test_what_is_left_stands_in_the_form_again_and_is_not_lost_in_passing(house: House, case: Case) -> None:
    async def story(pilot: Pilot[None], app: WorkApp) -> None:
        await press(pilot, "enter", "escape")
        assert app.drafts == {} and said(app) == ""
        await press(pilot, "enter")
        await fill(pilot, app, where_seen="Gradebook")
        await press(pilot, "escape")
        assert said(app) == "What you typed for verify is kept, and not sent: it stands in the form again."
        await press(pilot, "q")
        assert "q again to leave them" in said(app) and app.is_running
        await press(pilot, "enter")
        assert field(app, "where_seen").text == "Gradebook"  # type: ignore[union-attr]

    play(house, story)


async def filled(pilot: Pilot[None], app: WorkApp) -> None:
    await press(pilot, "enter")
    await fill(pilot, app, requester_kind="parent", identity_ok="yes", where_seen="Record", right_value="2014",
               data_owner="dana", _outcome="complete")  # fmt: skip


def test_who_comes_too_late_reads_who_was_first_and_keeps_what_was_typed(house: House, case: Case) -> None:
    async def story(pilot: Pilot[None], app: WorkApp) -> None:
        await filled(pilot, app)
        house.service.complete_task(case.tasks[0].id, "complete", VERIFIED, house.actor("carla"), NOW)
        await press(pilot, "ctrl+s")
        assert "already decided by Carla Mendez: complete. Nothing was sent" in shown(app)
        assert field(app, "where_seen").text == "Record"  # type: ignore[union-attr]
        await press(pilot, "ctrl+r")
        assert "this task is not open any more" in shown(app)
        assert field(app, "where_seen").text == "Record"  # type: ignore[union-attr]
        await press(pilot, "escape")
        assert app.matter is not None and app.matter.case.state == "asking_owner"

    play(house, story)


def test_facts_that_have_changed_are_looked_at_again_before_the_answer_counts(house: House, case: Case) -> None:
    async def story(pilot: Pilot[None], app: WorkApp) -> None:
        await filled(pilot, app)
        house.service.record(case.id, {"received_on": dt.date(2026, 9, 11)}, house.actor("carla"), NOW, "the stamp")
        await press(pilot, "ctrl+s")
        assert "have changed since you opened it" in " ".join(shown(app).split())
        assert loaded(house, case).state == "received"
        await press(pilot, "ctrl+r")
        assert "These are the facts as they are now." in shown(app) and "September 11, 2026" in shown(app)
        await press(pilot, "ctrl+s")
        assert said(app).endswith("verify is answered.")

    play(house, story)
    assert loaded(house, case).state == "asking_owner"


def test_a_case_that_moved_on_opens_no_form(house: House, case: Case) -> None:
    async def story(pilot: Pilot[None], app: WorkApp) -> None:
        house.service.complete_task(case.tasks[0].id, "complete", VERIFIED, house.actor("carla"), NOW)
        await press(pilot, "enter")
        assert len(app.screen_stack) == 1
        assert said(app) == "This task is not open any more; the queue is up to date now."
        assert "Say whether" in shown(app)

    play(house, story)


def test_somebody_elses_task_is_not_opened(house: House, case: Case) -> None:
    async def story(pilot: Pilot[None], app: WorkApp) -> None:
        await press(pilot, "enter")
        assert len(app.screen_stack) == 1
        assert said(app).endswith("this is for Carla Mendez, not for you.")

    play(house, story, by="edie")


def test_an_offered_task_is_found_among_the_others(house: House, case: Case) -> None:
    async def story(pilot: Pilot[None], app: WorkApp) -> None:
        await press(pilot, "o")
        assert "Record that the parent withdraws" in shown(app)
        await press(pilot, "down", "enter")
        assert isinstance(app.screen, FormScreen) and app.screen.sheet.task.name == "withdraw"

    play(house, story)


def test_tables_sets_moments_and_documents_are_typed_too(house: House, tmp_path: Path) -> None:
    (tmp_path / "proof.pdf").write_bytes(pdf())
    case = house.service.start("inventory_check", {"begun_on": TODAY}, {}, house.actor("priya"), NOW)

    async def story(pilot: Pilot[None], app: WorkApp) -> None:
        await press(pilot, "enter")
        await fill(pilot, app, **{"seen_at": "2026-11-24", "seen_at.time": "08:30", "areas.data.state": "same",
                                  "areas.security.state": "changed", "proof": f"@{tmp_path / 'none.pdf'}"})
        field(app, "kinds").focus()
        await press(pilot, "space", "ctrl+s")
        assert "cannot be read" in shown(app) and list(house.home.documents.rglob("*.*")) == []
        proof = field(app, "proof")
        assert isinstance(proof, Input)
        proof.value = f"@{tmp_path / 'proof.pdf'}"
        await press(pilot, "ctrl+s")
        assert said(app) == f"Case {case.id}: check is answered."

    play(house, story, by="priya")
    facts = loaded(house, case).facts
    assert facts["seen_at"] == dt.datetime(2026, 11, 24, 14, 30, tzinfo=dt.UTC)
    assert facts["kinds"] == frozenset({"paper"}) and str(facts["proof"]).count("sha256:") == 1
    assert [row.cells["state"] for row in facts["areas"]] == ["same", "changed"]  # type: ignore[union-attr]


# --- beside answering ------------------------------------------------------------------------------------------------


def test_a_note_is_typed_sent_and_read_in_the_case(house: House, case: Case) -> None:
    async def story(pilot: Pilot[None], app: WorkApp) -> None:
        await press(pilot, "n", *"She rang", "escape")
        await press(pilot, "n")
        assert "She rang" in shown(app)
        await press(pilot, "ctrl+s")
        assert said(app) == f"Case {case.id}: noted." and app.notes == {}

    play(house, story)
    (note,) = house.store.views.notes(case.id)
    assert (note.detail["by"], note.personal["text"]) == ("Carla Mendez", "She rang")


def test_a_note_that_cannot_be_kept_is_said_and_stays(house: House, case: Case) -> None:
    async def story(pilot: Pilot[None], app: WorkApp) -> None:
        await press(pilot, "n", "space", "ctrl+s")
        assert said(app).startswith("the note says nothing") and app.notes == {case.id: " "}

    play(house, story)


def test_a_nudge_asks_first_and_is_refused_the_second_time(house: House, case: Case) -> None:
    async def story(pilot: Pilot[None], app: WorkApp) -> None:
        await press(pilot, "g")
        assert "Mail Carla Mendez once more" in shown(app)
        await press(pilot, "enter")
        assert said(app) == f"Case {case.id}: Carla Mendez is asked once more, by mail."
        await press(pilot, "g", "enter")
        assert "today already" in said(app)
        await press(pilot, "g", "down", "enter")

    app = play(house, story, by="priya")
    assert app.done == [(case.id, "verify nudged")]
    assert [row.mail for row in house.store.views.outbox(case_id=case.id)].count("nudge") == 1


def test_a_snoozed_task_leaves_the_screen_and_a_wrong_day_is_told(house: House, case: Case) -> None:
    async def story(pilot: Pilot[None], app: WorkApp) -> None:
        await press(pilot, "z")
        assert "2026-11-25" in shown(app)
        await press(pilot, "x", "enter")
        assert "is no date" in said(app)
        await press(pilot, "z", *"2099-01-01", "enter")
        assert "would stay hidden past its district target" in said(app)
        await press(pilot, "z", "enter")
        assert "is out of your queue until Wed Nov 25 2026" in said(app)
        assert "Nothing waits." in shown(app)

    play(house, story)
    assert play(house, _nothing, view=replace(View(TODAY, "priya"), limit=5)).table.row_count == 1


async def _nothing(pilot: Pilot[None], app: WorkApp) -> None:
    return None


# --- taking back -----------------------------------------------------------------------------------------------------


def test_an_answer_is_taken_back_by_a_key_and_a_yes(house: House, case: Case) -> None:
    house = replace(house, settings=replace(house.settings, undo_minutes=10))
    house.service.make_office = house.make_office
    other = begun(house)

    async def story(pilot: Pilot[None], app: WorkApp) -> None:
        await press(pilot, "u")
        assert said(app) == "You have given no answer that may be taken back still."
        task = case.open_task("verify")
        assert task is not None
        house.service.complete_task(task.id, "complete", VERIFIED, house.actor("carla"), NOW)
        app.answered = case.id
        app.action_look()
        await press(pilot, "u")
        assert f"Take your last answer in case {case.id} back?" in shown(app)
        await press(pilot, "down", "enter")
        assert loaded(house, case).state == "asking_owner"
        await press(pilot, "u", "enter")
        assert said(app) == f"Case {case.id}: your answer is taken back, and its mails will not leave."

    app = play(house, story)
    assert app.done == [(case.id, "answer taken back")]
    assert loaded(house, case).state == loaded(house, other).state == "received"


# --- the program -----------------------------------------------------------------------------------------------------


def test_without_a_terminal_it_says_what_to_use(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["work", "--as", "carla"]) == 2
    assert capsys.readouterr().err == "soppa: soppa work is for a person at a terminal: use soppa queue and soppa do\n"


def test_it_starts_and_ends_in_a_real_terminal(house: House, case: Case) -> None:
    with terminal("work", "--as", "carla") as program:
        program.until("Space/b")
        program.type("n")
        program.until("Note for the history")
        time.sleep(1)  # as long as a person takes to begin
        program.type("rang")
        program.until("rang")
        program.type("\x13")
        program.until("noted.")
        program.type("q")
        assert program.code() == 0
    assert f"case {case.id}: noted" in program.shown


def test_with_json_it_says_afterwards_what_was_done(house: House, tmp_path: Path) -> None:
    now = machine_clock()
    case = begun(house, house.make_office(()).today(now), now=now)
    with terminal("work", "--json", "--as", "carla", out=tmp_path / "done.json") as program:
        program.until("Space/b")
        program.type("z")
        program.until("which day")
        time.sleep(1)  # as long as a person takes to begin
        program.type("\r")
        program.until("Nothing waits.")
        program.type("q")
        assert program.code() == 0
    said = json.loads((tmp_path / "done.json").read_text("utf-8"))
    assert said == {"done": [{"case": case.id, "what": "verify snoozed"}]}


def test_an_error_nobody_foresaw_shows_nothing_that_is_on_file(
    house: House, case: Case, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(self: Desk, case_id: str) -> None:
        raise KeyError("Ana Ruiz")

    monkeypatch.setattr(Desk, "matter", broken)
    app = WorkApp(Desk(house, house.actor("carla"), View(TODAY, "carla")))
    app.run(headless=True)
    assert isinstance(app._exception, KeyError)
    assert "Ana" not in "".join(capfd.readouterr())
