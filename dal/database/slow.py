"""The log of slow calls: a line of the logger `dal.slow` for each one."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from dal.database.calls import Call

_LOG = logging.getLogger("dal.slow")


@contextmanager
def log_slow(call: Call) -> Iterator[None]:
    """Log a call that takes as long as the `slow_call` of its database, or longer."""
    limit: float | None = getattr(call.db, "slow_call", None)
    outcome = ""
    try:
        yield
    except BaseException as error:
        outcome = type(error).__name__
        raise
    finally:
        if limit is not None and call.seconds >= limit:
            outcome = outcome or f"rows: {call.rows}"
            _LOG.warning("%s took %.3f s, %s", call.query, call.seconds, outcome)
