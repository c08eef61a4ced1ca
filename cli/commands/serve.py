"""`soppa serve`: pages and daemon in one process."""

from __future__ import annotations

import click

from cli.daemon import heart_of, lock_of
from cli.home import Home
from cli.options import home_option
from cli.server import serving
from cli.wiring import open_house
from cli.worker import run


@click.command(epilog="Example: soppa serve --home /srv/soppa")
@home_option
def command(home: Home) -> None:
    """Run the pages and the daemon until SIGTERM."""
    with open_house(home) as house, heart_of(house) as heart:
        run(heart, lock_of(house), serving(house, heart.stop))
