"""A daemon that starts while its home is upgraded waits for the end of that, and then goes to work."""

from __future__ import annotations

import logging
from typing import Final

from cli.home import Home
from cli.serving.worker import notify, quiet
from cli.upkeep.joblock import wait_while

UPGRADE: Final = "soppa upgrade"
_PATIENCE = "EXTEND_TIMEOUT_USEC=60000000"
"""What systemd is asked for again each second."""


def wait_for_upgrade(home: Home) -> None:
    told = False

    def waiting() -> None:
        nonlocal told
        if not told:
            quiet()
            logging.getLogger("soppa").warning("this home is upgraded just now: waiting until that is done")
        told = True
        notify(f"STATUS=waiting for soppa upgrade\n{_PATIENCE}")

    wait_while(home, UPGRADE, waiting)
