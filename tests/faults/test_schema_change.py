"""The schema changes under a running service, whose connection has every statement prepared."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

import dal
from dal import errors
from tests.faults.work import Where, perform, refilled
from tests.surface import FUNCTIONS

# Applied once for each function, as its statement must have been prepared before.
CHANGES = {
    "column added": [
        f"ALTER TABLE {table} ADD note_{{turn}} text NOT NULL DEFAULT 'none'"
        for table in ("users", "tasks", "conversations", "messages")
    ],
    "index swapped": [
        "CREATE INDEX CONCURRENTLY swapped"
        " ON messages (conversation_id, user_id, created_at DESC, id DESC)",
        "DROP INDEX CONCURRENTLY idx_messages_conversation_created",
        "ALTER INDEX swapped RENAME TO idx_messages_conversation_created",
    ],
    "columns widened": [
        "ALTER TABLE users ALTER id TYPE varchar(30{turn})",
        "ALTER TABLE tasks ALTER title TYPE varchar(30{turn})",
        "ALTER TABLE conversations ALTER status TYPE varchar(30{turn})",
        "ALTER TABLE messages ALTER role TYPE varchar(30{turn})",
    ],
}


@pytest.fixture
async def single(url: str) -> AsyncIterator[dal.Database]:
    async with dal.connect(url, min_size=1, max_size=1) as single:
        yield single


@pytest.mark.parametrize("where", ["pool", "transaction"])
@pytest.mark.parametrize("change", CHANGES)
async def test_the_schema_changes(
    single: dal.Database, watcher: asyncpg.Connection, change: str, where: Where
) -> None:
    met = set()
    for turn, name in enumerate(FUNCTIONS):
        await refilled(watcher)
        await perform(name, single, where)
        await refilled(watcher)
        for statement in CHANGES[change]:
            await watcher.execute(statement.format(turn=turn))
        try:
            await perform(name, single, where)
        except errors.TransactionConflictError:
            met.add(name)
            await perform(name, single, where)
    # A plan whose result has other types is made anew, but not in a transaction, which it fails.
    assert bool(met) == (change == "columns widened" and where == "transaction")
