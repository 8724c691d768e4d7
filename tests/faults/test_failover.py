"""Two servers, of which one follows the other and takes its place; the service is not restarted."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal, TypeAlias
from uuid import UUID, uuid4

import asyncpg
import pytest

import dal
from dal import conversations, errors, messages, users
from dal.binding import query
from dal.jsonl import export_lines
from dal.source.scanner import TokenKind, tokens
from dal.testing.server import database_name
from tests.faults.activity import eventually
from tests.faults.conftest import Durable
from tests.faults.restartable import Restartable
from tests.surface import FUNCTIONS, VALUES, arguments, call, fill

End: TypeAlias = Literal["switchover", "kill"]

WRITERS = 4
WRITING = {"INSERT", "UPDATE", "DELETE", "MERGE", "SHARE"}  # and locking
WRITES = {
    binding.statement.name
    for binding in query.bindings
    if WRITING
    & {
        token.text.upper()
        for token in tokens(binding.statement.sql)
        if token.kind is TokenKind.WORD
    }
}
# Where it writes nothing, users.ensure asks users.get.
READS = FUNCTIONS.keys() - WRITES | {"users.ensure"}


@pytest.fixture
def standby(dal_server: Durable, url: str) -> Iterator[Restartable]:
    """A server that follows the one that the test's database is on."""
    with Restartable(dal_server.server.version, primary=dal_server.server) as standby:
        yield standby


@pytest.fixture
async def there(standby: Restartable, url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the test's own to the standby."""
    there = await asyncpg.connect(standby.dsn(database_name(url)))
    yield there
    await there.close()


async def caught_up(watcher: asyncpg.Connection, there: asyncpg.Connection) -> None:
    """Wait until the standby shows what the primary has written by now."""
    written = await watcher.fetchval("SELECT pg_current_wal_flush_lsn()")

    async def shown() -> object:
        return await there.fetchval("SELECT pg_last_wal_replay_lsn() >= $1", written)

    await eventually(shown, True)


async def outcome(name: str, db: dal.Database) -> Any:
    """A function's result, or the error."""
    try:
        return await call(FUNCTIONS[name], db, arguments(FUNCTIONS[name], VALUES))
    except errors.DalError as error:
        return error


async def test_all_that_reads_works_on_a_standby(
    watcher: asyncpg.Connection, there: asyncpg.Connection, standby: Restartable, url: str
) -> None:
    await fill(watcher)
    # It has no serializable transactions.
    default = "default_transaction_isolation = 'serializable'"
    await watcher.execute(f"ALTER DATABASE {database_name(url)} SET {default}")
    await caught_up(watcher, there)
    async with (
        dal.connect(url, min_size=1) as db,
        dal.connect(standby.dsn(database_name(url)), min_size=1) as second,
    ):
        assert await second.ping() > 0
        results = {name: await outcome(name, second) for name in FUNCTIONS}
        for name in READS:
            assert results[name] == await outcome(name, db)
        for name in FUNCTIONS.keys() - READS:
            assert isinstance(results[name], errors.DatabaseUnavailableError), name
            assert results[name].sqlstate == "25006"
        exported = [line async for line in export_lines(second, user_id="ada")]
        assert exported == [line async for line in export_lines(db, user_id="ada")]
        with pytest.raises(errors.DatabaseUnavailableError, match=r"users\.ensure: .*read-only"):
            await users.ensure(second, user_id="nobody")
        with pytest.raises(errors.DatabaseUnavailableError, match=r"users\.ensure: .*read-only"):
            async with second.transaction() as transaction:
                await users.ensure(transaction, user_id="ada")


@pytest.fixture
async def old(server: Restartable, url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the primary, whose settings may be changed."""
    old = await asyncpg.connect(url)
    yield old
    await old.close()
    server.start()
    again = await asyncpg.connect(url)
    await again.execute("ALTER SYSTEM RESET ALL")
    await again.execute("SELECT pg_reload_conf()")
    await again.close()


async def alter(server: asyncpg.Connection, name: str, value: str) -> None:
    """Change a setting of a server, for all statements from now on."""
    await server.execute(f"ALTER SYSTEM SET {name} = {value}")
    await server.execute("SELECT pg_reload_conf()")
    await eventually(lambda: server.fetchval(f"SHOW {name}"), value)


class Service:
    """Writers that append to conversations of their own, and repeat what failed."""

    def __init__(self, db: dal.Database) -> None:
        self.db = db
        self.acknowledged: list[UUID] = []
        self.failures: Counter[str] = Counter()

    async def write(self, writer: int) -> None:
        user_id = f"writer {writer}"
        await users.ensure(self.db, user_id=user_id)
        chat = await conversations.create(self.db, user_id=user_id)
        for number in itertools.count():
            message_id = uuid4()
            while True:
                try:
                    await messages.create(
                        self.db,
                        user_id=user_id,
                        conversation_id=chat.id,
                        role="user",
                        content=f"{number}",
                        id=message_id,
                    )
                except errors.DalError as error:
                    self.failures[type(error).__name__] += 1
                    await asyncio.sleep(0.02)  # as a service would, instead of a busy loop
                else:
                    break
            self.acknowledged.append(message_id)

    async def acknowledge(self, more: int) -> None:
        """Wait for some more acknowledgements."""
        enough = len(self.acknowledged) + more

        async def reached() -> bool:
            return len(self.acknowledged) >= enough

        await eventually(reached, True)


@pytest.mark.parametrize(
    ("end", "commit"),
    [
        ("switchover", "local"),
        pytest.param("switchover", "remote_apply", marks=pytest.mark.slow),
        pytest.param("kill", "local", marks=pytest.mark.slow),
        pytest.param("kill", "remote_apply", marks=pytest.mark.slow),
    ],
)
async def test_the_standby_takes_over(
    server: Restartable,
    standby: Restartable,
    url: str,
    old: asyncpg.Connection,
    there: asyncpg.Connection,
    end: End,
    commit: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    hosts = f"{server.directory},{standby.directory}"
    address = (
        f"postgresql://postgres@/{database_name(url)}?host={hosts}&port=5432"
        f"&target_session_attrs=read-write&synchronous_commit={commit}"
    )
    await alter(old, "synchronous_standby_names", "standby")
    async with dal.connect(address, min_size=WRITERS, command_timeout=5) as db:
        service = Service(db)
        writers = [asyncio.create_task(service.write(number)) for number in range(WRITERS)]
        await service.acknowledge(100)
        if end == "switchover":
            await alter(old, "default_transaction_read_only", "on")
            await caught_up(old, there)
            certain = len(service.acknowledged)
        else:
            certain = len(service.acknowledged)
            await caught_up(old, there)  # and what comes after may be lost, but by remote_apply
            await service.acknowledge(20)
            await asyncio.to_thread(server.stop, "kill")
            if commit == "remote_apply":
                certain = len(service.acknowledged)
        await there.execute("SELECT pg_promote()")
        await service.acknowledge(100)
        for writer in writers:
            writer.cancel()
        await asyncio.wait(writers)
        stored = {row["id"] for row in await there.fetch("SELECT id FROM messages")}

    lost = [n for n, message_id in enumerate(service.acknowledged) if message_id not in stored]
    print(f"{len(service.acknowledged)} acknowledged, lost {lost}; {service.failures}")
    assert [number for number in lost if number < certain] == []
    expected = {"DatabaseUnavailableError"} | ({"ConnectionLostError"} if end == "kill" else set())
    assert set(service.failures) <= expected
    assert [record for record in caplog.records if record.name.startswith("asyncpg")] == []
