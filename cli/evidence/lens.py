"""What of a case is shown: everything, or what may go to whoever asks for public records.

A redacted file says what the law, the process and the calendar say: states, tasks, outcomes, choices, dates. What names
a person, what somebody typed and numbers go; whatever is unknown here goes as well.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cli.evidence.tabled import rows_told
from engine.deciding.forms import KEPT_DOCUMENT, file_name
from engine.model.case import FactValue
from engine.model.definition import Definition, say
from engine.model.handed import RECIPIENT
from engine.words import written
from storage.looking.evidence import ChainLine

LEFT_OUT = "(left out)"
PERSON, PARTY, AUDIENCE = "person:", "party:", "audience:"
SYSTEM = "soppa"

_SHOWN_KINDS = frozenset({"bool", "choice", "set", "agreement", "agreements"})
_YEAR_BEFORE = dt.timedelta(days=365)
_VALUES = frozenset({"value", "was"})
_READERS = frozenset({"to"})
_NAMES_OF_THE_ACTOR = frozenset({
    "answer_too_late", "answer_undone", "case_adopted", "case_started", "glass_broken", "hold_placed", "mail_bounced",
    "note_added", "preservation_placed", "preservation_released", "task_completed", "task_nudged", "task_reassigned",
    "audience_imported", "recipient_decided", "task_shown_again", "task_snoozed",
})  # fmt: skip
_PLAIN = frozenset({
    "act", "agreement", "anchor", "audience", "becomes", "by", "case", "channel", "child", "clock", "count",
    "days_late", "due", "event", "fact", "fields", "form", "generation", "hash", "hold", "how", "kept", "legal",
    "lines", "mail", "missed", "name", "occurrence", "of", "on", "on_paper", "outcome", "party", "planned", "process",
    "quiet_until", "role", "row", "rule", "rung", "sha256", "since", "spared", "started", "state", "status", "target",
    "task", "until", "version", "was", "what",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lens:
    """`names` are people's names by id, `labels` what stands for them in a redacted file. `began` is the local date on
    which the case began."""

    definition: Definition
    names: Mapping[str, str]
    labels: Mapping[str, str]
    parties: Mapping[str, str]
    began: dt.date
    redacted: bool

    def who(self, key: str) -> str:
        """Who acts or reads, by a key such as `person:carla`, `party:parent` or `carla`."""
        if key.startswith("system:"):
            return SYSTEM
        if key.startswith(RECIPIENT):
            return f"recipient {key.removeprefix(RECIPIENT)}"
        if key.startswith(AUDIENCE):
            return f"all of the audience “{key.removeprefix(AUDIENCE)}”"
        bare = key.removeprefix(PERSON).removeprefix(PARTY)
        if bare in self.definition.parties and not key.startswith(PERSON):
            return self._party(bare)
        if self.redacted:
            return self.labels.get(bare, LEFT_OUT)
        return self.names.get(bare, bare)

    def fact(self, name: str, value: FactValue | str) -> str | None:
        """A fact's value as text; None where it is left out. A date before the year before the case may be that of a
        child's birth."""
        text = value if isinstance(value, str) else written(value)
        known = self.definition.fact(name)
        if not self.redacted:
            return self._labelled(name, text)
        if known is None or known.personal:
            return None
        if known.type.kind in ("date", "instant"):
            return text if _is_since(text, self.began - _YEAR_BEFORE) else None
        return self._labelled(name, text) if known.type.kind in _SHOWN_KINDS else None

    def detail(self, line: ChainLine) -> dict[str, str]:
        """What a line says, as far as it is shown."""
        if not self.redacted:
            return dict(line.words)
        shown = ((key, self._word(line, key, word)) for key, word in line.words.items())
        return {key: word for key, word in shown if word is not None}

    def is_open(self, line: ChainLine) -> bool:
        """Whether nothing of what is hashed in a line is left out."""
        return not self.redacted or (line.actor.startswith("system:") and self.detail(line) == line.words)

    def _word(self, line: ChainLine, key: str, word: str) -> str | None:
        if line.kind.startswith("fact_") and key in _VALUES:
            name = line.words.get("fact", "")
            return word if self.fact(name, word) is not None else None
        if key == "by" and line.kind in _NAMES_OF_THE_ACTOR:
            return self.who(line.actor)
        if key == "reason":
            return word if line.kind == "clock_moved" else None
        if key in _READERS:
            return ", ".join(self.who(reader) for reader in word.split(", "))
        return word if key in _PLAIN else None

    def _party(self, name: str) -> str:
        label = say(self.definition.parties[name].label, "en")
        return label if self.redacted or name not in self.parties else f"{self.parties[name]} ({label})"

    def _labelled(self, name: str, text: str) -> str:
        """The value in plain words: yes or no, the label of a choice, a kept document by its kind and hash."""
        known = self.definition.fact(name)
        if known is None:
            return text
        kept = KEPT_DOCUMENT.fullmatch(text)
        if known.type.kind == "document" and kept:
            name = f" “{file_name(text)}”" if kept["called"] and not self.redacted else ""
            return f"document{name} ({kept['kind']}), SHA-256 {kept['hash']}"
        if known.type.kind == "person":
            return self.names.get(text, text)
        if known.type.kind == "bool":
            return {"true": "yes", "false": "no"}.get(text, text)
        if known.type.kind == "table":
            return rows_told(known, text)
        if known.type.kind not in ("choice", "set"):
            return text
        labels = known.option_labels
        return ", ".join(say(labels[one], "en") if one in labels else one for one in text.split(", "))


def person_labels(lines: Iterable[ChainLine], people: Iterable[str]) -> dict[str, str]:
    """`person 1`, `person 2` … in the order in which people first appear. Lines are only ever added, so a label stays
    with its person in every later file."""
    labels: dict[str, str] = {}
    known = set(people)
    for line in lines:
        for person in _people_in(line, known):
            labels.setdefault(person, f"person {len(labels) + 1}")
    return labels


def _people_in(line: ChainLine, known: set[str]) -> Iterator[str]:
    if line.actor.startswith(PERSON):
        yield line.actor.removeprefix(PERSON)
    for reader in line.words.get("to", "").split(", "):
        if reader.startswith(PERSON) or reader in known:
            yield reader.removeprefix(PERSON)


def safe_hashes(lines: Sequence[ChainLine], lens: Lens) -> list[str | None]:
    """The hash of each line, or None where it could be used to try out guesses at what was left out.

    Whoever knows a hash, and the hash some lines before, can try names until they fit. So a hash stands only where it
    follows from what is shown anyway, or where what is left out of its line has a keyed digest: 256 bits that nobody
    can guess.
    """
    shown: list[str | None] = []
    follows = True
    for line in lines:
        follows = follows if lens.is_open(line) else line.digest is not None
        shown.append(line.hash if follows else None)
    return shown


def _is_since(text: str, day: dt.date) -> bool:
    try:
        return dt.date.fromisoformat(text[:10]) >= day
    except ValueError:
        return False
