"""A batch costs what its rows cost, however many of them are stored already."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

import dal
from dal import NewMessage, NewTask, errors
from dal.binding import query
from dal.check.server.explain import explained_plan
from dal.check.server.scans import Node
from tests.surface import FUNCTIONS, call

BATCHES = {
    binding.statement.name: binding
    for binding in query.bindings
    if binding.statement.name in ("messages.create_many", "tasks.create_many")
}


OTHERS = """
    INSERT INTO users (id) VALUES ('other');
    INSERT INTO conversations (id, user_id)
    VALUES ('00000000-0000-0000-0000-000000000001', 'other');
    INSERT INTO tasks (user_id, title) SELECT 'other', 'Milk' FROM generate_series(1, 10000);
    INSERT INTO messages (user_id, conversation_id, role, content)
    SELECT 'other', '00000000-0000-0000-0000-000000000001', 'user', 'Milk'
    FROM generate_series(1, 10000);
"""


def batch(name: str, size: int) -> dict[str, Any]:
    ids = [UUID(int=n) for n in range(1, size + 1)]
    if name == "tasks.create_many":
        return {"tasks": [NewTask(title="Buy milk", id=own_id) for own_id in ids]}
    return {"messages": [NewMessage(role="user", content="Buy milk", id=own_id) for own_id in ids]}


def owner(name: str, chat: dal.Conversation) -> dict[str, Any]:
    own: dict[str, Any] = {"user_id": chat.user_id}
    return own if name == "tasks.create_many" else own | {"conversation_id": chat.id}


def rows_handled(node: Node) -> int:
    """The rows that all steps of a plan returned or filtered out."""
    handled = sum(
        node.get(key, 0) for key in ("Actual Rows", "Rows Removed by Join Filter")
    ) + node.get("Rows Removed by Filter", 0)
    return int(handled * node["Actual Loops"]) + sum(map(rows_handled, node.get("Plans", ())))


@pytest.mark.parametrize("generic", [True, False], ids=["generic", "custom"])
@pytest.mark.parametrize("stored", [0, 0.5, 1], ids=["new", "half stored", "repeated"])
@pytest.mark.parametrize("name", BATCHES)
async def test_twice_the_batch_is_twice_the_work(
    db: dal.Database, url: str, chat: dal.Conversation, name: str, stored: float, generic: bool
) -> None:
    binding, work = BATCHES[name], []
    own = owner(name, chat)
    await db.execute(OTHERS)  # a look-up in a table of a few pages may read it whole
    await db.execute("ANALYZE tasks, conversations, messages")
    for size in (200, 400):
        await db.execute(f"DELETE FROM {name.partition('.')[0]} WHERE user_id = 'ada'")
        await call(FUNCTIONS[name], db, own | batch(name, int(size * stored)))
        arguments = binding.arguments.checked(own | batch(name, size))
        with psycopg.connect(url, autocommit=True) as connection:
            plan = explained_plan(
                connection,
                binding.statement,
                binding.arguments.values(arguments),
                generic=generic,
            )
        work.append(rows_handled(plan.root))
    once, twice = work
    assert twice <= 2.1 * once


@pytest.mark.parametrize("name", BATCHES)
async def test_more_rows_than_one_call_makes_are_refused(
    db: dal.Database, chat: dal.Conversation, name: str
) -> None:
    too_many = owner(name, chat) | batch(name, 50_001)
    with pytest.raises(errors.InvalidInputError, match="may hold at most 50,000 rows; split it"):
        await call(FUNCTIONS[name], db, too_many)
