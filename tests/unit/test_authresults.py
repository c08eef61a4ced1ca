"""What receivers write into a mail's headers, as three kinds of them do, and what it means for an office."""

from __future__ import annotations

import pytest

from cli.setup.authresults import advice, heard

GOOGLE = b"""\
Delivered-To: pat@example.org
Received: by 2002:a05:6a20:3d84:b0:1a7 with SMTP id s4csp12345pzi;
        Sun, 29 Nov 2026 03:11:12 -0800 (PST)
Return-Path: <privacy@district.example>
Received: from relay.example (relay.example. [192.0.2.7])
        by mx.receiver.example with ESMTPS id a1si123 for <pat@example.org>
        (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256);
        Sun, 29 Nov 2026 03:11:12 -0800 (PST)
Authentication-Results: mx.receiver.example;
       dkim=pass header.i=@relay.example header.s=s1 header.b=abc;
       dkim=pass header.i=@district.example header.s=s1 header.b=def;
       spf=pass (receiver.example: domain of privacy@district.example designates
        192.0.2.7 as permitted (really) sender) smtp.mailfrom=privacy@district.example;
       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=district.example
Authentication-Results: evil.example; spf=fail; dkim=fail; dmarc=fail
Message-ID: <test-1@district.example>
From: "District" <privacy@district.example>
To: pat@example.org
Subject: Test mail

body: spf=fail
"""
OFFICE = b"""\
Received: from A.example.com (2603::1) by B.example.com with HTTPS; Sun, 29 Nov 2026 11:11:12 +0000
Received: from relay.example (192.0.2.7) by A.example.com (10.0.0.1) with Microsoft SMTP Server (version=TLS1_3,
 cipher=TLS_AES_256_GCM_SHA384) id 15.20; Sun, 29 Nov 2026 11:11:11 +0000
Authentication-Results: spf=softfail (sender IP is 192.0.2.7)
 smtp.mailfrom=bounces.relay.example; dkim=pass (signature was verified)
 header.d=relay.example;dmarc=fail action=quarantine header.from=district.example;compauth=fail reason=000
From: privacy@district.example
"""
PLAIN = b"""\
Received: from district.example by mail.school.example with ESMTP id 9; Sun, 29 Nov 2026 11:11:11 +0000
Authentication-Results: mail.school.example; none
From: privacy@district.example
"""


def test_the_receivers_own_words_count_and_no_others() -> None:
    found = heard(GOOGLE)
    assert found is not None
    assert found.receiver == "mx.receiver.example"
    assert [(one.method, one.result) for one in found.verdicts] == [
        ("spf", "pass"), ("dkim", "pass"), ("dmarc", "pass")]
    assert {one.domain for one in found.verdicts} == {"district.example"}
    assert (found.hops, found.message_id) == (1, "<test-1@district.example>")
    assert list(advice(found)) == []


def test_a_step_within_one_machine_needs_no_encryption() -> None:
    local = b"Received: from district.example (localhost [127.0.0.1]) by relay.example with ESMTP id 1; Sun\n"
    found = heard(local + PLAIN)
    assert found is not None
    assert (found.hops, found.in_clear) == (1, ("mail.school.example",))


def test_a_relay_that_signs_as_itself_fails_for_the_district() -> None:
    found = heard(OFFICE)
    assert found is not None
    assert (found.receiver, found.hops, found.in_clear) == ("", 1, ())
    assert list(advice(found)) == [
        "SPF: name the relay in the SPF record of bounces.relay.example (its DNS)",
        "DKIM: the relay signs as relay.example; have it sign as district.example, which readers see",
        "DMARC: SPF or DKIM must pass for district.example itself, not for the relay's own name"]


def test_a_receiver_that_says_nothing_and_a_hop_in_clear_are_told() -> None:
    found = heard(PLAIN)
    assert found is not None
    assert [one.result for one in found.verdicts] == ["none", "none", "none"]
    assert list(advice(found)) == [
        "SPF: name the relay in the SPF record of district.example (its DNS)",
        "DKIM: have the relay sign mails as district.example, and put its key into the DNS",
        "DMARC: put a record at _dmarc.district.example (its DNS)",
        "TLS: taken without encryption by mail.school.example"]


@pytest.mark.parametrize("raw", [b"", b"%PDF-1.7", b"From: privacy@district.example\n\nhello", b"\xff\xfe\x00",
                                 b"Authentication-Results: x; spf=pass\n"])
def test_what_holds_no_headers_of_a_mail_that_came_is_nothing(raw: bytes) -> None:
    assert heard(raw) is None
