"""TLS, on a server with a certificate and on one without, over TCP on the loopback address."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

import dal
from dal import migrate
from dal.database.connect_errors import TlsError
from dal.ping import ping
from tests.users import NOBODY, unprivileged

# The embedded wheel's servers are built without TLS; Debian's are not.
BIN = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
pytestmark = pytest.mark.skipif(
    not (BIN and shutil.which("openssl")), reason="needs Debian's PostgreSQL, and openssl"
)


@contextmanager
def server(tls: bool) -> Iterator[tuple[int, Path]]:
    """A server's port, and the certificate of the authority that it would be known by."""
    as_root = os.geteuid() == 0
    with tempfile.TemporaryDirectory(prefix="dal-tls-") as name:
        folder = Path(name)
        if as_root:  # PostgreSQL refuses to run as root
            os.chown(folder, NOBODY, NOBODY)

        def run(*command: str | Path) -> "subprocess.Popen[bytes]":
            user = NOBODY if as_root else None
            groups: tuple[int, ...] | None = () if as_root else None
            return subprocess.Popen(
                command,
                cwd=folder,
                user=user,
                group=user,
                extra_groups=groups,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

        assert BIN
        data = folder / "data"
        make: list[str | Path] = [
            "-D",
            data,
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
        ]
        assert run(BIN / "initdb", *make).wait() == 0
        for line in (
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
            " -subj /CN=authority -keyout ca.key -out ca.crt",
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost"
            " -addext subjectAltName=DNS:localhost -keyout server.key -out server.csr",
            "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -days 2 -copy_extensions copy"
            " -out server.crt",
        ):
            assert run("openssl", *line.split()).wait() == 0
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": folder,
            "ssl": "on" if tls else "off",
            "ssl_cert_file": folder / "server.crt",
            "ssl_key_file": folder / "server.key",
        }
        chosen = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        postgres = run(BIN / "postgres", "-D", data, *chosen)
        try:
            wait_until_it_answers(f"host=127.0.0.1 port={port} user=postgres dbname=postgres")
            yield port, folder / "ca.crt"
        finally:
            postgres.terminate()
            postgres.wait()


def wait_until_it_answers(address: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(address).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
        else:
            return


@pytest.fixture(scope="module")
def with_tls() -> Iterator[tuple[int, Path]]:
    with server(tls=True) as postgres:
        yield postgres


@pytest.fixture(scope="module")
def without_tls() -> Iterator[tuple[int, Path]]:
    with server(tls=False) as postgres:
        yield postgres


TLS = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


@pytest.mark.parametrize("mode", ["require", "verify-full"])
@pytest.mark.parametrize("driver", ["", "+asyncpg"])
async def test_tls_is_used(with_tls: tuple[int, Path], mode: str, driver: str) -> None:
    port, authority = with_tls
    url = f"postgresql{driver}://postgres@localhost:{port}/postgres?sslmode={mode}"
    if mode == "verify-full":
        url += f"&sslrootcert={authority}"
    async with dal.connect(url, min_size=1) as db:
        assert (await db.fetch(TLS))[0]["ssl"] is True
    assert migrate.status(url)


async def test_a_channel_binding_that_neon_asks_for_still_requires_tls(
    with_tls: tuple[int, Path], without_tls: tuple[int, Path]
) -> None:
    query = "?sslmode=require&channel_binding=require"
    url = f"postgresql://postgres@localhost:{with_tls[0]}/postgres{query}"
    async with dal.connect(url, min_size=1) as db:
        assert (await db.fetch(TLS))[0]["ssl"] is True
    url = f"postgresql://postgres@localhost:{without_tls[0]}/postgres{query}"
    with pytest.raises(TlsError, match=f"localhost:{without_tls[0]} has no TLS"):
        await dal.connect(url)


@pytest.mark.parametrize(
    ("host", "authority"),
    [("127.0.0.1", True), ("localhost", False)],
    ids=["another name", "unknown authority"],
)
async def test_a_certificate_that_does_not_fit_is_refused(
    with_tls: tuple[int, Path], tmp_path: Path, host: str, authority: bool
) -> None:
    port, known = with_tls
    if not authority:
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        made = [*command.split(), "-subj", "/CN=other", "-keyout", "k", "-out", "other.crt"]
        subprocess.run(made, cwd=tmp_path, check=True, capture_output=True)  # noqa: ASYNC221
        known = tmp_path / "other.crt"
    url = f"postgresql://postgres@{host}:{port}/postgres?sslmode=verify-full&sslrootcert={known}"
    why = f"the certificate of {host}:{port} is not trusted"
    with pytest.raises(TlsError, match=why):
        await dal.connect(url)
    with pytest.raises(TlsError, match=why):
        migrate.status(url)


async def test_tls_that_is_not_there_is_refused(without_tls: tuple[int, Path]) -> None:
    url = f"postgresql://postgres@localhost:{without_tls[0]}/postgres"
    why = f"localhost:{without_tls[0]} has no TLS, which sslmode=require asks for"
    with pytest.raises(TlsError, match=why):
        await dal.connect(f"{url}?sslmode=require")
    with pytest.raises(TlsError, match=why):
        migrate.status(f"{url}?sslmode=require")
    async with dal.connect(f"{url}?sslmode=prefer", min_size=1) as db:
        assert (await db.fetch(TLS))[0]["ssl"] is False


def test_ping_says_which_tls_there_is(with_tls: tuple[int, Path]) -> None:
    url = f"postgresql://postgres@127.0.0.1:{with_tls[0]}/postgres?sslmode="
    assert ping(f"{url}require").tls == "TLSv1.3"
    assert ping(f"{url}disable").tls is None


@pytest.mark.parametrize(
    ("mode", "encrypted", "plain"),
    [("prefer", True, False), ("allow", False, False), ("require", True, None)],
)
async def test_a_home_directory_that_is_another_users(
    with_tls: tuple[int, Path],
    without_tls: tuple[int, Path],
    mode: str,
    encrypted: bool,
    plain: bool | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a container that runs as another user than its image: no files are looked for there."""
    home = tmp_path / "home"
    home.mkdir(mode=0o000)
    monkeypatch.setenv("HOME", str(home))
    for (port, _), expected in ((with_tls, encrypted), (without_tls, plain)):
        url = f"postgresql://postgres@localhost:{port}/postgres?sslmode={mode}"
        with unprivileged():
            if expected is None:
                with pytest.raises(TlsError, match="has no TLS"):
                    await dal.connect(url)
                with pytest.raises(TlsError, match="has no TLS"):
                    migrate.status(url)
                continue
            async with dal.connect(url, min_size=1) as db:
                assert (await db.fetch(TLS))[0]["ssl"] is expected
            assert migrate.status(url)
