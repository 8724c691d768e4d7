"""Cursors: as text and back, and every list read through them page by page."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import hypothesis
import pytest
from hypothesis import strategies as st

from dal import Conversation, Cursor, Database, Message, conversations, messages, tasks
from dal.errors import InvalidInputError
from tests.surface import call

offsets = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)
times = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=offsets)


@hypothesis.given(st.builds(Cursor, times, st.uuids()))
def test_a_cursor_is_read_back_from_its_text(cursor: Cursor) -> None:
    text = str(cursor)
    assert Cursor.parse(text) == cursor
    assert Cursor.parse(text).time.tzinfo is UTC
    assert str(Cursor.parse(text)) == text
    assert set(text) <= set("0123456789abcdef.-")


@hypothesis.given(st.from_regex(r"-?[0-9]{1,20}\.[0-9a-f]{32}", fullmatch=True) | st.text())
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    try:
        cursor = Cursor.parse(text)
    except InvalidInputError:
        return
    assert Cursor.parse(str(cursor)) == cursor
    assert int(str(cursor).partition(".")[0]) == int(text.partition(".")[0])


@pytest.mark.parametrize("time", [datetime.min, datetime.max])
def test_the_ends_of_the_calendar(time: datetime) -> None:
    cursor = Cursor(time.replace(tzinfo=UTC), UUID(int=0))
    assert Cursor.parse(str(cursor)) == cursor


HEX = uuid4().hex


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        HEX,
        "1",
        "1.s3cr3t",
        f".{HEX}",
        f"1.{HEX[1:]}",
        f"1.{HEX}0",
        f"1.{'A' * 32}",
        f"1.{uuid4()}",
        f"1..{HEX}",
        f"1.5.{HEX}",
        f"+1.{HEX}",
        f"--1.{HEX}",
        f" 1.{HEX}",
        f"1.{HEX}\n",
        f"1e3.{HEX}",
        f"1_0.{HEX}",
        f"\N{ARABIC-INDIC DIGIT THREE}.{HEX}",
        f"nan.{HEX}",
        f"{10**17 * 9}.{HEX}",
        f"-{10**17}.{HEX}",
        f"{'9' * 5000}.{HEX}",
        f"1.{HEX}\0",
        f"1.{HEX[1:]}\ud800",
        None,
        1,
        [],
        f"1.{HEX}".encode(),
        Cursor(datetime.now(UTC), uuid4()),
    ],
)
def test_a_malformed_cursor_is_refused_and_not_repeated(text: Any) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Cursor.parse(text)
    assert caught.value.args == ("malformed cursor; pass the text that str(cursor) gave",)
    assert caught.value.__context__ is caught.value.__cause__ is None


NOW = datetime.now(UTC)
WEST, EAST = timezone(timedelta(hours=-1)), timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("time", "id"),
    [
        (NOW.replace(tzinfo=None), uuid4()),
        (datetime.max.replace(tzinfo=WEST), uuid4()),  # in UTC, past the calendar's end
        (datetime.min.replace(tzinfo=EAST), uuid4()),
        (NOW.isoformat(), uuid4()),
        (NOW.date(), uuid4()),
        (NOW.timestamp(), uuid4()),
        (None, uuid4()),
        (NOW, str(uuid4())),
        (NOW, 1),
        (NOW, None),
    ],
)
def test_a_cursor_needs_an_aware_time_and_a_uuid(time: Any, id: Any) -> None:
    with pytest.raises(InvalidInputError):
        Cursor(time, id)


# Four rows to each microsecond, and of these every second one of either kind.
TIED = """
    INSERT INTO messages (user_id, conversation_id, role, content, created_at)
    SELECT 'ada', id, 'user', n, timestamptz '2026-01-01Z' + n / 4 * interval '1 microsecond'
    FROM conversations, generate_series(1, 15) AS n;

    INSERT INTO tasks (user_id, title, completed, completed_at, created_at)
    SELECT
        'ada', n, n % 2 = 0, CASE n % 2 WHEN 0 THEN now() END,
        timestamptz '2026-01-01Z' + n / 4 * interval '1 microsecond'
    FROM generate_series(1, 15) AS n;

    INSERT INTO conversations (user_id, status, updated_at)
    SELECT
        'ada', CASE n % 2 WHEN 0 THEN 'active' ELSE 'archived' END,
        timestamptz '2026-01-01Z' + n / 4 * interval '1 microsecond'
    FROM generate_series(1, 15) AS n;
