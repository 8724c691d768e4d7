"""The calls that wait for a connection of a pool."""

import asyncio
from collections import deque
from typing import Any

from dal.errors import DatabaseUnavailableError


def closed() -> DatabaseUnavailableError:
    """The error of a call that has no connection yet when the pool is closed."""
    return DatabaseUnavailableError("closed while a call waited for a connection")


class WaitingCalls:
    """Serves the call that has waited longest; each gives up after the same time.

    One timer is enough for all of them: they come in the order in which they give up.

    Parameters:
        timeout: seconds that each waits.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._calls: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def join(self) -> asyncio.Future[Any]:
        """Wait behind all the others; the result is what `serve` gives.

        Raises:
            TimeoutError: nothing came in time.
            DatabaseUnavailableError: the pool is closed.
        """
        future = self._loop.create_future()
        deadline = self._loop.time() + self._timeout
        self._calls.append((deadline, future))
        if self._timer is None:
            self._timer = self._loop.call_at(deadline, self._give_up)
        return future

    def serve(self, connection: Any) -> bool:
        """Give the longest waiting call a connection; False if none waits."""
        while self._calls:
            _, future = self._calls.popleft()
            if not future.done():  # a call that was cancelled
                future.set_result(connection)
                return True
        return False

    def close(self) -> None:
        """Refuse all calls that wait."""
        if self._timer is not None:
            self._timer.cancel()
        for _, future in self._calls:
            if not future.done():
                future.set_exception(closed())
        self._calls.clear()

    def _give_up(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._calls:
            deadline, future = self._calls[0]
            if not future.done():
                if deadline > now:
                    self._timer = self._loop.call_at(deadline, self._give_up)
                    return
                future.set_exception(TimeoutError())
            self._calls.popleft()
