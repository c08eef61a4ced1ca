"""Draws the pictures of the documentation from a sample home: `make pictures`, or `python -m bench.pictures FOLDER`.

The sample district of the demo is played to a day on which much is going on, and to its end; people, days and words are
the same each time, ids and hashes are not. Needs Chromium. Nothing leaves this machine.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from threading import Event
from zipfile import ZipFile

import time_machine
import typst
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from bench.palette import with_palette
from cli.demo.forward import FAST_DAYS, FAST_START, fast_forward
from cli.demo.run import FakeClock, sample_house
from cli.demo.sink import MailSink
from cli.home import Home
from cli.main import main as soppa
from cli.serving.server import serving
from cli.wiring import House
from cli.work.app import WorkApp
from cli.work.desk import Desk
from engine.model.case import Case
from engine.model.handed import Session
from storage.looking.queue import View
from tests.browser import BROWSERS
from tests.processes import free_port
from web.tokens import new_token, token_hash

BUSY_DAYS = 40
MOST = 150_000
"""Bytes of one picture."""

PHONE: ViewportSize = {"width": 390, "height": 844}
MAIL: ViewportSize = {"width": 680, "height": 400}
_FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Sample:
    """The sample district as it stands on a day."""

    house: House
    sink: MailSink
    clock: FakeClock
    cases: tuple[Case, ...]

    def case(self, process: str) -> str:
        return next(case.id for case in self.cases if case.process == process)


@dataclass(frozen=True, slots=True)
class Easel:
    """Draws with one browser into one folder."""

    folder: Path
    browser: Browser

    def page(self, name: str, address: str, token: str, *, whole: bool = False) -> None:
        """The first screen of a page on a phone, or the whole of it, for whoever has the session of this token."""
        context = self.browser.new_context(viewport=PHONE, java_script_enabled=False, device_scale_factor=1.5)
        context.add_cookies([{"name": "soppa", "value": token, "url": address}])
        page = context.new_page()
        page.goto(address)
        self.keep(name, page.screenshot(full_page=whole))
        context.close()

    def mail(self, name: str, source: str) -> None:
        page = self.browser.new_page(viewport=MAIL, device_scale_factor=1.25)
        page.set_content(source)
        self.keep(name, page.screenshot(full_page=True))
        page.close()

    def drawing(self, name: str, svg: str) -> None:
        """A terminal's screen; its letters are those of this machine, none are fetched."""
        page = self.browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_content(f'<body style="margin:0">{_FONTS.sub("", svg).replace("Fira Code", "DejaVu Sans Mono")}')
        self.keep(name, page.locator("svg").screenshot())
        page.close()

    def pdf(self, name: str, file: Path, pages: int) -> None:
        """The first pages side by side."""
        files = "".join(f'box(fill: white, image("{file.name}", page: {number}, width: 6in)),'
                        for number in range(1, pages + 1))
        source = file.with_suffix(".typ")
        source.write_text(f"#set page(width: auto, height: auto, margin: 6pt, fill: rgb(\"#d5dbe1\"))\n"
                          f"#grid(columns: {pages}, gutter: 6pt, {files})")
        made = typst.compile(str(source), format="png", ppi=110)
        assert isinstance(made, bytes)
        self.keep(name, made)

    def keep(self, name: str, png: bytes) -> None:
        content = with_palette(png)
        assert len(content) < MOST, f"{name} has {len(content):,} bytes: draw it smaller"
        (self.folder / f"{name}.png").write_bytes(content)


@contextmanager
def easel_in(folder: Path) -> Iterator[Easel]:
    """Playwright holds the thread's event loop: nothing else that needs one may run in the block."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        sys.exit("no Chromium is here to draw with: install the package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield Easel(folder, browser)
        browser.close()


@contextmanager
def sample(root: Path, days: int) -> Iterator[Sample]:
    clock, port = FakeClock(FAST_START), free_port()
    with MailSink(web_port=0) as sink, sample_house(Home(root), sink, port, clock) as house:
        yield Sample(house, sink, clock, fast_forward(house, clock, days))


def screens(found: Sample) -> list[str]:
    """The queue with a case below it, and the form of a task, as SVG."""
    house, today = found.house, found.clock().astimezone(found.house.settings.zone).date()
    app = WorkApp(Desk(house, house.actor("priya"), View(today, "priya", limit=100)))
    shown: list[str] = []

    async def look() -> None:
        async with app.run_test(size=(100, 32)) as pilot:
            for key in ("", "enter"):
                await pilot.press(*filter(None, [key]))
                await pilot.pause()
                await pilot.pause()
                shown.append(app.export_screenshot(title="soppa work"))

    asyncio.run(look())
    return shown


def pages(easel: Easel, found: Sample) -> None:
    """A task of the staff, and in Spanish where a parent's case stands."""
    house, case_id = found.house, found.case("correction_request")
    with house.store.read() as unit:
        task = unit.case(case_id).open_task("fix")
    assert task is not None
    with serving(house, Event()):
        easel.page("task", f"{house.settings.public_url}/task/{task.id}", _session(found, "person:dana", None))
        easel.page("status-es", f"{house.settings.public_url}/status/{case_id}",
                   _session(found, "party:parent", case_id), whole=True)  # fmt: skip


def _session(found: Sample, recipient: str, case_id: str | None) -> str:
    token, now = new_token(), found.clock()
    session = Session(0, recipient, case_id, "code", now + dt.timedelta(hours=1))
    found.house.store.links.open_session(token_hash(token), session, now)
    return token


def brief(easel: Easel, found: Sample) -> None:
    """The newest one of the privacy officer."""
    newest = next(mail for mail in reversed(found.sink.mails)
                  if mail.subject.startswith("Brief") and "priya" in mail.envelope_to)
    easel.mail("brief", newest.part("html"))


def papers(found: Sample, place: Path) -> None:
    """What the commands write into a folder on the last day of the story."""
    breach = found.case("breach_response")
    home = ["--home", str(found.house.home.root), "--as", "priya"]
    with time_machine.travel(found.clock(), tick=True), redirect_stdout(StringIO()):
        assert soppa(["evidence", breach, "--out", str(place / "evidence.zip"), *home]) == 0
        assert soppa(["report", "year", "--pdf", str(place / "report.pdf"), *home]) == 0
        assert soppa(["letters", "print", breach, "--run", "1", "--out", str(place / "letters"), *home]) == 0
        assert soppa(["diagram", "correction_request", "--format", "svg", "--out", str(place / "correction.svg")]) == 0
    with ZipFile(place / "evidence.zip") as packed:
        (place / "evidence.pdf").write_bytes(packed.read(f"evidence-{breach}.pdf"))


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures")
    logging.disable(logging.WARNING)  # a clock moved by hand looks like a daemon that was off
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        with sample(place / "busy", BUSY_DAYS) as found:
            queue, form = screens(found)
            with easel_in(folder) as easel:
                easel.drawing("queue", queue)
                easel.drawing("form", form)
                pages(easel, found)
                brief(easel, found)
        with sample(place / "done", FAST_DAYS) as found:
            papers(found, place)
        with easel_in(folder) as easel:
            easel.pdf("evidence", place / "evidence.pdf", 2)
            easel.pdf("report", place / "report.pdf", 1)
            easel.pdf("letter", min((place / "letters").glob("letters*-en*.pdf")), 1)
        shutil.copy(place / "correction.svg", folder)
    for file in sorted(folder.iterdir()):
        print(f"{file}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
