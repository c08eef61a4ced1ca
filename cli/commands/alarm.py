"""`soppa alarm`: what a failed unit of systemd calls; it needs neither the database nor the relay."""

from __future__ import annotations

import click

from cli.home import Home
from cli.options import home_option, json_option
from cli.printing import print_json, say
from cli.wiring import machine_clock


@click.command(epilog="Example: soppa alarm soppa-backup.service")
@click.argument("unit")
@home_option
@json_option
def command(unit: str, home: Home, as_json: bool) -> None:
    """Tell that UNIT has failed: by this machine's own mail to alarm_to of the settings (root without it), and in the
    file alarms of the home, which is shown at the terminal.
    """
    from cli.status.failed import tell_failed

    told = tell_failed(home, unit, machine_clock())
    if as_json:
        print_json({"unit": unit, "mailed": told.mailed, "to": told.to, "file": str(told.file) if told.file else None})
        return
    say(f"mailed {told.to}" if told.mailed else f"{told.to} was not mailed: {told.why}")
    say(f"written to {told.file}" if told.file else f"{home.alarms} could not be written")
