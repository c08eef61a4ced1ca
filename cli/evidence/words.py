"""Each line of a history as a sentence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cli.evidence import rungs
from cli.evidence.lens import Lens
from engine.law.days import day_name
from engine.model.definition import OWN_FACTS, say
from engine.model.own_tasks import subject_of
from engine.model.undoable import TAKEN_BACK

Detail = Mapping[str, str]

WEIGHTY = frozenset({
    "case_started", "clock_started", "clock_moved", "clock_satisfied", "clock_voided", "clock_expired",
    "task_completed", "told", "case_ended", "hold_placed", "hold_confirmed", "hold_refused", "hold_released",
    "glass_broken", "later_date_confirmed", "case_migrated", "case_adopted", "mail_bounced", "agreement_entered",
    "agreement_changed", "agreement_restored", "answer_undone", "case_reopened",
})  # fmt: skip
"""Kinds of lines that decide what became of a case."""


@dataclass(frozen=True, slots=True)
class Words:
    """`tasks` are the names of the case's tasks by their ids."""

    lens: Lens
    tasks: Mapping[str, str]

    def of(self, kind: str, detail: Detail) -> str:
        """What a line of this kind says; what is left out of it is not told."""
        try:
            said = _SENTENCES[kind](self, detail)
        except KeyError:  # it has no sentence, or was changed and lacks what its sentence needs
            said = _plainly(kind, detail)
        return f"{said} On behalf of {detail['on_behalf_of']}." if detail.get("on_behalf_of") else said

    def clock(self, name: str) -> str:
        known = self.lens.definition.clocks.get(name)
        return say(known.title, "en") if known else name

    def is_window(self, name: str) -> bool:
        """Whether a clock is another party's right, of which no date is due."""
        known = self.lens.definition.clocks.get(name)
        return known is not None and known.window

    def mail(self, name: str) -> str:
        """What a mail is about, from its subject; of the program's own mails, their name."""
        known = self.lens.definition.mails.get(name)
        return (subject_of(known) if known else "") or plain(name)

    def rung(self, detail: Detail) -> str:
        """Of what a reminder is, and when: `“Assess it”, 2 business days before its date`."""
        of = detail["of"]
        name = self.tasks.get(of, of)
        about = self.task(name) if of in self.tasks else self.clock(of)
        return f"“{about}”, {rungs.said(rungs.ladder_of(self.lens.definition, name), detail['rung'])}"

    def is_offered(self, name: str) -> bool:
        """Whether a task may be done, and nobody is asked to."""
        known = self.lens.definition.task_named(name)
        return known is not None and known.offered

    def state(self, name: str) -> str:
        known = self.lens.definition.states.get(name)
        return say(known.title, "en") if known else name

    def task(self, name: str) -> str:
        known = self.lens.definition.task_named(name)
        return say(known.title, "en") if known else name.replace("_", " ")

    def outcome(self, task: str, name: str) -> str:
        known = self.lens.definition.task_named(task)
        return say(known.outcomes[name].label, "en") if known and name in known.outcomes else name

    def event(self, name: str) -> str:
        """What happened, by the name of an event such as `told.receipt` or `verify.complete`."""
        what, _, rest = name.partition(".")
        match what:
            case "told" | "began" | "complete":
                how = {"told": "told", "began": "the first one told", "complete": "each copy done"}[what]
                return f"{how} by the letter “{self.mail(rest)}”"
            case "entered":
                return f"the state “{self.state(rest)}”"
            case _:
                return f"the answer “{self.outcome(what, rest)}” to “{self.task(what)}”"

    def fact(self, name: str) -> str:
        known = OWN_FACTS.get(name) or self.lens.definition.facts.get(name)
        return say(known.label, "en") if known else name.replace("_", " ")

    def readers(self, word: str) -> str:
        """Full files hold keys, redacted ones what stands for them."""
        if self.lens.redacted or not word:
            return word
        return ", ".join(self.lens.who(reader) for reader in word.split(", "))


def day(word: str) -> str:
    """`Wed Jun 3 2026` for a date in ISO form; anything else as it is."""
    try:
        return day_name(dt.date.fromisoformat(word))
    except ValueError:
        return word


def _plainly(kind: str, detail: Detail) -> str:
    """A kind that has no sentence of its own."""
    rest = ", ".join(f"{key.replace('_', ' ')} {word}" for key, word in detail.items() if key != "on_behalf_of")
    return f"{kind.replace('_', ' ').capitalize()}{': ' + rest if rest else ''}."


