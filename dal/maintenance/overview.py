"""The public function `stats`: dal.stats with the retention counts of conversations."""

from datetime import timedelta
from functools import partial

from dal.binding import Executor, query
from dal.database import Database
from dal.inputs import Age
from dal.stats import Count, Stats, read

COUNTED = 10_000
"""How many conversations a count reads."""


@query("stats/retention.sql")
async def _retention(
    db: Executor, *, older_than: Age, archived_for: Age, limit: int
) -> list[Count]:
    raise NotImplementedError


async def stats(
    db: Database,
    *,
    older_than: timedelta = timedelta(days=90),
    archived_for: timedelta = timedelta(days=90),
) -> Stats:
    """Reads a database's size, cost and sessions, and derives findings with remedies.

        for finding in (await stats(db)).findings:
            print(finding.message, finding.remedy)

    It reads the catalogue, statistics views and bounded ranges of an index, and changes nothing.
    A part that a lock, a limit or a missing privilege hides is None, and is named in `unseen`.

    SQL: sql/stats/

    Parameters:
        db: the database.
        older_than: age at which an untouched conversation counts as stale, as for `archive_stale`.
        archived_for: age at which an archived one counts as due, as for `purge_archived`.

    Raises:
        InvalidInputError: an argument breaks its rule.
        DatabaseUnavailableError, ConnectionLostError, PoolTimeoutError: no answer came.
    """
    counts = partial(_retention, older_than=older_than, archived_for=archived_for, limit=COUNTED)
    return await read(db, counts)
