"""`soppa serve`: pages and daemon in one process."""

from __future__ import annotations

import os

import click

from cli.home import Home
from cli.options import home_option, json_option
from cli.printing import print_json
from cli.wiring import open_house


@click.command(epilog="Example: soppa serve --home /srv/soppa")
@home_option
@json_option
def command(home: Home, as_json: bool) -> None:
    """Run the pages and the daemon until SIGTERM. --json says once that both are at work."""
    from cli.serving.daemon import daemon_of, lock_of
    from cli.serving.server import serving
    from cli.serving.worker import run
    from cli.upkeep.afterupgrade import wait_for_upgrade

    wait_for_upgrade(home)
    with open_house(home) as house, daemon_of(house) as daemon:
        begun = {"home": str(home.root), "pid": os.getpid(), "pages": house.settings.bind}
        run(daemon, lock_of(house), serving(house, daemon.stop), lambda: print_json(begun) if as_json else None)
