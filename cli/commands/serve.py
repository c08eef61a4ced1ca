"""`soppa serve`: pages and daemon in one process."""

from __future__ import annotations

import ipaddress
import logging
import threading

import click
import uvicorn

from cli.daemon import heart_of, lock_of
from cli.home import Home
from cli.options import home_option
from cli.pages import pages
from cli.wiring import House, open_house
from cli.worker import run


@click.command(epilog="Example: soppa serve --home /srv/soppa")
@home_option
def command(home: Home) -> None:
    """Run the pages and the daemon until SIGTERM."""
    with open_house(home) as house, heart_of(house) as heart:
        run(heart, lock_of(house), lambda: serve_pages(house, heart.stop))


def serve_pages(house: House, stop: threading.Event) -> None:
    """Serves until a signal comes. Requests are not logged: their addresses hold tokens."""
    host, port = house.settings.bind_address
    if house.settings.allow_http and not is_loopback(host):
        logging.getLogger("soppa").warning("allow_http is set: cookies and codes travel in clear on %s", host)
    config = uvicorn.Config(
        pages(house), host=host, port=port, access_log=False, log_level="warning", server_header=False,
        proxy_headers=bool(house.settings.trusted_proxies), timeout_graceful_shutdown=5,
        forwarded_allow_ips=list(house.settings.trusted_proxies))
    uvicorn.Server(config).run()
    stop.set()


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
