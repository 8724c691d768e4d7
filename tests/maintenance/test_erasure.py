"""A user with a great deal of data is erased a little at a time, and whole in the end."""

import asyncio
from typing import Any

import pytest

import dal
from dal import conversations, errors, messages, tasks
from dal.maintenance import Progress, erase_user, erasure
from tests.maintenance.conftest import Make
from tests.surface import settle, snapshot


async def test_a_user_goes_in_batches_and_nobody_else(
    db: dal.Database, ada: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    await settle(db, "bob")
    others = [row for row in await snapshot(db) if row[1] != ada]
    for _ in range(5):
        await make()
    await tasks.create_many(db, user_id=ada, tasks=[dal.NewTask(title="Milk") for _ in range(5)])
    monkeypatch.setattr(erasure, "_TASKS", 3)

    assert [progress async for progress in erase_user(db, user_id=ada, dry_run=True)] == [
        Progress(5, 5, finished=True)
    ]
    early = [progress async for progress in erase_user(db, user_id=ada, batch=2, max_seconds=0)]
    assert early == [Progress(2)]
    assert [progress async for progress in erase_user(db, user_id=ada, batch=2)] == [
        Progress(2),
        Progress(3, 3),
        Progress(3, 5, finished=True),
    ]
    rows = await snapshot(db)
    assert [row[:2] for row in rows if row[1] == ada] == [("users", ada)]
    assert [row for row in rows if row[1] != ada] == others


async def test_what_is_appended_meanwhile_goes_too(db: dal.Database, ada: str, make: Make) -> None:
    chat = await make()
    own: dict[str, Any] = {"user_id": ada, "conversation_id": chat}

    async def erased() -> list[Progress]:
        return [progress async for progress in erase_user(db, user_id=ada)]

    async with db.transaction() as tx:
        await messages.create(tx, **own, role="user", content="One more")
        erasing = asyncio.create_task(erased())
        await asyncio.sleep(0.1)
    assert (await erasing)[-1] == Progress(1, finished=True)
    assert await db.fetch("SELECT FROM messages") == []
    with pytest.raises(errors.ConversationNotFoundError):
        await messages.create(db, **own, role="user", content="Too late")


async def test_a_lock_that_stays_ends_the_run_and_not_the_job(
    db: dal.Database, ada: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = await make()
    monkeypatch.setattr("dal.maintenance.progress._LOCK_TIMEOUT", "SET LOCAL lock_timeout = 50")
    async with db.transaction() as tx:
        await conversations.touch(tx, user_id=ada, conversation_id=chat)
        with pytest.raises(errors.TransactionConflictError):
            await anext(erase_user(db, user_id=ada))


async def test_nobody_is_no_user(db: dal.Database) -> None:
    with pytest.raises(errors.UserNotFoundError):
        await anext(erase_user(db, user_id="nobody"))
