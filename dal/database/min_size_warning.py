"""Logs once where a pool can't keep its connections open; asyncpg logs a traceback of every try."""

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
        _floors.add(self)

    def reports(self, task: object, error: Exception) -> bool:
        """Log a task's first failure; False if it is not the one that opens these connections."""
        if task is not self._pool._maintenance_task:
            return False
        if task is not self._reported:
            self._reported = task
            logging.getLogger("dal").warning(
                "the pool has less than min_size connections, and goes on trying to open them: %s",
                explain_connect(error) or type(error).__name__,
            )
        return True


_floors: WeakSet[MinSizeWarning] = WeakSet()


def _is_not_ours(record: logging.LogRecord) -> bool:
    task, error = asyncio.current_task(), record.exc_info and record.exc_info[1]
    if task is None or not isinstance(error, Exception):
        return True
    return not any(floor.reports(task, error) for floor in list(_floors))


logging.getLogger("asyncpg.pool").addFilter(_is_not_ours)
