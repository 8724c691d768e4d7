"""The relay that tests look through: it sees all, keeps the order, and cuts where it is told."""

import socket
import struct
import subprocess
import sys
import time
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.wire import Loss, relayed


def open_(url: str) -> "psycopg.Connection[tuple[str]]":
    return psycopg.connect(url, autocommit=True)


def add(user: int) -> bytes:
    return f"INSERT INTO users (id) VALUES ('{user}')".encode()


def stored(url: str) -> list[str]:
    with open_(url) as connection:
        return [name for (name,) in connection.execute("SELECT id FROM users ORDER BY id")]


@pytest.mark.parametrize(("loss", "kept"), [("request", ["1", "2"]), ("answer", ["1", "2", "3"])])
@pytest.mark.parametrize("outage", [False, True])
def test_a_cut_is_exact(url: str, loss: Loss, kept: list[str], outage: bool) -> None:
    with relayed(url) as relay:
        first, other = open_(relay.url), open_(relay.url)
        before = len(relay.messages)
        relay.lose(loss, lambda _: len(relay.messages) == before + 3, outage=outage)
        first.execute(add(1))
        first.execute(add(2))
        with pytest.raises(psycopg.OperationalError):
            first.execute(add(3))
        assert relay.lost
        assert stored(url) == kept
        if outage:
            for broken in (lambda: other.execute(add(4)), lambda: open_(relay.url)):
                with pytest.raises(psycopg.OperationalError):
                    broken()
        else:
            other.execute(add(4))
            open_(relay.url).close()
        first.close()
        other.close()
    assert stored(url) == kept + ["4"] * (not outage)


@pytest.mark.parametrize(("kind", "kept"), [("E", []), ("S", ["1"])])
def test_a_pipeline_is_cut_within(url: str, kind: str, kept: list[str]) -> None:
    with relayed(url) as relay:
        connection = open_(relay.url)
        relay.lose("answer", lambda message: message.kind == kind)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("INSERT INTO users (id) VALUES (%s)", ["1"])
        connection.close()
    sent = "".join(message.kind for message in relay.messages)
    assert sent.endswith("PBDES"[: "PBDES".index(kind) + 1])
    assert stored(url) == kept


@pytest.mark.parametrize("delay", [0.0, 0.02])
@pytest.mark.parametrize("watch", [False, True])
def test_bytes_come_through_one_by_one_in_their_order(url: str, watch: bool, delay: float) -> None:
    at = urlsplit(url)
    if at.password:
        pytest.skip("the server asks for a password")
    parameters = f"user\0{at.username}\0database\0{at.path[1:]}\0\0".encode()
    encryption = struct.pack("!II", 8, 80877103)
    start_up = struct.pack("!II", 8 + len(parameters), 196608) + parameters
    text = b"SELECT 'one by one'\0"
    query = b"Q" + struct.pack("!I", 4 + len(text)) + text
    with relayed(url, watch=watch, delay=delay) as relay:
        address = ("127.0.0.1", urlsplit(relay.url).port)
        with socket.create_connection(address) as client, client.makefile("rb") as answers:
            start = time.perf_counter()
            for byte in encryption:
                client.sendall(bytes([byte]))
            assert answers.read(1) == b"N"
            assert time.perf_counter() - start >= delay
            for byte in start_up + query + b"X\0\0\0\4":
                client.sendall(bytes([byte]))
            assert b"one by one" in answers.read()
    seen = [(message.kind, message.statement) for message in relay.messages]
    assert seen == [("", ""), ("", ""), ("Q", "SELECT 'one by one'"), ("X", "")] * watch


def test_it_is_a_process_until_its_input_ends(url: str) -> None:
    with (
        relayed(url) as server,  # one that is reached by TCP
        subprocess.Popen(
            [sys.executable, "-m", "tests.wire", server.url, "--delay", "0.001"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdin
        assert process.stdout
        assert stored(process.stdout.readline().strip()) == []
        assert any("users" in message.statement for message in server.messages)
        process.stdin.close()
        assert process.stdout.read() == ""
    assert process.returncode == 0
