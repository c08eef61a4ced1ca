"""The form of a task on the screen. What is typed stays, whatever is refused, until the task is answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Input, Label, Select, SelectionList, Static, TextArea

from cli.dates import kind_of
from cli.printing import clean, day
from cli.work.desk import LANGUAGE, Desk, Draft, Mistyped, Sheet
from cli.work.reading import DIM, clock_bar, target_line
from engine.errors import AlreadyDecided, SoppaError, Stale
from engine.model.case import Case
from engine.model.definition import say
from web.forms import TIME, FieldView, Submission
from web.words import fact_lines

_HINTS = {"date": "2026-07-01", "instant": "2026-07-01", "document": "@letter.pdf",
          "contacts": "Name <name@example.org>"}
_OUTCOME = "_outcome"


class FormScreen(Screen[Case | Draft | None]):
    """Gives the case as it is after the answer; of who goes back what was typed until then, None where nothing was."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "Send the answer", priority=True),
        Binding("ctrl+r", "reload", "Look again", priority=True),
        Binding("escape", "leave", "Back, keep what is typed"),
        Binding("tab", "app.focus_next", "Next field", show=True),
    ]

    def __init__(self, desk: Desk, sheet: Sheet, draft: Draft | None) -> None:
        super().__init__()
        self.desk, self.sheet = desk, sheet
        self.submission = None if draft is None else Submission(draft.outcome, draft.typed)
        self.blank: Draft | None = None
        self.problem = ""

    def compose(self) -> ComposeResult:
        problem = Static(self.problem, id="problem", markup=False)
        problem.display = bool(self.problem)
        yield problem
        with VerticalScroll(id="form", can_focus=False):
            yield from self._head()
            for view in self.desk.fields(self.sheet, self.submission):
                with Vertical(classes="field"):
                    yield from _field(view)
            with Vertical(classes="field"):
                yield from self._outcomes()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.blank = self.draft if self.submission is None else None
        self.call_after_refresh(self._begin)

    @property
    def draft(self) -> Draft:
        """What stands in the form now."""
        outcome = self.query_one(f"#{_id(_OUTCOME)}", Select).value
        typed = {name: typed_in(widget) for widget in self.query(".typed")
                 if (name := widget.name) is not None and name != _OUTCOME}  # fmt: skip
        sure = frozenset(self.submission.unlikely.values()) if self.submission else frozenset()
        return Draft(str(outcome) if isinstance(outcome, str) else "", typed, sure)

    def action_leave(self) -> None:
        draft = self.draft
        self.dismiss(None if draft == self.blank else draft)

    def action_send(self) -> None:
        draft = self.draft
        try:
            case = self.desk.answer(self.sheet, draft)
        except Mistyped as error:
            asked = ". Send it again if the date is right" if set(error.submission.unlikely) else ""
            self._again(error.submission, f"{error}: they are marked below{asked}")
        except (AlreadyDecided, Stale) as error:
            self._again(Submission(draft.outcome, draft.typed),
                        f"{error}. Nothing was sent, and what you typed is kept: Ctrl-R looks again.")
        except SoppaError as error:
            self._again(Submission(draft.outcome, draft.typed), f"{error}. Nothing was sent.")
        else:
            self.dismiss(case)

    def action_reload(self) -> None:
        """The same task with the facts as they are now; what was typed stays."""
        draft = self.draft
        try:
            matter = self.desk.matter(self.sheet.matter.case.id)
            task = matter.case.task(self.sheet.task.id)
            if task is None or not task.is_open:
                raise Stale("this task is not open any more: go back, and choose another")
            self.sheet = self.desk.sheet(matter, task)
        except SoppaError as error:
            self._again(Submission(draft.outcome, draft.typed), f"{error}. What you typed is kept.")
        else:
            self._again(Submission(draft.outcome, draft.typed), "These are the facts as they are now.")

    def _again(self, submission: Submission, problem: str) -> None:
        self.submission, self.problem = submission, clean(problem)
        self.refresh(recompose=True)
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """At the first field that is wrong, else above all of them at the first one."""
        fields = [*self.query(".typed")]
        wrong = [field for field in fields if self.submission and field.name in self.submission.errors]
        (wrong or fields)[0].focus(scroll_visible=False)
        form = self.query_one("#form")
        if wrong and wrong[0].parent is not None:
            form.scroll_to_widget(wrong[0].parent, top=True, animate=False)
        else:
            form.scroll_home(animate=False)

    def _head(self) -> Iterator[Widget]:
        matter, task, wanted = self.sheet.matter, self.sheet.task, self.sheet.wanted
        yield Label(f"{matter.case.id}  {say(wanted.title, LANGUAGE)}", classes="title", markup=False)
        if wanted.help:
            yield Label(say(wanted.help, LANGUAGE), classes="help", markup=False)
        if task.due is not None:
            yield Static(target_line(task.due, matter.today))
        for clock in matter.duties:
            yield Static(clock_bar(clock, matter.today).append(
                f"  {kind_of(clock, matter.definition.clocks)} {day(clock.legal)}"))
        if wanted.shows:
            yield Label("What is on file", classes="label")
        for name in wanted.shows:
            fact, value = matter.definition.fact(name), matter.case.facts.get(name)
            if fact is not None:
                lines = ["not on file yet"] if value is None else fact_lines(fact, value, matter.office, LANGUAGE)
                yield Static(Text.assemble((f"{say(fact.label, LANGUAGE)}: ", DIM), clean(" / ".join(lines))))

    def _outcomes(self) -> Iterator[Widget]:
        wanted, submission = self.sheet.wanted, self.submission
        labels = [(say(outcome.label, LANGUAGE), name) for name, outcome in wanted.outcomes.items()]
        only = labels[0][1] if len(labels) == 1 else ""
        chosen = submission.outcome if submission and submission.outcome in wanted.outcomes else only
        yield Label("Your answer", classes="label")
        yield Select(labels, prompt="Choose", value=chosen or Select.NULL, name=_OUTCOME, id=_id(_OUTCOME),
                     classes="typed", compact=True)
        if submission and _OUTCOME in submission.errors:
            yield Label(submission.errors[_OUTCOME], classes="error", markup=False)


