"""Tokens, codes and nonces: made by chance, kept as hashes, compared in constant time. Pure but for chance."""

from __future__ import annotations

import hashlib
import hmac
import secrets

CODE_MINUTES = 30


def new_token() -> str:
    """43 characters that nobody can guess."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def new_code() -> str:
    """Six digits, for half an hour and five tries."""
    return f"{secrets.randbelow(1_000_000):06d}"


def new_letter_code() -> str:
    """Ten digits in two groups, for the month that a letter may take."""
    digits = f"{secrets.randbelow(10**10):010d}"
    return f"{digits[:5]} {digits[5:]}"


def code_hash(recipient: str, typed: str) -> str:
    """The hash of a code for one recipient; spaces and hyphens, as people type them, do not count."""
    digits = "".join(char for char in typed if char.isascii() and char.isdigit())
    return hashlib.sha256(f"{recipient}/{digits}".encode()).hexdigest()


def form_nonce(session_token: str, form: str) -> str:
    """What a form must bring back: only a page served to this very session knows it."""
    return hmac.new(session_token.encode(), form.encode(), hashlib.sha256).hexdigest()


def nonce_is_right(session_token: str, form: str, given: str) -> bool:
    return hmac.compare_digest(form_nonce(session_token, form).encode(), given.encode())
