"""From rows to lines."""

from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from uuid import UUID

from dal import users
from dal.binding import Executor, query
from dal.conversations import Conversation
from dal.cursor import Cursor
from dal.database import Database
from dal.inputs import Limit, Place
from dal.jsonl.encoding import ConversationLines, StoredMessage, task_line
from dal.record import Record
from dal.tasks import Task

# What is read at once, before it is written as JSON; a single message or task may be larger.
_BYTES = 2**20
_ROWS = 1000
_CONVERSATIONS = 100


class _Owner(Record):
    id: str
    tasks: bool = True
    conversations: bool = True


class _Measured(Conversation):
    """A conversation, and how much its messages are."""

    messages: int
    bytes: int

    @property
    def cursor(self) -> Cursor:
        """Its place in the export, which unlike that in the list never moves."""
        return Cursor(self.created_at, self.id)


@query("jsonl/export_users.sql")
async def _users(db: Executor, *, after: str, limit: Limit) -> list[_Owner]:
    raise NotImplementedError


@query("jsonl/export_tasks.sql", whole=True)
async def _tasks(
    db: Executor, *, user_id: str, after: Place[Task], limit: Limit, bytes: int
) -> list[Task]:
    raise NotImplementedError


@query("jsonl/export_conversations.sql", whole=True)
async def _conversations(
    db: Executor, *, user_id: str, after: Place[_Measured], limit: Limit, long: int
) -> list[_Measured]:
    raise NotImplementedError


@query("jsonl/export_messages.sql", whole=True)
async def _messages(
    db: Executor, *, user_id: str, conversation_ids: list[UUID]
) -> list[StoredMessage]:
    raise NotImplementedError


@query("jsonl/export_long_conversation.sql", whole=True)
async def _page(
    db: Executor,
    *,
    user_id: str,
    conversation_id: UUID,
    after: Place[StoredMessage],
    limit: Limit,
    bytes: int,
) -> list[StoredMessage]:
    raise NotImplementedError


async def export_lines(db: Database, *, user_id: str) -> AsyncGenerator[bytes, None]:
    """A user's tasks and conversations as lines with their line ends.

    The format is that of `import_lines`: the tasks, oldest first, then the conversations, oldest
    first, with their messages in chronological order. The same rows give the same bytes.

    A long conversation goes on in further lines with the same id. Some rows make lines that
    `import_lines` refuses: a message larger than `LINE_BYTES` by itself, and what other writers
    stored against the rules, such as messages of one conversation with equal times.

    It reads one snapshot in one read-only transaction, which lasts until the last line is read:
    where lines may be left unread, close it with `contextlib.aclosing`.

    Parameters:
        db: the database.
        user_id: whose; there is no line if there is no such user.

    Raises:
        InvalidInputError: `user_id` breaks its rule.
    """
    async with db.transaction(isolation="repeatable_read", readonly=True) as snapshot:
        if await users.get(snapshot, user_id=user_id):
            async for line in _lines_of(snapshot, _Owner(id=user_id)):
                yield line


async def export_everyone(db: Database) -> AsyncGenerator[bytes, None]:
    """All users' tasks and conversations, as `export_lines` gives them for each.

    Users come in the order of their ids, byte by byte; one without tasks and conversations has no
    line.

    Parameters:
        db: the database.
    """
    async with db.transaction(isolation="repeatable_read", readonly=True) as snapshot:
        page = await _users(snapshot, after="", limit=_ROWS)
        while page:
            for owner in page:
                async for line in _lines_of(snapshot, owner):
                    yield line
            page = await _users(snapshot, after=page[-1].id, limit=_ROWS)


async def _lines_of(db: Executor, owner: _Owner) -> AsyncIterator[bytes]:
    if owner.tasks:
        async for line in _task_lines(db, owner.id):
            yield line
    if owner.conversations:
        async for line in _conversation_lines(db, owner.id):
            yield line


async def _task_lines(db: Executor, user_id: str) -> AsyncIterator[bytes]:
    page = await _tasks(db, user_id=user_id, after=None, limit=_ROWS, bytes=_BYTES)
    while page:
        for task in page:
            yield task_line(task)
        page = await _tasks(db, user_id=user_id, after=page[-1], limit=_ROWS, bytes=_BYTES)


async def _conversation_lines(db: Executor, user_id: str) -> AsyncIterator[bytes]:
    after = None
    while True:
        page = await _conversations(
            db, user_id=user_id, after=after, limit=_CONVERSATIONS, long=_ROWS
        )
        for group in _groups(page):
            if _is_long(group[0]):
                async for line in _long_conversation(db, group[0]):
                    yield line
            else:
                ids = [conversation.id for conversation in group]
                said = defaultdict(list)
                for message in await _messages(db, user_id=user_id, conversation_ids=ids):
                    said[message.conversation_id].append(message)
                for conversation in group:
                    lines_of = ConversationLines(conversation)
                    for line in lines_of.add(said[conversation.id]):
                        yield line
                    yield lines_of.end()
        if len(page) < _CONVERSATIONS:
            return
        after = page[-1]


async def _long_conversation(db: Executor, conversation: _Measured) -> AsyncIterator[bytes]:
    lines_of, after = ConversationLines(conversation), None
    while page := await _page(
        db,
        user_id=conversation.user_id,
        conversation_id=conversation.id,
        after=after,
        limit=_ROWS,
        bytes=_BYTES,
    ):
        for line in lines_of.add(page):
            yield line
        after = page[-1]
    yield lines_of.end()


def _is_long(conversation: _Measured) -> bool:
    return conversation.messages > _ROWS or conversation.bytes > _BYTES


def _groups(page: Sequence[_Measured]) -> Iterator[list[_Measured]]:
    """Conversations to read together, in their order; a long one stands alone."""
    group: list[_Measured] = []
    messages = size = 0
    for conversation in page:
        messages += conversation.messages
        size += conversation.bytes
        if group and (messages > _ROWS or size > _BYTES):
            yield group
            group, messages, size = [], conversation.messages, conversation.bytes
        group.append(conversation)
    if group:
        yield group
