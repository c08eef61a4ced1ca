"""Mails a second, each durably recorded before and after it is handed over, beside the least that could do so."""

from __future__ import annotations

import datetime as dt
import socket
from collections.abc import Sequence
from typing import Any

from bench.figures import ROUNDS, medians, part, told
from bench.figures import seconds_and_cpu as timed
from bench.grounds import Ground, begin, is_sqlite, raw, start_one
from cli.home import Home
from cli.serving.daemon import relay_of
from cli.settings import USUAL_CONNECTIONS
from cli.wiring import House, open_house
from storage.mailing.settling import mail_place

MAILS = part(200)
BATCH = 50


def measure(ground: Ground) -> None:
    for connections in (USUAL_CONNECTIONS, 20):
        with ground.district(f"mails-{connections}") as home:
            settings = home.settings.read_text("utf-8")
            home.settings.write_text(settings.replace("tls: none,", f"tls: none, connections: {connections},"), "utf-8")
            with open_house(home) as house:
                relayed(house, 1)  # not counted: opens a connection, parses the texts
                ours, cpu, limit = medians([one_round(home, house, ground.sink.smtp_port) for _ in range(ROUNDS)])
        what = f"mails to single readers, {connections} connections"
        told(ground.kind, what, MAILS / ours, "per s", limit=MAILS / limit, cpu=cpu / MAILS)


def one_round(home: Home, house: House, port: int) -> tuple[float, float, float]:
    """Seconds in which the relay makes and sends so many receipts; in which the same bytes leave by one pipelining
    connection, a shared commit before and after each batch."""
    ours, cpu = relayed(house, MAILS)
    with raw(home) as connection:
        content = one_sent(connection, house)
        for _ in range(MAILS):
            start_one(house)
        rows = waiting(connection)
        assert len(rows) == MAILS, f"{len(rows)} mails wait"
        limit, _ = timed(lambda: least(connection, port, rows, content))
    return ours, cpu, limit


def relayed(house: House, count: int) -> tuple[float, float]:
    for _ in range(count):
        start_one(house)
    with relay_of(house) as relay:
        assert relay is not None
        relay.link.reachable()
        done = []
        took = timed(lambda: done.extend(iter(lambda: relay.run(BATCH).accepted, 0)))
    assert sum(done) >= count, f"{sum(done)} of {count} mails were accepted"
    return took


def one_sent(connection: Any, house: House) -> tuple[bytes, bytes]:
    """A mail that was sent, as bytes and as it is kept."""
    number, sealed = connection.execute(
        "SELECT id, sealed FROM outbox WHERE state = 'accepted' ORDER BY id DESC LIMIT 1").fetchone()
    return house.store.base.ring.open(bytes(sealed), mail_place(number)), bytes(sealed)


def waiting(connection: Any) -> list[int]:
    found = connection.execute("SELECT id FROM outbox WHERE state = 'queued' AND lane = 0 ORDER BY id").fetchall()
    return [row[0] for row in found]


def least(connection: Any, port: int, rows: Sequence[int], content: tuple[bytes, bytes]) -> None:
    """Says of each mail that it is being handed over, hands it over, and says how that went."""
    plain, sealed = content
    now = dt.datetime.now(dt.UTC)
    when = now.strftime("%Y-%m-%d %H:%M:%S.%f") if is_sqlite(connection) else now
    with socket.create_connection(("127.0.0.1", port)) as talk:
        talk.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        replies = talk.makefile("rb")
        replies.readline()
        for start in range(0, len(rows), BATCH):
            some = rows[start : start + BATCH]
            record(connection, "state = 'handing_over', at = NULL, fence = 1, lease_until = ?, sealed = ?",
                   [(when, sealed, row) for row in some])
            for _ in some:
                hand_over(talk, replies, plain)
            record(connection, "state = 'accepted', reply = '250 ok', lease_until = NULL, settled_at = ?, sealed = ?",
                   [(when, sealed, row) for row in some])


def record(connection: Any, values: str, rows: Sequence[tuple[object, ...]]) -> None:
    statement = f"UPDATE outbox SET {values} WHERE id = ?"  # noqa: S608 - our own words
    begin(connection)
    connection.cursor().executemany(statement if is_sqlite(connection) else statement.replace("?", "%s"), rows)
    connection.execute("COMMIT")


def hand_over(talk: socket.socket, replies: Any, plain: bytes) -> None:
    """Two round trips: the envelope with DATA, then the mail."""
    talk.sendall(b"MAIL FROM:<a@district.example>\r\nRCPT TO:<ana@families.example>\r\nDATA\r\n")
    answers = [replies.readline()[:3] for _ in range(3)]
    talk.sendall(plain.replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\n")
    answers.append(replies.readline()[:3])
    assert answers == [b"250", b"250", b"354", b"250"], answers
