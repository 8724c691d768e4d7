"""Archiving and purging take what is due, and nothing that somebody uses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

import dal
from dal import ConversationStatus, conversations, errors, messages
from dal.maintenance import Progress, archive_stale, purge_archived, retention
from tests.maintenance.conftest import Make
from tests.roles import role

DAY = timedelta(days=1)


async def last(run: AsyncIterator[Progress]) -> Progress:
    *_, progress = [progress async for progress in run]
    return progress


async def left(db: dal.Database) -> set[UUID]:
    return {row["id"] for row in await db.fetch("SELECT id FROM conversations")}


async def test_what_nobody_has_touched_is_archived(db: dal.Database, ada: str, make: Make) -> None:
    quiet = [await make(untouched=91) for _ in range(5)]
    await make(untouched=89)
    away = await make(untouched=200, archived=10)
    before = await db.fetch("SELECT * FROM conversations WHERE id = $1", away)
    recency = await db.fetch("SELECT id, updated_at FROM conversations ORDER BY id")

    would = [progress async for progress in archive_stale(db, batch=2, dry_run=True)]
    assert [progress.conversations for progress in would] == [2, 4, 5]
    assert await conversations.list_for_user(db, user_id=ada, status="archived", limit=9) == [
        await conversations.get(db, user_id=ada, conversation_id=away)
    ]

    run = [progress async for progress in archive_stale(db, batch=2)]
    assert run == [
        Progress(conversations=2),
        Progress(conversations=4),
        Progress(conversations=5, finished=True),
    ]
    archived = await conversations.list_for_user(db, user_id=ada, status="archived", limit=9)
    assert {chat.id for chat in archived} == {*quiet, away}
    assert await db.fetch("SELECT id, updated_at FROM conversations ORDER BY id") == recency
    assert await db.fetch("SELECT * FROM conversations WHERE id = $1", away) == before
    assert await last(archive_stale(db)) == Progress(finished=True)


@pytest.mark.parametrize(
    ("untouched", "archived", "due"),
    [
        (100, 100, True),
        (100, 80, False),  # archived only lately
        (80, 100, False),  # appended to since
        (100, None, True),  # archived before there was an archived_at
        (80, None, False),
    ],
)
async def test_a_purge_asks_for_both_times(
    db: dal.Database, make: Make, untouched: int, archived: int | None, due: bool
) -> None:
    active = await make(untouched=1000)
    chat = await make(untouched, archived, status="archived")
    progress = await last(purge_archived(db, older_than=90 * DAY))
    assert progress == Progress(conversations=int(due), finished=True)
    assert await left(db) == ({active} if due else {active, chat})
    rows = await db.fetch("SELECT DISTINCT conversation_id FROM messages")
    assert {row["conversation_id"] for row in rows} == await left(db)


async def test_archived_since_is_kept_and_cleared(db: dal.Database, ada: str, make: Make) -> None:
    own: dict[str, Any] = {"user_id": ada, "conversation_id": await make()}

    async def since() -> Any:
        [[archived_at]] = await db.fetch("SELECT archived_at FROM conversations")
        return archived_at

    await conversations.archive(db, **own)
    first = await since()
    assert first is not None
    await conversations.archive(db, **own)
    assert await since() == first
    await conversations.restore(db, **own)
    assert await since() is None


@asynccontextmanager
async def appended(db: dal.Database, own: dict[str, Any]) -> AsyncIterator[None]:
    async with db.transaction() as tx:
        await messages.create(tx, **own, role="user", content="Still here")
        yield


@asynccontextmanager
async def restored(db: dal.Database, own: dict[str, Any]) -> AsyncIterator[None]:
    async with db.transaction() as tx:
        await conversations.restore(tx, **own)
        yield


@asynccontextmanager
async def repeated(db: dal.Database, own: dict[str, Any]) -> AsyncIterator[None]:
    """A retry that finds its message stored reads the conversation's row at the most."""
    async with db.transaction() as tx:
        await tx.fetch(
            "SELECT FROM conversations WHERE id = $1 FOR KEY SHARE", own["conversation_id"]
        )
        yield


@pytest.mark.parametrize("use", [appended, restored, repeated])
async def test_what_is_in_use_is_passed_over_and_not_waited_for(
    db: dal.Database, ada: str, make: Make, use: Any
) -> None:
    used, other = await make(100, 100), await make(100, 100)
    async with use(db, {"user_id": ada, "conversation_id": used}), asyncio.timeout(5):
        progress = await last(purge_archived(db, older_than=90 * DAY))
    assert progress == Progress(conversations=1, passed_over=1, finished=True)
    assert other not in await left(db)
    again = await last(purge_archived(db, older_than=90 * DAY))
    assert again.conversations == (use is repeated)


