"""The bytes of a mail: what readers' programs and the relay see."""

from __future__ import annotations

import datetime as dt
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.model.handed import OutboxRow
from notifiers import message
from notifiers.invite import invite
from notifiers.quoted import quoted
from notifiers.render import Rendered, render_mail

NOW = dt.datetime(2026, 11, 24, 15, 0, tzinfo=dt.UTC)
ROW = OutboxRow(7, "2026-0001", "task", "2026-0001-3", "1", "person:dana", "2026-0001-3", "claimed", 1, 1)


def words(subject: str = "Caso 2026-0001: señal") -> Rendered:
    source = f"Subject: {subject}\n\n¿Qué pasó? {{{{ link }}}}\n"
    return render_mail(source, {"link": "https://d.example/t/" + "a" * 90}, "es", "Distrito")


def built(rendered: Rendered | None = None, **more: object) -> EmailMessage:
    raw = message.build(
        rendered or words(), sender=message.address("Privacy Office, District 12", "soppa@district.example"),
        to=message.address("Ana Núñez", "ana@example.org"), date=NOW,
        thread=message.thread_id("2026-0001", "d.example"),
        message_id=message.message_id(ROW, "district.example"), **more)  # type: ignore[arg-type]
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    mail = message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)
    return mail


def test_the_head_says_who_when_what_and_that_a_machine_wrote_it() -> None:
    mail = built(reply_to=message.address("Dana", "dana@district.example"))
    assert mail["From"] == '"Privacy Office, District 12" <soppa@district.example>'
    assert mail["To"] == "Ana Núñez <ana@example.org>"
    assert mail["Subject"] == "Caso 2026-0001: señal"
    assert mail["Reply-To"] == "Dana <dana@district.example>"
    assert mail["Date"].datetime == NOW
    assert mail["Content-Language"] == "es"
    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == ("auto-generated", "All")


def test_all_mails_of_a_case_hang_on_one_thread() -> None:
    mail = built()
    assert mail["References"] == mail["In-Reply-To"] == "<case-2026-0001@d.example>"


def test_text_and_html_say_the_same_in_whole_links() -> None:
    mail = built()
    assert mail.get_content_type() == "multipart/alternative"
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        assert "¿Qué pasó?" in part.get_content()
        assert "https://d.example/t/" + "a" * 90 in part.get_content()


def test_a_long_thread_id_is_never_encoded() -> None:
    long = f"<{'x' * 150}@district.example>"
    raw = message.build(words(), sender=message.address("A", "a@b.example"), to=message.address("C", "c@d.example"),
                        message_id=long, date=NOW, thread=long)
    assert f"Message-ID: {long}\r\n".encode() in raw
    assert b"=?" not in raw.partition(b"References:")[2].partition(b"\r\n")[0]


@pytest.mark.parametrize("subject", [
    "Case 2026-0001: Decide whether there is a factual inaccuracy, and who holds it, " + "and say why " * 5,
    "Resumen del martes, 11 de enero de 2028: 1 plazo legal, 1 tarea o meta",
    "Caso 2026-0001: una señal muy larga sobre la corrección que usted pidió y lo que sigue " + "ahora " * 12])
def test_a_long_subject_arrives_as_it_was_written(subject: str) -> None:
    assert built(words(subject))["Subject"] == subject.strip()


def test_the_id_is_the_same_for_every_try_and_another_for_another_reader() -> None:
    again = OutboxRow(7, "2026-0001", "task", "2026-0001-3", "1", "person:dana", "2026-0001-3", "claimed", 9, 4)
    other = OutboxRow(8, "2026-0001", "task", "2026-0001-3", "1", "person:lee", "2026-0001-3", "claimed", 1, 1)
    ids = [message.message_id(row, "d.example") for row in (ROW, again, other)]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("email", ["", "ana", "ana@", "@x.example", "a b@x.example", "a@b@c.example", "añ@x.example",
                                   "a@x.example\r\nBcc: b@x.example", "a@x.example,b@x.example", "<a@x.example>"])
def test_what_is_no_plain_address_is_refused(email: str) -> None:
    with pytest.raises(UsageError, match=r"name@example\.org"):
        message.address("Ana", email)


