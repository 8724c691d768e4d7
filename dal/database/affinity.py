"""Connections work only in the process, thread and event loop in which they were opened."""

import asyncio
import os
import threading

from dal.errors import DalError


class Affinity:
    """The process, thread and event loop in which this was made.

    A forked process has its parent's sockets: each of the two would read the other's answers.
    """

    __slots__ = ("_loop", "_process", "_thread")

    def __init__(self) -> None:
        self._process, self._thread = os.getpid(), threading.get_ident()
        self._loop = asyncio.get_running_loop()

    def mismatch(self) -> str | None:
        """Which of the three differs now, or None."""
        if os.getpid() != self._process:
            return "process"
        if asyncio.get_running_loop() is self._loop:
            return None
        return "thread" if threading.get_ident() != self._thread else "event loop"

    def check(self) -> None:
        """Raise DalError in another process, thread or event loop."""
        if kind := self.mismatch():
            raise DalError(
                f"the database was connected in another {kind}, and its connections can't be used"
                f" in this one; call dal.connect in each {kind}"
            )
