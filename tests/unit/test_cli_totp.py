"""The test vectors of RFC 6238, appendix B (last six digits), and what is accepted around them."""

from __future__ import annotations

import base64
import datetime as dt

import pytest

from cli.staff.totp import code, matching, uri

SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(("seconds", "expected"), [
    (59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")])
def test_vectors(seconds: int, expected: str) -> None:
    assert code(SECRET, seconds // 30) == expected


def test_one_step_to_either_side_is_accepted_and_no_more() -> None:
    now = dt.datetime.fromtimestamp(1111111109, dt.UTC)
    assert matching(SECRET, "081804", now) == 1111111109 // 30
    assert matching(SECRET, "081804", now + dt.timedelta(seconds=30)) == 1111111109 // 30
    assert matching(SECRET, "081804", now + dt.timedelta(seconds=90)) is None
    assert matching(SECRET, "", now) is None


def test_the_uri_escapes_names() -> None:
    assert uri("ABC", "Ana / Ruiz", "D 1").startswith("otpauth://totp/D%201:Ana%20")
