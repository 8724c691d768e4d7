"""Starts the service as it is run in production, and signs its users in."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import httpx

PROJECT = Path(__file__).parents[1]
os.environ["CHATBOT_SECRET"] = "a secret that is of no use elsewhere"

from chatbot.auth import sign  # noqa: E402 - which reads it


def token(user_id: str, lifetime: timedelta = timedelta(hours=1)) -> dict[str, str]:
    """The header that a signed-in user's requests have."""
    return {"Authorization": f"Bearer {sign(user_id, lifetime)}"}


@dataclass
class Service:
    """A running service."""

    process: subprocess.Popen[bytes]
    url: str
    log: IO[bytes]

    def stop(self) -> str:
        """Ask it to stop, wait for its end, and return what it has logged."""
        self.process.terminate()
        self.process.wait(timeout=30)
        log = self.logged()
        assert self.process.returncode == 0, log
        return log

    def logged(self) -> str:
        """What it has logged so far."""
        self.log.seek(0)
        return self.log.read().decode()

    @asynccontextmanager
    async def user(self, user_id: str) -> AsyncIterator[httpx.AsyncClient]:
        """A client of a user who has an account."""
        async with self.client(user_id) as client:
            (await client.put("account")).raise_for_status()
            yield client

    def client(self, user_id: str) -> httpx.AsyncClient:
        """A client of a user."""
        url = f"{self.url}/api/{user_id}/"
        return httpx.AsyncClient(base_url=url, headers=token(user_id), timeout=60, verify=_TLS)


_TLS = ssl.create_default_context()  # made once, for a thousand clients

OPTIONS = ("--workers=2", "--timeout-graceful-shutdown=3", "--no-access-log")


@contextmanager
def running(database_url: str, **environment: str) -> Iterator[Service]:
    """The service with two workers, as soon as it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "--factory", "chatbot.app:create", f"--port={port}"]
    own = {"DATABASE_URL": database_url}
    pool = {"DAL_MIN_SIZE": "2", "DAL_MAX_SIZE": "15"}
    with TemporaryFile() as log:
        process = subprocess.Popen(
            [*command, *OPTIONS],
            cwd=PROJECT,
            env={**os.environ, **own, **pool, **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        service = Service(process, f"http://127.0.0.1:{port}", log)
        try:
            _wait_for(service)
            yield service
            if process.poll() is None:
                service.stop()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            print(service.logged())


def _wait_for(service: Service) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            httpx.get(f"{service.url}/health", verify=_TLS).raise_for_status()
            return
        except httpx.HTTPError:
            if time.monotonic() > until:
                raise
        time.sleep(0.1)
