"""A small district for tests."""

from zoneinfo import ZoneInfo

CHICAGO = ZoneInfo("America/Chicago")
