"""The screen itself: the queue above, the case of its row below, and a key for each thing to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Footer, Static

from cli.printing import clean, day
from cli.takingback import clock_time
from cli.work.asks import AskLine, AskText, AskWhich, Written
from cli.work.desk import Desk, Draft, Matter
from cli.work.form import FormScreen
from cli.work.listing import cells, widths
from cli.work.reading import case_text, hanging
from engine.errors import SoppaError
from engine.model.case import Case, Task
from storage.looking.queue import QueueRow

EVERY = 5.0
"""Seconds between two looks at the queue."""

NOTHING = "Nothing waits. This screen looks again by itself; q leaves it, and soppa start begins a case."


class WorkApp(App[None]):
    """`done` says what was done, in order: (case, what)."""

    TITLE = "soppa work"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    DataTable { height: 35%; min-height: 8; max-height: 16; }
    #case { border-top: solid $primary; padding: 0 1; }
    #said { height: auto; max-height: 3; padding: 0 1; background: $boost; }
    .window { width: 70; height: auto; max-height: 90%; border: round $primary; padding: 0 1; background: $surface; }
    Ask, AskText { align: center middle; }
    TextArea { height: 4; }
    AskText TextArea { height: 8; }
    .typed { border-left: outer $primary-lighten-2; background: $boost; }
    .typed:focus { border-left: outer $accent; }
    OptionList { border: none; background: transparent; padding: 0; }
    SelectionList { height: auto; max-height: 8; }
    #form { padding: 0 1; }
    #problem { color: $text-error; text-style: bold; height: auto; }
    .title { text-style: bold; }
    .label { margin-top: 1; text-style: bold; }
    .help { color: $text-muted; }
    .row { margin-top: 1; }
    .field { height: auto; }
    .error { color: $text-error; text-style: bold; }
    Label { width: 100%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,a", "answer", "Answer", key_display="Enter"),
        Binding("space", "read(1)", "Read", key_display="Space/b"),
        Binding("b", "read(-1)", show=False),
        Binding("o", "other", "Others"),
        Binding("n", "note", "Note"),
        Binding("g", "nudge", "Nudge"),
        Binding("z", "snooze", "Snooze"),
        Binding("u", "undo", "Undo"),
        Binding("q", "leave", "Quit"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.rows: dict[str, QueueRow] = {}
        self.matter: Matter | None = None
        self.drafts: dict[str, Draft] = {}
        self.notes: dict[str, str] = {}
        self.done: list[tuple[str, str]] = []
        self.leaving = False
        self.answered: str | None = None
        self.table: DataTable[Text] = DataTable(cursor_type="row")
        self.said = Static("", id="said", markup=False)
        self.text = Static("", markup=False)
        self.pane = VerticalScroll(self.text, id="case", can_focus=False)

    def compose(self) -> ComposeResult:
        self._set_columns()
        yield self.table
        yield self.said
        yield self.pane
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.action_look()
        self.set_interval(EVERY, self._look_by_itself)

    def on_resize(self) -> None:
        """The rows again, as wide as the screen is now."""
        place, self.rows = self.table.cursor_row, {}
        self.table.clear(columns=True)
        self._set_columns()
        self.action_look()
        self.table.move_cursor(row=place)

    def _set_columns(self) -> None:
        for title, width in widths(self.size.width).items():
            self.table.add_column(title, width=width)

    # --- the queue ---------------------------------------------------------------------------------------------------

    @property
    def row(self) -> QueueRow | None:
        """The row under the cursor."""
        keys = [*self.rows]
        place = self.table.cursor_row
        return self.rows[keys[place]] if 0 <= place < len(keys) else None

    async def action_quit(self) -> None:
        self.action_leave()

    def _fatal_error(self) -> None:
        """An error nobody foresaw is told outside, in one sentence: a trace of Textual's would show what is on file."""
        self._close_messages_no_wait()

    def action_look(self) -> None:
        self._attempt(self._look)

    def _look_by_itself(self) -> None:
        if len(self.screen_stack) == 1:
            self.action_look()

    def _look(self) -> None:
        """The queue as it is now; the cursor stays with its row, or with the one that took its place."""
        before, place = self.row, self.table.cursor_row
        found = {_key(row): row for row in self.desk.rows()}
        if found != self.rows:
            self.rows = found
            self.table.clear()
            for key, row in found.items():
                self.table.add_row(*cells(row, self.desk.today()), key=key)
            keys = [*found]
            if before is not None and keys:
                stays = keys.index(_key(before)) if _key(before) in found else min(place, len(keys) - 1)
                self.table.move_cursor(row=stays)
        self._read()

    def on_data_table_row_highlighted(self) -> None:
        self._attempt(self._read)

    def _read(self) -> None:
        """Shows the case of the row, from the top where it is another one."""
        row = self.row
        before = self.matter.case.id if self.matter else None
        self.matter = self.desk.matter(row.case_id) if row is not None else None
        shown = case_text(self.matter, row.task_id) if self.matter and row else Text(NOTHING)
        self.text.update(hanging(shown))
        if before != (row.case_id if row else None):
            self.pane.scroll_home(animate=False)

    def action_read(self, pages: int) -> None:
        """A page of the case on, or back."""
        self.pane.scroll_relative(y=pages * max(1, self.pane.size.height - 1), animate=False)

    # --- what is done ------------------------------------------------------------------------------------------------

    def on_data_table_row_selected(self) -> None:
        self.action_answer()

    def action_answer(self) -> None:
        row, matter = self.row, self.matter
        task = matter.case.task(row.task_id) if row is not None and matter is not None and row.task_id else None
        if task is not None:
            self._open(task)
        else:
            self.action_other()

    def action_other(self) -> None:
        """Any open task of the case, those that are only offered as well."""
        matter = self.matter
        if matter is None or not matter.open_tasks:
            self._say("This case asks nobody for anything now.")
            return
        choices = [(task.id, clean(f"{matter.title(task)}  ({matter.who(task)})")) for task in matter.open_tasks]
        self.push_screen(AskWhich("Which task?", choices), self._open_named)

    def _open_named(self, task_id: str | None) -> None:
        task = self.matter.case.task(task_id) if self.matter is not None and task_id else None
        if task is not None:
            self._open(task)

    def _open(self, task: Task) -> None:
        def opened() -> None:
            """With the case as it is now, not as it was when its row was read."""
            assert self.matter is not None  # noqa: S101  # a task was found in it
            matter = self.desk.matter(self.matter.case.id)
            found = matter.case.task(task.id)
            if found is None or not found.is_open:
                self._say("This task is not open any more; the queue is up to date now.")
                self._look()
                return
            blank = self.desk.sheet(matter, found)
            screen = FormScreen(self.desk, blank, self.drafts.get(task.id))
            self.push_screen(screen, lambda left: self._left(task, left))

        self.leaving = False
        self._attempt(opened)

    def _left(self, task: Task, left: Case | Draft | None) -> None:
        """A form was answered, or left: what was typed is there again when it is opened again."""
        if isinstance(left, Case):
            self.drafts.pop(task.id, None)
            self.done.append((left.id, f"{task.name} answered"))
            self.answered = left.id
            self._say(f"Case {left.id}: {task.name} is answered.{self._until(left.id)}")
        elif left is not None:
            self.drafts[task.id] = left
            self._say(f"What you typed for {task.name} is kept, and not sent: it stands in the form again.")
        self.action_look()

    def action_note(self) -> None:
        matter = self.matter
        if matter is None:
            return
        case_id = matter.case.id
        screen = AskText(f"Note for the history of case {case_id}, such as a telephone call",
                         self.notes.get(case_id, ""))

        def noted(written: Written | None) -> None:
            if written is None:
                return
            self.notes[case_id] = written.text
            if written.sent and self._do(case_id, "noted", lambda: self.desk.note(case_id, written.text),
                                         f"Case {case_id}: noted."):  # fmt: skip
                del self.notes[case_id]

        self.push_screen(screen, noted)

    def action_nudge(self) -> None:
        row, matter = self.row, self.matter
        asked = matter.case.task(row.task_id) if row is not None and matter is not None and row.task_id else None
        task = asked or next((task for task in matter.open_tasks if task.party), None) if matter is not None else None
        if matter is None or task is None:
            self._say("This case asks nobody for anything now.")
            return
        case_id, name, who = matter.case.id, task.name, matter.who(task)

        def sure(chosen: str | None) -> None:
            if chosen == "yes":
                self._do(case_id, f"{name} nudged", lambda: self.desk.nudge(case_id, task.id),
                         f"Case {case_id}: {who} is asked once more, by mail.")

        self.push_screen(AskWhich(f"Mail {who} once more about: {matter.title(task)}?",
                                  [("yes", "Mail it now"), ("no", "Do not")]), sure)

    def action_snooze(self) -> None:
        row = self.row
        if row is None or row.task_id is None:
            self._say("Only a task is snoozed; nobody is asked in this case now.")
            return
        case_id, task_id, name = row.case_id, row.task_id, row.task
        tomorrow = (self.desk.today() + dt.timedelta(days=1)).isoformat()

        def until(typed: str | None) -> None:
            if typed is None:
                return
            try:
                back = dt.date.fromisoformat(typed)
            except ValueError:
                self._say(f"'{typed}' is no date: write it as {tomorrow}.")
                return
            self._do(case_id, f"{name} snoozed", lambda: self.desk.snooze(case_id, task_id, back),
                     f"Case {case_id}: {name} is out of your queue until {day(back)}; its dates stand.")

        self.push_screen(AskLine("Out of your queue until which day? Enter sends it.", tomorrow), until)

    def _until(self, case_id: str) -> str:
        kept, zone = self.desk.may_undo(case_id), self.desk.house.settings.zone
        return "" if kept is None else f" Until {clock_time(kept.until, zone)} u takes it back."

    def action_undo(self) -> None:
        """Takes back one's own last answer: the one given here last, else that in the case of the row."""
        wanted = [case for case in (self.answered, self.row.case_id if self.row else None) if case is not None]
        case_id = next((case for case in wanted if self.desk.may_undo(case) is not None), None)
        if case_id is None:
            self._say("You have given no answer that may be taken back still.")
            return

        def sure(chosen: str | None) -> None:
            if chosen == "yes":
                self._do(case_id, "answer taken back", lambda: self.desk.undo(case_id),
                         f"Case {case_id}: your answer is taken back, and its mails will not leave.")

        self.push_screen(AskWhich(f"Take your last answer in case {case_id} back?",
                                  [("yes", "Take it back"), ("no", "Do not")]), sure)

    def action_leave(self) -> None:
        """Asks again while something is typed and not sent."""
        unsent = len(self.drafts) + sum(bool(text.strip()) for text in self.notes.values())
        if unsent and not self.leaving:
            self.leaving = True
            self._say(f"{unsent} answer{'s' if unsent > 1 else ''} or notes typed and not sent would be lost: q again "
                      "to leave them.")
        else:
            self.exit()

    def _do(self, case_id: str, what: str, act: Callable[[], None], said: str) -> bool:
        """Does something about a case and says so; what is refused is said instead."""
        try:
            act()
        except SoppaError as error:
            self._say(f"{error}.")
            return False
        self.done.append((case_id, what))
        self._say(said)
        self.action_look()
        return True

    def _attempt(self, act: Callable[[], None]) -> None:
        try:
            act()
        except SoppaError as error:
            self._say(f"{error}.")

    def _say(self, text: str) -> None:
        """A line between queue and case, until the next one."""
        self.said.update(clean(text))


def _key(row: QueueRow) -> str:
    return f"{row.case_id}/{row.task_id or ''}"
