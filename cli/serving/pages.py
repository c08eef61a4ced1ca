"""The pages of one house: what `web` needs of the store, the outbox, the documents and the letters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version

from cli.inspection.inspector import inspect
from cli.setup.reach import Reaches
from cli.staff.acts import confirm_act, find_act, shown_by, text_of, title_of
from cli.staff.totp import matching
from cli.status.look import prometheus
from cli.status.looks import MAILED, looks_at, no_mail_since
from cli.takingback import may_undo
from cli.wiring import House
from engine.errors import UsageError
from engine.model.case import Case
from engine.model.office import Office
from notifiers.compose import Matter
from notifiers.onpaper import code_letter, letter
from notifiers.words import ALARMS_ES
from storage.chains.history import answer_line
from storage.entrance.acts import Act as Begun
from web.app import make_app
from web.site import Act, Answered, Change, WebSettings
from web.words import instant_words


def pages(house: House) -> Callable[..., object]:
    """The ASGI app of a house.

    Raises `WrongEnvironment` for plain http that other machines could reach and that was not allowed.
    """
    lent = _Lent(house)
    settings = WebSettings(house.settings.public_url, house.settings.allow_http, house.settings.trusted_proxies,
                           metrics_from=house.settings.metrics_from)
    return make_app(
        service=house.service, store=house.store, definitions=house.definitions, office=lent.office,
        clock=house.clock, mail_now=lent.mail_now, settings=settings, cases_of=lent.cases_of, answered=lent.answered,
        documents=house.documents, inspect=inspect, letter=lent.letter, code_letter=lent.code_letter,
        match_totp=matching, act_of=lent.act_of, act=lent.act, confirm_act=lent.confirm_act,
        agreements=house.store.register.labels, reach=Reaches(house), metrics=lent.metrics,
        mail_stands=lent.mail_stands, untold=lent.untold,
    )  # fmt: skip


_SAID = ("code", "minutes", "decided_by", "decided_at")
"""The values of a notice that only its page knows."""


class _Lent:
    """What the pages borrow of the house, by the names of `web.site.Site`."""

    def __init__(self, house: House) -> None:
        self.house = house

    def office(self) -> Office:
        with self.house.store.read() as unit:
            return self.house.office(unit)

    def mail_now(self, recipient: str, kind: str, values: Mapping[str, str]) -> None:
        now = self.house.clock()
        words = {name: value for name, value in values.items() if name in _SAID}
        if "minutes" in words:
            words["until"] = (now + dt.timedelta(minutes=int(words["minutes"]))).isoformat()
        if "task" in values:
            words["task_id"] = values["task"]
        self.house.store.outbox.notify(recipient, kind, values.get("case") or None, words, now)

    def metrics(self) -> str:
        return prometheus(looks_at(self.house, self.house.clock()), version("soppa"))

    def mail_stands(self) -> dt.datetime | None:
        return no_mail_since(self.house, self.house.clock())

    def untold(self, language: str) -> Sequence[str]:
        """What the privacy officer is mailed of, while mail leaves."""
        found = [look for look in looks_at(self.house, self.house.clock()) if look.level and look.what in MAILED]
        if language == "es":
            return [f"{ALARMS_ES[look.what]}: {look.es}" for look in found]
        return [f"{look.what}: {look.says}" for look in found]

    def cases_of(self, person_id: str) -> Sequence[str]:
        return self.house.store.views.cases_of(person_id)

    def answered(self, task_id: str) -> Answered | None:
        with self.house.store.read() as unit:
            case_id = unit.case_of_task(task_id)
        line = answer_line(self.house.store.views.history(case_id), task_id)
        if line is None:
            return None
        said = Answered(line.told.get("by", "(purged)"), line.at, line.detail["outcome"])
        kept = may_undo(self.house, [case_id]).get(case_id)
        return said if kept is None or kept.at != line.at else replace(said, undo_by=kept.by, undo_until=kept.until)

    def letter(self, case: Case, mail_name: str) -> str:
        definition = self.house.definitions.pinned(case.process, case.version, case.hash)
        mail = definition.mails.get(mail_name)
        if mail is None:
            raise UsageError(f"process '{case.process}' has no mail '{mail_name}'")
        return letter(Matter(case, definition), mail, f"party:{mail.to.name}", self.office(), self.house.clock())

    def code_letter(self, case: Case, party: str, said: Mapping[str, str]) -> str:
        definition = self.house.definitions.pinned(case.process, case.version, case.hash)
        return code_letter(Matter(case, definition), f"party:{party}", said, self.office(), self.house.clock())

    def act_of(self, token: str) -> Act | None:
        found = find_act(self.house, token)
        return self._shown(found) if found else None

    def act(self, act_id: str) -> Act | None:
        found = self.house.store.acts.find(act_id)
        return self._shown(found) if found else None

    def confirm_act(self, act_id: str, person_id: str) -> None:
        confirm_act(self.house, act_id, person_id)

    def _shown(self, act: Begun) -> Act:
        office = self.office()
        names = {name: person.name for name, person in office.people.items()}
        settled = None
        if act.confirmed_by is not None and act.confirmed_at is not None:
            at = instant_words(act.confirmed_at, office, "en")
            settled = f"Confirmed by {names.get(act.confirmed_by, act.confirmed_by)} on {at}."
        elif act.expires <= self.house.clock():
            settled = "Nobody confirmed it in time, so it has lapsed. Nothing was changed."
        return Act(act.id, title_of(act), names.get(act.by, act.by), act.at, text_of(act, "second"),
                   text_of(act, "reason"), tuple(Change(*line) for line in shown_by(act)), settled)
