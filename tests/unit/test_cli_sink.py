"""The demo's mail sink, spoken to by the standard library's own client."""

from __future__ import annotations

import smtplib
import urllib.error
import urllib.request
from email.message import EmailMessage

import pytest

from cli.demo.sink import MailSink


def mail(subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", subject
    message.set_content(text)
    message.add_alternative(f"<p>{text}</p>", subtype="html")
    return message


def page(sink: MailSink, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{sink.web_port}{path}", timeout=5) as answer:
        return str(answer.read().decode())


def test_mails_are_taken_in_order_over_one_connection() -> None:
    with MailSink() as sink:
        with smtplib.SMTP("127.0.0.1", sink.smtp_port, timeout=5) as client:
            client.send_message(mail("first", "see http://localhost:1/t/abc ."))
            client.send_message(mail("second", ".a line that begins with a dot"))
        assert [taken.subject for taken in sink.mails] == ["first", "second"]
        assert sink.mails[1].part("plain").startswith(".a line")
        assert sink.mails[0].envelope_to == "b@example.org"


def test_pages_show_a_mail_and_never_let_its_text_become_markup() -> None:
    with MailSink() as sink:
        with smtplib.SMTP("127.0.0.1", sink.smtp_port, timeout=5) as client:
            client.send_message(mail("<script>x</script>", "go to http://localhost:1/t/abc now"))
        assert "<script>" not in page(sink, "/")
        shown = page(sink, "/1")
        assert "<script>" not in shown
        assert 'href="http://localhost:1/t/abc"' in shown
        assert "<iframe sandbox" in shown


def test_an_unknown_mail_is_404() -> None:
    with MailSink() as sink, pytest.raises(urllib.error.HTTPError, match="404"):
        page(sink, "/7")
