"""`soppa rules`: the law as this version knows it."""

from __future__ import annotations

import click

import workflows
from cli.options import json_option
from cli.printing import print_json, table
from engine.law.clocks import Rule


@click.command(epilog="Example: soppa rules --json")
@json_option
def command(as_json: bool) -> None:
    """List the rules: what is due, how long, from what, and the citation with its certainty."""
    found = sorted(workflows.lawbook().rules.values(), key=lambda rule: rule.id)
    if as_json:
        print_json([_mapping(rule) for rule in found])
    else:
        table(["rule", "length", "citation", "what"], [
            [rule.id, length(rule), f"{rule.citation} [{rule.certainty}]", rule.title] for rule in found])


def length(rule: Rule) -> str:
    """`30 calendar days`, `on 01-01, 07-01`, or why there is no number."""
    if rule.length is not None and rule.unit is not None:
        return f"{rule.length} {rule.unit.replace('_', ' ')}"
    if rule.kind == "on_date":
        return "on " + ", ".join(rule.on)
    if rule.kind == "quota":
        return quota_words(rule)
    return "no number in the law" if rule.kind == "no_number" else "with the event"


def quota_words(rule: Rule) -> str:
    return f"at most {rule.length} a quarter"


def _mapping(rule: Rule) -> dict[str, object]:
    return {"rule": rule.id, "version": rule.version, "title": rule.title, "kind": rule.kind, "length": rule.length,
            "unit": rule.unit, "anchor": rule.anchor, "citation": rule.citation, "certainty": rule.certainty,
            "duty_of": rule.duty_of, "reading": rule.reading, "note": rule.note}
