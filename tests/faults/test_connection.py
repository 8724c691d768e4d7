"""Connections break where it hurts: unnoticed while idle, in a call, in a COMMIT."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal, TypeAlias, get_args
from unittest.mock import patch

import asyncpg
import pytest

import dal
from dal import conversations, errors, messages, users
from tests.faults.activity import assert_recovered, blocked, eventually, sessions
from tests.surface import ID
from tests.wire import Loss, Relay

CONNECTIONS = 30

Where: TypeAlias = Literal["call", "commit"]


@pytest.fixture
async def far(relay: Relay) -> AsyncIterator[dal.Database]:
    """The database by way of the relay, on connections that are all open."""
    async with dal.connect(relay.url, min_size=CONNECTIONS, command_timeout=5) as far:
        yield far


async def outcomes(db: dal.Database, calls: int, *, at_once: bool) -> Counter[str]:
    async def outcome() -> str:
        try:
            await users.get(db, user_id="ada")
        except errors.DalError as error:
            return type(error).__name__
        return "answered"

    if at_once:
        return Counter(await asyncio.gather(*(outcome() for _ in range(calls))))
    return Counter([await outcome() for _ in range(calls)])


async def test_dead_connections_fail_one_call_and_not_one_each(
    relay: Relay, far: dal.Database, url: str
) -> None:
    relay.forget()
    assert await outcomes(far, 1, at_once=False) == {"ConnectionLostError": 1}
    assert await outcomes(far, CONNECTIONS, at_once=False) == {"answered": CONNECTIONS}
    assert await outcomes(far, CONNECTIONS, at_once=True) == {"answered": CONNECTIONS}


async def test_calls_at_once_meet_each_dead_connection_at_most_once(
    relay: Relay, far: dal.Database, url: str
) -> None:
    relay.forget()
    met = await outcomes(far, 2 * CONNECTIONS, at_once=True)
    assert 0 < met["ConnectionLostError"] <= CONNECTIONS
    assert met["answered"] == 2 * CONNECTIONS - met["ConnectionLostError"]
    await assert_recovered(far, url)
    assert await outcomes(far, CONNECTIONS, at_once=True) == {"answered": CONNECTIONS}


async def test_dead_connections_are_closed_in_silence(relay: Relay, far: dal.Database) -> None:
    relay.forget()
    await far.close()


async def test_a_connection_that_is_not_closed_in_time_ends_in_silence(db: dal.Database) -> None:
    async with db.acquire() as lent:
        pooled: Any = lent
        with patch.object(asyncpg.Connection, "close", side_effect=TimeoutError) as close:
            await pooled._con.close()
        close.assert_called_once()


async def test_a_connection_is_killed_in_a_call(
    db: dal.Database, url: str, chat: dal.Conversation
) -> None:
    watcher = await asyncpg.connect(url)
    async with watcher.transaction():
        await conversations.touch(watcher, user_id="ada", conversation_id=chat.id)
        call = asyncio.create_task(conversations.touch(db, user_id="ada", conversation_id=chat.id))
        await blocked(url)
        await watcher.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()"
        )
        with pytest.raises(errors.ConnectionLostError, match=r"conversations\.touch: .*unknown"):
            await call
    await watcher.close()
    await assert_recovered(db, url)


async def append(db: dal.Executor, chat: dal.Conversation) -> dal.Message:
    return await messages.create(
        db, user_id="ada", conversation_id=chat.id, role="user", content="Buy milk", id=ID
    )


async def write(db: dal.Database, chat: dal.Conversation, where: Where) -> None:
    if where == "call":
        await append(db, chat)
    else:
        async with db.transaction() as transaction:
            await append(transaction, chat)


@pytest.mark.parametrize(("loss", "stored"), [("request", 0), ("answer", 1)])
@pytest.mark.parametrize("where", get_args(Where))
async def test_a_write_whose_outcome_is_unknown_is_repeated(
    relay: Relay,
    far: dal.Database,
    db: dal.Database,
    chat: dal.Conversation,
    where: Where,
    loss: Loss,
    stored: int,
) -> None:
    async def count() -> int:
        return await messages.count(db, user_id="ada", conversation_id=chat.id)

    trigger = b"Buy milk" if where == "call" else b"COMMIT;"
    # A call's text is sent to be prepared, its arguments come in a Bind; an Execute and a Sync
    # later it is done.
    later = 2 if (where, loss) == ("call", "answer") else 0
    relay.lose(loss, lambda _: trigger in relay.messages[-1 - later].data)
    with pytest.raises(errors.ConnectionLostError, match="outcome is unknown"):
        await write(far, chat, where)
    assert await count() == stored
    await write(far, chat, where)
    assert await count() == 1


async def test_a_write_whose_answer_comes_too_late_is_stored(
    relay: Relay, url: str, db: dal.Database, chat: dal.Conversation
) -> None:
    async with dal.connect(relay.url, min_size=1, command_timeout=0.5) as hasty:
        relay.lose("silence", lambda message: b"Buy milk" in message.data)
        with pytest.raises(errors.ConnectionLostError, match="within command_timeout"):
            await append(hasty, chat)
        assert await messages.count(db, user_id="ada", conversation_id=chat.id) == 1
        stored = await append(hasty, chat)
    assert await messages.history(db, user_id="ada", conversation_id=chat.id) == [stored]


@asynccontextmanager
async def absent_standby(watcher: asyncpg.Connection, url: str) -> AsyncIterator[None]:
    """Each commit waits for a standby that is not there."""
    await watcher.execute("ALTER SYSTEM SET synchronous_standby_names = absent")
    await watcher.execute("SELECT pg_reload_conf()")
    commits = asyncio.create_task(commit_again_and_again(url))
    try:
        # The setting holds once the checkpointer has read it, which no view shows.
        await eventually(lambda: sessions(url, "wait_event = 'SyncRep'"), ["active"])
        yield
    finally:
        commits.cancel()
        await watcher.execute("ALTER SYSTEM RESET synchronous_standby_names")
        await watcher.execute("SELECT pg_reload_conf()")
        with suppress(asyncio.CancelledError):
            await commits


async def commit_again_and_again(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        while True:
            await connection.execute("SELECT pg_logical_emit_message(true, '', '')")
    finally:
        connection.terminate()


@pytest.mark.parametrize("where", get_args(Where))
async def test_a_commit_that_waits_for_a_standby_is_stored(
    watcher: asyncpg.Connection, url: str, db: dal.Database, chat: dal.Conversation, where: Where
) -> None:
    async with (
        dal.connect(url, min_size=1, command_timeout=0.5) as hasty,
        absent_standby(watcher, url),
    ):
        with pytest.raises(errors.ConnectionLostError, match="within command_timeout"):
            await write(hasty, chat, where)
        assert await messages.count(db, user_id="ada", conversation_id=chat.id) == 1
    stored = await append(db, chat)
    assert await messages.history(db, user_id="ada", conversation_id=chat.id) == [stored]
