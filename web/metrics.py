"""`/metrics` for a monitor: only this machine itself and the addresses of the settings may read it."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from web.network import arrival, client_address
from web.plain import unknown
from web.site import Site
from web.visitors import language_of

TEXT = "text/plain; version=0.0.4; charset=utf-8"
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


def metrics_page(site: Site) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.api_route("/metrics", methods=["GET", "HEAD"])
    def show_metrics(request: Request) -> Response:
        peer = request.client.host if request.client else ""
        forwarded, host = request.headers.get("x-forwarded-for", ""), request.headers.get("host", "")
        if not may_read(site, peer, forwarded, host):
            raise unknown(language_of(request))
        return Response(site.metrics(), media_type=TEXT)

    return router


def may_read(site: Site, peer: str, forwarded: str, host: str) -> bool:
    """A web server in front on this machine speaks from loopback as well: without a header that says for whom, it
    still passes on the public name that was asked for."""
    trusted = site.settings.trusted_proxies
    if client_address(peer, forwarded, trusted) in site.settings.metrics_from:
        return arrival(peer, forwarded, trusted) != "silent"
    return not forwarded and _is_loopback(peer) and urlsplit(f"//{host}").hostname in _LOCAL_NAMES


def _is_loopback(peer: str) -> bool:
    try:
        return ipaddress.ip_address(peer).is_loopback
    except ValueError:
        return False
