"""What is measured: each work is one call of a contender, on rows that are the same for all."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.benchmarks.contender import Contender, Place
from tests.benchmarks.data import LONG, SHORT, message

Run = Callable[[Contender, UUID, Place], Awaitable[Any]]

BATCH = [message(number) for number in range(1, 101)]


@dataclass(frozen=True)
class Work:
    """One thing to do.

    Attributes:
        title: as the tables have it.
        method: which of the contender's methods it takes.
        rows: messages or conversations that it reads or writes.
        run: does it; the conversation to write to is a new one, the place is deep in the long one.
        writes: whether it needs that conversation.
    """

    title: str
    method: str
    rows: int
    run: Run
    writes: bool = False


APPEND = Work("append one", "append", 1, lambda c, to, _: c.append(to, BATCH[0]), writes=True)
APPEND_100 = Work(
    "append 100", "append_many", 100, lambda c, to, _: c.append_many(to, BATCH), writes=True
)
HISTORY = Work("last 20 of 100", "last", 20, lambda c, *_: c.last(SHORT, 20))
HISTORY_LONG = Work("last 20 of 300,000", "last", 20, lambda c, *_: c.last(LONG, 20))
DEEP = Work("20 from 150,000 back", "before", 20, lambda c, _, place: c.before(LONG, place, 20))
LIST = Work("list 50 conversations", "conversations", 50, lambda c, *_: c.conversations(50))
TURN = Work("one chat turn", "turn", 2, lambda c, to, _: c.turn(to, *BATCH[:2]), writes=True)
READ_100 = Work("read 100 messages", "last", 100, lambda c, *_: c.last(SHORT, 100))

WORKS = [APPEND, APPEND_100, HISTORY, HISTORY_LONG, DEEP, LIST, TURN, READ_100]


def able(contender: Contender, work: Work) -> bool:
    """Whether a contender has a means for it, short of reading a conversation of 300,000."""
    if work is HISTORY_LONG and contender.reads_all:
        return False
    return getattr(type(contender), work.method) is not getattr(Contender, work.method)
