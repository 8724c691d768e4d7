"""A user with a great deal of data is erased a little at a time, and whole in the end."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

import dal
from dal import conversations, errors, messages, tasks
from dal.maintenance import Progress, batches, erase_user, erasure
from tests.maintenance.conftest import Make
from tests.roles import role
from tests.surface import settle, snapshot


async def erased(db: dal.Database, **options: Any) -> list[Progress]:
    return [progress async for progress in erase_user(db, **options)]


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

    async with db.transaction() as tx:
        await messages.create(tx, **own, role="user", content="One more")
        erasing = asyncio.create_task(erased(db, user_id=ada))
        await asyncio.sleep(0.1)
    assert (await erasing)[-1] == Progress(1, finished=True)
    assert await db.fetch("SELECT FROM messages") == []
    with pytest.raises(errors.ConversationNotFoundError):
        await messages.create(db, **own, role="user", content="Too late")


async def test_a_lock_that_stays_ends_the_run_and_not_the_job(
    db: dal.Database, ada: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = await make()
    soon = batches._LOCK_TIMEOUT.replace("10s", "50ms")
    monkeypatch.setattr(batches, "_LOCK_TIMEOUT", soon)
    async with db.transaction() as tx:
        await conversations.touch(tx, user_id=ada, conversation_id=chat)
        with pytest.raises(errors.TransactionConflictError):
            await anext(erase_user(db, user_id=ada))


async def test_nobody_is_no_user(db: dal.Database) -> None:
    with pytest.raises(errors.UserNotFoundError):
        await anext(erase_user(db, user_id="nobody"))


KEPT = """
    CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER keep BEFORE DELETE ON {table} FOR EACH ROW {when} EXECUTE FUNCTION keep()
"""


@pytest.mark.parametrize("batch", [1, 2, 20])
@pytest.mark.parametrize("when", ["", "WHEN (OLD.id > '80000000-0000-0000-0000-000000000000')"])
@pytest.mark.parametrize("table", ["conversations", "tasks"])
async def test_rows_that_a_trigger_keeps_end_the_run(
    db: dal.Database,
    ada: str,
    monkeypatch: pytest.MonkeyPatch,
    table: str,
    when: str,
    batch: int,
) -> None:
    for place in (1, 5, 9, 13):
        own_id = UUID(int=place << 124)
        await conversations.create(db, user_id=ada, id=own_id)
        await tasks.create(db, user_id=ada, title="Milk", id=own_id)
    await db.execute(KEPT.format(table=table, when=when))
    monkeypatch.setattr(erasure, "_TASKS", batch)
    kept = f"^some {table} were not deleted; look for a trigger, a rule or a row-level security"
    async with asyncio.timeout(20):
        with pytest.raises(errors.SchemaMismatchError, match=kept):
            await erased(db, user_id=ada, batch=batch)
    if when:  # what may be deleted is
        rows = await db.fetch(f"SELECT id FROM {table}")
        assert {row["id"] for row in rows} == {UUID(int=place << 124) for place in (9, 13)}


async def test_rows_that_a_policy_keeps_end_the_run(
    db: dal.Database, url: str, ada: str, make: Make
) -> None:
    await make()
    rights = "GRANT SELECT, DELETE, UPDATE ON users, conversations, messages, tasks TO {role}"
    seen = "CREATE POLICY seen ON conversations FOR SELECT TO {role} USING (true)"
    with role(url, rights, "ALTER TABLE conversations ENABLE ROW LEVEL SECURITY", seen) as service:
        async with dal.connect(service, min_size=1) as limited, asyncio.timeout(20):
            with pytest.raises(errors.SchemaMismatchError, match="some conversations were not"):
                await erased(limited, user_id=ada, batch=1)


@pytest.mark.parametrize("batch", [1, 2, 3])
async def test_what_another_run_deletes_meanwhile_is_no_fault(
    db: dal.Database, ada: str, make: Make, batch: int
) -> None:
    for _ in range(2):
        await make()
    await tasks.create(db, user_id=ada, title="Milk")

    async with db.transaction() as tx:
        assert await tx.execute("DELETE FROM conversations") == "DELETE 2"
        assert await tx.execute("DELETE FROM tasks") == "DELETE 1"
        erasing = asyncio.create_task(erased(db, user_id=ada, batch=batch))
        await asyncio.sleep(0.1)
    assert (await erasing)[-1] == Progress(finished=True)
