"""Exports rows as lines."""

import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from typing import TypeAlias, TypeVar
from uuid import UUID

from dal.binding import Executor
from dal.database import Database, Transaction
from dal.database.failures import translated
from dal.database.transaction import REFUSE_HIDDEN_ROWS
from dal.errors import DalError, SchemaMismatchError
from dal.jsonl import export_statements
from dal.jsonl.export_statements import RawConversation, RowId
from dal.jsonl.lines import ConversationLineWriter, StoredConversation, StoredMessage, task_line
from dal.jsonl.spool import Spool
from dal.tasks import Task

# The size of a page; a single message or task may be larger.
_BYTES = 2**20
_ROWS = 1000
_CONVERSATIONS = 100

# A row that can't be read fails the transaction; rolled back to the savepoint, it goes on in the
# same snapshot.
_SAVEPOINT = "SAVEPOINT readable"
_ROLLBACK_TO_SAVEPOINT = "ROLLBACK TO SAVEPOINT readable"

_VALUE_ERRORS = ("22", "54", "XX")  # SQLSTATE classes: not convertible, too large, corrupt

Write: TypeAlias = Callable[[bytes], object]

Unwritable: TypeAlias = Callable[[str, str, UUID, str], None]
"""Called with the owner, `conversation` or `task`, its id, and the reason."""

Item = TypeVar("Item", bound=RowId)

# The columns that a line keeps, `last_message_at` as the time of its last message.
_KEPT = {
    "conversations": {*StoredConversation.model_fields, "last_message_at"},
    "messages": {*StoredMessage.model_fields},
    "tasks": {*Task.model_fields},
}


async def export_lines(
    db: Database, *, user_id: str, unwritable: Unwritable | None = None
) -> AsyncGenerator[bytes, None]:
    """A user's tasks and conversations as lines with their line ends.

    The format is that of `import_lines`: the tasks, then the conversations, both in the order of
    their ids, with their messages in chronological order. The same rows give the same bytes.

    A long conversation goes on in further lines with the same id. Some rows make lines that
    `import_lines` refuses: a message larger than `LINE_BYTES` by itself, and what other writers
    stored against the rules, such as messages of one conversation with equal times.

    It reads one snapshot in one read-only transaction, into a temporary file. The transaction has
    ended when the first line comes. Columns that lines have no place for are named in a warning of
    the logger `dal`.

    Parameters:
        db: the database.
        user_id: the owner; there is no line if they own nothing.
        unwritable: called for each conversation and task that can't be written, such as one with a
            time outside of Python's calendar. All others are written then.

    Raises:
        InvalidInputError: `user_id` breaks its rule.
        SchemaMismatchError: a conversation or a task can't be written, and there is no
            `unwritable`; says which one and why.
        DalError: the folder for temporary files is absent or full.
    """
    with closing(Spool()) as spool:
        await send_user_lines(db, spool.add, user_id=user_id, unwritable=unwritable)
        for line in spool:
            yield line


async def export_everyone(
    db: Database, *, unwritable: Unwritable | None = None
) -> AsyncGenerator[bytes, None]:
    """All users' tasks and conversations, as `export_lines` gives them for each.

    Users come in the order in which the database sorts their ids; one without tasks and
    conversations has no line.

    Parameters:
        db: the database.
        unwritable: as for `export_lines`.

    Raises:
        SchemaMismatchError, DalError: as for `export_lines`.
        PermissionDeniedError: a row-level security policy hides rows from this role.
    """
    with closing(Spool()) as spool:
        await send_all_lines(db, spool.add, unwritable=unwritable)
        for line in spool:
            yield line


async def send_user_lines(
    db: Database, write: Write, *, user_id: str, unwritable: Unwritable | None = None
) -> None:
    """Like `export_lines`, but pass lines to write, which must not block: a snapshot stays open."""
    async with _snapshot(db) as tx:
        if await export_statements.owns(tx, user_id=user_id):
            with closing(Spool()) as pending_lines:
                await _Export(tx, write, unwritable, pending_lines).export_user(user_id)


async def send_all_lines(
    db: Database, write: Write, *, unwritable: Unwritable | None = None
) -> None:
    """Like `export_everyone`, but pass lines to write, which must not block, as above."""
    async with _snapshot(db, all_rows=True) as tx:
        with closing(Spool()) as pending_lines:
            await _Export(tx, write, unwritable, pending_lines).export_all()


@asynccontextmanager
async def _snapshot(db: Database, all_rows: bool = False) -> AsyncIterator[Transaction]:
    async with db.transaction(isolation="repeatable_read", readonly=True) as tx:
        if all_rows:
            await translated(tx.execute, REFUSE_HIDDEN_ROWS)
        await translated(tx.execute, _SAVEPOINT)
        for column in await export_statements.columns(tx):
            if column.name not in _KEPT[column.table]:
                logging.getLogger("dal").warning(
                    "%s.%s is not exported: lines have no place for it", column.table, column.name
                )
        yield tx