def _because(detail: Detail) -> str:
    return f" Reason: {detail['reason']}" if detail.get("reason") else ""


def _hash(detail: Detail) -> str:
    return f", SHA-256 {detail['sha256']}" if detail.get("sha256") else ""


def _recorded(words: Words, detail: Detail) -> str:
    name = detail.get("fact", "")
    if "value" not in detail and detail.get("sha256"):
        own = f" as “{detail['called']}”" if detail.get("called") else ""
        return f"Document “{words.fact(name)}” was handed in{own}{_hash(detail)}.{_because(detail)}"
    value = words.lens.fact(name, detail["value"]) if "value" in detail else None
    was = words.lens.fact(name, detail["was"]) if "was" in detail else None
    told = f": {day(value)}" if value else ": (left out)" if words.lens.redacted else ""
    return f"{_ended(f'Recorded “{words.fact(name)}”{told}', was)}{_because(detail)}"


def _ended(said: str, was: str | None) -> str:
    """What somebody typed may end its own sentence."""
    if was:
        return f"{said} (was {day(was)})."
    return said if said.endswith((".", "!", "?")) else f"{said}."


def _begun(words: Words, detail: Detail) -> str:
    is_window = words.is_window(detail["clock"])
    named = "last day" if is_window else "due"
    due = f"{named} {day(detail['legal'])}" if detail.get("legal") else "without a date in the law, or held"
    target = f", district target {day(detail['target'])}" if detail.get("target") and not is_window else ""
    return f"Clock “{words.clock(detail['clock'])}” began: day 0 {day(detail['anchor'])}, {due}{target}."


def _taken_back(words: Words, detail: Detail) -> str:
    """Of a fact: what it is again."""
    name, plainly = detail["fact"], "value" in detail or "was" in detail
    was = words.lens.fact(name, detail["was"]) if "was" in detail else None
    value = words.lens.fact(name, detail["value"]) if "value" in detail else None
    what = f": {day(was)}" if was else "" if plainly or not words.lens.redacted else ": (left out)"
    return f"“{words.fact(name)}” was taken back{what}{f'; again {day(value)}' if value else ''}."


def _moved(words: Words, detail: Detail) -> str:
    if detail.get("was") == detail.get("legal") and detail.get("reason") == TAKEN_BACK:
        due = f"due {day(detail['legal'])}" if detail.get("legal") else "without a date"
        return f"“{words.clock(detail['clock'])}” counts again, {due}.{_because(detail)}"
    was = day(detail["was"]) if detail.get("was") else "no date"
    now = day(detail["legal"]) if detail.get("legal") else "no date"
    named = "Last day" if words.is_window(detail["clock"]) else "Legal date"
    return f"{named} of “{words.clock(detail['clock'])}” moved from {was} to {now}.{_because(detail)}"


def _met(words: Words, detail: Detail) -> str:
    on, legal = detail["on"], detail.get("legal")
    if legal and words.is_window(detail["clock"]):
        return f"“{words.clock(detail['clock'])}”: done on {day(on)} (last day {day(legal)})."
    late = f", LATE: it was due {day(legal)}" if legal and on > legal else f" (due {day(legal)})" if legal else ""
    return f"“{words.clock(detail['clock'])}” was met on {day(on)}{late}."


def _asked(words: Words, detail: Detail) -> str:
    who = words.readers(detail.get("to", ""))
    due = f", district target {day(detail['due'])}" if detail.get("due") else ""
    if words.is_offered(detail["name"]):
        return f"May be answered{' by ' + who if who else ''}: {words.task(detail['name'])}."
    return f"Asked{' ' + who if who else ''}: {words.task(detail['name'])}{due}."


def _closed(words: Words, detail: Detail) -> str:
    how = "No longer offered" if words.is_offered(detail["name"]) else "No longer asked"
    return f"{how}: {words.task(detail['name'])}."


def plain(name: str) -> str:
    """A name of a definition, such as an outcome, or of a mail of the program's own."""
    return "link to a task" if name == "task" else name.replace("_", " ")


def _answered(words: Words, detail: Detail) -> str:
    role = f" (as {detail['role'].replace('_', ' ')})" if detail.get("role") else ""
    return f"Answered{role} “{words.task(detail['name'])}”: {words.outcome(detail['name'], detail['outcome'])}."


def _queued(words: Words, detail: Detail) -> str:
    how = ", on paper" if detail.get("on_paper") else ""
    return f"Letter “{words.mail(detail['mail'])}” made ready for {words.readers(detail.get('to', ''))}{how}."


