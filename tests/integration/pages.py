"""The pages of a small district on a real database, with a clock that stands until it is moved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from fastapi import FastAPI

import workflows
from cli.documents import Documents
from cli.inspection.inspector import inspect
from engine.model.case import Actor, Case, Contact, FactValue
from engine.model.definition import LinkLevel
from engine.model.handed import NewLink
from engine.model.office import Office, Person
from engine.service import Service
from storage.chains.history import answer_line
from storage.sealing import new_ring
from storage.store import SqlStore, open_store
from tests.databases import put_tables
from tests.office import PEOPLE, office
from web.app import make_app
from web.site import Act, Answered, Change, Inspect, WebSettings
from web.tokens import new_token, token_hash

START = dt.datetime(2026, 9, 14, 15, 0, tzinfo=dt.UTC)
URL = "http://127.0.0.1:8080"


class NoReach:
    """Nobody tests anything."""

    def kind(self, token: str) -> None:
        return None

    def arrived(self, token: str, how: str, peer: str) -> None:
        raise AssertionError("nothing was sent")


@dataclass
class Pages:
    """A district whose mails and documents are kept in lists."""

    store: SqlStore
    service: Service
    folder: Path
    people: Mapping[str, Person] = field(default_factory=lambda: PEOPLE)
    now: dt.datetime = START
    mails: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    acts: dict[str, Act] = field(default_factory=dict)
    confirmed: list[str] = field(default_factory=list)
    inspect: Inspect = inspect

    def office(self) -> Office:
        return replace(office(), people=self.people)

    def app(self, url: str = URL) -> FastAPI:
        return make_app(
            service=self.service,
            store=self.store,
            definitions=self.service.definitions,
            office=self.office,
            clock=lambda: self.now,
            mail_now=lambda to, kind, values: self.mails.append((to, kind, values)),
            settings=WebSettings(url),
            cases_of=self._cases_of,
            answered=self._answered,
            inspect=lambda content, name: self.inspect(content, name),
            documents=Documents(self.folder, self.store.base.ring),
            letter=lambda case, mail: f"<!DOCTYPE html><title>{mail}</title><p>Letter of case {case.id}",
            code_letter=lambda case, party, said: f"<p>{case.parties[party].name}: {said['code']}, {said['until']}",
            match_totp=lambda secret, typed, now: int(now.timestamp()) // 30 if typed == "123456" else None,
            act_of=self.acts.get,
            act=lambda act_id: next((act for act in self.acts.values() if act.id == act_id), None),
            confirm_act=lambda act_id, person: self.confirmed.append(person),
            agreements=self.store.register.labels,
            reach=NoReach(),
        )

    def start(self, language: str = "en") -> Case:
        parent = Contact("Pat Parent", "pat@home.example", language)
        facts: dict[str, FactValue] = {"received_on": dt.date(2026, 9, 11), "item": "The birth date is wrong"}
        custodian = Actor("person", "cus", "Cus Todian", PEOPLE["cus"].roles)
        return self.service.start("correction_request", facts, {"parent": parent}, custodian, self.now)

    def case(self, case_id: str) -> Case:
        with self.store.read() as unit:
            return unit.case(case_id)

    def link(self, case: Case, recipient: str, task: str | None, days: int = 14, level: LinkLevel = "code") -> str:
        """A new link, as the relay would have put it into a mail."""
        token, open_task = new_token(), case.open_task(task) if task else None
        self.store.links.add_link(
            NewLink(
                token_hash(token),
                "task" if open_task else "status",
                case.id,
                recipient,
                level,
                self.now + dt.timedelta(days=days),
                open_task.id if open_task else None,
                open_task.generation if open_task else None,
            )
        )
        return token

    def code(self) -> str:
        """The code of the newest mail."""
        return next(values["code"] for _, kind, values in reversed(self.mails) if kind == "code")

    def _cases_of(self, person_id: str) -> list[str]:
        return [row.id for row in self.store.views.case_rows(open_only=True)]

    def _answered(self, task_id: str) -> Answered | None:
        with self.store.read() as unit:
            case_id = unit.case_of_task(task_id)
        line = answer_line(self.store.views.history(case_id), task_id)
        kept = self.store.undoing.of([case_id], self.now).get(case_id)
        if line is None:
            return None
        mine = kept is not None and not kept.barred and kept.at == line.at
        return Answered(line.told["by"], line.at, line.detail["outcome"], kept.by if kept and mine else None,
                        kept.until if kept and mine else None)


def act(second: str = "sup") -> Act:
    change = Change("Legal deadline", "Thursday, December 10, 2026", "Monday, December 14, 2026")
    return Act("act-1", "A legal date moves later", "Ada Priv", START, second, "The stamp was misread", (change,))


def kept_files(folder: Path) -> list[Path]:
    """The documents of a home, those of commands that are not done included."""
    return [path for path in folder.rglob("*") if path.is_file()]


def open_pages(folder: Path, processes: Path | None = None, people: Mapping[str, Person] = PEOPLE) -> Pages:
    """The pages of a new district; `processes` is a folder of its own processes."""
    put_tables(folder / "soppa.sqlite")
    store = open_store(f"sqlite:///{folder / 'soppa.sqlite'}", new_ring(), create=True)
    for person in people.values():
        store.save_person(person)
    house = replace(office(), people=people)
    service = Service(store, workflows.Catalogue(processes), lambda people: house)
    documents = folder / "documents"
    documents.mkdir()
    return Pages(store, service, documents, people)
