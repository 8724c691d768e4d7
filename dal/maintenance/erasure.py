"""Erases a user with a great deal of data, in batches."""

from collections.abc import AsyncGenerator, Sequence

from dal.binding import Executor, query
from dal.database import Database
from dal.errors import UserNotFoundError
from dal.inputs import BatchSize, Key, Keys, UserId
from dal.maintenance.progress import Pace, Progress, transaction
from dal.record import Record, RowKey

_TASKS = 1000  # of one statement: they have no messages


class OwnedCounts(Record):
    """The number of a user's conversations and tasks."""

    conversations: int
    tasks: int


@query("maintenance/count_of_user.sql", not_found=UserNotFoundError)
async def count_owned(db: Executor, *, user_id: UserId) -> OwnedCounts:
    """How many conversations and tasks a user has.

    SQL: sql/maintenance/count_of_user.sql

    Raises:
        UserNotFoundError: there is no such user.
    """
    raise NotImplementedError


@query("maintenance/conversations_of_user.sql")
async def _conversations(db: Executor, *, user_id: UserId, batch: BatchSize) -> list[RowKey]:
    raise NotImplementedError


@query("maintenance/erase_conversations.sql")
async def _erase_conversations(db: Executor, *, keys: Keys) -> int:
    raise NotImplementedError


@query("maintenance/tasks_of_user.sql")
async def _tasks(db: Executor, *, user_id: UserId, batch: BatchSize) -> list[RowKey]:
    raise NotImplementedError


@query("maintenance/erase_tasks.sql")
async def _erase_tasks(db: Executor, *, keys: Keys) -> int:
    raise NotImplementedError


async def erase_user(
    db: Database,
    *,
    user_id: str,
    batch: int = 20,
    pause: float = 0.0,
    dry_run: bool = False,
    max_seconds: float | None = None,
) -> AsyncGenerator[Progress, None]:
    """Delete all conversations, messages and tasks of a user in batches; the user's row stays.

    `users.erase` does the same in one statement: use that where a second or two do no harm, and all
    or nothing is wanted. This one is for users with many thousands of messages: their appends wait
    for at most one batch, and what is appended meanwhile is deleted too. Keep the user from writing
    first: a retry in flight could create a deleted row again.

    SQL: sql/maintenance/conversations_of_user.sql, erase_conversations.sql, tasks_of_user.sql and
    erase_tasks.sql beside it.

    Parameters:
        db: the database.
        user_id: the user whose data is deleted.
        batch: conversations of one transaction, 1 to 50,000.
        pause: seconds between two batches.
        dry_run: only count.
        max_seconds: seconds after which no further batch begins; None for no end.

    Raises:
        InvalidInputError: an argument breaks its rule.
        UserNotFoundError: there is no such user.
        ConflictError: a table of the service's own refers to one of the conversations.
        TransactionConflictError: a lock was in the way for more than 10 seconds; repeat it.
    """
    owned = await count_owned(db, user_id=user_id)
    if dry_run:
        yield Progress(owned.conversations, owned.tasks, finished=True)
        return
    pace, conversations, tasks = Pace(pause, max_seconds), 0, 0
    while True:
        async with transaction(db, all_owners=False) as tx:
            page = await _conversations(tx, user_id=user_id, batch=batch)
            conversations += await _erase_conversations(tx, keys=_keys(page))
        finished = len(page) < batch
        if finished:  # with the conversations
            async with transaction(db, all_owners=False) as tx:
                page = await _tasks(tx, user_id=user_id, batch=_TASKS)
                tasks += await _erase_tasks(tx, keys=_keys(page))
            finished = len(page) < _TASKS
        yield Progress(conversations, tasks, finished=finished)
        if finished or not await pace.may_continue():
            return


def _keys(page: Sequence[RowKey]) -> list[Key]:
    return [Key(row.user_id, row.id) for row in page]