"""


async def page_of_history(db: Database, **given: Any) -> list[Message]:
    """A page of history, newest first like those of the other lists."""
    [[chat]] = await db.fetch("SELECT DISTINCT conversation_id FROM messages")
    return (await messages.history(db, conversation_id=chat, **given))[::-1]


TASKS = "SELECT id FROM tasks WHERE {} ORDER BY created_at DESC, id DESC"
CHATS = "SELECT id FROM conversations WHERE {} ORDER BY updated_at DESC, id DESC"
MESSAGES = "SELECT id FROM messages ORDER BY created_at DESC, id DESC"
LISTS: dict[str, tuple[Callable[..., Awaitable[list[Any]]], dict[str, Any], str]] = {
    "messages": (page_of_history, {}, MESSAGES),
    "tasks": (tasks.list_for_user, {}, TASKS.format("true")),
    "open": (tasks.list_for_user, {"completed": False}, TASKS.format("NOT completed")),
    "completed": (tasks.list_for_user, {"completed": True}, TASKS.format("completed")),
    "conversations": (conversations.list_for_user, {}, CHATS.format("true")),
    "active": (
        conversations.list_for_user,
        {"status": "active"},
        CHATS.format("status = 'active'"),
    ),
    "archived": (
        conversations.list_for_user,
        {"status": "archived"},
        CHATS.format("status = 'archived'"),
    ),
}
PLACES: list[Callable[[Any], Any]] = [
    lambda record: record,
    lambda record: record.cursor,
    lambda record: Cursor.parse(str(record.cursor)),
]


@pytest.mark.parametrize("name", LISTS)
async def test_pages_over_ties_neither_skip_nor_repeat(
    db: Database, chat: Conversation, name: str
) -> None:
    list_page, given, whole = LISTS[name]
    await db.execute(TIED)
    expected = [row["id"] for row in await db.fetch(whole)]

    async def paged(limit: int, place: Callable[[Any], Any], delete: bool = False) -> list[UUID]:
        met: list[UUID] = []
        before = None
        while page := await list_page(db, user_id="ada", **given, limit=limit, before=before):
            assert len(page) == min(limit, len(expected) - len(met))
            met += [record.id for record in page]
            before = place(page[-1])
            if delete:
                for table in ("messages", "tasks", "conversations"):
                    await db.execute(f"DELETE FROM {table} WHERE id = $1", met[-1])
        return met

    for limit in (1, 2, 3, 4):
        for place in PLACES:
            assert await paged(limit, place) == expected
    assert await paged(2, PLACES[0], delete=True) == expected
    assert len(await db.fetch(whole)) == len(expected) // 2


async def test_a_stream_over_ties_neither_skips_nor_repeats(
    db: Database, chat: Conversation
) -> None:
    await db.execute(TIED)
    expected = [row["id"] for row in await db.fetch(MESSAGES)][::-1]
    own: dict[str, Any] = {"user_id": "ada", "conversation_id": chat.id}
    for page_size in (1, 2, 3, 4):
        met = await call(messages.stream, db, own | {"page_size": page_size})
        assert [message.id for message in met] == expected
        for place in PLACES:
            given = own | {"after": place(met[5]), "page_size": page_size}
            rest = await call(messages.stream, db, given)
            assert [message.id for message in rest] == expected[6:]
