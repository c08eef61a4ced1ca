"""`soppa document`: a kept file, taken out for somebody who may see it."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import click

from cli import completion
from cli.home import Home, write_private
from cli.options import as_option, home_option, json_option
from cli.printing import print_json, say
from cli.wiring import open_house
from engine.errors import NotAllowed, Refused, UsageError
from engine.model.messages import Event
from engine.nodes import nearest


@click.command(epilog="Example: soppa document 2026-0001 evidence --out evidence.pdf")
@click.argument("case", shell_complete=completion.cases)
@click.argument("fact", shell_complete=completion.documents)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=None,
              help="A new file, readable by you alone; without it the document goes into a pipe.")
@as_option
@home_option
@json_option
def command(case: str, fact: str, out: Path | None, as_login: str | None, home: Home, as_json: bool) -> None:
    """Take the document of FACT, the paper of a hold (H1) or of an adoption (evidence.NAME) out of CASE. For privacy
    officer and custodian. That it was taken stands in the history."""
    if as_json and out is None:
        raise UsageError("--json tells of a file: name it with --out FILE")
    with open_house(home) as house:
        actor = house.actor(as_login)
        if not actor.roles & {"privacy", "custodian"}:
            raise NotAllowed(f"{actor.name} may not take documents out: ask the privacy officer or the custodian")
        found = house.case(case, actor)
        papers = {hold.id: hold.paper for hold in found.holds}
        evidence = found.adopted.evidence if found.adopted else {}
        papers |= {f"evidence.{name}": paper for name, paper in evidence.items()}
        if fact not in found.facts and fact in house.definition(found).facts:
            raise Refused(f"'{fact}' is not recorded in case {found.id} yet: there is nothing to take out")
        if fact not in found.facts and fact not in papers:
            raise UsageError(f"case {found.id} has no fact '{fact}'{nearest(fact, [*found.facts, *papers])}")
        content, kind = house.documents.read(papers.get(fact) or str(found.facts[fact]))
        digest = hashlib.sha256(content).hexdigest()
        with house.store.begin() as unit:
            unit.case(found.id)
            unit.note(found.id, Event("document_taken", {"fact": fact}, {"sha256": digest}), actor, house.clock(),
                      again=True)
    if out is None:
        _pipe(content, f"{found.id}-{fact}.{kind}")
        return
    try:
        write_private(out, content)
    except OSError as error:
        raise UsageError(f"{out} cannot be written ({error.strerror}): name a new file") from error
    if as_json:
        print_json({"case": found.id, "fact": fact, "kind": kind, "bytes": len(content), "sha256": digest,
                    "file": str(out)})
    else:
        say(f"{len(content):,} bytes to {out}")


def _pipe(content: bytes, name: str) -> None:
    if sys.stdout.isatty():
        raise UsageError(f"a document is no text for a terminal: add --out {name}")
    sys.stdout.buffer.write(content)
