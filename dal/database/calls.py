"""Calls of bound functions, and those who watch them: the log of slow ones, and telemetry.

Where nobody watches, a call does not come here, and takes no step more.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(slots=True)
class Call:
    """A question to the database and its answer: a function's call, or a page of a stream.

    Attributes:
        query: name of the statement, `messages.history`.
        db: where it runs.
        writes: whether it changes rows and returns none.
        rows: how many came back, or were changed; None until they are there.
        seconds: how long it took, with the wait for a connection; 0 until it has ended.
    """

    query: str
    db: object
    writes: bool
    rows: int | None = None
    seconds: float = 0.0


Watcher: TypeAlias = Callable[[Call], AbstractContextManager[object]]

watchers: list[Watcher] = []
"""Each is entered for the time of a call, however often it stands here."""


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
