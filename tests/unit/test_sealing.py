"""What is sealed opens in its own place, under its own ring, and nowhere else."""

from __future__ import annotations

import json
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from engine.errors import WrongEnvironment
from storage.mailing.redact import CODE_MARK, MARK, redact, token_hash
from storage.sealing import Ring, add_key, canonical, new_ring, read_ring, write_ring

PLACE = "cases/2026-0001"


def test_a_value_opens_in_its_place() -> None:
    ring = new_ring()
    assert ring.open(ring.seal(b"Ana", PLACE), PLACE) == b"Ana"


def test_a_value_moved_to_another_row_does_not_open() -> None:
    ring = new_ring()
    with pytest.raises(WrongEnvironment, match="cases/2026-0002 does not open"):
        ring.open(ring.seal(b"Ana", PLACE), "cases/2026-0002")


@pytest.mark.parametrize("at", [-1, -20, 10], ids=["tag", "text", "nonce"])
def test_a_changed_byte_does_not_open(at: int) -> None:
    ring = new_ring()
    sealed = bytearray(ring.seal(b"a longer secret", PLACE))
    sealed[at] ^= 1
    with pytest.raises(WrongEnvironment, match="does not open"):
        ring.open(bytes(sealed), PLACE)


@pytest.mark.parametrize("rubbish", [b"", b"\x01", b"\x02abc", b"\x01\x05abc"])
def test_rubbish_is_named_with_its_place(rubbish: bytes) -> None:
    with pytest.raises(WrongEnvironment, match=PLACE + "|lost key"):
        new_ring().open(rubbish, PLACE)


def test_the_same_value_never_looks_the_same_twice() -> None:
    ring = new_ring()
    assert ring.seal(b"Ana", PLACE) != ring.seal(b"Ana", PLACE)


def test_an_older_key_still_reads_and_the_new_one_writes() -> None:
    old = new_ring()
    both = add_key(old)
    assert both.open(old.seal(b"Ana", PLACE), PLACE) == b"Ana"
    with pytest.raises(WrongEnvironment, match="lost key"):
        old.open(both.seal(b"Ana", PLACE), PLACE)


def test_a_digest_stays_true_after_a_new_key_and_differs_by_place() -> None:
    old = new_ring()
    digest = old.digest(b"Ana", PLACE)
    assert add_key(old).digest(b"Ana", PLACE, old.current) == digest
    assert old.digest(b"Ana", "cases/2") != digest


def test_a_ring_survives_its_file() -> None:
    ring = add_key(new_ring())
    assert read_ring(write_ring(ring)) == ring


def test_a_ring_never_shows_its_keys() -> None:
    ring = Ring({"k": b"s" * 32}, "k")
    assert "ssss" not in repr(ring)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        json.dumps({"current": "a", "keys": {}}).encode(),
        json.dumps({"current": "a", "keys": {"a": "c2hvcnQ="}}).encode(),
    ],
    ids=["empty", "a list", "no keys", "current is not there", "a short key"],
)
def test_a_damaged_ring_is_one_sentence(content: bytes) -> None:
    with pytest.raises(WrongEnvironment, match="key ring"):
        read_ring(content)


def test_canonical_json_does_not_depend_on_the_order_of_keys() -> None:
    assert canonical({"b": 1, "a": "é"}) == canonical({"a": "é", "b": 1}) == '{"a":"é","b":1}'.encode()


TOKEN = "Zq3_-" + "x9" * 19


@pytest.mark.parametrize("encoding", ["7bit", "quoted-printable", "base64"])
def test_tokens_leave_a_sent_mail_and_its_words_stay(encoding: str) -> None:
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = "A task for you"
    mail.set_content(f"Please look: https://privacy.example.org/t/{TOKEN}\n", cte=encoding)
    mail.add_alternative(f'<p>Grüße <a href="https://privacy.example.org/t/{TOKEN}">look</a></p>', subtype="html")
    kept = redact(mail.as_bytes(), {token_hash(TOKEN.encode())})

    parts = [part.get_content() for part in message_from_bytes(kept, policy=SMTP).walk() if not part.is_multipart()]
    assert all(TOKEN not in part and MARK in part for part in parts) and len(parts) == 2
    assert "Grüße" in parts[1] and "Please look" in parts[0]


def test_a_code_leaves_a_subject_of_other_letters_too_and_the_rest_of_the_head_stays() -> None:
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = "Su código es 482913, válido media hora"
    mail["To"] = "José Núñez <jose@families.example>"
    mail["References"] = f"<case-2026-0001@{'d' * 60}.example>"
    mail.set_content("482913\n")
    raw = mail.as_bytes()
    kept = redact(raw, (), ["482913"])

    found = message_from_bytes(kept, policy=SMTP)
    assert found["Subject"] == f"Su código es {CODE_MARK}, válido media hora"
    assert found.get_content().strip() == CODE_MARK
    others = [line for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n") if b"Subject" not in line]
    assert all(line in kept for line in others if not line.startswith((b"Content-", b" ")))
    assert b"\n" not in kept.replace(b"\r\n", b"")


def test_a_mail_without_links_stays_as_it_was() -> None:
    raw = b"Subject: x\r\n\r\n" + TOKEN.encode()
    assert redact(raw, {token_hash(b"another")}).endswith(TOKEN.encode()) and redact(raw, ()) == raw
