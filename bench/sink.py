"""A relay for the mails, in a process of its own so that it does not compute in ours."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cli.demo.sink import MailSink


def main() -> None:
    with MailSink() as sink:
        print(sink.smtp_port, flush=True)
        sys.stdin.read()


@contextmanager
def relay_process() -> Iterator[MailSink]:
    """A stand-in that knows the port of the one that runs."""
    with subprocess.Popen([sys.executable, "-m", "bench.sink"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        yield MailSink(smtp_port=int(process.stdout.readline()))
        process.stdin.close()


if __name__ == "__main__":
    main()
