"""PgBouncer before the server of the tests, giving each transaction the next free connection: what it may break."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from tests.processes import free_port, until

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

_SETTINGS = """\
[databases]
* = host={host} port={server_port} user={user}
[pgbouncer]
listen_addr =
listen_port = {port}
unix_socket_dir = {place}
auth_type = any
pool_mode = transaction
default_pool_size = 8
max_client_conn = 200
server_reset_query =
"""


@contextmanager
def pooled(url: str) -> Iterator[str]:
    """The same database by way of a pooler, while the block lasts."""
    assert PROGRAM is not None
    server, port = make_url(url), free_port()
    place = Path(tempfile.mkdtemp(prefix="soppa-pool-", dir="/tmp"))
    owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    host = server.query.get("host", server.host or "localhost")
    settings = _SETTINGS.format(
        host=host, server_port=server.port or 5432, user=server.username, port=port, place=place
    )
    (place / "pgbouncer.ini").write_text(settings)
    if owner:
        os.chown(place, owner.pw_uid, owner.pw_gid)
    with subprocess.Popen(
        [PROGRAM, "-q", str(place / "pgbouncer.ini")],
        stdin=subprocess.DEVNULL,
        user=owner.pw_uid if owner else None,
        group=owner.pw_gid if owner else None,
        extra_groups=[] if owner else None,
    ) as process:
        try:
            until((place / f".s.PGSQL.{port}").exists, "the pooler")
            pooled = server.set(host=None, port=port, query={"host": str(place)})
            yield pooled.render_as_string(hide_password=False)
        finally:
            process.terminate()
            process.wait(10)
            shutil.rmtree(place, ignore_errors=True)
