"""What the child may answer besides a kind."""

from __future__ import annotations

FAULTS = ("kind", "unreadable", "locked", "active", "picture")
"""None of our kinds; broken; locked with a password; something that acts by itself; a picture beyond all measure."""


class Fault(Exception):
    """One of `FAULTS`."""
