"""PgBouncer in transaction mode, before the test's database."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")


@pytest.fixture
def pooled(url: str) -> Iterator[str]:
    """The URL of the test's database by way of PgBouncer, with fewer connections than clients."""
    if not PGBOUNCER:
        pytest.skip("PgBouncer is not installed")
    server = conninfo_to_dict(url)
    host = str(server["host"])
    # PgBouncer does not run as root; whoever may enter the server's socket directory can.
    owner = Path(host).stat().st_uid if host.startswith("/") else 65534
    with tempfile.TemporaryDirectory(prefix="dal-bouncer-") as folder:
        if os.geteuid() == 0:
            os.chown(folder, owner, -1)
        target = " ".join(
            f"{key}={server[key]}" for key in ("host", "port", "user", "password") if key in server
        )
        Path(folder, "pgbouncer.ini").write_text(
            f"[databases]\n* = {target}\n[pgbouncer]\npool_mode = transaction\nauth_type = any\n"
            f"unix_socket_dir = {folder}\nlisten_port = 6432\ndefault_pool_size = 4\n"
        )
        process = subprocess.Popen(
            [str(PGBOUNCER), "--quiet", f"{folder}/pgbouncer.ini"],
            user=owner if os.geteuid() == 0 else None,
            stderr=subprocess.PIPE,
            text=True,
        )
        address = f"postgresql://{server['user']}@/{server['dbname']}?host={folder}&port=6432"
        try:
            wait_until_it_answers(address, process)
            yield address
        finally:
            process.terminate()
            process.communicate()


def wait_until_it_answers(address: str, process: "subprocess.Popen[str]") -> None:
    while True:
        try:
            psycopg.connect(address, connect_timeout=30).close()
        except psycopg.OperationalError:
            assert process.poll() is None, process.communicate()[1]
        else:
            return
