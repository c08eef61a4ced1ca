"""A mail that nobody could read is not left out in silence."""

import datetime as dt

import pytest

import workflows
from engine.deciding.decide import start
from engine.model.case import Contact
from engine.model.messages import Notify, Send, StartCase
from tests.office import actor, office

TEXT = """
process: sample
version: 1
title: Sample
cites: [District policy]
parties: {firm: {kind: operator, label: Firm, from: firms}}
start: {by: [custodian]}
facts: {firms: {type: contacts, label: Firms}}
mails: {hello: {to: firm}}
states:
  open:
    title: Open
    initial: true
    send: [hello]
    tasks: [{id: go, role: custodian, title: Go, form: [firms], due: 2 business_days, outcomes: {gone: ended}}]
  ended: {title: Ended, final: ended}
"""
NOW = dt.datetime(2027, 3, 1, 18, tzinfo=dt.UTC)
FIRM = Contact("Vera", "vera@vendor.example")


@pytest.mark.parametrize("firms", [(), (FIRM,)], ids=["nobody", "somebody"])
def test_the_privacy_officer_learns_of_a_mail_without_a_reader(firms: tuple[Contact, ...]) -> None:
    definition = workflows.compile_source(TEXT, "sample.yaml", {"hello.en": "Subject: Hello\n\nHello.\n"})
    begun = start(definition, StartCase("1", actor("cus"), {"firms": firms} if firms else {}, {}), NOW, office())
    told = [one.text for one in begun.effects if isinstance(one, Notify) and one.kind == "news"]
    sent = [one.recipient for one in begun.effects if isinstance(one, Send) and one.mail == "hello"]
    nobody = ["mail 'hello' of case 1 has no reader: nobody is known as firm"]
    assert (told, sent) == (([], ["party:firm"]) if firms else (nobody, []))
