"""Asks once more about a date that is hardly right, before it is recorded: a year mistyped is a deadline missed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from engine.errors import UsageError

if TYPE_CHECKING:
    from cli.wiring import House
    from engine.model.case import FactValue
    from engine.model.definition import Definition

sure_option = click.option("--sure", is_flag=True, help="Dates that lie unusually far off are right.")


def check_sure(house: House, definition: Definition, values: Mapping[str, FactValue], known: Mapping[str, FactValue],
               *, sure: bool) -> None:
    """Raises `UsageError` with each date that is further off than is usual, unless somebody is sure."""
    from engine.deciding.unlikely import unlikely_dates

    if sure:
        return
    office, now = house.make_office(house.store.people()), house.clock()
    found = list(unlikely_dates(definition, values, known, office, now))
    if found:
        raise UsageError("\n".join(f"{one}: correct it, or add --sure if it is right" for one in found))
