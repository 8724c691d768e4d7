"""Why a database can't be reached: one sentence, with host and port, whoever asks."""

import asyncio
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

import dal
from dal import migrate
from dal.cli.commands import app
from dal.database import connect_errors
from dal.database.address import host_and_port
from dal.errors import ConfigurationError, DalError, DatabaseUnavailableError
from dal.ping import ping

HTTP = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
Answer = Callable[[socket.socket], None]


@contextmanager
def serving(answer: Answer) -> Iterator[int]:
    """The port of something that answers every connection in this way, and then closes it."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(5)
            with suppress(OSError):
                answer(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def says(text: bytes) -> Answer:
    """Read what comes, and answer with this."""

    def answer(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(text)

    return answer


def hangs(connection: socket.socket) -> None:
    while connection.recv(1000):
        pass


def demands(number: int, more: bytes = b"") -> Answer:
    """PostgreSQL without TLS, which asks for a kind of authentication."""

    def answer(connection: socket.socket) -> None:
        connection.recv(8)
        connection.sendall(b"N")
        connection.recv(1000)
        connection.sendall(b"R" + struct.pack("!ii", 8 + len(more), number) + more)
        connection.recv(1000)

    return answer


def lets_nobody_in(connection: socket.socket) -> None:
    """PostgreSQL without TLS, overloaded."""
    connection.recv(8)
    connection.sendall(b"N")
    hangs(connection)


def asked_by_the_service(url: str) -> None:
    async def connect() -> None:
        async with dal.connect(url, min_size=1):
            pass

    asyncio.run(connect())


ASKING: list[Callable[[str], object]] = [asked_by_the_service, ping, migrate.status]


def refused(url: str, status: int, kind: type[DalError], monkeypatch: pytest.MonkeyPatch) -> str:
    """The sentence that everybody gives, as an error of this kind; without the password."""
    sentences = set()
    for ask in ASKING if "connect_timeout" not in url else ASKING[:1]:
        with pytest.raises(DalError) as caught:
            ask(url)
        assert type(caught.value) is kind
        assert caught.value.__context__ is None or caught.value.__suppress_context__
        sentences.add(str(caught.value))
    monkeypatch.setenv("DATABASE_URL", url)
    result = CliRunner().invoke(app, ["ping"])
    assert result.exit_code == status
    [sentence] = sentences
    assert result.stderr == f"error: {sentence}\n"
    assert "s3cret" not in sentence
    return sentence


@pytest.mark.parametrize(
    ("answer", "query", "sentence"),
    [
        (says(HTTP), "", "{} does not speak PostgreSQL's protocol but HTTP; check host and port"),
        (says(HTTP), "sslmode=require", "{} does not speak PostgreSQL's protocol but HTTP;"),
        (says(HTTP), "sslmode=disable", "{} does not speak PostgreSQL's protocol but HTTP;"),
        (says(b"SSH-2.0-OpenSSH\r\n"), "", "{} does not speak PostgreSQL's protocol; check"),
        (hangs, "connect_timeout=1", "{} does not speak PostgreSQL's protocol; check"),
        (says(b""), "", "{} closed the connection before it could be used; its log says why"),
        (says(b"S"), "", "{} closed the connection before it could be used; its log says why"),
        (lets_nobody_in, "connect_timeout=1", "{} answers, but no login succeeded within"),
    ],
)
def test_something_else_listens(
    answer: Answer, query: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect_errors, "_PATIENCE_SECONDS", 0.2)
    with serving(answer) as port:
        url = f"postgresql://ada:s3cret@127.0.0.1:{port}/chat?{query}"
        message = refused(url, 4, DatabaseUnavailableError, monkeypatch)
    assert message.startswith(sentence.format(f"127.0.0.1:{port}"))


def test_a_server_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(says(b"N")) as port:
        url = f"postgresql://ada:s3cret@127.0.0.1:{port}/chat?sslmode=require"
        message = refused(url, 5, connect_errors.TlsError, monkeypatch)
    assert message == f"127.0.0.1:{port} has no TLS, which sslmode=require asks for"


@pytest.mark.parametrize(
    ("words", "status", "kind", "sentence"),
    [
        ("password authentication failed", 6, ConfigurationError, "the server refuses this user"),
        ("no such user", 6, ConfigurationError, "the server refuses this user"),
        ("no such database: chat", 7, ConfigurationError, "the database does not exist"),
        ('database "chat" does not exist', 7, ConfigurationError, "the database does not exist"),
        (
            "no more connections allowed (max_client_conn)",
            8,
            DatabaseUnavailableError,
            "the server",
        ),
        ("unsupported startup parameter: options", 3, ConfigurationError, "DATABASE_URL asks for"),
        ("query_wait_timeout", 4, DatabaseUnavailableError, "the pooler there, or the server"),
    ],
)
def test_a_pooler_refuses(
    words: str, status: int, kind: type[DalError], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PgBouncer gives all of them one SQLSTATE."""
    body = f"SFATAL\0C08P01\0M{words}\0\0".encode()

    def answer(connection: socket.socket) -> None:
        connection.recv(8)
        connection.sendall(b"N")
        connection.recv(1000)
        connection.sendall(b"E" + struct.pack("!i", 4 + len(body)) + body)

    with serving(answer) as port:
        url = f"postgresql://ada:s3cret@127.0.0.1:{port}/chat"
        message = refused(url, status, kind, monkeypatch)
    assert message.startswith(f"127.0.0.1:{port}: {sentence}")


