"""Entries of the register as a person or a program sees them: one with its history, or all of them as a CSV file."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from cli.home import Home, write_private
from cli.printing import pairs, print_json, say, table
from cli.wiring import open_house
from engine.errors import Refused, UsageError
from engine.model.case import Contact
from engine.words import written
from registry.export import to_csv
from registry.fields import FIELDS, values_of
from registry.values import Holding
from storage.chains.register_history import Written
from storage.register import latest


def show_entry(home: Home, entry: str, as_login: str | None, *, verify: bool, as_json: bool) -> None:
    """Raises `UsageError` for an unknown id, `Refused` where a chain is broken."""
    with open_house(home) as house:
        house.reader(as_login)
        found = house.store.register.about(entry)
        ids = {one for holding in found for one in _ids(holding)}
        lines = house.store.register.history(ids)
        wrong = list(house.store.register.verify(sorted(ids))) if verify else []
        names = {f"person:{person.id}": person.name for person in house.store.people()}
        zone = house.settings.zone
    if as_json:
        print_json({"entries": [_mapping(holding) for holding in found],
                    "history": [_line_mapping(line) for line in lines], "wrong": wrong})
    else:
        for holding in found:
            _print(holding)
        _print_history(lines, names, zone)
    if wrong:
        raise Refused("\n".join(wrong))
    if verify and not as_json:
        say("\nthe history is whole")


def export_register(home: Home, out: Path | None, as_login: str | None, *, as_json: bool) -> None:
    """As CSV; as JSON its rows, or how many of them went into the file. Raises `UsageError` where the file is there
    already or cannot be written."""
    with open_house(home) as house:
        house.reader(as_login)
        people = {person.id: person.email for person in house.store.people()}
        text = to_csv(latest(house.store.register.holdings()), people)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    if out is not None:
        _write(out, text)
    if as_json:
        print_json(rows if out is None else {"file": str(out), "rows": len(rows)})
    elif out is None:
        click.echo(text, nl=False)
    else:
        say(f"{len(rows)} rows written to {out}")


def _write(out: Path, text: str) -> None:
    try:
        write_private(out, text.encode())
    except FileExistsError:
        raise UsageError(f"{out} is there already: name a new file") from None
    except OSError as error:
        raise UsageError(f"{out} cannot be written ({error.strerror})") from error


def _print(holding: Holding) -> None:
    agreement = holding.agreement
    say(f"{agreement.id if agreement else holding.product.id}  {holding.label}")
    pairs({"operator": holding.operator.id, "product": holding.product.id,
           **{name: _line_of(value) for name, value in values_of(holding).items()
              if name not in ("operator", "product")}})
    say()


def _line_of(value: object) -> str:
    if isinstance(value, tuple) and value and isinstance(value[0], Contact):
        return ", ".join(f"{one.name} <{one.email}>" for one in value)
    return written(value).replace("\n", " / ")  # type: ignore[arg-type]


def _print_history(lines: Sequence[Written], names: Mapping[str, str], zone: dt.tzinfo) -> None:
    table(["when", "", "who", "by", "what"], [
        [f"{line.at.astimezone(zone):%Y-%m-%d %H:%M}", line.entry, names.get(line.actor, line.actor), line.cause,
         "entered" if line.kind == "entered" else
         "; ".join(f"{name}: {was or '–'} → {becomes or '–'}" for name, (was, becomes) in line.detail.items())]
        for line in lines])


def _mapping(holding: Holding) -> dict[str, object]:
    values = values_of(holding)
    told = {name: None if name not in values else _line_of(values[name]) if "contact" in name else written(values[name])
            for name in (*FIELDS, "notes")}
    return {"agreement": holding.agreement.id if holding.agreement else None, "product_id": holding.product.id,
            "operator_id": holding.operator.id, **told}


def _line_mapping(line: Written) -> dict[str, object]:
    return {"entry": line.entry, "seq": line.seq, "at": line.at, "actor": line.actor, "kind": line.kind,
            "cause": line.cause, "changes": {name: {"was": was or None, "becomes": becomes or None}
                                             for name, (was, becomes) in line.detail.items()}}


def _ids(holding: Holding) -> tuple[str, ...]:
    own = (holding.operator.id, holding.product.id)
    return own if holding.agreement is None else (*own, holding.agreement.id)
