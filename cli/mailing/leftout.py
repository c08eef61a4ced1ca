"""Who a mail to many does not reach, and why: left out of its list as barred, or decided about by name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.printing import day, say, table
from engine.model.messages import Event

if TYPE_CHECKING:
    from cli.mailing.audience import Families
    from engine.model.case import Actor
    from storage.chains.history import HistoryLine
    from storage.mailing.copies import Decided

IMPORTED = "audience_imported"
_WENT = {"accepted": "its mail was accepted all the same", "uncertain": "its mail is in doubt",
         "cancelled": "its mail was cancelled"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Import:
    """A list that was taken: when, by whom, from which file, how many, and who was left out. Names are gone once the
    case was purged."""

    at: dt.datetime
    by: str
    file: str | None
    sha256: str | None
    families: int
    left_out: tuple[str, ...]

    def mapping(self) -> Mapping[str, object]:
        return {"at": self.at, "by": self.by, "file": self.file, "sha256": self.sha256, "families": self.families,
                "left_out": list(self.left_out)}  # fmt: skip


def imported(audience: str, families: Families, actor: Actor) -> Event:
    """The line of history of an import: who was left out is sealed in it."""
    told = {"audience": audience, "count": str(len(families.members)), "left_out": str(len(families.barred))}
    kept = {"by": actor.name, "called": families.called, "sha256": families.sha256,
            "barred": "\n".join(families.barred)}  # fmt: skip
    return Event(IMPORTED, told, {name: word for name, word in kept.items() if word})


def imports_of(lines: Iterable[HistoryLine]) -> list[Import]:
    return [
        Import(line.at, line.told.get("by", "(purged)"), line.personal.get("called"), line.personal.get("sha256"),
               int(line.detail["count"]), tuple(line.personal.get("barred", "").splitlines()))
        for line in lines if line.kind == IMPORTED
    ]  # fmt: skip


def tell_imports(imports: Sequence[Import], zone: dt.tzinfo) -> None:
    """The list that holds, and whom it left out."""
    if not imports:
        return
    last = imports[-1]
    file = f" from {last.file} (SHA-256 {last.sha256})" if last.file else ""
    earlier = f"; {len(imports) - 1:,} earlier: --json" if len(imports) > 1 else ""
    say(f"\nimported {last.at.astimezone(zone):%Y-%m-%d %H:%M} by {last.by}{file}{earlier}")
    for who in last.left_out:
        say(f"  left out, barred: {who}")


def tell_decided(decided: Sequence[Decided]) -> None:
    if not decided:
        return
    say()
    table(["decided by name", "who", "by", "since", "who decided, and why"], [
        [str(one.recipient.number), one.recipient.member.name, one.channel, day(one.on), _why(one)]
        for one in decided])  # fmt: skip


def decided_mapping(one: Decided) -> Mapping[str, object]:
    return {"number": one.recipient.number, "name": one.recipient.member.name, "channel": one.channel, "on": one.on,
            "why": one.note, "mail": one.mail}  # fmt: skip


def _why(one: Decided) -> str:
    went = _WENT.get(one.mail or "")
    return f"{one.note}; {went}" if went else one.note
