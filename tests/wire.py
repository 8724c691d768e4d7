"""A relay between clients and a server: it sees what they send, delays it, and loses it on demand.

    with relayed(url) as relay:
        ...  # connect to relay.url, and look at relay.messages

It runs on an event loop in a thread of its own, so that any test can use it; or as a process:

    python -m tests.wire postgresql://postgres@/app?host=/run/postgresql --delay 0.001

prints the URL to connect to, and serves until its standard input ends.
"""

import argparse
import asyncio
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from selectors import SelectSelector
from socket import IPPROTO_TCP, SO_LINGER, SOL_SOCKET, TCP_MAXSEG, create_server, socket
from threading import Thread
from typing import Literal, NamedTuple, TypeAlias, cast
from urllib.parse import urlsplit, urlunsplit

from psycopg.conninfo import conninfo_to_dict

Loss: TypeAlias = Literal["request", "answer", "silence"]

_RESET = struct.pack("ii", 1, 0)
_ENCRYPTION = {80877103, 80877104}  # asked for ahead of the start-up: TLS, GSSAPI


class Message(NamedTuple):
    """What a client has sent: the letter of its type, which a start-up lacks, and all of it."""

    kind: str
    data: bytes

    @property
    def statement(self) -> str:
        """The SQL of a Parse or a Query."""
        parts = self.data[5:].split(b"\0")
        return {"P": parts[1:2], "Q": parts[:1]}.get(self.kind, [b""])[0].decode()


class Relay:
    """Passes everything on, until a test says what is to be lost.

    Attributes:
        url: where to connect to, for the database of the URL that it was made with.
        messages: those of all clients, in the order of their arrival, if it watches.
        lost: whether something was lost.
    """

    def __init__(self, url: str, *, watch: bool, delay: float) -> None:
        self.messages: list[Message] = []
        self.lost = self.down = False
        self.watch, self.delay = watch, delay
        self.links: set[_Client] = set()
        self.loop = asyncio.SelectorEventLoop(SelectSelector())  # others wait whole milliseconds
        self._loss: tuple[Loss, Callable[[Message], bool], bool] | None = None
        server, parts = conninfo_to_dict(url), urlsplit(url)
        self._host, self._port = str(server.get("host", "localhost")), str(server.get("port", 5432))
        self._listener = create_server(("127.0.0.1", 0))
        if sys.platform == "linux":
            # As on a network; with loopback's own segments (64 kB) libpq waits 40 ms for an ACK.
            self._listener.setsockopt(IPPROTO_TCP, TCP_MAXSEG, 1448)
        self._listener.setblocking(False)
        user, at, _ = parts.netloc.rpartition("@")
        netloc = f"{user}{at}127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = urlunsplit(parts._replace(netloc=netloc, query="sslmode=disable"))

    def lose(self, loss: Loss, when: Callable[[Message], bool], *, outage: bool = False) -> None:
        """Lose one message, or the answer to it, and its connection, or all its answers.

        Parameters:
            loss: a lost request never reaches the server; where the answer is lost, the server
                has acted on that message, and on none after it, before the client notices; in
                a silence the server acts on everything, and its client hears nothing more.
            when: which message; asked of each one until it is true.
            outage: end all other connections as well, and take no more.
        """
        self._loss = loss, when, outage

    def forget(self) -> None:
        """Let every connection be dead, which its client learns when it sends something."""

        async def abandon() -> None:
            for link in self.links:
                link.peer.transport.set_protocol(asyncio.Protocol())
                link.peer.transport.abort()

        asyncio.run_coroutine_threadsafe(abandon(), self.loop).result()

    def meet(self, message: Message, link: "_Client") -> Loss | None:
        """Record a message; what is lost, if anything."""
        self.messages.append(message)
        if self._loss is None or not self._loss[1](message):
            return None
        (loss, _, self.down), self._loss, self.lost = self._loss, None, True
        if self.down:
            for other in self.links - {link}:
                other.cut()
        return loss

    async def serve(self) -> None:
        """Take connections until this is cancelled."""
        try:
            while True:
                client, _ = await self.loop.sock_accept(self._listener)
                await self._link(client)
        finally:
            self._listener.close()
            for link in self.links:
                link.cut()
            await asyncio.sleep(0)  # connections end in the loop's next round

    async def _link(self, client: socket) -> None:
        try:
            if self.down:
                raise ConnectionRefusedError
            if self._host.startswith("/"):
                path = f"{self._host}/.s.PGSQL.{self._port}"
                _, server = await self.loop.create_unix_connection(_End, path)
            else:
                _, server = await self.loop.create_connection(_End, self._host, int(self._port))
        except OSError:
            client.close()
        else:
            await self.loop.connect_accepted_socket(lambda: _Client(self, server), client)