def test_a_name_cannot_add_a_header() -> None:
    with pytest.raises(UsageError, match="control character"):
        message.address("Ana\r\nBcc: b@x.example", "ana@example.org")


def test_a_date_is_attached_as_an_all_day_entry_that_a_newer_one_replaces() -> None:
    mail = built(invite=invite(uid="2026-0001-3@d.example", sequence=2, title="Look; at, it\n" + "ñ" * 60,
                               due=dt.date(2026, 12, 31), stamp=NOW))
    part = next(mail.iter_attachments())
    assert (part.get_content_type(), part.get_filename()) == ("text/calendar", "due.ics")
    raw = part.get_payload(decode=True)
    assert isinstance(raw, bytes)
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    lines = raw.decode().replace("\r\n ", "").split("\r\n")
    assert {"UID:2026-0001-3@d.example", "SEQUENCE:2", "DTSTART;VALUE=DATE:20261231", "DTEND;VALUE=DATE:20270101",
            "DTSTAMP:20261124T150000Z", "SUMMARY:Look\\; at\\, it\\n" + "ñ" * 60, "METHOD:PUBLISH", "VERSION:2.0",
            "TRANSP:TRANSPARENT", "TRIGGER:-P1D", "ACTION:DISPLAY"} <= set(lines)


def entry(title: str, sequence: int = 0) -> bytes:
    return invite(uid="1@d.example", sequence=sequence, title=title, due=dt.date(2026, 12, 31), stamp=NOW, note="D 12")


def test_the_same_date_gives_the_same_entry_with_no_link_in_it() -> None:
    assert entry("Look at it") == entry("Look at it")
    assert entry("Look at it").count(b"UID:") == 1
    assert b"SEQUENCE:0\r\n" in entry("Look at it")
    assert b"http" not in entry("Look at it")


@pytest.mark.parametrize("title", ["a\rATTENDEE:x", "a\nATTENDEE:x", "a\r\nEND:VEVENT"])
def test_a_title_adds_no_line_to_the_entry(title: str) -> None:
    assert entry(title).count(b"\r\n") == entry("a").count(b"\r\n")
    assert entry(title).replace(b"\r\n", b"").count(b"\r") == 0


SEEN = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"),
                     exclude_characters="\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
ONE_LINE = st.text(SEEN, max_size=120).map(lambda text: " ".join(text.split()))
TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs"), include_characters="\n\t=."), max_size=400)


def shown(raw: bytes) -> str:
    """The reader's name; the library's newer policy puts blanks between the encoded words of a name."""
    value = str(message_from_bytes(raw)["To"]).replace("\r\n", "")
    name = value.rpartition("<")[0].strip()
    return parseaddr(value)[0] if name.startswith('"') else str(make_header(decode_header(name)))


@given(ONE_LINE.filter(bool), ONE_LINE, TEXT, TEXT, st.none() | st.binary(max_size=200))
@example("=?utf-8?q?no?=", '"A", \\B <c@d>', "-- \n.\n..\nFrom x \n--=_soppa_text\n", "=_soppa_all--\n", b"--=_x")
@example("x" * 300, "y" * 300, "z" * 3000, " \n \t\n" * 3, b"")
def test_the_library_reads_what_was_written(
    subject: str, name: str, text: str, html: str, attached: bytes | None
) -> None:
    raw = message.build(Rendered(subject, text, quoted(html), "", "es"), sender=message.address(name, "s@d.example"),
                        to=message.address(name, "ana@example.org"), message_id="<1@d.example>", date=NOW,
                        thread="<case-1@d.example>", reply_to=message.address("D", "d@d.example"), invite=attached)
    assert raw.isascii() and b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    mail = message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)
    assert (mail["Subject"], shown(raw), mail["From"].addresses[0].addr_spec) == (subject, name, "s@d.example")
    parts = [part for part in mail.walk() if not part.is_multipart()]
    assert [part.defects for part in mail.walk()] == [[]] * (len(parts) + (1 if attached is None else 2))
    said = [text.replace("\n", "\r\n").encode(), html.replace("\n", "\r\n").encode()]
    assert [part.get_payload(decode=True) for part in parts] == said + ([] if attached is None else [attached])
