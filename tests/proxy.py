"""A web server with TLS in front of the pages, as nginx would be, with the faults that people give it."""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trustme

ADDRESS = "127.0.0.2"
"""This machine, by an address that does not look like it."""


@contextmanager
def in_front(authority: trustme.CA, behind: int, *, speaks: bool = True, answer: int | None = None,
             leads_to: str = "") -> Iterator[str]:
    """The public address of a server in front of the pages on the port `behind`. It `speaks` of its visitors, or does
    not; with an `answer` it answers that itself."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._forward()

        def do_POST(self) -> None:
            self._forward()

        def _forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if answer is not None:
                self._answer(answer, {"Location": f"{leads_to}{self.path}"} if leads_to else {}, b"<h1>hello</h1>")
                return
            asked = http.client.HTTPConnection("127.0.0.1", behind, timeout=10)
            told = {name: value for name, value in self.headers.items() if name.lower() != "x-forwarded-for"}
            if speaks:
                told["X-Forwarded-For"] = self.client_address[0]
            try:
                asked.request(self.command, self.path, body, told)
                found = asked.getresponse()
                self._answer(found.status, dict(found.getheaders()), found.read())
            except ConnectionRefusedError:
                self._answer(502, {}, b"bad gateway")
            finally:
                asked.close()

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer((ADDRESS, 0), Handler)
    secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(ADDRESS).configure_cert(secure)
    server.socket = secure.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"https://{ADDRESS}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