class _Export:
    """Writes the rows of one user after the other."""

    def __init__(
        self,
        db: Executor,
        write: Write,
        unwritable: Unwritable | None,
        pending_lines: Spool,
    ) -> None:
        self._db, self._write, self._unwritable = db, write, unwritable
        # Full lines of a conversation, the rest of which may still prove unreadable.
        self._pending_lines = pending_lines
        self._rows = _ROWS  # messages to ask for: twice as many as fitted into the last page

    async def export_all(self) -> None:
        """Write the rows of all users."""
        async for owner in export_statements.all_owners(self._db):
            await self.export_user(owner)

    async def export_user(self, user_id: str) -> None:
        """Write the rows of a user."""
        after = None
        while ids := await export_statements.task_ids(
            self._db, user_id=user_id, after=after, limit=_ROWS
        ):
            await self._each("task", user_id, ids, self._task_lines)
            if len(ids) < _ROWS:
                break
            after = ids[-1].id
        after = None
        while conversations := await export_statements.conversations(
            self._db, user_id=user_id, after=after, limit=_CONVERSATIONS
        ):
            await self._each("conversation", user_id, conversations, self._conversation_lines)
            if len(conversations) < _CONVERSATIONS:
                break
            after = conversations[-1].id

    async def _each(
        self,
        kind: str,
        user_id: str,
        items: Sequence[Item],
        write: Callable[[str, deque[Item]], Awaitable[None]],
    ) -> None:
        """Call `write` with a queue of items; it removes each from the left once it is written.

        After a failure each is tried alone, so that only those at fault are left out.
        """
        waiting, alone = deque(items), False
        while waiting:
            some = deque([waiting.popleft()]) if alone else waiting
            try:
                await write(user_id, some)
            except DalError as error:
                if not _is_about_a_row(error):
                    raise
                failure = error
            else:
                continue
            await translated(self._db.execute, _ROLLBACK_TO_SAVEPOINT)
            if alone:
                self._leave_out(user_id, kind, some[0].id, failure)
            alone = True

    def _leave_out(self, user_id: str, kind: str, id: UUID, error: DalError) -> None:
        reason = str(error)
        if error.sqlstate == "54000":
            reason = "its metadata is more than PostgreSQL can print (SQLSTATE 54000)"
        if self._unwritable is None:
            raise SchemaMismatchError(
                f"the {kind} {id} can't be written: {reason}", sqlstate=error.sqlstate
            )
        self._unwritable(user_id, kind, id, reason)

    async def _task_lines(self, user_id: str, tasks: deque[RowId]) -> None:
        while tasks:
            ids = [task.id for task in tasks]
            for task in await export_statements.tasks(
                self._db, user_id=user_id, task_ids=ids, bytes=_BYTES
            ):
                self._write(task_line(task))
                tasks.popleft()

    async def _conversation_lines(
        self, user_id: str, conversations: deque[RawConversation]
    ) -> None:
        after: StoredMessage | None = None
        lines = self._begin(conversations)
        while lines:
            page = await export_statements.messages(
                self._db,
                user_id=user_id,
                conversation_ids=[conversation.id for conversation in conversations],
                after=after,
                limit=self._rows,
                bytes=_BYTES,
            )
            for message in page:
                while lines and message.conversation_id != conversations[0].id:
                    lines = self._end(lines, conversations)
                if lines:
                    lines.add(message, self._pending_lines.add)
            # Whether bytes cut it only the statement knows: it counts those on disk, too.
            if len(page) < self._rows and (not page or len(page) == page[-1].page_rows):
                while lines:
                    lines = self._end(lines, conversations)
            else:
                after, self._rows = page[-1], min(_ROWS, 2 * len(page))

    def _begin(self, conversations: deque[RawConversation]) -> ConversationLineWriter | None:
        self._pending_lines.clear()
        return ConversationLineWriter(conversations[0].conversation) if conversations else None

    def _end(
        self, lines: ConversationLineWriter, conversations: deque[RawConversation]
    ) -> ConversationLineWriter | None:
        for line in self._pending_lines:
            self._write(line)
        self._write(lines.end())
        conversations.popleft()
        return self._begin(conversations)


def _is_about_a_row(error: DalError) -> bool:
    """Whether a row could not be read, rather than the database failed."""
    if error.sqlstate is None:  # the row came, but its record or Python can't hold it
        return isinstance(error, SchemaMismatchError)
    return error.sqlstate[:2] in _VALUE_ERRORS
