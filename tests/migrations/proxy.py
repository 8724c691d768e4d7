"""A proxy on the wire that breaks off at the n-th message of a client."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

from psycopg.conninfo import conninfo_to_dict


class Proxy:
    """Relays connections to a server until the clients have sent n messages, then cuts them all.

    Attributes:
        messages: how many there have been.
        cut: whether it has broken off.
    """

    def __init__(self, url: str, n: int | None, *, delivered: bool) -> None:
        """Listen on loopback.

        Parameters:
            url: the server's.
            n: break off at this message; None counts only.
            delivered: whether the server still gets the n-th message; its answer gets lost.
        """
        self.messages, self.cut = 0, False
        self._server = conninfo_to_dict(url)
        self._n, self._delivered = n, delivered
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        parts = urlsplit(url)
        user, _, _ = parts.netloc.rpartition("@")
        self.url = urlunsplit(
            parts._replace(
                netloc=f"{user}@127.0.0.1:{port}", query="sslmode=disable&gssencmode=disable"
            )
        )

    def serve(self) -> None:
        """Take connections until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _relay(self, client: socket.socket) -> None:
        with closing(client), closing(self._connect()) as server:
            answers = threading.Thread(target=self._answer, args=(server, client), daemon=True)
            answers.start()
            with suppress(OSError):
                for message in _messages(client):
                    with self._lock:
                        self.messages += 1
                        last = self.messages == self._n
                        self.cut = self.cut or last
                    if last and self._delivered:
                        # Nobody hears the answer, but the server has acted before it says so.
                        client.close()
                        server.sendall(message)
                        server.shutdown(socket.SHUT_WR)
                        while server.recv(65536):
                            pass
                    if self.cut:
                        break
                    server.sendall(message)
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            answers.join()

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
        with suppress(OSError):
            client.shutdown(socket.SHUT_WR)

    def _connect(self) -> socket.socket:
        host, port = str(self._server["host"]), self._server.get("port", 5432)
        if not host.startswith("/"):
            return socket.create_connection((host, int(port or 5432)))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server


def _messages(client: socket.socket) -> Iterator[bytes]:
    """A client's messages: the start-up, which has no type, and those that have one."""
    stream = client.makefile("rb")
    head = b""
    while True:
        length = stream.read(4)
        if len(length) < 4:
            return
        yield head + length + stream.read(struct.unpack("!I", length)[0] - 4)
        head = stream.read(1)


@contextmanager
def proxied(url: str, n: int | None = None, *, delivered: bool = False) -> Iterator[Proxy]:
    """A proxy for the block."""
    proxy = Proxy(url, n, delivered=delivered)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()
