"""What becomes of a row that is not what its record promises: it is raised, or skipped."""

from contextlib import AbstractContextManager

from dal.binding.errors import Collector
from dal.errors import SchemaMismatchError

_skipped: Collector[SchemaMismatchError] = Collector("_skipped")
skip = _skipped.collect


def skipping_malformed_rows() -> AbstractContextManager[list[SchemaMismatchError]]:
    """Within the block, a row that its record can't hold does not stop its neighbours.

        with dal.skipping_malformed_rows() as skipped:
            page = await messages.history(db, user_id="ada", conversation_id=chat.id)

    Other writers may store such rows. Lists, streams and the items of a join leave them out, and
    the block's list gets an error for each, which names the query, the columns, and the row's id
    where that is a UUID. What is asked for alone still raises, and so does a stream whose page
    ends with a row that has not even a cursor.

    A list may then be shorter than its limit, or empty, although more rows follow; a stream goes
    on by itself.

    The block counts for what runs in it: a stream that goes on outside does not skip there. A task
    that is started inside takes it along, and goes on skipping into the same list after its end.
    """
    return _skipped.block()