def _settled(words: Words, detail: Detail) -> str:
    how = {"accepted": "was accepted by the reader's mail relay", "failed": "could not be sent",
           "uncertain": "was handed over without an answer: in doubt"}  # fmt: skip
    return f"Mail “{words.mail(detail['mail'])}” {how.get(detail['status'], detail['status'])}."


def _reminded(words: Words, detail: Detail) -> str:
    return f"Reminder to {words.readers(detail.get('to', ''))}: {words.rung(detail)}."


def _later(words: Words, detail: Detail) -> str:
    return (f"A second person confirmed that the legal date of “{words.clock(detail['clock'])}” moves from "
            f"{day(detail.get('was', ''))} to {day(detail.get('becomes', ''))}.")


_PROVED = {"in_person": "was met in person", "call_back": "was called back", "letter": "typed the code of a letter"}


def _second(words: Words, detail: Detail) -> str:
    return f"“{words.lens.who('party:' + detail['party'])}” {_PROVED.get(detail['how'], detail['how'])}."


def _held(words: Words, detail: Detail) -> str:
    until = f" until {day(detail['until'])}" if detail.get("until") else ""
    return f"Law-enforcement hold {detail['hold']} placed from {day(detail['started'])}{until}."


def _evidence(words: Words, detail: Detail) -> str:
    kind = "A redacted file of evidence" if detail.get("form") == "redacted" else "Evidence"
    return f"{kind} of this case was taken, with {detail.get('lines', '?')} lines of history before it."


def _audience(words: Words, detail: Detail) -> str:
    mail, count = words.mail(detail["mail"]), detail.get("count", "some")
    said = {"began": f"The first of the audience was told by “{mail}”.",
            "told": f"Each of the audience was told by “{mail}”, or decided by name.",
            "complete": f"Every copy of “{mail}” is done.",
            "on_paper": f"{count} copies of “{mail}” are to be printed and posted.",
            "back": f"{count} copies of “{mail}” came back and go by post.",
            "after_all": f"“{mail}” to {count} of whom somebody had decided by name was accepted all the same."}
    return said[detail["what"]]


def _imported(words: Words, detail: Detail) -> str:
    of = f" from “{detail['called']}”" if detail.get("called") else ""
    left_out = detail.get("left_out")
    barred = f"; left out as barred: {left_out}" if left_out else ""
    names = f" ({'; '.join(detail['barred'].splitlines())})" if detail.get("barred") else ""
    return f"{detail['count']} of the audience “{plain(detail['audience'])}” were imported{of}{barred}{names}."


