"""What stays of a mail that has left, held against the library's own reading of it."""

from __future__ import annotations

import datetime as dt
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notifiers import message
from notifiers.render import render_mail
from storage.mailing.redact import CODE_MARK, MARK, redact, token_hash

NOW = dt.datetime(2026, 11, 30, 15, 0, tzinfo=dt.UTC)
TOKENS = ("Zq3_-" + "x9" * 19, "-" * 43)
HASHES = {token_hash(token.encode()) for token in TOKENS}
CODE = "482913"


def sent(text: str, place: str = "https://d.example/t/") -> bytes:
    source = "Subject: Su código es {{ code }}\n\n{{ text }}\n\n{{ link }}\n\n{{ status_link }}\n"
    values = {"code": CODE, "text": text, "link": place + TOKENS[0], "status_link": place + TOKENS[1]}
    return message.build(render_mail(source, values, "es", "Distrito · 12"), date=NOW, message_id="<1@d.example>",
                         sender=message.address("Oficina", "s@d.example"),
                         to=message.address("Ana Núñez", "ana@d.example"), invite=TOKENS[0].encode())


def said(raw: bytes) -> list[str]:
    """Subject and texts, as the library reads them."""
    mail = message_from_bytes(raw, policy=SMTP)
    parts = [part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart()]
    return [mail["Subject"], mail["To"], *(part.decode() for part in parts if isinstance(part, bytes))]


def without(text: str) -> str:
    for token in TOKENS:
        text = text.replace(token, MARK)
    return text.replace(CODE, CODE_MARK)


@settings(max_examples=40)
@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Co"), include_characters="\n=."), min_size=1).filter(
    lambda text: "".join(text.split()) != ""), st.integers(0, 90))
@example("x" * 60, 0)
@example(CODE * 30, 70)
def test_nothing_but_the_secrets_leaves_wherever_lines_are_broken(text: str, longer: int) -> None:
    raw = sent(text, f"https://{'d' * longer}.example/t/")
    kept = redact(raw, HASHES, [CODE])
    assert said(kept) == [without(words) for words in said(raw)]
    assert b"\n" not in kept.replace(b"\r\n", b"")
    assert max(map(len, kept.split(b"\r\n"))) <= 78


@pytest.mark.parametrize("behind", ["/", "=", "a", "-_-", f"/{'b' * 43}"])
def test_a_token_may_stand_behind_anything(behind: str) -> None:
    raw = f"Subject: x\r\n\r\n{behind}{TOKENS[0]}\r\n".encode()
    assert redact(raw, {token_hash(TOKENS[0].encode())}) == f"Subject: x\r\n\r\n{behind}{MARK}\r\n".encode()


def test_a_token_leaves_a_subject_that_another_program_encoded() -> None:
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = f"Señas: {TOKENS[0]}"
    mail.set_content("x\n")
    raw = mail.as_bytes()
    assert b"=?utf-8?q?" in raw
    assert message_from_bytes(redact(raw, HASHES), policy=SMTP)["Subject"] == f"Señas: {MARK}"


def test_a_token_leaves_that_is_broken_in_one_place_and_whole_in_another() -> None:
    head = b"Subject: x\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    token = TOKENS[0].encode()
    raw = head + token + b" " + token[:20] + b"=\r\n" + token[20:] + b"\r\n"
    assert redact(raw, {token_hash(token)}) == head + f"{MARK} {MARK}\r\n".encode()
