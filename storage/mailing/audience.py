"""Mails to many in one transaction: who is told, each copy by mail or on paper, and when all are told."""

from __future__ import annotations

from dataclasses import dataclass

from storage.mailing.printruns import PrintRuns
from storage.mailing.recipients import Recipients


@dataclass(frozen=True, slots=True)
class Audiences(Recipients, PrintRuns):
    """The audiences of a case, their copies and their print runs."""
