"""A service's own queries, and dal's own on a service's connection."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import dal
from dal import conversations, messages
from dal.binding import Executor, Queries
from dal.record import Record

INVOICES = {
    "create": """
        INSERT INTO invoices (user_id, cents) VALUES (:user_id, :cents)
        RETURNING number, user_id, cents""",
    "get": """
        SELECT number, user_id, cents FROM invoices
        WHERE user_id = :user_id AND number = :number""",
    "list_above": """
        SELECT number, user_id, cents FROM invoices
        WHERE user_id = :user_id AND cents > :cents ORDER BY number""",
    "delete": "DELETE FROM invoices WHERE user_id = :user_id AND number = :number",
}


class Invoice(Record):
    number: int
    user_id: str
    cents: int


async def test_a_service_binds_its_own_folder(
    db: dal.Database, executor: Executor, tmp_path: Path
) -> None:
    await db.execute(
        "CREATE TABLE invoices (number int GENERATED ALWAYS AS IDENTITY, user_id text, cents int)"
    )
    (tmp_path / "invoices").mkdir()
    for name, text in INVOICES.items():
        (tmp_path / "invoices" / f"{name}.sql").write_text(text)
    query = Queries(tmp_path)

    @query("invoices/create.sql")
    async def create(db: Executor, *, user_id: str, cents: int) -> Invoice:
        raise NotImplementedError

    @query("invoices/get.sql")
    async def get(db: Executor, *, user_id: str, number: int) -> Invoice | None:
        raise NotImplementedError

    @query("invoices/list_above.sql")
    async def list_above(db: Executor, *, user_id: str, cents: int = 0) -> list[Invoice]:
        raise NotImplementedError

    @query("invoices/delete.sql")
    async def delete(db: Executor, *, user_id: str, number: int) -> bool:
        raise NotImplementedError

    first = await create(executor, user_id="ada", cents=500)
    second = await create(executor, user_id="ada", cents=900)
    assert first == Invoice(number=1, user_id="ada", cents=500)
    assert await get(executor, user_id="ada", number=1) == first
    assert await get(executor, user_id="bob", number=1) is None
    assert await list_above(executor, user_id="ada") == [first, second]
    assert await list_above(executor, user_id="ada", cents=500) == [second]
    assert await delete(executor, user_id="ada", number=1) is True
    assert await delete(executor, user_id="ada", number=1) is False


@pytest.mark.parametrize(
    ("type_name", "encoder", "decoder"),
    [("jsonb", json.dumps, json.loads), ("json", json.dumps, json.loads), ("uuid", str, str)],
)
async def test_a_connection_with_its_owners_codec(
    db: dal.Database,
    url: str,
    chat: dal.Conversation,
    type_name: str,
    encoder: Callable[[Any], str],
    decoder: Callable[[str], Any],
) -> None:
    call = {"tool": "search", "params": {"limit": 3}}
    of_chat: dict[str, Any] = {"user_id": chat.user_id, "conversation_id": chat.id}
    new: dict[str, Any] = {"role": "assistant", "content": "Here.", "metadata": call}
    own = await asyncpg.connect(url)
    try:
        await own.set_type_codec(type_name, schema="pg_catalog", encoder=encoder, decoder=decoder)
        first = await messages.create(own, **of_chat, **new)
        batch = await messages.create_many(own, **of_chat, messages=[dal.NewMessage(**new)])
        window = await messages.create_and_history(own, **of_chat, **new)
        before = await messages.history(own, **of_chat, before=window[2])
        conversation = await conversations.get_with_messages(own, **of_chat)
    finally:
        await own.close()
    assert conversation
    assert conversation.messages == window
    assert window[:2] == before == [first, *batch]
    assert [message.metadata for message in window] == [call] * 3
    stored = await db.fetch("SELECT jsonb_typeof(metadata) AS kind FROM messages")
    assert [row["kind"] for row in stored] == ["object"] * 3
