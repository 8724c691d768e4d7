"""Archives conversations that are quiet, and deletes those that were archived long ago."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from dal.binding import Executor, Fields, query
from dal.cluster import groups_of_one_shard, is_distributed
from dal.database import Database
from dal.errors import ConflictError
from dal.inputs import Age, BatchSize, Keys
from dal.maintenance.batches import Pace, Progress, transaction
from dal.record import RowKey


class Due(RowKey):
    """A conversation that a run is to act on; runs go by `updated_at`, then by the key."""

    updated_at: datetime


After: TypeAlias = Annotated[Due | None, Fields(Due)]


@query("maintenance/stale_conversations.sql")
async def _stale(db: Executor, *, older_than: Age, after: After, batch: BatchSize) -> list[Due]:
    raise NotImplementedError


@query("maintenance/stale_conversations_of_shards.sql")
async def _stale_of_shards(
    db: Executor, *, older_than: Age, after: After, batch: BatchSize
) -> list[Due]:
    raise NotImplementedError


@query("maintenance/archive.sql")
async def _archive(db: Executor, *, older_than: Age, keys: Keys, user_id: str | None) -> int:
    raise NotImplementedError


@query("maintenance/archived_conversations.sql")
async def _archived(db: Executor, *, older_than: Age, after: After, batch: BatchSize) -> list[Due]:
    raise NotImplementedError


@query("maintenance/archived_conversations_of_shards.sql")
async def _archived_of_shards(
    db: Executor, *, older_than: Age, after: After, batch: BatchSize
) -> list[Due]:
    raise NotImplementedError


@query("maintenance/purge.sql")
async def _purge(db: Executor, *, older_than: Age, keys: Keys, user_id: str | None) -> int:
    raise NotImplementedError


async def archive_stale(
    db: Database,
    *,
    older_than: timedelta = timedelta(days=90),
    batch: int = 500,
    pause: float = 0.0,
    dry_run: bool = False,
    max_seconds: float | None = None,
) -> AsyncGenerator[Progress, None]:
    """Archive all users' conversations that nobody has touched for a while.

        async for progress in archive_stale(db):
            print(progress.conversations)

    One that is appended to at that moment is passed over.

    SQL: sql/maintenance/stale_conversations.sql, sql/maintenance/archive.sql

    Parameters:
        db: the database.
        older_than: how long ago the last message, touch or restore has to be.
        batch: conversations of one transaction, 1 to 50,000.
        pause: seconds between two batches.
        dry_run: only count.
        max_seconds: seconds after which no further batch begins; None for no end.

    Raises:
        InvalidInputError: an argument breaks its rule.
        PermissionDeniedError: a row-level security policy hides rows from this role.
        TransactionConflictError: a lock was in the way for more than 10 seconds; repeat it.
    """
    async for progress in _run(
        db, _stale, _archive, older_than, batch, Pace(pause, max_seconds), dry_run
    ):
        yield progress


async def purge_archived(
    db: Database,
    *,
    older_than: timedelta,
    batch: int = 100,
    pause: float = 0.0,
    dry_run: bool = False,
    max_seconds: float | None = None,
) -> AsyncGenerator[Progress, None]:
    """Delete all users' conversations that were archived long ago, with their messages.

    An archived conversation still takes messages: it is due when both the archiving and the last
    message are older than `older_than`. One that is appended to or restored at that moment is
    passed over; one to which a table of the service's own refers is named in `blocked`.

    SQL: sql/maintenance/archived_conversations.sql, sql/maintenance/purge.sql

    Parameters:
        older_than: how long ago it must have been archived and got its last message.
        db, batch, pause, dry_run, max_seconds: as for `archive_stale`.

    Raises:
        InvalidInputError: an argument breaks its rule.
        PermissionDeniedError: a row-level security policy hides rows from this role.
    """
    async for progress in _run(
        db, _archived, _purge, older_than, batch, Pace(pause, max_seconds), dry_run
    ):
        yield progress


Pick: TypeAlias = Callable[..., Awaitable[list[Due]]]
Act: TypeAlias = Callable[..., Awaitable[int]]
_OF_SHARDS: dict[Pick, Pick] = {_stale: _stale_of_shards, _archived: _archived_of_shards}


async def _run(
    db: Database,
    pick: Pick,
    act: Act,
    older_than: timedelta,
    batch: int,
    pace: Pace,
    dry_run: bool,
) -> AsyncGenerator[Progress, None]:
    progress, after = Progress(), None
    async with transaction(db) as tx:
        distributed = await is_distributed(tx)
    pick = _OF_SHARDS[pick] if distributed else pick
    while True:
        async with transaction(db) as tx:
            page = await pick(tx, older_than=older_than, after=after, batch=batch)
        done, blocked = 0, list[UUID]()
        if dry_run:
            done = len(page)
        else:
            for user_id, keys in groups_of_one_shard(page, distributed):
                number, kept = await _acted(db, act, older_than, keys, user_id)
                done += number
                blocked += kept
        progress = replace(
            progress,
            conversations=progress.conversations + done,
            passed_over=progress.passed_over + len(page) - done - len(blocked),
            blocked=(*progress.blocked, *blocked),
            finished=len(page) < batch,
        )
        yield progress
        if progress.finished or not await pace.may_continue():
            return
        after = page[-1]


async def _acted(
    db: Database, act: Act, older_than: timedelta, keys: Sequence[RowKey], user_id: str | None
) -> tuple[int, list[UUID]]:
    """Act on conversations; returns how many, and the ids of those that a foreign key keeps."""
    try:
        async with transaction(db) as tx:
            return await act(tx, older_than=older_than, keys=keys, user_id=user_id), []
    except ConflictError:
        if len(keys) == 1:
            return 0, [keys[0].id]
    # Another table refers to one of them; the others are deleted one by one.
    done, blocked = 0, list[Any]()
    for key in keys:
        number, kept = await _acted(db, act, older_than, [key], user_id)
        done += number
        blocked += kept
    return done, blocked
