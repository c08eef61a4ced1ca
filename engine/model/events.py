"""The names of what can happen in a case."""

from __future__ import annotations


def told(mail: str) -> str:
    """The event 'this mail was accepted by the relay, or posted on paper'."""
    return f"told.{mail}"


def began(mail: str) -> str:
    """The event 'the first of an audience was told by this mail'."""
    return f"began.{mail}"


def complete(mail: str) -> str:
    """The event 'every copy of this mail to an audience, by mail and on paper, is done'; `told` is: each one was told
    by one of them, or decided by name."""
    return f"complete.{mail}"


def entered(state: str) -> str:
    return f"entered.{state}"


def expired(clock: str) -> str:
    """The event 'the window of this clock has passed'."""
    return f"expired.{clock}"


def ended(child: str) -> str:
    """The event 'every joined child of this name has ended'."""
    return f"ended.{child}"
