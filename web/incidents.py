"""Errors of ours: the visitor gets a number, the log gets the same number and where it happened, and no values."""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger("soppa.web")


class Incidents:
    """Pure ASGI middleware; `page` makes the answer from the request and the number. Messages of errors are not logged,
    since they may hold what was typed."""

    def __init__(self, app: ASGIApp, page: Callable[[Request, str], Response]) -> None:
        self._app = app
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            number = secrets.token_hex(4)
            _log.error("incident %s: %s at %s", number, type(error).__name__, place_of(error))
            if scope["type"] != "http":
                raise
            if not started:
                await self._page(Request(scope), number)(scope, receive, send)


def place_of(error: BaseException) -> str:
    """`file:line` of each frame, innermost last; nothing of their values."""
    return " > ".join(f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-4:])
