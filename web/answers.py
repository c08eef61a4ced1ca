"""How pages answer: with a page from a template, or by sending on to another."""

from __future__ import annotations

from typing import Protocol

from starlette.responses import HTMLResponse, RedirectResponse, Response

from web.visitors import Visitor


class Show(Protocol):
    """Renders a template in a language, for a visitor where somebody is signed in."""

    def __call__(
        self, template: str, language: str, status: int = 200, *, visitor: Visitor | None = None, **values: object
    ) -> HTMLResponse: ...


def see_other(path: str) -> Response:
    return RedirectResponse(path, status_code=303)
