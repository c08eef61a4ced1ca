"""A PostgreSQL server for the tests: the one that SOPPA_TEST_POSTGRES names, or an own one on a socket."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url

VARIABLE = "SOPPA_TEST_POSTGRES"

_SETTINGS = ("listen_addresses=", "max_connections=200")
# Lasting through a power cut is PostgreSQL's promise, not ours to test, and waiting for the disk is most of the time.
_FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class NoServer(Exception):
    """There is no PostgreSQL server to test with; the text says how to get one."""


@contextmanager
def server(*, lasting: bool = False) -> Iterator[str]:
    """The URL of a server's maintenance database, while the block lasts; one that is `lasting` waits for the disk at
    each commit, as PostgreSQL does by itself. Raises `NoServer`."""
    named = os.environ.get(VARIABLE)
    if named:
        yield named
    else:
        with _own_server(_binaries(), _SETTINGS if lasting else (*_SETTINGS, *_FORGETFUL)) as url:
            yield url


@contextmanager
def fresh_database(server_url: str, template: str | None = None) -> Iterator[str]:
    """The SQLAlchemy URL of a new database, empty or a copy of the one at `template`, to which nobody may be connected
    now. It is dropped afterwards with whoever still holds a connection to it."""
    name = f"soppa_{uuid4().hex}"
    url = make_url(server_url).set(drivername="postgresql+psycopg")
    with psycopg.connect(_for_libpq(url), autocommit=True) as connection:
        made = sql.SQL("CREATE DATABASE {} {}").format(sql.Identifier(name), _copied(connection, template))
        connection.execute(made)
        try:
            yield url.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _copied(connection: psycopg.Connection, template: str | None) -> sql.Composable:
    """Copying files takes half the work of copying through the log, which is what servers do unasked from 15 on."""
    if template is None:
        return sql.SQL("")
    way = "TEMPLATE {} STRATEGY file_copy" if connection.info.server_version >= 150000 else "TEMPLATE {}"
    return sql.SQL(way).format(sql.Identifier(make_url(template).database or ""))


def _for_libpq(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _binaries() -> Path:
    """The newest installed server's programs. Raises `NoServer`."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    found = packaged[-1] if packaged else shutil.which("initdb")
    if found is None:
        raise NoServer(f"no PostgreSQL server: install the package postgresql, or name one in {VARIABLE}")
    return Path(found).parent


@contextmanager
def _own_server(binaries: Path, settings: Sequence[str]) -> Iterator[str]:
    """A new server that nobody else can reach, owned by `postgres` when we are root."""
    owner = _owner()
    # Not pytest's folder: a socket's path may have 107 characters, and `postgres` could not pass root's folders.
    place = Path(tempfile.mkdtemp(prefix="soppa-pg-", dir="/tmp"))
    if owner:
        os.chown(place, owner.pw_uid, owner.pw_gid)
    data = place / "data"
    options = " ".join(f"-c {setting}" for setting in (*settings, f"unix_socket_directories={place}"))
    control: list[str | Path] = [binaries / "pg_ctl", "-D", data, "-s", "-w"]
    try:
        _run([binaries / "initdb", "-D", data, "-U", "soppa", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"], owner)
        _run([*control, "-l", place / "log", "-o", options, "start"], owner)
        try:
            yield f"postgresql://soppa@/postgres?host={place}"
        finally:
            _run([*control, "-m", "immediate", "stop"], owner)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _owner() -> pwd.struct_passwd | None:
    """Who runs the server, when it may not be us. Raises `NoServer`."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise NoServer("PostgreSQL refuses to run as root, and there is no user postgres to run it as") from None


def _run(command: list[str | Path], owner: pwd.struct_passwd | None) -> None:
    """Run one of the server's programs as `owner`, or as ourselves. Raises `NoServer` with what it said."""
    # The server outlives pg_ctl and would keep a pipe open for ever, so what is said goes into a file.
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            cwd="/",
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
            extra_groups=[] if owner else None,
        )
        if done.returncode:
            said.seek(0)
            raise NoServer(f"PostgreSQL's {Path(command[0]).name} failed: {said.read().strip()}")
