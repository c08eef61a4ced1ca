"""The law and the processes as data, and the catalogue that reads them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from engine.calendar import Calendar
from engine.clocks import Rule
from engine.ladders import Ladder
from engine.lawbook import read_calendar, read_ladders, read_rules
from engine.nodes import Node
from workflows.reader import read_yaml


@cache
def rules() -> Mapping[str, Rule]:
    """Every shipped rule, by id."""
    return read_rules(_shipped("rules", "illinois-soppa.yaml"))


@cache
def ladders() -> Mapping[str, Ladder]:
    return read_ladders(_shipped("ladders.yaml"))


@cache
def calendar(name: str) -> Calendar:
    """A shipped calendar: `il-statutory`, `il-strict` or `il-school`."""
    return read_calendar(_shipped("calendars", f"{name}.yaml"))


def _shipped(*parts: str) -> Node:
    place = Path("workflows", *parts)
    return read_yaml(files("workflows").joinpath(*parts).read_text("utf-8"), str(place))
