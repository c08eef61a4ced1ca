"""The samples in `deploy/` for the web server in front: real nginx and real Caddy before a real `soppa serve`."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import trustme
from starlette.routing import Route

from cli.demo.sink import MailSink
from tests.integration.pages import open_pages
from tests.processes import SOPPA, free_port, running, sample_home, until

DEPLOY = Path(__file__).parents[2] / "deploy"
NAME = "privacy.example.org"
HOST = "127.0.0.2"
"""This machine, by an address that does not look like it."""
TOKEN = "w" * 43
VALUES = {"kind": "t", "token": TOKEN, "task_id": "2026-0001.verify-1", "act_id": "act-1", "case_id": "2026-0001",
          "process": "vendor_sponsorship", "fact_name": "evidence.told_no"}
HIDDEN = ["/healthz", "/metrics", "/docs", "/openapi.json", "/static/../district.yaml", "/.env", "/t/",
          f"/t/{TOKEN}/other", "/task/1/document/a/b", "/wp-login.php", "/mine/x"]


def allowed(sample: str) -> re.Pattern[str]:
    """The one expression of a sample that says which paths get through."""
    found = re.findall(r'(?:location ~ "|path_regexp )(\^/\S+\$)', (DEPLOY / sample).read_text())
    assert len(found) == 1
    return re.compile(found[0])


@pytest.mark.parametrize("sample", ["nginx.conf", "Caddyfile"])
def test_the_samples_let_every_page_through_and_nothing_else(sample: str, tmp_path: Path) -> None:
    lets = allowed(sample)
    paths = set(every_path(open_pages(tmp_path).app().routes))
    local = {path for path in paths if not lets.match(path.format(**VALUES))}
    assert local == {"/healthz", "/metrics"}
    assert [path for path in HIDDEN if lets.match(path)] == []
    assert all(lets.match(f"/{kind}/{TOKEN}") for kind in ("t", "n", "s", "confirm"))


def every_path(routes: Sequence[object]) -> Iterator[str]:
    """The paths of an app, those of the routers that it includes too."""
    for route in routes:
        inside = getattr(route, "original_router", None)
        yield from every_path(inside.routes) if inside else [route.path] if isinstance(route, Route) else []


def program(name: str) -> str:
    """A web server of the machine. Without it the test is skipped, and fails where CI is set."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        reason = f"NOTHING WAS TRIED BEHIND {name}: install the package of that name"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return found


def put(text: str, *pairs: tuple[str, str]) -> str:
    """The sample with the machine's own values; each must stand there."""
    for was, becomes in pairs:
        assert was in text, was
        text = text.replace(was, becomes)
    return text


@contextmanager
def nginx(folder: Path, authority: trustme.CA, behind: int, port: int) -> Iterator[None]:
    cert = authority.issue_cert(HOST)
    cert.private_key_pem.write_to_path(folder / "key.pem")
    for number, part in enumerate(cert.cert_chain_pems):
        part.write_to_path(folder / "cert.pem", append=number > 0)
    site = put((DEPLOY / "nginx.conf").read_text(), ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
               ("listen [::]:80;", ""), ("listen [::]:443 ssl http2;", ""),
               ("listen 443 ssl http2;", f"listen {HOST}:{port} ssl http2;"), (NAME, HOST),
               ("/etc/letsencrypt/live/127.0.0.2/fullchain.pem", str(folder / "cert.pem")),
               ("/etc/letsencrypt/live/127.0.0.2/privkey.pem", str(folder / "key.pem")),
               ("/var/log/nginx/soppa.log", str(folder / "error.log")), ("127.0.0.1:8080", f"127.0.0.1:{behind}"))
    (folder / "site.conf").write_text(site)
    bodies = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in
                     ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(f"daemon off; pid {folder}/pid; error_log {folder}/main.log;\n"
                                       f"events {{}}\nhttp {{ {bodies} include {folder}/site.conf; }}\n")
    with at_work([program("nginx"), "-c", str(folder / "nginx.conf"), "-p", str(folder)], folder, port):
        yield


@contextmanager
def caddy(folder: Path, authority: trustme.CA, behind: int, port: int) -> Iterator[None]:
    """Its certificate comes from the test's authority, not from the one that it would ask by itself."""
    cert = authority.issue_cert(HOST)
    cert.private_key_pem.write_to_path(folder / "key.pem")
    cert.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    own = f"{HOST}:{port} {{\n\ttls {folder}/cert.pem {folder}/key.pem\n"
    site = put((DEPLOY / "Caddyfile").read_text(), (f"{NAME} {{\n", own), ("127.0.0.1:8080", f"127.0.0.1:{behind}"))
    file = folder / "Caddyfile"
    file.write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}}\n{site}")
    with at_work([program("caddy"), "run", "--adapter", "caddyfile", "--config", str(file)], folder, port):
        yield


@contextmanager
def at_work(command: list[str], folder: Path, port: int) -> Iterator[None]:
    """A web server for the length of the block; what it says of itself lies in `said`."""
    with (folder / "said").open("wb") as said:
        server = subprocess.Popen(command, stdout=said, stderr=said, env={**os.environ, "HOME": str(folder)})
        try:
            until(lambda: listens(port) or server.poll() is not None, "the web server")
            assert server.poll() is None, (folder / "said").read_text()
            yield
        finally:
            server.terminate()
            server.wait(10)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def answer(port: int, path: str, trust: Path) -> int:
    """The status of a GET."""
    secure = ssl.create_default_context(cafile=trust)
    try:
        with urllib.request.urlopen(f"https://{HOST}:{port}{path}", timeout=10, context=secure) as page:
            return int(page.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("server", [nginx, caddy])
def test_behind_it_people_get_through_to_their_pages_alone(
        server: Callable[[Path, trustme.CA, int, int], AbstractContextManager[None]], tmp_path: Path) -> None:
    authority, port, behind, trust = trustme.CA(), free_port(), free_port(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(trust)
    with MailSink() as sink:
        home = sample_home(tmp_path, sink, behind)
        settings = home / "district.yaml"
        settings.write_text(put(settings.read_text(), (f"public_url: http://127.0.0.1:{behind}",
                                f"public_url: https://{HOST}:{port}\ntrusted_proxies: [127.0.0.1]")))
        with running(home, "serve"), server(tmp_path, authority, behind, port):
            until(lambda: answer(port, "/", trust) == 200, "a page")
            assert [answer(port, path, trust) for path in ("/signin", "/static/style.css")] == [200, 200]
            assert answer(port, f"/t/{TOKEN}", trust) == 404
            assert {answer(port, path, trust) for path in HIDDEN} == {404}
            assert pages_line(home, trust) == ("ready", f"https://{HOST}:{port} is answered by this home")
        assert (tmp_path / "said").exists()
        told = [tmp_path / "said", *tmp_path.glob("*.log")]
        assert all(TOKEN not in file.read_text(errors="replace") for file in told)


def pages_line(home: Path, trust: Path) -> tuple[str, str]:
    """What `soppa doctor` says of the pages, asked from outside."""
    known = {**os.environ, "SOPPA_HOME": str(home), "SSL_CERT_FILE": str(trust)}
    told = subprocess.run([SOPPA, "doctor", "--json"], env=known, capture_output=True, text=True, check=False)
    line = next(one for one in json.loads(told.stdout) if one["what"] == "pages")
    return line["weight"], line["says"]
