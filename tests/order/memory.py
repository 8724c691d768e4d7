"""What the functions promise, over dictionaries, and by a clock that the test sets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from dal import (
    Conversation,
    ConversationStatus,
    ConversationWithMessages,
    Cursor,
    Erased,
    Message,
    NewMessage,
    NewTask,
    Task,
    User,
)
from dal.errors import (
    ConflictError,
    ConversationNotFoundError,
    TaskNotFoundError,
    UserNotFoundError,
)

Listed = TypeVar("Listed", Conversation, Message, Task)
Key: TypeAlias = tuple[str, UUID]
MICROSECOND = timedelta(microseconds=1)


class Memory:
    """All rows, and for each function `module.name` a method `module_name`.

    Attributes:
        now: the time of the next call.
    """

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.users: dict[str, User] = {}
        self.tasks: dict[Key, Task] = {}
        self.conversations: dict[Key, Conversation] = {}
        self.messages: dict[Key, Message] = {}

    async def call(self, name: str, values: Mapping[str, Any]) -> Any:
        """What a function answers, or the error that it raises."""
        return getattr(self, name.replace(".", "_"))(**values)

    def users_ensure(self, user_id: str) -> User:
        return self.users.setdefault(user_id, User(id=user_id, created_at=self.now))

    def users_get(self, user_id: str) -> User | None:
        return self.users.get(user_id)

    def users_erase(self, user_id: str) -> Erased:
        self._need_user(user_id)
        return Erased(
            conversations=_remove(self.conversations, user_id=user_id),
            messages=_remove(self.messages, user_id=user_id),
            tasks=_remove(self.tasks, user_id=user_id),
        )

    def users_delete(self, user_id: str) -> bool:
        if user_id not in self.users:
            return False
        self.users_erase(user_id)
        del self.users[user_id]
        return True

    def conversations_create(self, user_id: str, id: UUID) -> Conversation:
        self._need_user(user_id)
        new = Conversation(
            id=id,
            user_id=user_id,
            status=ConversationStatus.ACTIVE,
            created_at=self.now,
            updated_at=self.now,
        )
        return self.conversations.setdefault((user_id, id), new)

    def conversations_get(self, user_id: str, conversation_id: UUID) -> Conversation | None:
        return self.conversations.get((user_id, conversation_id))

    def conversations_get_with_messages(
        self, user_id: str, conversation_id: UUID, limit: int = 20
    ) -> ConversationWithMessages | None:
        chat = self.conversations_get(user_id, conversation_id)
        if chat is None:
            return None
        window = self.messages_history(user_id, conversation_id, limit)
        return ConversationWithMessages(**dict(chat), messages=window)

    def conversations_list_for_user(
        self, user_id: str, limit: int = 50, before: Cursor | None = None, **status: str
    ) -> list[Conversation]:
        return _page(self.conversations, limit, before, user_id=user_id, **status)

    def conversations_touch(self, user_id: str, conversation_id: UUID) -> Conversation:
        chat = self._change_chat(user_id, conversation_id)
        time = max(self.now, chat.updated_at + MICROSECOND)
        return self._change_chat(user_id, conversation_id, updated_at=time)

    def conversations_archive(self, user_id: str, conversation_id: UUID) -> Conversation:
        return self._change_chat(user_id, conversation_id, status=ConversationStatus.ARCHIVED)

    def conversations_restore(self, user_id: str, conversation_id: UUID) -> Conversation:
        self._change_chat(user_id, conversation_id, status=ConversationStatus.ACTIVE)
        return self.conversations_touch(user_id, conversation_id)

    def conversations_delete(self, user_id: str, conversation_id: UUID) -> bool:
        _remove(self.messages, user_id=user_id, conversation_id=conversation_id)
        return _remove(self.conversations, user_id=user_id, id=conversation_id) == 1

    def messages_create(self, user_id: str, conversation_id: UUID, **new: Any) -> Message:
        return self.messages_create_many(user_id, conversation_id, [NewMessage(**new)])[0]

    def messages_create_many(
        self, user_id: str, conversation_id: UUID, messages: Sequence[NewMessage]
    ) -> list[Message]:
        made = []
        for new in messages:
            message = Message(
                **asdict(new),
                user_id=user_id,
                conversation_id=conversation_id,
                created_at=self.now,
            )
            stored = self.messages.get((user_id, message.id), message)
            if stored != message.model_copy(update={"created_at": stored.created_at}):
                raise ConflictError
            made.append(stored)
        for n, message in enumerate(made):
            if (user_id, message.id) not in self.messages:
                chat = self.conversations_touch(user_id, conversation_id)
                made[n] = message.model_copy(update={"created_at": chat.updated_at})
                self.messages[user_id, message.id] = made[n]
        return made

    def messages_create_and_history(
        self, user_id: str, conversation_id: UUID, limit: int = 20, **new: Any
    ) -> list[Message]:
        message = self.messages_create(user_id, conversation_id, **new)
        past = self.messages_history(user_id, conversation_id, limit, message.cursor)
        return [*past, message][-limit:]

    def messages_get(self, user_id: str, message_id: UUID) -> Message | None:
        return self.messages.get((user_id, message_id))

    def messages_history(
        self, user_id: str, conversation_id: UUID, limit: int = 20, before: Cursor | None = None
    ) -> list[Message]:
        own = {"user_id": user_id, "conversation_id": conversation_id}
        return _page(self.messages, limit, before, **own)[::-1]

    def messages_stream(
        self, user_id: str, conversation_id: UUID, after: Cursor | None = None, page_size: int = 500
    ) -> list[Message]:
        every = self.messages_history(user_id, conversation_id, len(self.messages))
        return [
            message for message in every if after is None or _order(message.cursor) > _order(after)
        ]

    def messages_count(self, user_id: str, conversation_id: UUID) -> int:
        return len(self.messages_stream(user_id, conversation_id))

    def tasks_create(self, user_id: str, **new: Any) -> Task:
        return self._create_tasks(user_id, [NewTask(**new)], self.now)[0]

    def tasks_create_many(self, user_id: str, tasks: Sequence[NewTask]) -> list[Task]:
        return self._create_tasks(user_id, tasks, self.now + MICROSECOND)

    def tasks_get(self, user_id: str, task_id: UUID) -> Task | None:
        return self.tasks.get((user_id, task_id))

    def tasks_list_for_user(
        self, user_id: str, limit: int = 50, before: Cursor | None = None, **completed: bool
    ) -> list[Task]:
        return _page(self.tasks, limit, before, user_id=user_id, **completed)

    def tasks_update(self, user_id: str, task_id: UUID, **changes: Any) -> Task:
        completed = changes.pop("completed", None)
        task = self._change_task(user_id, task_id)
        if completed is not None and completed is not task.completed:
            changes |= {"completed": completed, "completed_at": self.now if completed else None}
        return self._change_task(user_id, task_id, **changes)

    def tasks_complete(self, user_id: str, task_id: UUID) -> Task:
        return self.tasks_update(user_id, task_id, completed=True)

    def tasks_reopen(self, user_id: str, task_id: UUID) -> Task:
        return self.tasks_update(user_id, task_id, completed=False)

    def tasks_delete(self, user_id: str, task_id: UUID) -> bool:
        return _remove(self.tasks, user_id=user_id, id=task_id) == 1

    def _need_user(self, user_id: str) -> None:
        if user_id not in self.users:
            raise UserNotFoundError

    def _change_chat(self, user_id: str, conversation_id: UUID, **changes: Any) -> Conversation:
        chat = self.conversations.get((user_id, conversation_id))
        if chat is None:
            raise ConversationNotFoundError
        changed = chat.model_copy(update=changes)
        self.conversations[user_id, conversation_id] = changed
        return changed

    def _create_tasks(self, user_id: str, tasks: Sequence[NewTask], first: datetime) -> list[Task]:
        made = []
        for n, new in enumerate(tasks):
            time = first + n * MICROSECOND
            task = Task(
                **asdict(new),
                user_id=user_id,
                completed=False,
                completed_at=None,
                created_at=time,
                updated_at=time,
            )
            made.append(self.tasks.get((user_id, task.id), task))
            if (made[n].title, made[n].description) != (new.title, new.description):
                raise ConflictError
        if made:
            self._need_user(user_id)
        self.tasks |= {(user_id, task.id): task for task in made}
        return made

    def _change_task(self, user_id: str, task_id: UUID, **changes: Any) -> Task:
        task = self.tasks.get((user_id, task_id))
        if task is None:
            raise TaskNotFoundError
        if changes:
            changes["updated_at"] = self.now
        changed = task.model_copy(update=changes)
        self.tasks[user_id, task_id] = changed
        return changed


def _matching(rows: Iterable[Listed], having: Mapping[str, Any]) -> list[Listed]:
    return [row for row in rows if all(getattr(row, name) == having[name] for name in having)]


def _remove(rows: dict[Key, Listed], **having: Any) -> int:
    """Remove the rows that have these values, and count them."""
    matching = _matching(rows.values(), having)
    for row in matching:
        del rows[row.user_id, row.id]
    return len(matching)


def _page(
    rows: Mapping[Key, Listed], limit: int, before: Cursor | None, **having: Any
) -> list[Listed]:
    """The rows that have these values, latest first, from a place on."""
    matching = sorted(
        _matching(rows.values(), having), key=lambda row: _order(row.cursor), reverse=True
    )
    return [row for row in matching if before is None or _order(row.cursor) < _order(before)][
        :limit
    ]


def _order(cursor: Cursor) -> tuple[datetime, UUID]:
    return cursor.time, cursor.id
