"""Connections break where it hurts: unnoticed while idle, in a call, in a COMMIT."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import asyncpg
import pytest

import dal
from dal import conversations, errors, messages, users
from tests.faults.activity import assert_recovered, blocked
from tests.surface import ID
from tests.wire import Loss, Relay

CONNECTIONS = 30


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
            " WHERE wait_event_type = 'Lock'"
        )
        with pytest.raises(errors.ConnectionLostError, match=r"conversations\.touch: .*unknown"):
            await call
    await watcher.close()
    await assert_recovered(db, url)


async def append(db: dal.Executor, chat: dal.Conversation) -> dal.Message:
    return await messages.create(
        db, user_id="ada", conversation_id=chat.id, role="user", content="Buy milk", id=ID
    )


@pytest.mark.parametrize(("loss", "stored"), [("request", 0), ("answer", 1)])
@pytest.mark.parametrize("where", ["call", "commit"])
async def test_a_write_whose_outcome_is_unknown_is_repeated(
    relay: Relay,
    far: dal.Database,
    db: dal.Database,
    chat: dal.Conversation,
    where: str,
    loss: Loss,
    stored: int,
) -> None:
    async def write() -> None:
        if where == "call":
            await append(far, chat)
        else:
            async with far.transaction() as transaction:
                await append(transaction, chat)

    async def count() -> int:
        return await messages.count(db, user_id="ada", conversation_id=chat.id)

    trigger = b"Buy milk" if where == "call" else b"COMMIT"
    # A call's text is sent to be prepared, its arguments come in a Bind; an Execute and a Sync
    # later it is done.
    later = 2 if (where, loss) == ("call", "answer") else 0
    relay.lose(loss, lambda _: trigger in relay.messages[-1 - later].data)
    with pytest.raises(errors.ConnectionLostError, match="outcome is unknown"):
        await write()
    assert await count() == stored
    await write()
    assert await count() == 1
