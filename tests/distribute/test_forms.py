"""The statements that commands use on a cluster, run on one server.

There the result must be the same as with those that they use on one server.
"""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid5

import pytest

import dal
from dal import cluster
from dal.binding import Executor
from dal.jsonl import export_everyone, export_statements, import_lines
from dal.maintenance import archive_stale, purge_archived, retention
from dal.maintenance.batches import Progress

NAMES = ["eve", "Ada", "émile", "bob", "ada"]


def chat(user_id: str, number: int) -> bytes:
    """The line of a conversation of one message, long untouched."""
    key = str(uuid5(UUID(int=0), f"{user_id} {number}"))
    said = [{"id": key, "role": "user", "content": "Hi.", "created_at": "2024-05-01T00:00:00Z"}]
    return json.dumps({"user_id": user_id, "id": key, "messages": said}).encode()


CHATS = [chat(name, number) for number in range(3) for name in NAMES]


@pytest.fixture(params=[False, True], ids=["one server", "cluster"])
def distributed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the commands take the tables for distributed."""
    there: bool = request.param

    async def distributed(db: Executor) -> list[cluster.Distributed]:
        table = cluster.Distributed(identifier="users", owner="id", shards=32, nodes=2)
        return [table] if there else []

    monkeypatch.setattr(cluster, "distributed", distributed)
    return there


async def exported(db: dal.Database) -> list[bytes]:
    return [line async for line in export_everyone(db)]


async def test_an_import_and_an_export(
    db: dal.Database, distributed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_statements, "_OWNERS", 2)
    await dal.users.ensure(db, user_id="nobody")  # owns nothing, so no line is theirs
    assert (await import_lines(db, CHATS)).messages == len(CHATS)
    again = await import_lines(db, CHATS)
    assert (again.known_conversations, again.known_messages) == (len(CHATS), len(CHATS))
    await dal.tasks.create(db, user_id="bob", title="Milk")  # so that he is in both tables
    lines = [json.loads(line) for line in await exported(db)]
    assert sorted(line["id"] for line in lines if "id" in line) == sorted(
        json.loads(line)["id"] for line in CHATS
    )
    owners = [line["user_id"] for line in lines]
    assert list(dict.fromkeys(owners)) == [
        row["id"] for row in await db.fetch("SELECT id FROM users WHERE id <> 'nobody' ORDER BY id")
    ]


async def test_an_archive_and_a_purge(db: dal.Database, distributed: bool) -> None:
    await import_lines(db, CHATS)
    fresh = await dal.conversations.create(db, user_id="bob")
    day = timedelta(days=1)

    async def last(run: AsyncIterator[Progress]) -> Progress:
        return [progress async for progress in run][-1]

    archived = await last(archive_stale(db, older_than=day, batch=4))
    assert (archived.conversations, archived.passed_over) == (len(CHATS), 0)
    active = await db.fetch("SELECT id FROM conversations WHERE status = 'active'")
    assert [row["id"] for row in active] == [fresh.id]
    await db.execute("UPDATE conversations SET archived_at = '2024-05-01' WHERE status <> 'active'")
    purged = await last(purge_archived(db, older_than=day, batch=4))
    assert (purged.conversations, purged.passed_over) == (len(CHATS), 0)
    left = await db.fetch(
        "SELECT c.id, m.id AS said FROM conversations AS c LEFT JOIN messages AS m ON true"
    )
    assert [tuple(row) for row in left] == [(fresh.id, None)]


async def test_a_cluster_locks_user_by_user(
    db: dal.Database, distributed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = list[tuple[str | None, int]]()

    async def archive(
        tx: Executor, *, older_than: timedelta, keys: list[object], user_id: str | None
    ) -> int:
        locked.append((user_id, len(keys)))
        return len(keys)

    monkeypatch.setattr(retention, "_archive", archive)
    await import_lines(db, CHATS)
    assert [p.finished async for p in archive_stale(db, older_than=timedelta(days=1))] == [True]
    assert locked == ([(name, 3) for name in sorted(NAMES)] if distributed else [(None, 15)])
