"""The district's logo: what a file must be to stand on pages and letters, and its reading."""

from __future__ import annotations

import re
from functools import lru_cache

from cli.settings_parts import Logo as LogoSettings
from engine.errors import UsageError
from engine.model.office import Logo

MOST = 256_000
_PNG = b"\x89PNG\r\n\x1a\n"
_SVG = re.compile(rb"\s*(<\?xml[^>]*\?>\s*)?(<!--.*?-->\s*)*<svg[\s>]", re.DOTALL)
_UNFIT = re.compile(rb"<script|<foreignobject|<!doctype|<!entity|@import|\son\w+\s*=|(href|src)\s*=\s*[\"']\s*(?!#)"
                    rb"|url\(\s*[\"']?\s*(?!#)", re.IGNORECASE)  # fmt: skip
"""What an SVG picture needs for nothing but reaching out of itself."""


def read_logo(settings: LogoSettings) -> Logo:
    """Raises `UsageError` for a file that is no picture of the kind that its name says, or that reaches out of it."""
    try:
        content = settings.file.read_bytes()
    except OSError as error:
        raise UsageError(f"logo: {settings.file} cannot be read ({error.strerror})") from error
    if len(content) > MOST:
        raise UsageError(f"logo: {settings.file.name} has {len(content):,} bytes, and {MOST:,} are the most")
    if settings.file.suffix.lower() == ".png":
        if not content.startswith(_PNG):
            raise UsageError(f"logo: {settings.file.name} is no PNG picture, whatever its name says")
        return Logo(content, "image/png", settings.alt)
    if not _SVG.match(content):
        raise UsageError(f"logo: {settings.file.name} is no SVG picture, whatever its name says")
    if _UNFIT.search(content):
        raise UsageError(f"logo: {settings.file.name} holds a script or reaches for something outside itself: save it "
                         "as plain SVG, or as PNG")
    return Logo(content, "image/svg+xml", settings.alt)


def logo_or_none(settings: LogoSettings | None) -> Logo | None:
    """For who shows it: no decision waits for a picture, and `soppa doctor` says what is wrong with it."""
    if settings is None:
        return None
    try:
        stat = settings.file.stat()
        return _as_of((stat.st_ino, stat.st_mtime_ns, stat.st_size), settings)
    except (OSError, UsageError):
        return None


@lru_cache(maxsize=4)
def _as_of(stamp: tuple[int, int, int], settings: LogoSettings) -> Logo:
    return read_logo(settings)
