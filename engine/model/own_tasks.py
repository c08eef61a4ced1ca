"""The tasks that the engine asks by itself and that belong to no state: posting on paper, doing by hand, holds."""

from __future__ import annotations

import re

from engine.model.duties import ChildDef, MailDef
from engine.model.guards import FactType
from engine.model.parts import Due, FactDef, FormField, Outcome, TaskDef, Who

POST = "post_"
"""Begins the name of the engine's own task of printing and posting a mail: `post_told_parent`."""

POSTED_ON = FactDef("posted_on", FactType("date"), {"en": "Date it was posted"})


def subject_of(mail: MailDef) -> str:
    """What a mail is about, from the subject of its English text: without the case number and what is said only of some
    cases, with `…` for a value within it."""
    first = mail.texts.get("en", "").partition("\n")[0].removeprefix("Subject:")
    plain = re.sub(r"\{\{.*?\}\}", "…", re.sub(r"\{% if .*?\{% endif %\}", "", first))
    return re.sub(r"^\s*Case …:|[,:] …$", "", plain.strip()).strip(" :,")


def posting_task(mail: MailDef) -> TaskDef:
    """The task that replaces a mail which cannot be sent: print the letter, post it, say on which day."""
    named = f" “{what}”" if (what := subject_of(mail)) else ""
    one = {"en": f"Print the letter{named}, post it, and enter the date of posting"}
    many = {"en": f"Print the letters{named} of those whom no mail reaches, post them, and enter the date of posting"}
    return TaskDef(
        name=POST + mail.name,
        title=many if mail.to.kind == "audience" else one,
        who=Who("role", mail.paper or "privacy"),
        link="code",
        form=(FormField(POSTED_ON.name),),
        outcomes={"posted": Outcome("posted", {"en": "The letter is in the post"})},
        due=Due(2, "business_days"),
        posts=mail.name,
    )


BY_HAND = "by_hand_"
"""Begins the name of the engine's own task of doing what a case of another process would do: `by_hand_listing`."""


def by_hand_task(child: ChildDef) -> TaskDef:
    """The task that stands for a case of a process which this office does not have."""
    plain = {"en": f"Do by hand what the process {child.process.replace('_', ' ')} would do"}
    return TaskDef(
        name=BY_HAND + child.name,
        title=child.otherwise or plain,
        who=Who("role", "privacy"),
        link="code",
        form=(),
        outcomes={"done": Outcome("done", {"en": "It is done"})},
        due=Due(10, "business_days"),
    )


HOLD_REASON = FactDef("hold_reason", FactType("text"), {"en": "Why"}, personal=True)
OWN_FACTS = {fact.name: fact for fact in (POSTED_ON, HOLD_REASON)}
"""Facts that the engine's own tasks ask for; no case keeps them."""

CONFIRM_HOLD, REVIEW_HOLD = "confirm_hold_", "review_hold"
"""Names of the engine's own tasks about a law-enforcement hold; the first ends with the role that confirms."""


def hold_task(name: str) -> TaskDef:
    """The task of confirming a hold (one for each role) or of reviewing it."""
    why = (FormField(HOLD_REASON.name, required=False),)
    if name == REVIEW_HOLD:
        asked = {"goes_on": "The agency still asks for it", "no_interference": "It interferes no longer: release it"}
        title, who = "Review the law-enforcement hold", "privacy"
    else:
        asked = {"confirm": "The request is genuine and in writing", "refuse": "It has no effect: refuse it"}
        title, who = "Confirm or refuse the law-enforcement hold", name.removeprefix(CONFIRM_HOLD)
    outcomes = {key: Outcome(key, {"en": label}) for key, label in asked.items()}
    return TaskDef(name, {"en": title}, Who("role", who), "code", why, outcomes, Due(1, "business_days"))
