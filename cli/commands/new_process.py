"""`soppa new-process`: the folder of a new process, small, whole and proved."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cli.home import Home
from cli.options import home_option, json_option
from cli.printing import print_json, say
from engine.errors import UsageError

SCHEMA = "process.schema.json"
TUTORIAL = "'A new process in half an hour'"


@click.command(epilog="Example: soppa new-process field_trip_app")
@click.argument("name", required=False)
@click.option("--dir", "folder", type=click.Path(path_type=Path, file_okay=False), default=None,
              help="Where to put it; workflows/ of the home without it.")
@click.option("--schema", type=click.Path(path_type=Path, dir_okay=False), default=None,
              help="Instead, write the JSON Schema of process files, for editors.")
@home_option
@json_option
def command(name: str | None, folder: Path | None, schema: Path | None, home: Home, as_json: bool) -> None:
    """Write a process NAME to begin with: it passes soppa check as it is, and says what to change."""
    from cli.newprocess import write_process

    if schema is not None:
        _write_schema(schema)
        written = [schema]
    elif name is None:
        raise UsageError("which name? soppa new-process field_trip_app")
    else:
        place = folder or home.workflows
        written = write_process(place, name, f"../{SCHEMA}")
        _write_schema(place / SCHEMA)
    if as_json:
        print_json({"files": [str(path) for path in written]})
        return
    for path in written:
        say(str(path))
    if name is not None:
        say(_next_step(name, folder, home))


def _next_step(name: str, folder: Path | None, home: Home) -> str:
    """What to type now: a folder that is not the home's belongs to the home in which it lies, if it has the right
    name."""
    if folder is not None and folder.resolve() != home.workflows.resolve():
        if folder.resolve().name != home.workflows.name:
            return f"next: put it into {home.workflows}, where soppa looks for the processes of a district"
        return f"next: soppa check {name} --home {folder.parent}, then docs/definitions.md, {TUTORIAL}"
    return f"next: soppa check {name}, then docs/definitions.md, {TUTORIAL}"


def _write_schema(path: Path) -> None:
    import workflows
    from workflows.schema import process_schema

    path.write_text(json.dumps(process_schema(workflows.lawbook()), indent=1) + "\n", "utf-8")
