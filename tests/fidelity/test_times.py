"""Times come out aware and in UTC, to the microsecond, whatever zones are set anywhere."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import asyncpg
import pytest
from pydantic import BaseModel

import dal
from dal import Cursor, Database, Executor, NewMessage, conversations, messages, users
from dal.errors import DalError, InvalidInputError, SchemaMismatchError
from dal.jsonl import export_lines, import_lines
from dal.testing.server import database_name
from tests.surface import FUNCTIONS, VALUES, arguments, call, fill

# None of them is a whole number of hours away from UTC, and clocks change in the first two.
SERVER, CLIENT, SESSION = "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"
KATHMANDU = timezone(timedelta(hours=5, minutes=45))


@pytest.fixture
def client_elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", CLIENT)
        time.tzset()
        assert datetime(2024, 6, 1).astimezone().utcoffset() == timedelta(hours=10, minutes=30)
        yield
    time.tzset()


@pytest.fixture(params=["server", "session"])
async def elsewhere(
    request: pytest.FixtureRequest, url: str, client_elsewhere: None
) -> AsyncIterator[Executor]:
    """A database, or a connection, whose zone is neither the client's nor UTC."""
    admin = await asyncpg.connect(url)
    await admin.execute(f"ALTER DATABASE {database_name(url)} SET timezone = '{SERVER}'")
    await admin.close()
    if request.param == "server":
        async with dal.connect(url, min_size=1) as db:
            yield db
    else:
        connection = await asyncpg.connect(url, server_settings={"timezone": SESSION})
        yield connection
        await connection.close()


def times(result: Any) -> list[datetime]:
    """Every time in a result."""
    if isinstance(result, list):
        return [time for record in result for time in times(record)]
    if isinstance(result, BaseModel):
        return times([value for _, value in result])
    return [result] if isinstance(result, datetime) else []


async def test_every_function_gives_utc(elsewhere: Executor) -> None:
    [zone] = await elsewhere.fetch("SHOW timezone")
    assert zone[0] in (SERVER, SESSION)
    met = set()
    for name, function in FUNCTIONS.items():
        await fill(elsewhere)
        [before] = await elsewhere.fetch("SELECT extract(epoch FROM clock_timestamp()) AS now")
        for moment in times(await call(function, elsewhere, arguments(function, VALUES))):
            met.add(name)
            assert moment.tzinfo is UTC, name
            # Taken for a local time somewhere on the way, it would be half an hour off at least.
            assert abs(moment.timestamp() - float(before["now"])) < 900, name
    assert met == {
        name for name in FUNCTIONS if name.partition(".")[2] not in ("count", "delete", "erase")
    }


MOMENTS = [
    "0001-01-01T00:00:00.000001Z",
    "0999-02-28T00:00:00.100000Z",
    "1582-10-10T12:00:00.000000Z",
    "1883-11-18T12:00:00.000001Z",
    "1969-12-31T23:59:59.999999Z",
    "2024-03-10T05:30:00.000000Z",  # the end of an hour that St John's never has
    "2024-11-03T04:29:59.999999Z",  # its clocks show the same an hour later
    "2024-11-03T05:29:59.999999Z",
    "9999-12-31T23:59:59.999998Z",
]


async def test_a_moment_stays_itself(elsewhere: Executor) -> None:
    """Through all ways of reading it, and through cursors."""
    await users.ensure(elsewhere, user_id="ada")
    chat = await conversations.create(elsewhere, user_id="ada")
    own: dict[str, Any] = {"user_id": "ada", "conversation_id": chat.id}
    new = [NewMessage(role="user", content=moment) for moment in MOMENTS]
    await messages.create_many(elsewhere, **own, messages=new)
    await elsewhere.execute("UPDATE messages SET created_at = content::timestamptz")
    stored = await messages.history(elsewhere, **own)
    assert [message.created_at for message in stored] == [
        datetime.fromisoformat(moment) for moment in MOMENTS
    ]
    assert [message.content for message in stored] == MOMENTS
    assert await call(messages.stream, elsewhere, own | {"page_size": 1}) == stored
    for n, message in enumerate(stored):
        cursor = Cursor.parse(str(message.cursor))
        assert cursor == message.cursor
        assert await messages.history(elsewhere, **own, before=cursor) == stored[:n]
    abroad = Cursor(stored[5].created_at.astimezone(KATHMANDU), stored[5].id)
    assert await messages.history(elsewhere, **own, before=abroad) == stored[:5]