@pytest.mark.parametrize(
    "answer", [demands(7), demands(10, b"SCRAM-SHA-512\0\0")], ids=["GSS", "SASL"]
)
def test_a_login_that_asyncpg_does_not_have(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(answer) as port:
        url = f"postgresql://ada:s3cret@127.0.0.1:{port}/chat"
        message = refused(url, 3, ConfigurationError, monkeypatch)
    assert message.startswith(
        f"127.0.0.1:{port} requires an authentication method that asyncpg does not support;"
    )


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ("nobody.invalid:7", "the host name nobody.invalid can't be resolved; check it"),
        (f"{'x' * 64}.invalid:7", f"the host name {'x' * 64}.invalid can't be resolved; check it"),
        ("127.0.0.1:1", "nothing listens at 127.0.0.1:1; check that the server runs"),
        ("localhost:1", "nothing listens at localhost:1; check that the server runs"),
        ("[::1]:1", "nothing listens at [::1]:1; check that the server runs"),
        ("255.255.255.255:7", "255.255.255.255:7 can't be reached ("),
        ("%2Fnowhere:7", "there is no socket /nowhere/.s.PGSQL.7; check that the server runs"),
        ("%2Fdev%2Fnull:7", "there is no socket /dev/null/.s.PGSQL.7; check"),
        ("127.0.0.1:1,localhost:2", "nothing listens at 127.0.0.1:1; check"),
    ],
)
def test_nothing_listens(where: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"postgresql://ada:s3cret@{where}/chat"
    message = refused(url, 4, DatabaseUnavailableError, monkeypatch)
    assert message.startswith(sentence)
    assert ("; nothing listens at localhost:2; " in message) == ("," in where)


def test_a_socket_that_nobody_listens_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as left_behind:
        left_behind.bind(str(tmp_path / ".s.PGSQL.5432"))
    url = f"postgresql://ada:s3cret@/chat?host={tmp_path}"
    message = refused(url, 4, DatabaseUnavailableError, monkeypatch)
    assert message.startswith(f"nothing listens at {tmp_path}/.s.PGSQL.5432; check")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("sslmode=verify-full&sslrootcert={}/absent", "No such file or directory"),
        ("sslmode=require&sslrootcert={}/text", "it is no certificate, or not in PEM form"),
        ("sslmode=verify-ca&sslrootcert={}", "Is a directory"),
        ("sslmode=require&sslcrl={}/text", "it is no certificate, or not in PEM form"),
        ("sslcert={}/absent", "No such file or directory"),
        ("sslcert={}/text&sslkey={}/absent", "No such file or directory"),
        ("sslcert={}/text&sslkey={}/text", "it does not fit its key, or not in PEM form"),
        ("sslmode=verify-full", "sslmode=verify-full needs the authority's certificate; name its"),
    ],
)
def test_a_file_that_tls_cannot_use(
    query: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "text").write_text("no certificate")
    url = f"postgresql://ada:s3cret@127.0.0.1:1/chat?{query.replace('{}', str(tmp_path))}"
    assert sentence in refused(url, 3, ConfigurationError, monkeypatch)


async def test_a_server_that_falls_silent(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(**_: object) -> None:
        await asyncio.sleep(60)

    async with dal.connect(url, min_size=0, acquire_timeout=0.05) as db:
        monkeypatch.setattr("asyncpg.connect", hang)
        with pytest.raises(DatabaseUnavailableError) as caught:
            await db.ping()
        [(host, port)] = db.address.hosts
    assert str(caught.value) == (
        f"no connection to {host_and_port(host, port)} within acquire_timeout; dal ping says why"
    )
