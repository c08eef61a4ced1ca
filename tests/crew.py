"""Two workers on one PostgreSQL database, with a case that mails a receipt at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cli.demo.run import person
from cli.demo.sink import MailSink
from cli.serving.daemon import daemon_of
from cli.wiring import House
from engine.model.case import Contact, FactValue
from tests.processes import free_port, sample_home

CASES = 5


def home_of_two(folder: Path, sink: MailSink, url: str) -> Path:
    home = sample_home(folder, sink, free_port(), url)
    settings = home / "district.yaml"
    settings.write_text(f"{settings.read_text('utf-8')}workers: 2\n", "utf-8")
    return home


@contextmanager
def at_work(house: House, count: int = 2) -> Iterator[None]:
    """So many workers in this process, which all end in time."""
    with ExitStack() as stack:
        crew = [stack.enter_context(daemon_of(house)) for _ in range(count)]
        with ExitStack() as running:
            for one in crew:
                running.enter_context(one.at_work())
            yield
        assert all(one.rests(8) for one in crew)


def begin(house: House, number: int) -> None:
    """A case whose task and receipt are mailed at once."""
    now = house.clock()
    today = now.astimezone(house.settings.zone).date()
    parent = Contact(f"Parent {number}", f"parent{number}@families.example")
    facts: dict[str, FactValue] = {"received_on": today, "item": "A date"}
    house.service.start("correction_request", facts, {"parent": parent}, person(house, "carla"), now)


def receipts(sink: MailSink) -> list[str]:
    return sorted(mail.envelope_to for mail in sink.mails if mail.envelope_to.startswith("parent"))


def all_receipts(sink: MailSink, count: int = CASES) -> bool:
    return receipts(sink) == sorted(f"parent{number}@families.example" for number in range(count))
