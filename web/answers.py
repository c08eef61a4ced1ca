"""How pages answer: a page from a template, or a plain page that says why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from starlette.responses import HTMLResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from web.visitors import Visitor


class Show(Protocol):
    """Renders a template in a language, for a visitor where somebody is signed in."""

    def __call__(
        self, template: str, language: str, status: int = 200, *, visitor: Visitor | None = None, **values: object
    ) -> HTMLResponse: ...


@dataclass
class PlainPage(Exception):
    """A page of one title and one sentence (`KEY_title` and `KEY_text` of the words) instead of what was asked for."""

    key: str
    status: int
    language: str
    values: Mapping[str, str] = field(default_factory=dict)


def unknown(language: str) -> PlainPage:
    """Whatever does not exist, and whatever this visitor may not know of, looks like this."""
    return PlainPage("unknown", 404, language)


def see_other(path: str) -> Response:
    return RedirectResponse(path, status_code=303)
