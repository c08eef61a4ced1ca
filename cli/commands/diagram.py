"""`soppa diagram`: a process as a picture, or where a case stands in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import completion
from cli.home import Home
from cli.options import as_option, home_option, json_option
from cli.printing import print_json, say
from cli.wiring import open_house
from engine.errors import UsageError
from workflows import Catalogue

if TYPE_CHECKING:
    from cli.pictures.graph import Picture


@click.command(epilog="Example: soppa diagram correction_request --format svg --out correction.svg")
@click.argument("process", required=False, shell_complete=completion.processes)
@click.option("--case", "case_id", default=None, shell_complete=completion.cases, help="Mark where this case stands.")
@click.option("--format", "kind", type=click.Choice(["mermaid", "svg"]), default="mermaid", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=None,
              help="A file; the terminal without it.")
@click.option("--pages", type=click.Path(path_type=Path, file_okay=False), default=None,
              help="Instead, write a page about each shipped process into this folder.")
@as_option
@home_option
@json_option
def command(process: str | None, case_id: str | None, kind: str, out: Path | None, pages: Path | None,
            as_login: str | None, home: Home, as_json: bool) -> None:
    """Draw PROCESS: states with who acts and by when, regions, ways on, legal clocks with their citation. A case may
    stand in the place of the process."""
    if pages is not None:
        _write_pages(pages, as_json)
        return
    from cli.pictures.dot import svg
    from cli.pictures.mermaid import mermaid

    picture = _picture(process, case_id, as_login, home)
    drawn = svg(picture) if kind == "svg" else mermaid(picture)
    if out is not None:
        out.write_text(drawn, "utf-8")
    if as_json:
        file, text = (str(out), None) if out else (None, drawn)
        print_json({"title": picture.title, "format": kind, "file": file, "text": text})
    elif out is None:
        click.echo(drawn, nl=False)
    else:
        say(f"{out}: {picture.title}")


def _write_pages(folder: Path, as_json: bool) -> None:
    from cli.pictures.page import write_pages

    written = write_pages(folder, Catalogue())
    print_json({"files": [str(path) for path in written]}) if as_json else say(f"{folder}: {len(written)} pages")


def _picture(process: str | None, case_id: str | None, as_login: str | None, home: Home) -> Picture:
    from cli.pictures.graph import picture_of

    if case_id is None:
        if process is None:
            raise UsageError("which process, or with --case which case? soppa diagram correction_request")
        return picture_of(Catalogue(home.workflows if home.workflows.is_dir() else None).newest(process))
    with open_house(home) as house:
        case = house.case(case_id, house.reader(as_login))
        if process is not None and process != case.process:
            raise UsageError(f"case {case_id} is a {case.process}, not a {process}: leave the process out")
        definition = house.definitions.pinned(case.process, case.version, case.hash)
        entered = {line.detail["state"] for line in house.store.views.history(case_id) if line.kind == "state_entered"}
    return picture_of(definition, case, frozenset(entered))
