"""A relay for the mails, in a process of its own so that it does not compute in ours. It keeps nothing, so that it is
never what is waited for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cli.demo.sink import MailSink

_END = b"\r\n.\r\n"
_SAYS = {b"EHLO": b"250-localhost\r\n250 PIPELINING\r\n", b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}


class Talk(asyncio.Protocol):
    """One connection: looks for ends of lines and of mails, nothing else."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.had, self.in_mail = transport, b"", False
        transport.write(b"220 localhost\r\n")

    def data_received(self, data: bytes) -> None:
        self.had += data
        while (at := self.had.find(_END if self.in_mail else b"\r\n")) >= 0:
            said, self.had = self.had[:4].upper(), self.had[at + (len(_END) if self.in_mail else 2) :]
            self.transport.write(b"250 ok\r\n" if self.in_mail else _SAYS.get(said, b"250 ok\r\n"))
            self.in_mail = said == b"DATA" and not self.in_mail
            if said == b"QUIT":
                self.transport.close()


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


@contextmanager
def relay_process() -> Iterator[MailSink]:
    """A stand-in that knows the port of the one that runs."""
    with subprocess.Popen([sys.executable, "-m", "bench.sink"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        yield MailSink(smtp_port=int(process.stdout.readline()))
        process.stdin.close()


if __name__ == "__main__":
    asyncio.run(serve())
