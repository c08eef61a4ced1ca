"""`soppa worker`: the daemon alone."""

from __future__ import annotations

import os

import click

from cli.home import Home
from cli.options import home_option, json_option
from cli.printing import print_json
from cli.wiring import open_house


@click.command(epilog="Example: soppa worker --home /srv/soppa")
@home_option
@json_option
def command(home: Home, as_json: bool) -> None:
    """Run the daemon without pages until SIGTERM. --json says once that it is at work."""
    from cli.serving.daemon import daemon_of, lock_of
    from cli.serving.worker import run
    from cli.upkeep.afterupgrade import wait_for_upgrade

    wait_for_upgrade(home)
    with open_house(home) as house, daemon_of(house) as daemon:
        begun = {"home": str(home.root), "pid": os.getpid(), "pages": None}
        run(daemon, lock_of(house), ready=lambda: print_json(begun) if as_json else None)