def typed_in(widget: Widget) -> list[str]:
    """What a field holds, as a page would send it."""
    match widget:
        case Select():
            return [str(widget.value)] if isinstance(widget.value, str) else [""]
        case SelectionList():
            return [str(value) for value in widget.selected]
        case TextArea():
            return [widget.text]
        case Input():
            return [widget.value]
    return []


def _field(view: FieldView) -> Iterator[Widget]:
    note = f"  ({view.note})" if view.note else ""
    yield Label(f"{view.label}{note}", classes="label", markup=False)
    if view.help:
        yield Label(view.help, classes="help", markup=False)
    if view.kind == "table":
        for row in view.rows:
            yield Label(row.label, classes="row", markup=False)
            for cell in row.fields:
                yield Label(cell.label, classes="cell", markup=False)
                yield _widget(cell)
    else:
        yield _widget(view)
        if view.kind == "instant":
            yield Input(view.time, placeholder="14:30", name=view.name + TIME, classes="typed", compact=True)
    if view.on_file and view.kind == "document":
        yield Label("one is on file; name a file to put another in its place", classes="help")
    if view.error:
        error = f"{view.error.partition(':')[0]}: send it again if it is right" if view.sure else view.error
        yield Label(error, classes="error", markup=False)


def _widget(view: FieldView) -> Widget:
    if view.kind in ("choice", "list"):
        chosen = next((option.value for option in view.options if option.chosen), None)
        return Select([(clean(option.label), option.value) for option in view.options], prompt="Choose",
                      value=Select.NULL if chosen is None else chosen, name=view.name, classes="typed", compact=True)
    if view.kind == "set":
        return SelectionList(*((clean(option.label), option.value, option.chosen) for option in view.options),
                             name=view.name, classes="typed", compact=True)
    if view.kind in ("text", "contacts"):
        return TextArea(view.typed, name=view.name, classes="typed", placeholder=_HINTS.get(view.kind, ""),
                        compact=True)  # fmt: skip
    return Input(view.typed, placeholder=_HINTS.get(view.kind, ""), name=view.name, classes="typed", compact=True)


def _id(name: str) -> str:
    return f"field-{name}"
