"""Finds rows whose user or conversation is missing, and conversations with outdated times.

Foreign keys and dal's statements prevent both, unless somebody drops a key or bypasses dal.
"""

from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, TypeAlias
from uuid import UUID

from dal.binding import Executor, Fields, query
from dal.cluster import groups_of_one_shard, is_distributed
from dal.database import Database
from dal.inputs import BatchSize, Keys
from dal.maintenance.batches import transaction
from dal.record import RowKey

_BATCH = 1000


class OrphanKind(StrEnum):
    """What is wrong with a row; the times are `updated_at` and `last_message_at`."""

    MESSAGE = "a message without its conversation"
    CONVERSATION = "a conversation without its user"
    TASK = "a task without its user"
    OUTDATED_TIMES = "a conversation whose times are before its newest message"

    @property
    def word(self) -> str:
        """The kind as `dal orphans` prints it: `message`, `conversation`, `task` or `clock`."""
        return "clock" if self is OrphanKind.OUTDATED_TIMES else self.name.lower()


@dataclass(frozen=True, slots=True)
class Orphan:
    """A row that should not be as it is.

    Attributes:
        user_id, id: its key.
    """

    kind: OrphanKind
    user_id: str
    id: UUID


After: TypeAlias = Annotated[RowKey | None, Fields(RowKey)]


@query("maintenance/orphaned_messages.sql")
async def _messages(db: Executor, *, after: After, batch: BatchSize) -> list[RowKey]:
    raise NotImplementedError


@query("maintenance/orphaned_conversations.sql")
async def _conversations(db: Executor, *, after: After, batch: BatchSize) -> list[RowKey]:
    raise NotImplementedError


@query("maintenance/orphaned_tasks.sql")
async def _tasks(db: Executor, *, after: After, batch: BatchSize) -> list[RowKey]:
    raise NotImplementedError


@query("maintenance/late_conversations.sql")
async def _late(db: Executor, *, after: After, batch: BatchSize) -> list[RowKey]:
    raise NotImplementedError


@query("maintenance/delete_orphaned_messages.sql")
async def _delete_messages(db: Executor, *, keys: Keys) -> int:
    raise NotImplementedError


@query("maintenance/delete_orphaned_conversations.sql")
async def _delete_conversations(db: Executor, *, keys: Keys) -> int:
    raise NotImplementedError


@query("maintenance/delete_orphaned_tasks.sql")
async def _delete_tasks(db: Executor, *, keys: Keys) -> int:
    raise NotImplementedError


@query("maintenance/advance_late_conversations.sql")
async def _advance(db: Executor, *, keys: Keys, user_id: str | None) -> int:
    raise NotImplementedError


async def _advance_times(db: Executor, *, keys: Sequence[RowKey]) -> int:
    groups = groups_of_one_shard(keys, await is_distributed(db))
    return sum([await _advance(db, keys=group, user_id=user_id) for user_id, group in groups])


Find: TypeAlias = Callable[..., Awaitable[list[RowKey]]]
Repair: TypeAlias = Callable[..., Awaitable[int]]
_STATEMENTS: dict[OrphanKind, tuple[Find, Repair]] = {
    OrphanKind.MESSAGE: (_messages, _delete_messages),
    OrphanKind.CONVERSATION: (_conversations, _delete_conversations),
    OrphanKind.TASK: (_tasks, _delete_tasks),
    OrphanKind.OUTDATED_TIMES: (_late, _advance_times),
}


async def find_orphans(db: Database) -> AsyncGenerator[Orphan, None]:
    """Find all rows that foreign keys and dal's own statements should make impossible.

    It reads every row once, so run it monthly, and preferably on a standby.

    SQL: sql/maintenance/orphaned_messages.sql, orphaned_conversations.sql, orphaned_tasks.sql and
    late_conversations.sql beside it.

    Raises:
        PermissionDeniedError: a row-level security policy hides rows from this role.
    """
    for kind, (find, _) in _STATEMENTS.items():
        after = None
        while True:
            async with transaction(db) as tx:
                page = await find(tx, after=after, batch=_BATCH)
            for row in page:
                yield Orphan(kind, row.user_id, row.id)
            if len(page) < _BATCH:
                break
            after = page[-1]


async def delete_orphans(db: Database, orphans: Iterable[Orphan]) -> int:
    """Delete or repair the rows that `find_orphans` found, if still wrong; returns how many.

    A conversation whose times are before its newest message is not deleted: its times are advanced
    to that message's. Each thousand rows are a transaction of their own. Search again afterwards:
    where keys are missing, a deleted conversation may leave its messages behind.

    SQL: sql/maintenance/delete_orphaned_messages.sql, delete_orphaned_conversations.sql,
    delete_orphaned_tasks.sql and advance_late_conversations.sql beside it.

    Raises:
        PermissionDeniedError: a row-level security policy hides rows from this role.
        TransactionConflictError: a lock was in the way for more than 10 seconds; repeat it.
    """
    keys = defaultdict(list)
    for orphan in orphans:
        keys[orphan.kind].append(RowKey(user_id=orphan.user_id, id=orphan.id))
    repaired = 0
    for kind, of_kind in keys.items():
        _, repair = _STATEMENTS[kind]
        for start in range(0, len(of_kind), _BATCH):
            async with transaction(db) as tx:
                repaired += await repair(tx, keys=of_kind[start : start + _BATCH])
    return repaired
