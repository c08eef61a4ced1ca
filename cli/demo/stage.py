"""The demo on stage: live with pages and a daemon, or months in seconds."""

from __future__ import annotations

import datetime as dt
import logging
import shlex
import shutil
import socket
import sys
import threading
from pathlib import Path

from cli.demo.district import BREACH, MATTERS
from cli.demo.forward import FAST_START, begin, fast_forward
from cli.demo.run import FakeClock, sample_house, start_cases
from cli.demo.sink import MailSink
from cli.demo.timeline import print_timeline, timeline_mapping
from cli.home import Home
from cli.printing import print_json, say
from cli.serving.daemon import heart_of, lock_of
from cli.serving.server import serving
from cli.serving.worker import run
from cli.wiring import machine_clock


def perform(home: Home, fast: bool, port: int, mail_port: int, as_json: bool) -> None:
    with MailSink(web_port=0 if fast else free(mail_port)) as sink:
        if fast:
            _fast(home, sink, as_json)
        else:
            _live(home, sink, free(port), as_json)


def _fast(home: Home, sink: MailSink, as_json: bool) -> None:
    logging.getLogger("soppa").setLevel(logging.ERROR)  # a clock moved by hand looks like a daemon that was off
    clock = FakeClock(FAST_START)
    with sample_house(home, sink, 8080, clock) as house:
        cases = fast_forward(house, clock)
        if as_json:
            print_json(timeline_mapping(house, cases, sink))
        else:
            print_timeline(house, cases, sink)


def _live(home: Home, sink: MailSink, port: int, as_json: bool) -> None:
    with sample_house(home, sink, port, machine_clock) as house, heart_of(house) as heart:
        cases = (*start_cases(house), *(begin(house, matter) for matter in MATTERS if matter.process == BREACH))
        if as_json:
            print_json({"home": str(home.root), "pages": f"http://127.0.0.1:{port}/",
                        "mails": f"http://127.0.0.1:{sink.web_port}/", "cases": [case.id for case in cases]})
        else:
            threading.Thread(target=_tell_mails, args=(sink, heart.stop), name="demo-mails", daemon=True).start()
            _guide(home, sink.web_port, port, [case.id for case in cases])
        run(heart, lock_of(house), serving(house, heart.stop))


def _guide(home: Home, mail_port: int, port: int, cases: list[str]) -> None:
    say(f"""\
The sample district is at work. Nothing leaves this machine.

  mails    http://127.0.0.1:{mail_port}/     every mail of the district, as its reader sees it
  pages    http://127.0.0.1:{port}/     the links in the mails lead here
  cases    {cases[0]}: a wrong date of birth in the district's own records
           {cases[1]}: a wrong reading level in an operator's product
           {cases[2]}: a breach that concerns twelve families; five people had a mail at once

Try next
  1. Open the mails, take the task mail to carla, follow its link, ask for the code, and answer the task.
  2. In another terminal:
{path_line()}       export SOPPA_HOME={home.root}
       soppa queue
       soppa explain {cases[0]}
       soppa do {cases[1]} verify complete --as carla -f requester_kind=parent -f identity_ok=yes \\
         -f where_seen=Readwell -f right_value='Level 4' -f data_owner=dana
  3. Answer for the breach, and see how far its letters are and which dates run:
       soppa do {cases[2]} accept take --as priya -f operator_involved=no
       soppa audience show {cases[2]}
       soppa diagram --case {cases[2]} --format svg --out breach.svg
  4. See months go by, five processes to their end: soppa demo --fast-forward

Mails appear here as they leave. Ctrl-C ends the demo.
""")


def _tell_mails(sink: MailSink, stop: threading.Event) -> None:
    told = 0
    while not stop.wait(0.5):
        for mail in sink.mails[told:]:
            at = dt.datetime.now(dt.UTC).astimezone().strftime("%H:%M:%S")
            say(f"{at}  mail {mail.number} to {mail.envelope_to}: {mail.subject}")
        told = len(sink.mails)


def free(port: int) -> int:
    """The port, or 0 for any when somebody has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def path_line() -> str:
    """What puts our command on the path of a terminal; empty where it is there, as it is not beside a fresh `.venv`."""
    if shutil.which("soppa"):
        return ""
    return f'       export PATH={shlex.quote(str(Path(sys.argv[0]).resolve().parent))}:"$PATH"\n'
