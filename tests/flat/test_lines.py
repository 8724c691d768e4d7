"""What an import and an export read grows with what they move, and with nothing else."""

import json
from typing import Any
from uuid import uuid4

import pytest

import dal
from dal import conversations, messages, tasks, users
from dal.jsonl import export_lines, import_lines
from dal.jsonl.exporting import _Export
from dal.jsonl.importing import _Import

# Before anything is planned: autovacuum's ANALYZE makes all plans anew.
NO_AUTOVACUUM = """
    ALTER TABLE users SET (autovacuum_enabled = false);
    ALTER TABLE tasks SET (autovacuum_enabled = false);
    ALTER TABLE conversations SET (autovacuum_enabled = false);
    ALTER TABLE messages SET (autovacuum_enabled = false);
"""
ANALYSE = "VACUUM ANALYZE users, tasks, conversations, messages"
SCANNED = "SELECT coalesce(sum(seq_tup_read), 0)::int FROM pg_stat_xact_user_tables"


async def say(db: dal.Database, times: int) -> None:
    """Make a user's only conversation, task and messages."""
    await users.ensure(db, user_id="ada")
    chat = await conversations.create(db, user_id="ada")
    for _ in range(times):
        await tasks.create(db, user_id="ada", title="Milk")
        await messages.create(
            db, user_id="ada", conversation_id=chat.id, role="user", content="Milk"
        )


@pytest.mark.parametrize("state", ["never analysed", "analysed empty", "planned when small"])
async def test_an_import_scans_no_table(
    db: dal.Database, url: str, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    scanned: list[Any] = []

    async def finish(run: Any) -> None:
        await finished(run)
        scanned.append(await run._connection.fetchval(SCANNED))

    finished = _Import.finish
    monkeypatch.setattr(_Import, "finish", finish)
    await db.execute(NO_AUTOVACUUM)
    if state == "planned when small":
        await say(db, 1)
    if state != "never analysed":
        await db.execute(ANALYSE)
    new = [{"role": "user", "content": "Milk"}] * 5
    lines: list[dict[str, Any]] = [{"user_id": f"{n % 100}", "messages": new} for n in range(400)]
    lines += [{"user_id": f"{n}", "task": {"title": "Milk"}} for n in range(200)]
    async with dal.connect(url, min_size=1, max_size=1) as single:
        if state == "planned when small":
            await say(single, 7)  # from the sixth on a plan is kept, a foreign key's as well
        summary = await import_lines(single, [json.dumps(line).encode() for line in lines])
    assert summary.messages == 2000
    [rows] = scanned  # with those of `say`, where the server has not counted them yet
    assert rows < 150  # 108 are of `say`, whose plans were made for one row


METADATA = {
    "as large on disk": "(SELECT jsonb_agg(md5(n * i || '')) FROM generate_series(1, 20000) AS i)",
    "far smaller on disk": "to_jsonb(repeat(n::text, 500000))",
}
FILL = """
    INSERT INTO conversations (id, user_id) VALUES ($1, 'ada');
    INSERT INTO messages (conversation_id, user_id, role, content, metadata, created_at)
    SELECT $1, 'ada', 'user', 'Milk', {metadata}, now() + n * interval '1 s'
    FROM generate_series(10, 9 + {count}) AS n;
"""
# Chunks of large values: what is printed is read first.
TOASTED = """
    SELECT coalesce(sum(idx_tup_fetch), 0)::int FROM pg_stat_xact_all_tables
    WHERE schemaname = 'pg_toast'
"""


@pytest.mark.parametrize("metadata", METADATA.values(), ids=METADATA)
async def test_an_export_prints_each_message_a_few_times(
    db: dal.Database, ada: str, url: str, monkeypatch: pytest.MonkeyPatch, metadata: str
) -> None:
    read: list[int] = []

    async def export_user(export: Any, user_id: str) -> None:
        await written(export, user_id)
        [row] = await export._db.fetch(TOASTED)
        read.append(row[0])

    written = _Export.export_user
    monkeypatch.setattr(_Export, "export_user", export_user)
    for count in (8, 16):
        fill = FILL.format(metadata=metadata, count=count).replace("$1", f"'{uuid4()}'")
        await db.execute("DELETE FROM conversations")
        await db.execute(fill)
        [row] = await db.fetch("SELECT sum(pg_column_size(metadata)) FROM messages")
        chunks = row[0] / 2000  # that TOAST cuts a value into
        async with dal.connect(url, min_size=1) as other:  # its statistics are of this export alone
            lines = [json.loads(line) async for line in export_lines(other, user_id=ada)]
        assert sum(len(line["messages"]) for line in lines) == count
        assert chunks < read[-1] < 4 * chunks
