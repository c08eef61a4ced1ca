"""A new process to begin with: small, whole and proved, with a comment for each thing an author will want to change."""

from __future__ import annotations

import re
from pathlib import Path

from engine.errors import Refused, UsageError

NAME = re.compile(r"[a-z][a-z0-9_]{2,40}")

PROCESS = """\
# yaml-language-server: $schema={schema}
# What this process is for, in two sentences: they stand at the head of its page.
process: {name}
version: 1
title: {{en: {title}, es: {title}}}
# The rule or policy that the process rests on. A district's own policy is cited as such.
cites: [District policy]

# Who may start it, and what must be given. With `self`, it has a page: /start/{name}
start: {{needs: [asked_by, what], self: asked_by}}

# What is recorded. A fact has no default: what nobody recorded is neither yes nor no.
facts:
  asked_by: {{type: person, label: Who asks}}
  what: {{type: text, label: What is asked for}}
  reason: {{type: text, label: Why it is decided so}}

# A mail has a text in mails/NAME.en.md; one to a parent in mails/NAME.es.md too.
mails:
  approved: {{to: asked_by}}
  refused: {{to: asked_by}}

# One state is initial. Each task has somebody who acts, and a district's target in business days.
states:
  asked:
    title: {{en: Asked for, es: Solicitado}}
    initial: true
    tasks:
      - id: decide
        role: privacy
        title: Decide
        shows: [asked_by, what]
        form: [{{fact: reason, optional: true}}]
        due: 5 business_days
        outcomes:
          approve: {{label: Approve it, to: approved, send: [approved]}}
          refuse: {{label: Refuse it, to: refused, needs: [reason], send: [refused]}}

  approved: {{title: {{en: Approved, es: Aprobado}}, final: approved}}
  refused: {{title: {{en: Refused, es: Rechazado}}, final: refused}}

# Stories that `soppa check` plays on a fake clock.
scenarios:
  - name: It is approved
    start: 2026-09-14
    given: {{asked_by: sponsor, what: A sample}}
    steps:
      - {{on: 2026-09-16, do: decide.approve}}
    expect: {{state: approved, outcome: approved, mails: [approved]}}
  - name: It is refused with a reason
    start: 2026-09-14
    given: {{asked_by: sponsor, what: A sample}}
    steps:
      - {{on: 2026-09-16, do: decide.refuse, with: {{reason: Not needed}}}}
    expect: {{state: refused, mails: [refused]}}
"""
MAILS = {
    "approved.en.md": """\
Subject: Case {{ case }}: approved

Dear {{ recipient_name }},

What you asked for is approved: {{ fact_what }}. You need not do anything more.

Questions? Write to {{ contact_name }}, {{ contact_email }}, or call {{ contact_phone }}.

{{ district }}
""",
    "refused.en.md": """\
Subject: Case {{ case }}: not approved

Dear {{ recipient_name }},

What you asked for is not approved: {{ fact_what }}. The reason: {{ fact_reason }}

Questions? Write to {{ contact_name }}, {{ contact_email }}, or call {{ contact_phone }}.

{{ district }}
""",
}


def write_process(folder: Path, name: str, schema: str) -> list[Path]:
    """Writes the folder of a new process. Raises `UsageError` for a bad name, `Refused` where there is one already."""
    if not NAME.fullmatch(name):
        raise UsageError(f"'{name}' is no name of a process: use small letters, digits and '_', as in field_trip_app")
    place = folder / name
    if place.exists():
        raise Refused(f"{place} is there already: choose another name, or change what is there")
    texts = {"process.yaml": PROCESS.format(name=name, title=name.replace("_", " ").capitalize(), schema=schema)}
    texts |= {f"mails/{file}": text for file, text in MAILS.items()}
    (place / "mails").mkdir(parents=True)
    for file, text in texts.items():
        (place / file).write_text(text, "utf-8")
    return [place / file for file in texts]
