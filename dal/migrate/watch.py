"""Reports whom a statement waits for, from another connection, on another thread."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import psycopg

from dal.errors import DalError
from dal.migrate.connection import connect
from dal.migrate.settings import apply_session_settings

_BLOCKERS = """
    SELECT DISTINCT other.pid, other.application_name, other.xact_start
    FROM pg_stat_activity AS waiting
    CROSS JOIN LATERAL unnest(pg_blocking_pids(waiting.pid)) AS blocking (pid)
    JOIN pg_stat_activity AS other ON other.pid = blocking.pid
    WHERE waiting.pid = %s AND waiting.wait_event_type = 'Lock'
    ORDER BY other.xact_start
    LIMIT 3
"""


@contextmanager
def reporting_blockers(
    dsn: str, pid: int, tell: Callable[[list[Any]], None], *, every: float
) -> Iterator[None]:
    """Report what a session waits for until the block ends.

    Nothing is reported where no second connection can be made.

    Parameters:
        dsn: the address.
        pid: the session's process.
        tell: called with the process, application and start of those that are in its way.
        every: seconds between two looks; a block that ends before the first is not looked at.
    """
    done = threading.Event()

    def look() -> None:
        if done.wait(every):
            return
        with (
            suppress(DalError, psycopg.Error),
            closing(connect(dsn, application_name="dal migrate")) as connection,
        ):
            connection.autocommit = True  # an open snapshot would block the index build
            apply_session_settings(connection, transaction=False)
            while True:
                if blockers := connection.execute(_BLOCKERS, [pid]).fetchall():
                    tell(blockers)
                if done.wait(every):
                    return

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(every)  # it may hang where the network does
