"""Mail through a real SMTP server: what is certain, what is not, and that nothing leaves in clear."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from engine.errors import WrongEnvironment
from notifiers.handover import Delivery, Outgoing
from notifiers.smtp import Looked, RelaySettings, SmtpLink, look_at
from tests.mailserver import Frank, Relay, Sink, TokenSink, free_port, mail_server

MAIL = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\n\r\n.a line that begins with a dot\r\n"


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    with mail_server(tmp_path) as relay:
        yield relay


def yes() -> bool:
    return True


def test_a_mail_is_accepted_over_tls_byte_for_byte(relay: Relay) -> None:
    with SmtpLink(relay.settings) as link:
        delivery = link.deliver("b@example.org", MAIL, yes)
    assert (delivery.state, delivery.reply) == ("accepted", "250 kept as 17")
    assert relay.sink.mails == [MAIL]
    assert relay.sink.secure == [True]


def test_one_connection_carries_many_mails(relay: Relay) -> None:
    with SmtpLink(relay.settings) as link:
        states = [link.deliver("b@example.org", MAIL, yes).state for _ in range(5)]
    assert states == ["accepted"] * 5
    assert len({session.peer for session in relay.sink.sessions}) == 1


@pytest.mark.parametrize(("answer", "state"), [("550 no such user", "failed"), ("451 try later", "deferred")])
def test_a_refused_recipient_is_told_apart_and_nothing_is_handed_over(relay: Relay, answer: str, state: str) -> None:
    relay.sink.rcpt = answer
    handed: list[bool] = []

    def noted() -> bool:
        handed.append(True)
        return True

    with SmtpLink(relay.settings) as link:
        delivery = link.deliver("b@example.org", MAIL, noted)
        relay.sink.rcpt = "250 OK"
        assert link.deliver("c@example.org", MAIL, yes).state == "accepted"
    assert (delivery.state, delivery.reply, delivery.outage, handed) == (state, answer, False, [])


@pytest.mark.parametrize(("answer", "state"), [("554 not wanted", "failed"), ("452 disk is full", "deferred")])
def test_an_answer_to_the_final_dot_is_certain(relay: Relay, answer: str, state: str) -> None:
    relay.sink.dot = answer
    with SmtpLink(relay.settings) as link:
        assert link.deliver("b@example.org", MAIL, yes).state == state
        relay.sink.dot = "250 OK"
        assert link.deliver("b@example.org", MAIL, yes).state == "accepted"


def test_silence_after_the_final_dot_is_uncertain(relay: Relay) -> None:
    relay.sink.hang = True
    with SmtpLink(replace(relay.settings, dot_timeout=0.3)) as link:
        delivery = link.deliver("b@example.org", MAIL, yes)
    assert (delivery.state, delivery.outage) == ("uncertain", False)
    assert len(relay.sink.mails) == 1


def test_a_mail_in_hand_that_is_abandoned_is_uncertain(relay: Relay) -> None:
    relay.sink.hang = True
    with SmtpLink(relay.settings) as link:
        stop = threading.Timer(0.5, link.abandon)
        stop.start()
        assert link.deliver("b@example.org", MAIL, yes).state == "uncertain"


def test_a_cancelled_mail_is_not_sent(relay: Relay) -> None:
    with SmtpLink(relay.settings) as link:
        assert link.deliver("b@example.org", MAIL, lambda: False).state == "stopped"
    assert relay.sink.mails == []


def test_a_commit_that_fails_sends_nothing_and_the_link_goes_on(relay: Relay) -> None:
    def broken() -> bool:
        raise OSError("the database is read-only")

    with SmtpLink(relay.settings) as link:
        with pytest.raises(OSError, match="read-only"):
            link.deliver("b@example.org", MAIL, broken)
        assert relay.sink.mails == []
        assert link.deliver("b@example.org", MAIL, yes).state == "accepted"


def test_a_kept_connection_that_died_is_opened_again(relay: Relay) -> None:
    with SmtpLink(relay.settings) as link:
        link.deliver("b@example.org", MAIL, yes)
        relay.stop()
        relay.start()
        assert link.deliver("b@example.org", MAIL, yes).state == "accepted"
    assert len(relay.sink.mails) == 2


def test_a_relay_that_is_down_is_an_outage_and_is_found_again(relay: Relay) -> None:
    relay.stop()
    with SmtpLink(replace(relay.settings, rest=0.0)) as link:
        assert link.reachable()
        delivery = link.deliver("b@example.org", MAIL, yes)
        assert (delivery.state, delivery.outage) == ("deferred", True)
        assert not link.reachable()
        relay.start()
        assert link.reachable()
        assert link.deliver("b@example.org", MAIL, yes).state == "accepted"


def test_a_relay_that_is_down_is_left_alone_for_its_rest(relay: Relay) -> None:
    relay.stop()
    with SmtpLink(replace(relay.settings, rest=60)) as link:
        link.deliver("b@example.org", MAIL, yes)
        relay.start()
        assert not link.reachable()


def test_a_certificate_of_a_stranger_is_refused(relay: Relay) -> None:
    with SmtpLink(replace(relay.settings, ca_file=None)) as link:
        delivery = link.deliver("b@example.org", MAIL, yes)
    assert (delivery.state, delivery.outage) == ("deferred", True)
    assert "certificate" in delivery.reply.lower()


def test_a_relay_without_tls_gets_nothing() -> None:
    sink = Sink()
    controller = Controller(sink, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings = RelaySettings("localhost", controller.port, "soppa@district.example", "District", timeout=5)
    with SmtpLink(settings) as link:
        delivery = link.deliver("b@example.org", MAIL, yes)
    controller.stop()
    assert (delivery.outage, sink.mails) == (True, [])


def test_the_password_comes_from_its_file(relay: Relay, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("sesame\n")
    secret.chmod(0o600)
    with SmtpLink(replace(relay.settings, username="office", password_file=secret)) as link:
        assert link.deliver("b@example.org", MAIL, yes).state == "accepted"
    assert relay.sink.logins == ["office"]


def test_a_token_is_read_anew_for_each_connection(tmp_path: Path) -> None:
    token = secret(tmp_path, "stale")
    with mail_server(tmp_path, sink=TokenSink()) as relay:
        signed = replace(relay.settings, username="privacy@district.example", token_file=token)
        assert look_at(signed).trouble == (f"localhost:{relay.settings.port} refuses the user or the password (535): "
                                           f"correct relay.username, or renew the token in {token}")
        with SmtpLink(signed) as link:
            assert link.deliver("b@example.org", MAIL, yes).outage
            secret(tmp_path, "fresh")
            assert link.deliver("b@example.org", MAIL, yes).state == "accepted"
            relay.stop()
            relay.start()
            token.unlink()
            gone = link.deliver("b@example.org", MAIL, yes)
    assert (gone.state, gone.outage) == ("deferred", True)
    assert "the relay's password cannot be read" in gone.reply
    assert relay.sink.logins[-1] == "user=privacy@district.example\x01auth=Bearer fresh\x01\x01"


@pytest.mark.parametrize(("more", "sentence"), [
    ({"username": "a", "password_file": Path("p"), "token_file": Path("t")}, "are both set"),
    ({"token_file": Path("t")}, "without relay.username"),
])  # fmt: skip
def test_a_token_stands_in_the_place_of_a_password(more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(WrongEnvironment, match=sentence):
        RelaySettings("mail.example.org", 587, "a@b.example", "B", **more)


def test_a_wrong_password_is_an_outage_not_a_failed_mail(relay: Relay, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("wrong\n")
    secret.chmod(0o600)
    with SmtpLink(replace(relay.settings, username="office", password_file=secret, timeout=1)) as link:
        delivery = link.deliver("b@example.org", MAIL, yes)
    assert (delivery.state, delivery.outage) == ("deferred", True)


def test_a_password_that_everybody_can_read_is_refused(relay: Relay, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("sesame\n")
    secret.chmod(0o604)
    with pytest.raises(WrongEnvironment, match="chmod o="):
        SmtpLink(replace(relay.settings, username="office", password_file=secret))


def test_mail_in_clear_goes_to_loopback_only() -> None:
    RelaySettings("127.0.0.1", 25, "a@b.example", "B", tls="none")
    with pytest.raises(WrongEnvironment, match="in clear to mail"):
        RelaySettings("mail.example.org", 25, "a@b.example", "B", tls="none")


def secret(folder: Path, password: str) -> Path:
    path = folder / "password"
    path.write_text(f"{password}\n")
    path.chmod(0o600)
    return path


def test_a_look_at_the_relay_encrypts_signs_in_and_sends_nothing(relay: Relay, tmp_path: Path) -> None:
    signed = replace(relay.settings, username="soppa", password_file=secret(tmp_path, "sesame"))
    assert look_at(relay.settings) == Looked(None, "TLSv1.3", False)
    assert look_at(signed) == Looked(None, "TLSv1.3", True)
    assert relay.sink.mails == []


def test_a_wrong_password_is_told_as_such(relay: Relay, tmp_path: Path) -> None:
    path = secret(tmp_path, "wrong")
    looked = look_at(replace(relay.settings, username="soppa", password_file=path))
    assert looked.trouble == (f"localhost:{relay.settings.port} refuses the user or the password (535): correct "
                              f"relay.username, or the password in {path}")


def plain_server(answers: type) -> Controller:
    """A server without TLS and without users."""
    started = Controller(answers(), hostname="127.0.0.1", port=free_port())
    started.start()
    return started


class RefusesSender:
    async def handle_MAIL(self, *_: object) -> str:  # noqa: N802
        return "553 not allowed to send as this address"


@pytest.mark.parametrize(("changes", "sentence"), [
    ({"ca_file": None}, "is not to be trusted (unable to get local issuer certificate)"),
    ({"host": "127.0.0.1"}, "is not to be trusted (IP address mismatch"),
    ({"tls": "tls"}, "does not speak as relay.tls 'tls' says: port 587 is starttls, port 465 is tls"),
    ({"host": "no-such-host.invalid"}, "there is no machine named no-such-host.invalid: correct relay.host"),
])  # fmt: skip
def test_what_is_wrong_with_the_way_to_the_relay_is_one_sentence(
        relay: Relay, changes: dict[str, object], sentence: str) -> None:
    assert sentence in str(look_at(replace(relay.settings, **changes)).trouble)  # type: ignore[arg-type]


def test_a_closed_port_a_silent_one_and_a_relay_without_encryption_are_told_apart(relay: Relay) -> None:
    settings = replace(relay.settings, host="127.0.0.1", timeout=0.5)
    closed = replace(settings, port=free_port())
    assert str(look_at(closed).trouble).startswith(f"nothing listens at 127.0.0.1:{closed.port}: correct relay.port")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "does not answer" in str(look_at(replace(settings, port=silent.getsockname()[1])).trouble)
    plain = plain_server(RefusesSender)
    try:
        at = replace(settings, port=plain.port, timeout=5)
        assert "offers no STARTTLS: correct relay.port" in str(look_at(at).trouble)
        assert "refuses mail from soppa@district.example" in str(look_at(replace(at, tls="none")).trouble)
    finally:
        plain.stop()


# --- several at once -------------------------------------------------------------------------------------------------


@dataclass
class Ledger:
    """What is committed: each commit as the mails that it lets go and the states that it writes."""

    commits: list[tuple[list[int], list[str]]] = field(default_factory=list)
    states: dict[int, Delivery] = field(default_factory=dict)
    refused: Collection[int] = ()
    before: Callable[[], None] = lambda: None

    def keep(self, asking: Sequence[int], done: Sequence[tuple[int, Delivery]]) -> Collection[int]:
        self.before()
        self.commits.append((list(asking), [delivery.state for _, delivery in done]))
        assert not self.states.keys() & dict(done).keys(), "told twice"
        self.states |= dict(done)
        return [number for number in asking if number not in self.refused]

    def told(self) -> list[str]:
        return [self.states[number].state for number in sorted(self.states)]


def mails(count: int) -> list[Outgoing]:
    return [Outgoing(f"b{number}@example.org", b"Subject: %d\r\n\r\n.x\r\n" % number) for number in range(count)]


@pytest.mark.parametrize("pipelines", [True, False])
def test_connections_share_their_commits_and_each_has_one_mail_in_hand(pipelines: bool) -> None:
    ledger = Ledger()
    with Frank(pipelines=pipelines) as frank, SmtpLink(frank.settings) as link:
        link.deliver_all(mails(30), ledger.keep)
        assert ledger.told() == ["accepted"] * 30
        assert sorted(frank.mails) == sorted(b"Subject: %d\r\n\r\n..x\r\n" % number for number in range(30))
        assert frank.greeted == 3
    in_hand = 0
    for leaving, done in ledger.commits:
        in_hand += len(leaving) - len(done)
        assert in_hand <= 3
    assert len(ledger.commits) < 30


def test_a_relay_that_grants_fewer_connections_gets_all_mails_by_those() -> None:
    ledger = Ledger()
    with Frank(grants=1) as frank, SmtpLink(frank.settings) as link:
        link.deliver_all(mails(9), ledger.keep)
        assert (len(frank.mails), ledger.told()) == (9, ["accepted"] * 9)
        assert link.reachable()


@pytest.mark.parametrize(("verb", "answer", "state"), [
    ("RCPT", "550 no such user", "failed"), ("RCPT", "451 later", "deferred"), ("DATA", "554 not today", "failed"),
    ("DATA", "452 disk is full", "deferred")])
@pytest.mark.parametrize("pipelines", [True, False])
def test_what_is_refused_before_the_mail_is_certain_and_the_connection_goes_on(
    verb: str, answer: str, state: str, pipelines: bool
) -> None:
    ledger = Ledger()
    with Frank({verb: answer}, pipelines=pipelines) as frank, SmtpLink(replace(frank.settings, connections=1)) as link:
        link.deliver_all(mails(2), ledger.keep)
        assert (ledger.told(), [mail for mail in frank.mails if mail]) == ([state] * 2, [])
        del frank.answers[verb]
        assert link.deliver("b@example.org", MAIL, yes).state == "accepted"
        assert frank.greeted == 1
    assert all(leaving == [] for leaving, _ in ledger.commits[:-1])


def test_a_refused_sender_is_the_relays_trouble_and_all_mails_wait() -> None:
    ledger = Ledger()
    with Frank({"MAIL": "550 not you"}) as frank, SmtpLink(replace(frank.settings, rest=60)) as link:
        link.deliver_all(mails(5), ledger.keep)
        assert ledger.told() == ["deferred"] * 5
        assert all(delivery.outage for delivery in ledger.states.values())
        assert not link.reachable()
        assert frank.mails == [b""] * len(frank.mails)


def test_a_mail_that_may_not_leave_does_not_and_the_others_do() -> None:
    ledger = Ledger(refused=(1, 4))
    with Frank() as frank, SmtpLink(frank.settings) as link:
        link.deliver_all(mails(6), ledger.keep)
        assert (len(frank.mails), sorted(ledger.states)) == (4, [0, 2, 3, 5])


def test_a_connection_that_never_comes_keeps_nobody_waiting() -> None:
    ledger = Ledger()
    with Frank(grants=1, silent=True) as frank, SmtpLink(replace(frank.settings, timeout=60)) as link:
        link.deliver_all(mails(4), ledger.keep)
        assert (ledger.told(), len(frank.mails), frank.greeted) == (["accepted"] * 4, 4, 3)


def test_what_was_in_hand_on_each_connection_when_the_wait_is_given_up_is_uncertain_and_the_rest_waits() -> None:
    def give_up() -> None:
        frank.has_mail.wait(5)
        link.abandon()

    ledger = Ledger()
    with Frank({".": "silence"}) as frank, SmtpLink(frank.settings) as link:
        threading.Thread(target=give_up, daemon=True).start()
        link.deliver_all(mails(7), ledger.keep)
        told = ledger.told()
        assert 1 <= told.count("uncertain") <= 3
        assert (len(told), told.count("deferred")) == (7, 7 - told.count("uncertain"))
        assert len(frank.mails) <= told.count("uncertain")


def test_when_a_commit_fails_nothing_more_leaves() -> None:
    def broken() -> None:
        if ledger.commits:
            raise OSError("the disk is full")

    ledger = Ledger(before=broken)
    with Frank() as frank, SmtpLink(frank.settings) as link:
        with pytest.raises(OSError, match="disk is full"):
            link.deliver_all(mails(9), ledger.keep)
        (leaving, _), = ledger.commits
        assert len(frank.mails) == len(leaving) <= 3
        assert link.deliver("b@example.org", MAIL, yes).state == "accepted"
