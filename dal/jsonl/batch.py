"""One batch of lines: compared with what is stored, then written together."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import attrgetter

import asyncpg

from dal.conversations import ConversationStatus
from dal.database import Executor
from dal.database.transaction import begin
from dal.errors import ConflictError, InvalidInputError, SchemaMismatchError
from dal.jsonl import import_statements
from dal.jsonl.import_statements import (
    ConversationRow,
    ConversationTimes,
    Existing,
    LockedConversation,
    MessageRow,
)
from dal.jsonl.lines import ConversationLine, ImportedTask, Line, TaskLine
from dal.jsonl.values import BadLine

# A message with a time in the future would force all later ones to be later still.
_LEAD = timedelta(minutes=5)
_AHEAD = "is more than 5 minutes ahead of the server's clock"

_MICROSECOND = timedelta(microseconds=1)


@dataclass(slots=True)
class Item:
    """A line of a batch.

    Attributes:
        line: the parsed line, or None where it could not be read.
        continues_conversation: whether it continues the conversation of the line before it.
        reason: why it is bad, or None.
    """

    number: int
    raw: bytes = field(repr=False)
    line: Line | None = field(repr=False)
    continues_conversation: bool = False
    reason: str | None = None


async def write(
    connection: asyncpg.Connection,
    items: Sequence[Item],
    distributed: bool,
    is_second_try: bool = False,
) -> Counter[str]:
    """Write the good lines, and set the reasons of the bad ones; returns counts of rows by kind.

    It runs in a savepoint of the connection's transaction. No two of the lines may
    share a conversation, or an id of a message or a task.

    Parameters:
        connection: in a transaction.
        items: the lines.
        distributed: whether the tables are spread over the nodes of a cluster.
        is_second_try: whether another writer got in the way of the first.
    """
    try:
        async with begin(connection) as savepoint:
            batch = await _judged(savepoint, items, distributed)
            return await batch.write(savepoint, connection)
    except (InvalidInputError, ConflictError) as error:
        refusal = error
    if isinstance(refusal, ConflictError) and not is_second_try:
        # Another writer made one of the rows after this one had looked. Now it is seen.
        return await write(connection, items, distributed, is_second_try=True)
    # A rule that only the database knows, such as an encoding that lacks a character.
    if len(items) == 1:
        items[0].reason = str(refusal)
        return Counter()
    counts: Counter[str] = Counter()
    for item in items:
        counts += await write(connection, [item], distributed)
    return counts


async def _judged(db: Executor, items: Sequence[Item], distributed: bool) -> "_Batch":
    lines = [item.line for item in items if item.line]
    existing = await import_statements.read_existing(db, lines, distributed)
    batch = _Batch(existing)
    for place, item in enumerate(items):
        if item.line is None:
            continue
        item.reason = None
        now = existing.now + place * _MICROSECOND  # apart, so that lists keep the order of the file
        try:
            if isinstance(item.line, TaskLine):
                batch.add_task(item.line, now)
            else:
                batch.add_conversation(item.line, now, item.continues_conversation)
        except BadLine as bad:
            item.reason = str(bad)
    return batch


class _Batch:
    """The rows of the good lines."""

    def __init__(self, existing: Existing) -> None:
        self._existing = existing
        self._latest = existing.now + _LEAD
        self._users: set[str] = set()
        self._conversations: list[ConversationRow] = []
        self._moved: list[ConversationTimes] = []
        self._messages: list[MessageRow] = []
        self._tasks: list[tuple[str, ImportedTask]] = []
        self._counts: Counter[str] = Counter()

    def add_conversation(
        self, line: ConversationLine, now: datetime, continues_conversation: bool
    ) -> None:
        """Add a line's rows; raises BadLine."""
        stored = self._existing.conversations.get((line.user_id, line.id))
        # updated_at is no content: it only moves forward.
        compared = ("status", "created_at", "archived_at")
        if stored and any(
            getattr(line, name) not in (None, getattr(stored, name)) for name in compared
        ):
            raise BadLine("id: is taken by a conversation with other content")
        self._refuse_ahead("created_at", line.created_at)
        self._refuse_ahead("updated_at", line.updated_at)
        self._refuse_ahead("archived_at", line.archived_at)
        new = self._new_messages(line, now, stored)
        last = new[-1].created_at if new else None
        created_at = line.created_at or min([now, *(row.created_at for row in new[:1])])
        recency = [*filter(None, [line.updated_at, last])]
        if stored is None:
            row = ConversationRow(
                user_id=line.user_id,
                id=line.id,
                status=line.status or ConversationStatus.ACTIVE,
                created_at=created_at,
                updated_at=max(recency, default=created_at),
                last_message_at=last,
                archived_at=line.archived_at,
            )
            self._conversations.append(row)
        elif new or max([stored.updated_at, *recency]) > stored.updated_at:
            times = ConversationTimes(
                user_id=stored.user_id,
                id=stored.id,
                updated_at=max([stored.updated_at, *recency]),
                last_message_at=_later(stored.last_message_at, last),
            )
            self._moved.append(times)
        self._users.add(line.user_id)
        self._messages += new
        self._counts["conversations"] += stored is None
        self._counts["known_conversations"] += stored is not None and not continues_conversation
        self._counts["messages"] += len(new)
        self._counts["known_messages"] += len(line.messages) - len(new)

    def _new_messages(
        self, line: ConversationLine, now: datetime, stored: LockedConversation | None
    ) -> list[MessageRow]:
        known = self._existing.messages
        last = self._existing.last.get((line.user_id, line.id))
        # As in messages/create.sql; the conversation is locked.
        before = filter(None, [stored.updated_at, stored.last_message_at]) if stored else ()
        earliest = max([now, *(time + _MICROSECOND for time in before)])
        new: list[MessageRow] = []
        for place, message in enumerate(line.messages):
            same = known.get((line.user_id, message.id)) if known and message.id else None
            if same is False:
                raise BadLine(f"messages[{place}].id: is taken by a message with other content")
            if same:
                continue
            if message.created_at:
                if message.created_at > self._latest:
                    raise BadLine(f"messages[{place}].created_at: {_AHEAD}")
                if last and message.created_at <= last:
                    raise BadLine(
                        f"messages[{place}].created_at: must be later than the last stored"
                        " message of the conversation"
                    )
            time = message.created_at or earliest
            earliest = max(earliest, time + _MICROSECOND)
            new.append(MessageRow(line.user_id, line.id, time, message))
        return new

    def add_task(self, line: TaskLine, now: datetime) -> None:
        """Add a line's row; raises BadLine."""
        task = line.task
        same = self._existing.tasks.get((line.user_id, task.id)) if task.id else None
        if same is False:
            raise BadLine("task.id: is taken by a task with other content")
        if same:
            self._counts["known_tasks"] += 1
            return
        for name in ("completed_at", "created_at", "updated_at"):
            self._refuse_ahead(f"task.{name}", getattr(task, name))
        completed_at = task.completed_at
        if task.completed:
            completed_at = completed_at or task.updated_at or now
        times = [*filter(None, [completed_at, task.updated_at])]
        created_at = task.created_at or min([now, *times])
        row = replace(
            task,
            completed_at=completed_at,
            created_at=created_at,
            updated_at=task.updated_at or max([created_at, *times]),
        )
        self._users.add(line.user_id)
        self._tasks.append((line.user_id, row))
        self._counts["tasks"] += 1

    async def write(self, db: Executor, connection: asyncpg.Connection) -> Counter[str]:
        """Write the rows; returns how many there are of each kind."""
        # In the order of keys, so that two imports of the same rows wait rather than deadlock.
        self._conversations.sort(key=attrgetter("user_id", "id"))
        self._tasks.sort(key=lambda row: (row[0], str(row[1].id)))
        self._counts["users"] = await import_statements.add_users(db, user_ids=sorted(self._users))
        made = await import_statements.add_conversations(db, conversations=self._conversations)
        moved = await import_statements.update_conversation_times(db, conversations=self._moved)
        copied = await import_statements.copy_messages(connection, self._messages)
        added = await import_statements.add_tasks(
            db,
            user_ids=[user_id for user_id, _ in self._tasks],
            tasks=[task for _, task in self._tasks],
        )
        for table, sent, stored in (
            ("conversations", self._conversations, made),
            ("conversations", self._moved, moved),
            ("messages", self._messages, copied),
            ("tasks", self._tasks, added),
        ):
            if stored < len(sent):
                raise SchemaMismatchError(
                    f"some rows of {table} were not stored; look for a trigger or a rule on the"
                    " table"
                )
        return self._counts

    def _refuse_ahead(self, place: str, time: datetime | None) -> None:
        if time and time > self._latest:
            raise BadLine(f"{place}: {_AHEAD}")


def _later(stored: datetime | None, last: datetime | None) -> datetime | None:
    """The new last_message_at of a conversation, after a message was appended at `last`."""
    if stored is None or last is None:
        return last or stored
    # This is how messages/create_and_history.sql sees that others appended while it waited.
    return max(last, stored + _MICROSECOND)
