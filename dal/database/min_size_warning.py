"""Logs one warning if min_size connections can't be opened, not asyncpg's traceback per try."""

import asyncio
import logging
from weakref import WeakSet

import asyncpg

from dal.database.failures import explain_connect


class MinSizeWarning:
    """Logs failures to open the `min_size` connections of a pool, for as long as this exists."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._reported: object = None
        _warnings.add(self)

    def reports(self, task: object, error: Exception) -> bool:
        """Log a task's first failure; False if it is not the one that opens these connections."""
        if task is not self._pool._maintenance_task:
            return False
        if task is not self._reported:
            self._reported = task
            logging.getLogger("dal").warning(
                "the pool has fewer than min_size connections, and keeps trying to open more: %s",
                explain_connect(error) or type(error).__name__,
            )
        return True


_warnings: WeakSet[MinSizeWarning] = WeakSet()


def _passes(record: logging.LogRecord) -> bool:
    task, error = asyncio.current_task(), record.exc_info and record.exc_info[1]
    if task is None or not isinstance(error, Exception):
        return True
    return not any(warning.reports(task, error) for warning in list(_warnings))


logging.getLogger("asyncpg.pool").addFilter(_passes)
