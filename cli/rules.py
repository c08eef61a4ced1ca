"""`soppa rules`: the law as the engine reads it."""

from __future__ import annotations

import json
import shutil

import click

import workflows
from engine.clocks import Rule


@click.command(epilog="Example: soppa rules --json")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def command(as_json: bool) -> None:
    """List the rules of the law, with length, citation and certainty."""
    rules = workflows.rules().values()
    if as_json:
        click.echo(json.dumps([_values(rule) for rule in rules], indent=2))
        return
    width = max(shutil.get_terminal_size((80, 24)).columns, 60)
    for rule in rules:
        head = f"{rule.id:<20}{length(rule):<19}{rule.citation} [{rule.certainty}]"
        click.echo(head if len(head) <= width else head[: width - 1] + "…")
        click.echo(f"{'':<20}{rule.title}")
    click.echo("\nT read in the text, P in part, S second-hand, M recalled (have counsel confirm), D district's own.")


def length(rule: Rule) -> str:
    """`30 calendar days`, `by 01-01, 07-01`, `no number` …"""
    if rule.kind == "on_date":
        return "by " + ", ".join(rule.on)
    if rule.kind == "tied":
        return "with its event"
    if rule.kind == "quota":
        return f"{rule.length} a quarter"
    if rule.length is None or rule.unit is None:
        return "no number"
    return f"{rule.length} {rule.unit.replace('_', ' ')}"


def _values(rule: Rule) -> dict[str, object]:
    return {
        "rule": rule.id,
        "version": rule.version,
        "title": rule.title,
        "kind": rule.kind,
        "length": rule.length,
        "unit": rule.unit,
        "anchor": rule.anchor,
        "duty_of": rule.duty_of,
        "holds": list(rule.holds),
        "citation": rule.citation,
        "certainty": rule.certainty,
        "reading": rule.reading,
        "note": rule.note,
    }
