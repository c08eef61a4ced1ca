"""The pages on their socket, on a thread beside the heartbeat; both end with one event."""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from cli.serving.pages import pages
from cli.wiring import House
from engine.errors import WrongEnvironment

GRACE = 3
"""Seconds that answers under way get after SIGTERM."""


@contextmanager
def serving(house: House, stop: threading.Event) -> Iterator[None]:
    """Serves for the length of the block, and sets `stop` when the server ends before it.

    Raises `WrongEnvironment` for an address that cannot be listened on. Requests are not logged: their addresses hold
    tokens. Whom a proxy speaks for is judged by `web.network`, not by the server.
    """
    app = pages(house)
    host, _ = house.settings.bind_address
    if house.settings.allow_http and not is_loopback(host):
        logging.getLogger("soppa").warning("allow_http is set: cookies and codes travel in clear on %s", host)
    config = uvicorn.Config(app, access_log=False, log_level="warning", log_config=None, server_header=False,
                            proxy_headers=False, lifespan="off", timeout_graceful_shutdown=GRACE)
    server = uvicorn.Server(config)
    with listening(house) as taken:
        thread = threading.Thread(target=_serve, args=(server, taken, stop), name="pages", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.should_exit = True
            thread.join(GRACE + 1)


def listening(house: House) -> socket.socket:
    """Raises `WrongEnvironment`."""
    host, port = house.settings.bind_address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise WrongEnvironment(f"the pages cannot listen on {house.settings.bind} ({error.strerror}): end what listens "
                               f"there, or set bind in {house.home.settings.name}") from error


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _serve(server: uvicorn.Server, taken: socket.socket, stop: threading.Event) -> None:
    try:
        server.run(sockets=[taken])
    finally:
        stop.set()