class _End(asyncio.Protocol):
    """The server's end of a link. (asyncio sets TCP_NODELAY.)"""

    transport: asyncio.Transport
    peer: "_End"
    heard = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.heard:
            self.peer.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.peer.transport.close()

    def pause_writing(self) -> None:
        self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        self.peer.transport.resume_reading()


class _Client(_End):
    """The client's end of a link."""

    def __init__(self, relay: Relay, server: _End) -> None:
        self._relay, self.peer = relay, server
        self._started, self._unread = False, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.peer.peer = self
        self._relay.links.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._relay.links.discard(self)
        self._later(self.peer.transport.close)

    def data_received(self, data: bytes) -> None:
        if self.peer.transport.is_closing():
            self.cut()
        elif self._relay.watch:
            self._look(data)
        else:
            self._later(self.peer.transport.write, data)

    def cut(self) -> None:
        """End both connections; the client's by a reset, as from a host that has rebooted."""
        self.transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, _RESET)
        self.transport.abort()
        self.peer.transport.close()

    def _later(self, act: Callable[..., None], *arguments: bytes) -> None:
        if self._relay.delay:
            self._relay.loop.call_later(self._relay.delay, act, *arguments)
        else:
            act(*arguments)

    def _look(self, data: bytes) -> None:
        for message in self._split(data):
            loss = self._relay.meet(message, self)
            if loss == "request":
                self.cut()
                return
            self._later(self.peer.transport.write, message.data)
            if loss == "silence":
                self.peer.heard = False
            if loss == "answer":
                # The server acts on what it has got, and ends; then so does the link.
                self.transport.pause_reading()
                self.peer.heard = False
                self._later(self.peer.transport.write_eof)
                return

    def _split(self, data: bytes) -> Iterator[Message]:
        """The messages that are whole now."""
        self._unread += data
        while len(self._unread) > 4:
            head = 1 if self._started else 0
            end = head + int.from_bytes(self._unread[head : head + 4])
            if len(self._unread) < end:
                return
            message = Message(self._unread[:head].decode(), self._unread[:end])
            self._unread = self._unread[end:]
            self._started = self._started or int.from_bytes(message.data[4:8]) not in _ENCRYPTION
            yield message


@contextmanager
def relayed(url: str, *, watch: bool = True, delay: float = 0.0) -> Iterator[Relay]:
    """A relay to the server of a URL, by TCP or a Unix socket, and never by TLS.

    Parameters:
        watch: look at the messages; else bytes pass as cheaply as they can.
        delay: seconds that everything takes from a client to the server, on top.
    """
    relay = Relay(url, watch=watch, delay=delay)
    serving = relay.loop.create_task(relay.serve())

    def run() -> None:
        with suppress(asyncio.CancelledError):
            relay.loop.run_until_complete(serving)

    thread = Thread(target=run)
    thread.start()
    try:
        yield relay
    finally:
        relay.loop.call_soon_threadsafe(serving.cancel)
        thread.join()
        relay.loop.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Relay connections to a PostgreSQL server.")
    parser.add_argument("url")
    parser.add_argument("--delay", type=float, default=0.0, metavar="SECONDS")
    options = parser.parse_args()
    with relayed(options.url, watch=False, delay=options.delay) as _relay:
        print(_relay.url, flush=True)
        sys.stdin.read()
