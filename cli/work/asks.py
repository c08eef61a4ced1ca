"""Small windows that ask for one thing: a note, a day, one of the open tasks, or a yes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, Label, OptionList, TextArea
from textual.widgets.option_list import Option

BACK = Binding("escape", "leave", "Back")


@dataclass(frozen=True, slots=True)
class Written:
    """A text as it was left: sent, or only typed."""

    text: str
    sent: bool


class Ask(ModalScreen[str | None]):
    """Gives what was asked for, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [BACK]

    def __init__(self, question: str) -> None:
        super().__init__()
        self.question = question

    def action_leave(self) -> None:
        self.dismiss(None)


class AskText(ModalScreen[Written]):
    """A text of several lines. `begun` is what was typed before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "Send it", priority=True),
        Binding("escape", "leave", "Back, keep what is typed"),
    ]

    def __init__(self, question: str, begun: str = "") -> None:
        super().__init__()
        self.question, self.begun = question, begun

    def compose(self) -> ComposeResult:
        with Vertical(classes="window"):
            yield Label(self.question, markup=False)
            yield TextArea(self.begun)
        yield Footer(show_command_palette=False)

    def action_send(self) -> None:
        self.dismiss(Written(self.query_one(TextArea).text, sent=True))

    def action_leave(self) -> None:
        self.dismiss(Written(self.query_one(TextArea).text, sent=False))


class AskLine(Ask):
    """One line, such as a day."""

    def __init__(self, question: str, begun: str = "") -> None:
        super().__init__(question)
        self.begun = begun

    def compose(self) -> ComposeResult:
        with Vertical(classes="window"):
            yield Label(self.question, markup=False)
            yield Input(self.begun)
        yield Footer(show_command_palette=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())


class AskWhich(Ask):
    """One of several: (id, words)."""

    def __init__(self, question: str, choices: Sequence[tuple[str, str]]) -> None:
        super().__init__(question)
        self.choices = choices

    def compose(self) -> ComposeResult:
        with Vertical(classes="window"):
            yield Label(self.question, markup=False)
            yield OptionList(*(Option(words, id=id_) for id_, words in self.choices), markup=False, compact=True)
        yield Footer(show_command_palette=False)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)
