"""Whether people get through: what a test mail's link and `soppa doctor` ask for. GET tells, only a POST is kept."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from web.answers import Show
from web.network import arrival, missed
from web.plain import PlainPage, unknown
from web.site import Site
from web.visitors import address_of, check_origin, language_of, limiter


def reach_pages(site: Site, show: Show) -> APIRouter:
    router = APIRouter(dependencies=[Depends(limiter(site))], include_in_schema=False)

    @router.api_route("/reach/{token}", methods=["GET", "HEAD"])
    def show_reach(token: str, request: Request) -> Response:
        if _kind(site, request, token) == "probe":
            return JSONResponse({"soppa": "here", "arrival": _arrival(site, request), "peer": _peer(request)})
        return show("reach.html", language_of(request), path=f"/reach/{token}")

    @router.post("/reach/{token}")
    def confirm(token: str, request: Request) -> Response:
        check_origin(site, request)
        if _kind(site, request, token) == "mail":
            site.reach.arrived(token, _arrival(site, request), _peer(request))
        return show("message.html", language_of(request), key="reach_done", values={})

    return router


def _kind(site: Site, request: Request, token: str) -> str:
    """Raises the page of unknown addresses, or of too many tries."""
    kind = site.reach.kind(token)
    if kind is None:
        if not missed(site.links, address_of(site, request), site.clock()):
            raise PlainPage("many", 429, language_of(request))
        raise unknown(language_of(request))
    return kind


def _arrival(site: Site, request: Request) -> str:
    return arrival(_peer(request), request.headers.get("x-forwarded-for", ""), site.settings.trusted_proxies)


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""
