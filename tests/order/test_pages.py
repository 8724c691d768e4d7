"""Lists read page by page, over times that tie, while rows come and go."""

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import chain
from random import randrange
from typing import Any
from uuid import UUID

import pytest

from dal import Conversation, Cursor, Database, Message, conversations, messages, tasks
from dal.errors import InvalidInputError
from tests.surface import call

# Other writers' rows, four to each microsecond, and of these every second one of either kind.
TIED = """
    INSERT INTO messages (user_id, conversation_id, role, content, created_at)
    SELECT 'ada', id, 'user', n, timestamptz '2020-01-01Z' + n / 4 * interval '1 microsecond'
    FROM conversations, generate_series(1, 15) AS n;

    INSERT INTO tasks (user_id, title, completed, completed_at, created_at)
    SELECT
        'ada', n, n % 2 = 0, CASE n % 2 WHEN 0 THEN now() END,
        timestamptz '2020-01-01Z' + n / 4 * interval '1 microsecond'
    FROM generate_series(1, 15) AS n;

    INSERT INTO conversations (user_id, status, updated_at)
    SELECT
        'ada', CASE n % 2 WHEN 0 THEN 'active' ELSE 'archived' END,
        timestamptz '2020-01-01Z' + n / 4 * interval '1 microsecond'
    FROM generate_series(1, 15) AS n;
"""


async def page_of_history(db: Database, **options: Any) -> list[Message]:
    """A page of history, newest first like those of the other lists."""
    [[chat]] = await db.fetch("SELECT DISTINCT conversation_id FROM messages")
    return (await messages.history(db, conversation_id=chat, **options))[::-1]


LISTS: dict[str, tuple[Callable[..., Awaitable[list[Any]]], dict[str, Any], str, str]] = {
    "messages": (page_of_history, {}, "messages", "true"),
    "tasks": (tasks.list_for_user, {}, "tasks", "true"),
    "open": (tasks.list_for_user, {"completed": False}, "tasks", "NOT completed"),
    "completed": (tasks.list_for_user, {"completed": True}, "tasks", "completed"),
    "conversations": (conversations.list_for_user, {}, "conversations", "true"),
    "active": (
        conversations.list_for_user,
        {"status": "active"},
        "conversations",
        "status = 'active'",
    ),
    "archived": (
        conversations.list_for_user,
        {"status": "archived"},
        "conversations",
        "status = 'archived'",
    ),
}
TIMES = {"messages": "created_at", "tasks": "created_at", "conversations": "updated_at"}
# A row that differs from a stored one in its id alone.
TWIN = {
    "messages": """
        INSERT INTO messages (id, user_id, conversation_id, role, content, created_at)
        SELECT $2, user_id, conversation_id, role, content, created_at
        FROM messages WHERE id = $1
    """,
    "tasks": """
        INSERT INTO tasks (id, user_id, title, completed, completed_at, created_at)
        SELECT $2, user_id, title, completed, completed_at, created_at FROM tasks WHERE id = $1
    """,
    "conversations": """
        INSERT INTO conversations (id, user_id, status, updated_at)
        SELECT $2, user_id, status, updated_at FROM conversations WHERE id = $1
    """,
}
LIMITS = (4, 3, 2, 1)
PLACES: list[Callable[[Any], Any]] = [
    lambda record: record,
    lambda record: record.cursor,
    lambda record: Cursor.parse(str(record.cursor)),
]


class Listing:
    """A list of ada's, and what it should hold according to the table."""

    def __init__(self, db: Database, name: str) -> None:
        self._db = db
        self._page, self._given, self._table, self._rows = LISTS[name]

    async def all_ids(self) -> list[UUID]:
        time = TIMES[self._table]
        rows = await self._db.fetch(
            f"SELECT id FROM {self._table} WHERE {self._rows} ORDER BY {time} DESC, id DESC"
        )
        return [row["id"] for row in rows]

    async def pages(
        self, limit: int, place: Callable[[Any], Any] = PLACES[0]
    ) -> AsyncIterator[list[UUID]]:
        met: set[UUID] = set()
        before = None
        while page := await self._page(
            self._db, user_id="ada", **self._given, limit=limit, before=before
        ):
            ids = [record.id for record in page]
            assert len(ids) <= limit
            assert met.isdisjoint(ids)  # pages that go in circles never end
            yield ids
            met.update(ids)
            before = place(page[-1])

    async def twins(self, id: UUID) -> tuple[UUID, UUID]:
        """Rows of the same time arrive on either side of a stored one."""
        lower, higher = UUID(int=randrange(id.int)), UUID(int=randrange(id.int + 1, 2**128))
        for twin in (lower, higher):
            await self._db.execute(TWIN[self._table], id, twin)
        return lower, higher

    async def delete(self, id: UUID) -> None:
        await self._db.execute(f"DELETE FROM {self._table} WHERE id = $1", id)


