"""A relay between clients and the server's socket, which fails where a test wants it to."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET
from typing import Literal, TypeAlias

Loss: TypeAlias = Literal["request", "answer"]


@dataclass
class Link:
    """A client's connection and the relay's own to the server."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    dead: bool = False

    def cut(self) -> None:
        self.dead = True
        self.client.transport.abort()
        self.server.transport.abort()


@dataclass
class Relay:
    """Passes everything on, until a test says what is to be lost.

    Attributes:
        port: where it listens, on the loopback interface.
    """

    port: int = 0
    _links: list[Link] = field(default_factory=list)
    _trigger: bytes | None = None
    _loss: Loss = "request"

    def url(self, url: str) -> str:
        """The address of a database by way of the relay."""
        database = url.partition("?")[0].rpartition("/")[2]
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}?sslmode=disable"

    def lose(self, loss: Loss, trigger: bytes) -> None:
        """Lose the next request that contains the trigger, or its answer, and the connection."""
        self._loss, self._trigger = loss, trigger

    def forget(self) -> None:
        """Let every connection be dead, which its client learns when it sends something."""
        for link in self._links:
            link.dead = True
            link.server.transport.abort()

    async def _requests(self, reader: asyncio.StreamReader, link: Link) -> None:
        while (data := await reader.read(65536)) and not link.dead:
            if self._trigger and self._trigger in data:
                self._trigger, link.dead = None, True
                if self._loss == "request":
                    break
            link.server.write(data)
        link.cut()

    async def _answers(self, reader: asyncio.StreamReader, link: Link) -> None:
        while data := await reader.read(65536):
            if link.dead:
                link.cut()
            else:
                link.client.write(data)
        if not link.dead:
            link.cut()


@asynccontextmanager
async def relayed(socket: Path) -> AsyncIterator[Relay]:
    """A relay to the server that listens on a Unix socket."""
    relay = Relay()

    async def serve(from_client: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        # Its end is a reset, as from a host that has rebooted.
        client.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        with suppress(OSError):
            from_server, server = await asyncio.open_unix_connection(socket)
            link = Link(client, server)
            relay._links.append(link)
            await asyncio.gather(
                relay._requests(from_client, link),
                relay._answers(from_server, link),
                return_exceptions=True,
            )
            link.cut()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    relay.port = listener.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        for link in relay._links:
            link.cut()
        listener.close()
        await listener.wait_closed()
