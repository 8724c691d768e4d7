"""Malformed rows, which do not fit their record: they raise, or are skipped."""

from contextlib import AbstractContextManager

from dal.binding.errors import Collector
from dal.errors import SchemaMismatchError

_skipped: Collector[SchemaMismatchError] = Collector("_skipped")
skip_or_raise = _skipped.collect


def skipping_malformed_rows() -> AbstractContextManager[list[SchemaMismatchError]]:
    """Within the block, rows that do not fit their record are skipped instead of raising an error.

        with dal.skipping_malformed_rows() as skipped:
            page = await messages.history(db, user_id="ada", conversation_id=chat.id)

    Other writers may store such rows. Lists, streams and the items of a join leave them out, and
    the block's list gets an error for each, which names the query, the columns, and the row's id
    where that is a UUID. A function that returns a single record still raises, and so does a
    stream if the last row of a page has no readable cursor.

    A list may then be shorter than its limit, or empty, although more rows follow; a stream goes
    on by itself.

    Only what runs inside the block skips: a stream that is continued outside raises there. A task
    that is started inside skips as well, into the same list, even after the block has ended.
    """
    return _skipped.block()
