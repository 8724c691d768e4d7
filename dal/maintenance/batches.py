"""Shared by the batch jobs: their progress, pauses and transactions."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

from dal.database import Database, Transaction
from dal.database.transaction import REFUSE_HIDDEN_ROWS

# A batch waits for others no longer than this, because others wait for it meanwhile. Without the
# first setting, a cluster's workers (Citus) would not hear of the second; other servers ignore it.
_LOCK_TIMEOUT = "SET LOCAL citus.propagate_set_commands = 'local'; SET LOCAL lock_timeout = '10s'"


@dataclass(frozen=True, slots=True)
class Progress:
    """A run after one of its batches.

    Attributes:
        conversations: how many it has archived or deleted so far; in a dry run, would have.
        tasks: how many it has deleted so far.
        passed_over: conversations that were in use at that moment, or no longer due, or that a
            trigger of the service's own keeps; the next run looks at them again.
        blocked: ids of conversations that a foreign key of another table keeps from being deleted.
        finished: whether nothing is left to do. False on the last progress of a run means that its
            time was up.
    """

    conversations: int = 0
    tasks: int = 0
    passed_over: int = 0
    blocked: tuple[UUID, ...] = ()
    finished: bool = False


@asynccontextmanager
async def transaction(db: Database, *, all_owners: bool = True) -> AsyncIterator[Transaction]:
    """A transaction for one batch.

    Parameters:
        all_owners: fail where a row-level security policy would hide rows, instead of skipping
            them.
    """
    async with db.transaction() as tx:
        await tx.execute(_LOCK_TIMEOUT)
        if all_owners:
            await tx.execute(REFUSE_HIDDEN_ROWS)
        yield tx


class Pace:
    """The pauses of a run, and its end.

    Parameters:
        pause: seconds between two batches.
        max_seconds: seconds after which no further batch begins, or None.
        stop: set to end the run; it ends a pause too.
    """

    def __init__(
        self, pause: float, max_seconds: float | None, stop: asyncio.Event | None = None
    ) -> None:
        self._pause = pause
        self._stop = asyncio.Event() if stop is None else stop
        self._end = None if max_seconds is None else time.monotonic() + max_seconds

    async def may_continue(self) -> bool:
        """Pause, and return whether another batch may begin."""
        if self._stop.is_set() or self._is_over(self._pause):
            return False
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._stop.wait(), self._pause)
        return not (self._stop.is_set() or self._is_over())

    def _is_over(self, after: float = 0.0) -> bool:
        return self._end is not None and time.monotonic() + after >= self._end
