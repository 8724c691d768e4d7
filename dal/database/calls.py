"""Calls of bound functions, and their watchers: the log of slow calls, and telemetry.

Without a watcher, a call skips this module altogether.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(slots=True)
class Call:
    """A statement that is sent: a function's call, or one page of a stream.

    Attributes:
        query: name of the statement, `messages.history`.
        db: where it runs.
        writes: whether it changes rows and returns none.
        rows: how many came back, or were changed; None until then.
        seconds: how long it took, with the wait for a connection; 0 until it has ended.
    """

    query: str
    db: object
    writes: bool
    rows: int | None = None
    seconds: float = 0.0


Watcher: TypeAlias = Callable[[Call], AbstractContextManager[object]]

watchers: list[Watcher] = []
"""Each is entered once per call, however often it is listed."""


@contextmanager
def watched(call: Call) -> Iterator[Call]:
    """Enter all watchers for the time of a call."""
    with ExitStack() as stack:
        for watcher in dict.fromkeys(watchers):
            stack.enter_context(watcher(call))
        start = time.perf_counter()
        try:
            yield call
        finally:
            call.seconds = time.perf_counter() - start