_SENTENCES: Mapping[str, Callable[[Words, Detail], str]] = {
    "case_started": lambda w, d: f"The case began, version {d['version']} of its process.",
    "case_ended": lambda w, d: f"The case ended: {plain(d['outcome'])}.",
    "cycle_started": lambda w, d: f"Started by its schedule, planned for {day(d['planned'])}.",
    "fact_recorded": _recorded,
    "fact_decided": lambda w, d: f"It follows “{w.fact(d['fact'])}”: "
                                 f"{w.lens.fact(d['fact'], d['value']) if 'value' in d else '(left out)'}.",
    "fact_withdrawn": lambda w, d: f"“{w.fact(d['fact'])}” was taken away.",
    "clock_started": _begun,
    "clock_moved": _moved,
    "clock_satisfied": _met,
    "clock_voided": lambda w, d: f"“{w.clock(d['clock'])}” does not apply any more since {day(d.get('on', ''))}.",
    "clock_expired": lambda w, d: f"The time for “{w.clock(d['clock'])}” ended on {day(d.get('on', ''))}.",
    "state_entered": lambda w, d: f"Now: {w.state(d['state'])}.",
    "task_opened": _asked,
    "task_completed": _answered,
    "answer_undone": lambda w, d: f"Taken back: the answer “{w.outcome(d['name'], d['outcome'])}” to "
                                  f"“{w.task(d['name'])}”.{_because(d)}",
    "fact_taken_back": _taken_back,
    "state_restored": lambda w, d: f"Again: {w.state(d['state'])}.",
    "task_reopened": lambda w, d: f"Asked again{' ' + w.readers(d['to']) if d.get('to') else ''}: {w.task(d['name'])}.",
    "case_reopened": lambda w, d: "The case is open again.",
    "task_closed": _closed,
    "task_reassigned": lambda w, d: f"Task given to {w.readers(d.get('to', ''))}.{_because(d)}",
    "task_nudged": lambda w, d: f"Asked once more: {w.task(d['name'])}, by a mail to {w.readers(d.get('to', ''))}.",
    "task_snoozed": lambda w, d: f"Out of one person's own queue until {day(d.get('until', ''))}: {w.task(d['name'])}."
                                 f"{_because(d)}",
    "task_shown_again": lambda w, d: f"Back in one person's own queue: {w.task(d['name'])}.",
    "preservation_placed": lambda w, d: f"Nothing of the case may be purged from now on.{_because(d)}",
    "preservation_released": lambda w, d: f"The case may be purged again once its term is over.{_because(d)}",
    "case_purged": lambda w, d: f"What need not be kept any more was removed: {d['lines']} lines of history were cut.",
    "note_added": lambda w, d: f"Note: {d.get('text', '(left out)')}",
    "mail_queued": _queued,
    "mail_settled": _settled,
    "mail_bounced": lambda w, d: f"Mail “{w.mail(d['mail'])}” came back.{_because(d)}",
    "told": lambda w, d: f"Told by “{w.mail(d['mail'])}” on {day(d['on'])}.",
    "rung_fired": _reminded,
    "later_date_confirmed": _later,
    "hold_placed": _held,
    "hold_confirmed": lambda w, d: f"Hold {d['hold']} was confirmed.",
    "hold_refused": lambda w, d: f"Hold {d['hold']} was refused: it never had an effect.",
    "hold_released": lambda w, d: f"Hold {d['hold']} was released{' on ' + day(d['on']) if d.get('on') else ''}.",
    "child_started": lambda w, d: f"Started a case of “{plain(d['process'])}”.",
    "child_called_off": lambda w, d: f"The case of “{plain(d['process'])}” does not begin.",
    "child_ended": lambda w, d: f"Case {d['case']} ended: {plain(d['outcome'])}.",
    "party_changed": lambda w, d: f"Contact of “{w.lens.who('party:' + d['party'])}” was set.",
    "second_confirmed": _second,
    "answer_too_late": lambda w, d: "An answer came after another had been given.",
    "glass_broken": lambda w, d: f"“{w.task(d['name'])}” was answered in the place of who was asked, since a legal "
                                 f"date was near.{_because(d)}",
    "audience_fixed": lambda w, d: f"The audience “{plain(d['audience'])}” was fixed.",
    "audience_freed": lambda w, d: f"The audience “{plain(d['audience'])}” was opened again.",
    "audience_imported": _imported,
    "recipient_decided": lambda w, d: f"Nothing more is done about number {d['number']}, decided by name.{_because(d)}",
    "address_entered": lambda w, d: f"A postal address was entered for number {d['number']}.",
    "audience_told": _audience,
    "child_by_hand": lambda w, d: f"“{plain(d['process'])}” is to be done by hand.",
    "rung_not_due": lambda w, d: f"No reminder of {w.rung(d)}: that day was past when its dates were set.",
    "agreement_entered": lambda w, d: f"Agreement {d['agreement']} was entered in the register.",
    "agreement_changed": lambda w, d: f"Agreement {d['agreement']} was changed in the register: {plain(d['fields'])}.",
    "agreement_restored": lambda w, d: f"Agreement {d['agreement']} is in the register as it was before.",
    "product_listed": lambda w, d: "A product was listed in the register.",
    "case_migrated": lambda w, d: f"The case moved to version {d['version']} of its process.{_because(d)}",
    "case_adopted": lambda w, d: f"The case had run elsewhere and was taken in as it stood: {w.state(d['state'])}.",
    "happened_before": lambda w, d: f"Before it was taken in, on {day(d['on'])}: {w.event(d['event'])}.",
    "evidence_given": lambda w, d: f"A document was kept for “{plain(d['of'])}”, SHA-256 {d.get('sha256', '')}.",
    "rung_before_adoption": lambda w, d: f"No reminder of {w.rung(d)}: {day(d['on'])} lay before the taking in.",
    "rung_hushed": lambda w, d: f"Kept from {plain(d['spared'])} for a while: reminder of {w.rung(d)}.",
    "quiet_ended": lambda w, d: f"The quiet after taking the case in ended on {day(d['on'])}.",
    "document_taken": lambda w, d: f"The document “{w.fact(d['fact'])}” was taken out{_hash(d)}.",
    "evidence_taken": _evidence,
    "evidence_written": lambda w, d: f"The file that was handed out has the SHA-256 {d.get('sha256', '')}.",
}