@pytest.mark.parametrize("use", [appended, restored])
@pytest.mark.parametrize("kind", ["archive", "purge"])
async def test_what_is_used_after_it_was_picked_stays(
    db: dal.Database,
    ada: str,
    make: Make,
    use: Any,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chat = await make(100, 100 if kind == "purge" else None)
    act = retention._acted

    async def used_first(*arguments: Any) -> Any:
        async with use(db, {"user_id": ada, "conversation_id": chat}):
            pass
        return await act(*arguments)

    monkeypatch.setattr(retention, "_acted", used_first)
    start = {"archive": archive_stale, "purge": purge_archived}[kind]
    progress = await last(start(db, older_than=90 * DAY))
    assert progress == Progress(passed_over=1, finished=True)
    [kept] = await conversations.list_for_user(db, user_id=ada)
    archived = kind == "purge" and use is appended
    assert kept.status == (ConversationStatus.ARCHIVED if archived else ConversationStatus.ACTIVE)


async def test_a_foreign_key_of_the_services_keeps_its_own_and_no_other(
    db: dal.Database, make: Make
) -> None:
    chats = [await make(100, 100) for _ in range(5)]
    await db.execute("""
        CREATE TABLE labels (user_id varchar(255), conversation_id uuid,
            FOREIGN KEY (user_id, conversation_id) REFERENCES conversations (user_id, id))
    """)
    await db.execute("INSERT INTO labels VALUES ('ada', $1)", chats[2])
    progress = await last(purge_archived(db, older_than=90 * DAY, batch=3))
    assert progress == Progress(conversations=4, blocked=(chats[2],), finished=True)
    assert await left(db) == {chats[2]}


async def test_two_runs_at_once_and_one_that_ends_early(db: dal.Database, make: Make) -> None:
    for n in range(30):
        await make(100 + n // 4, 100)
    first = await last(purge_archived(db, older_than=90 * DAY, batch=4, max_seconds=0))
    assert first == Progress(conversations=4)
    runs = [last(purge_archived(db, older_than=90 * DAY, batch=4)) for _ in range(2)]
    done = await asyncio.gather(*runs)
    assert all(progress.finished for progress in done)
    assert sum(progress.conversations for progress in done) == 26
    assert await left(db) == set()


async def test_appends_beside_a_purge_lose_nothing(db: dal.Database, ada: str, make: Make) -> None:
    chats = [await make(100, 100) for _ in range(60)]
    stored: list[UUID] = []

    async def append(chat: UUID) -> None:
        own: dict[str, Any] = {"user_id": ada, "conversation_id": chat}
        try:
            message = await messages.create(db, **own, role="user", content="Still here")
        except errors.ConversationNotFoundError:
            return
        stored.append(message.id)

    purge = asyncio.create_task(last(purge_archived(db, older_than=90 * DAY, batch=2)))
    await asyncio.gather(*map(append, reversed(chats)))
    progress = await purge
    kept = {row["id"] for row in await db.fetch("SELECT id FROM messages")}
    assert set(stored) <= kept
    assert progress.conversations + len(await left(db)) == 60


@pytest.mark.parametrize("start", [archive_stale, purge_archived])
async def test_a_policy_that_hides_rows_stops_the_run(
    db: dal.Database, url: str, make: Make, start: Any
) -> None:
    await make(100, 100)
    await db.execute("ALTER TABLE conversations ENABLE ROW LEVEL SECURITY")
    await db.execute("ALTER TABLE conversations FORCE ROW LEVEL SECURITY")
    with role(url, "GRANT SELECT, UPDATE, DELETE ON conversations TO {role}") as limited:
        connection = await asyncpg.connect(limited)
        with pytest.raises(errors.PermissionDeniedError, match="policy"):
            await last(start(_Held(connection), older_than=90 * DAY))
        await connection.close()


class _Held:
    """A Database that has one connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def transaction(self) -> Any:
        from dal.database.transaction import begin

        return begin(self._connection)


@pytest.mark.parametrize(
    "wrong", [{"older_than": -DAY}, {"older_than": 90}, {"batch": 0}, {"batch": 50_001}]
)
async def test_bad_input(db: dal.Database, wrong: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidInputError):
        await last(archive_stale(db, **wrong))
