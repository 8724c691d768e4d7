"""Erases a user with a great deal of data, in batches."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeAlias

from dal.binding import Executor, query
from dal.database import Database
from dal.errors import SchemaMismatchError, UserNotFoundError
from dal.inputs import BatchSize, Keys, UserId
from dal.maintenance.batches import Pace, Progress, transaction
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
        SchemaMismatchError: a trigger, a rule or a row-level security policy keeps rows from being
            deleted, without an error of its own. What was deleted before stays deleted.
    """
    owned = await count_owned(db, user_id=user_id)
    if dry_run:
        yield Progress(owned.conversations, owned.tasks, finished=True)
        return
    pace, conversations, tasks = Pace(pause, max_seconds), 0, 0
    while True:
        deleted, finished = await _erase(
            db, user_id, "conversations", _conversations, _erase_conversations, batch
        )
        conversations += deleted
        if finished:  # with the conversations
            deleted, finished = await _erase(db, user_id, "tasks", _tasks, _erase_tasks, _TASKS)
            tasks += deleted
        yield Progress(conversations, tasks, finished=finished)
        if finished or not await pace.may_continue():
            return


Pick: TypeAlias = Callable[..., Awaitable[list[RowKey]]]
Delete: TypeAlias = Callable[..., Awaitable[int]]


async def _erase(
    db: Database, user_id: str, table: str, pick: Pick, delete: Delete, batch: int
) -> tuple[int, bool]:
    """Delete a batch; returns how many rows, and whether it was the last one."""
    async with transaction(db, all_owners=False) as tx:
        page = await pick(tx, user_id=user_id, batch=batch)
        deleted = await delete(tx, keys=page)
        # What another run has deleted meanwhile is not found again.
        found = await pick(tx, user_id=user_id, batch=batch) if deleted < len(page) else []
    is_last = len(page) < batch
    kept = {row.id for row in page} & {row.id for row in found}
    if kept and (is_last or not deleted):
        raise SchemaMismatchError(
            f"some {table} were not deleted; look for a trigger, a rule or a row-level security"
            " policy on the table"
        )
    return deleted, is_last
