"""Rows without their user or conversation are found, and deleted only when that is asked for."""

from uuid import UUID

import pytest

import dal
from dal import messages
from dal.maintenance import Orphan, OrphanKind, delete_orphans, find_orphans, orphans
from tests.maintenance.conftest import Make
from tests.surface import settle, snapshot

DROP_KEYS = """
    ALTER TABLE messages DROP CONSTRAINT messages_user_id_conversation_id_fkey;
    ALTER TABLE conversations DROP CONSTRAINT conversations_user_id_fkey;
    ALTER TABLE tasks DROP CONSTRAINT tasks_user_id_fkey
"""


async def orphans_of(db: dal.Database) -> list[Orphan]:
    return [orphan async for orphan in find_orphans(db)]


@pytest.fixture(params=[1, 1000], ids=["in pages of one", "in pages of 1,000"], autouse=True)
def pages(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "_BATCH", request.param)


async def test_what_a_dropped_key_let_in(db: dal.Database) -> None:
    ids = [UUID(int=n) for n in range(1, 5)]
    for n, own_id in enumerate(ids):
        await settle(db, f"user {n}", own_id)
    sound = [row for row in await snapshot(db) if row[1] == "user 0"]
    assert await orphans_of(db) == []
    await db.execute(DROP_KEYS)
    await db.execute("DELETE FROM conversations WHERE user_id IN ('user 1', 'user 2')")
    await db.execute("DELETE FROM users WHERE id = 'user 3'")

    orphaned = await orphans_of(db)
    assert orphaned == [
        Orphan(OrphanKind.MESSAGE, "user 1", ids[1]),
        Orphan(OrphanKind.MESSAGE, "user 2", ids[2]),
        Orphan(OrphanKind.CONVERSATION, "user 3", ids[3]),
        Orphan(OrphanKind.TASK, "user 3", ids[3]),
    ]
    assert await orphans_of(db) == orphaned  # looking changes nothing
    # One has found its conversation again.
    await db.execute("INSERT INTO conversations (user_id, id) VALUES ('user 2', $1)", ids[2])
    assert await delete_orphans(db, orphaned) == 3
    # The conversation's message has no conversation now.
    assert await orphans_of(db) == [Orphan(OrphanKind.MESSAGE, "user 3", ids[3])]
    assert await delete_orphans(db, await orphans_of(db)) == 1
    assert await orphans_of(db) == []
    assert [row for row in await snapshot(db) if row[1] == "user 0"] == sound


@pytest.mark.parametrize("column", ["updated_at", "last_message_at"])
async def test_a_clock_behind_its_messages_is_moved_up(
    db: dal.Database, ada: str, make: Make, column: str
) -> None:
    chat, other = await make(), await make()
    await db.execute(
        f"UPDATE conversations SET {column} = {column} - interval '1 hour' WHERE id = $1", chat
    )
    await db.execute("UPDATE conversations SET updated_at = now() WHERE id = $1", other)
    [late] = await orphans_of(db)
    assert late == Orphan(OrphanKind.OUTDATED_TIMES, ada, chat)
    before = await messages.history(db, user_id=ada, conversation_id=chat)
    assert await delete_orphans(db, [late]) == 1
    assert await orphans_of(db) == []
    assert await messages.history(db, user_id=ada, conversation_id=chat) == before