async def test_a_moment_stays_itself_in_lines(url: str, client_elsewhere: None) -> None:
    """Given in one zone, stored in another, and written in UTC by a client in a third."""
    lines = ", ".join(
        f'{{"role": "user", "content": "a", "created_at": "{written}"}}'
        for moment in MOMENTS[1:-1]
        if (written := datetime.fromisoformat(moment).astimezone(KATHMANDU).isoformat())
    )
    async with dal.connect(url, min_size=1) as db:
        await db.execute(f"ALTER DATABASE {database_name(url)} SET timezone = '{SERVER}'")
    async with dal.connect(url, min_size=1) as db:
        await import_lines(db, [f'{{"user_id": "ada", "messages": [{lines}]}}'.encode()])
        stored = await db.fetch("SELECT created_at FROM messages ORDER BY created_at")
        [line] = [line async for line in export_lines(db, user_id="ada")]
    moments = [datetime.fromisoformat(moment) for moment in MOMENTS[1:-1]]
    assert [row["created_at"] for row in stored] == moments
    assert [message["created_at"] for message in json.loads(line)["messages"]] == MOMENTS[1:-1]


async def test_the_next_microsecond_is_that_of_no_local_clock(
    db: Database, own: dict[str, Any]
) -> None:
    """An append that follows a time in the future, where local clocks are about to be set back."""
    time = "'2099-11-01T04:29:59.999999Z'"
    ahead = f"UPDATE conversations SET (updated_at, last_message_at) = ({time}, {time})"
    async with db.transaction() as tx:
        await tx.execute(f"SET LOCAL timezone = '{SERVER}'")
        await tx.execute(ahead)
        first = await messages.create(tx, **own, role="user", content="a")
        await tx.execute(ahead)
        new = [NewMessage(role="user", content="b"), NewMessage(role="user", content="c")]
        batch = await messages.create_many(tx, **own, messages=new)
    exact = datetime(2099, 11, 1, 4, 30, tzinfo=UTC)
    assert [message.created_at for message in batch] == [exact, exact + timedelta(microseconds=1)]
    assert first.created_at == exact


@pytest.mark.parametrize("written", ["0044-03-15 BC", "10000-01-01"])
async def test_a_time_that_python_has_none_for(
    db: Database, own: dict[str, Any], written: str
) -> None:
    """An error, with or without the option: asyncpg gives no row of such a result."""
    message = await messages.create(db, **own, role="user", content="a")
    await db.execute("UPDATE messages SET created_at = $1::text::timestamptz", written)
    for function in (messages.history, messages.stream):
        with (
            dal.skipping_malformed_rows() as skipped,
            pytest.raises(SchemaMismatchError, match="9999"),
        ):
            await call(function, db, own)
        assert skipped == []
    with pytest.raises(SchemaMismatchError, match="9999"):
        await messages.get(db, user_id="ada", message_id=message.id)
    assert await db.ping() > 0
    assert db.stats().in_use == 0


async def test_the_first_time_of_the_calendar_makes_no_endless_stream(
    db: Database, own: dict[str, Any]
) -> None:
    """asyncpg sends it as -infinity, so that its own row comes after it."""
    message = await messages.create(db, **own, role="user", content="a")
    await db.execute("UPDATE messages SET created_at = '0001-01-01T00:00:00Z'")
    [streamed] = await call(messages.stream, db, own)
    assert (streamed.id, streamed.created_at) == (message.id, datetime.min.replace(tzinfo=UTC))
    with pytest.raises(DalError, match=r"^messages\.stream: a page ends where it began"):
        await call(messages.stream, db, own | {"page_size": 1})


@pytest.mark.parametrize("written", ["infinity", "-infinity"])
async def test_infinity_is_no_time_of_a_record(
    db: Database, own: dict[str, Any], written: str
) -> None:
    made = [await messages.create(db, **own, role="user", content=f"{n}") for n in range(2)]
    bad, good = made if written == "-infinity" else made[::-1]
    await db.execute(
        "UPDATE messages SET created_at = $1::text::timestamptz WHERE id = $2", written, bad.id
    )
    named = rf"Message \(id {bad.id}\): created_at: Input should have timezone info"
    for function in (messages.history, messages.stream):
        with pytest.raises(SchemaMismatchError, match=named):
            await call(function, db, own)
        with dal.skipping_malformed_rows() as skipped:
            assert await call(function, db, own) == [good]
        assert len(skipped) == 1


async def test_the_first_moment_of_the_calendar_is_no_lines_time(db: Database) -> None:
    message = b'{"role": "user", "content": "a", "created_at": "0001-01-01T00:00:00Z"}'
    with pytest.raises(InvalidInputError, match="created_at: must be"):
        await import_lines(db, [b'{"user_id": "ada", "messages": [' + message + b"]}"])


async def test_lines_leave_no_row_out(db: Database, own: dict[str, Any]) -> None:
    await db.execute("ALTER TABLE conversations DROP CONSTRAINT chk_conversation_status")
    await db.execute("UPDATE conversations SET status = 'gone'")
    line = f'{{"user_id": "ada", "id": "{own["conversation_id"]}", "messages": []}}'.encode()
    with dal.skipping_malformed_rows() as skipped:
        with pytest.raises(SchemaMismatchError, match=f"{own['conversation_id']}"):
            [line async for line in export_lines(db, user_id="ada")]
        with pytest.raises(SchemaMismatchError, match=f"{own['conversation_id']}"):
            await import_lines(db, [line])
    assert skipped == []