async def say(db: Database, chat: Conversation) -> UUID:
    message = await messages.create(
        db, user_id=chat.user_id, conversation_id=chat.id, role="user", content="new"
    )
    return message.id


@pytest.fixture
async def tied(db: Database, chat: Conversation) -> None:
    await db.execute(TIED)


@pytest.mark.usefixtures("tied")
@pytest.mark.parametrize("name", LISTS)
async def test_pages_over_ties_neither_skip_nor_repeat(db: Database, name: str) -> None:
    listing = Listing(db, name)
    expected = await listing.all_ids()
    for limit in LIMITS:
        for place in PLACES:
            pages = [page async for page in listing.pages(limit, place)]
            assert [*chain.from_iterable(pages)] == expected
            assert {len(page) for page in pages[:-1]} == {limit}


@pytest.mark.parametrize("name", LISTS)
async def test_another_kinds_place_is_refused(db: Database, chat: Conversation, name: str) -> None:
    page, options, table, _ = LISTS[name]
    await say(db, chat)
    task = await tasks.create(db, user_id="ada", title="Milk")
    [message] = await messages.history(db, user_id="ada", conversation_id=chat.id)
    for record in (message, task, chat):
        for place in (record.cursor, Cursor.parse(str(record.cursor))):
            call = page(db, user_id="ada", **options, limit=1, before=place)
            if table.startswith(str(place.kind)):
                await call
            else:
                with pytest.raises(InvalidInputError, match="a cursor of another kind of record"):
                    await call
    anywhere = Cursor(message.created_at, message.id)
    await page(db, user_id="ada", **options, limit=1, before=anywhere)


@pytest.mark.usefixtures("tied")
@pytest.mark.parametrize("name", LISTS)
async def test_rows_that_go_between_pages(db: Database, name: str) -> None:
    listing = Listing(db, name)
    expected = await listing.all_ids()
    met: list[UUID] = []
    async for page in listing.pages(2):
        met += page
        await listing.delete(page[-1])
    assert met == expected
    assert len(await listing.all_ids()) == len(expected) // 2


@pytest.mark.usefixtures("tied")
@pytest.mark.parametrize("name", LISTS)
async def test_rows_that_arrive_between_pages(db: Database, chat: Conversation, name: str) -> None:
    listing = Listing(db, name)
    for limit in LIMITS:
        there = frozenset(await listing.all_ids())
        arrived: set[UUID] = set()
        met: list[UUID] = []
        async for page in listing.pages(limit):
            met += page
            if page[-1] in there:
                lower, _ = await listing.twins(page[-1])
                arrived.add(lower)  # in the part that is still to be read
                await say(db, chat)
        assert met == [id_ for id_ in await listing.all_ids() if id_ in there | arrived]
        assert arrived


@pytest.mark.usefixtures("tied")
@pytest.mark.parametrize("page_size", LIMITS)
async def test_a_stream_over_ties_and_arrivals(
    db: Database, chat: Conversation, page_size: int
) -> None:
    listing = Listing(db, "messages")
    own: dict[str, Any] = {"user_id": "ada", "conversation_id": chat.id}
    there = (await listing.all_ids())[::-1]
    met = await call(messages.stream, db, own | {"page_size": page_size})
    assert [message.id for message in met] == there
    for place in PLACES:
        arguments = own | {"after": place(met[5]), "page_size": page_size}
        rest = await call(messages.stream, db, arguments)
        assert [message.id for message in rest] == there[6:]

    arrived: set[UUID] = set()
    ids: list[UUID] = []
    async for message in messages.stream(db, **own, page_size=page_size):
        assert message.id not in ids
        ids.append(message.id)
        if len(ids) % page_size == 0 and message.id in there:
            _, higher = await listing.twins(message.id)
            arrived |= {higher, await say(db, chat)}
    assert ids == [id_ for id_ in (await listing.all_ids())[::-1] if id_ in arrived.union(there)]
    assert arrived
