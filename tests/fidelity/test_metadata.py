"""Metadata comes back as it was, or differs from that in the ways that Message.metadata states."""

import json
from collections import Counter, OrderedDict
from enum import IntEnum, StrEnum
from typing import Any
from uuid import uuid4

import pytest
from pydantic import BaseModel

from dal import Database, NewMessage, NewTask, conversations, messages, tasks, users
from dal.inputs import Metadata
from dal.jsonl import export_lines, import_lines
from tests.surface import call


class Tool(StrEnum):
    ADD = "add"


class Level(IntEnum):
    HIGH = 3


def nested(depth: int) -> Any:
    value: Any = {"last": None}
    for level in range(depth - 1):
        value = [value] if level % 2 else {"": value, "n": level}
    return value


# What goes in, and what comes out.
METADATA: dict[str, tuple[Any, Any]] = {
    name: (value, value)
    for name, value in {
        "none": None,
        "empty": {},
        "a null": {"a": None},
        "only nulls": [None, [None], {"": None}],
        "nested": nested(100),
        "nested as deep as can be": nested(199),
        "big integers": [2**53 + 1, 2**63, -(2**63) - 1, 2**64, 2**200 + 1, -(10**1000)],
        "floats": [0.1 + 0.2, 1e-300, 5e-324, 2.2250738585072014e-308, -1.7e-9, 1e15, 100.0],
        "integers of a float's look": [1, 1.0, 10, 1e1, 0, 0.0],
        "booleans": [True, 1, False, 0],
        "odd keys": dict.fromkeys(["", " ", "a.b", "$r", "'", '"', "\\", "\n", "{}", "\u2028"]),
        "keys that look the same": {"\u00e9": 1, "e\u0301": 2, "a": 3, "\u0430": 4, "a\u200b": 5},
    }.items()
} | {
    "no negative zero": ([-0.0, {"z": -0.0}], [0.0, {"z": 0.0}]),
    "whole floats from 1e16 on": (
        [1e16, -1e16, 1.5e17, 1e23, 1.7976931348623157e308],
        [10**16, -(10**16), 15 * 10**16, 10**23, 17976931348623157 * 10**292],
    ),
    "subclasses": (
        OrderedDict(a=Counter("aab"), tool=Tool.ADD, level=Level.HIGH),
        {"a": {"a": 2, "b": 1}, "tool": "add", "level": 3},
    ),
}  # fmt: skip


def exact(value: Any) -> str:
    """Text in which 1, 1.0, 0.0, -0.0 and True differ, and the order of keys does not matter."""
    return json.dumps(value, sort_keys=True)


async def test_metadata(db: Database, own: dict[str, Any]) -> None:
    new = [
        NewMessage(role="user", content=name, metadata=metadata, id=uuid4())
        for name, (metadata, _) in METADATA.items()
    ]
    made = await messages.create_many(db, **own, messages=new)
    # The stored row is found to be the same, whatever became of its numbers.
    assert await messages.create_many(db, **own, messages=new) == made
    for message in new:
        again = {
            "role": "user",
            "content": message.content,
            "metadata": message.metadata,
            "id": message.id,
        }
        assert await messages.create(db, **own, **again) in made
    conversation = await conversations.get_with_messages(db, **own, limit=1000)
    assert conversation
    lines = [line async for line in export_lines(db, user_id=own["user_id"])]
    await users.delete(db, user_id=own["user_id"])
    await import_lines(db, lines)
    ways = {
        "create_many": made,
        "get_with_messages": conversation.messages,
        "history, imported": await messages.history(db, **own, limit=1000),
        "stream, imported": await call(messages.stream, db, own),
    }
    for way, returned in ways.items():
        assert returned == made
        differing = [
            message.content
            for message in returned
            if exact(message.metadata) != exact(METADATA[message.content][1])
        ]
        assert (way, differing) == (way, [])


class Body(BaseModel):
    """What a web framework reads a request into."""

    messages: list[NewMessage]
    tasks: list[NewTask]
    metadata: Metadata = None


async def test_what_a_services_model_has_checked_is_checked_again_without_harm(
    db: Database, own: dict[str, Any]
) -> None:
    metadata = {"tool": "add_task", "params": {"title": "milk"}, "n": [1, 2.5, None]}
    body = Body(
        messages=[{"role": "user", "content": "a", "metadata": metadata}],  # type: ignore[list-item]
        tasks=[{"title": "b"}],  # type: ignore[list-item]
        metadata=metadata,
    )
    again = Body.model_validate(body.model_dump())
    assert again == body
    assert body.metadata == body.messages[0].metadata == metadata
    [batched] = await messages.create_many(db, **own, messages=again.messages)
    alone = await messages.create(
        db, **own, role="user", content="a", metadata=batched.metadata, id=batched.id
    )
    assert alone == batched
    window = await messages.create_and_history(
        db, **own, role="user", content="b", metadata=again.metadata
    )
    assert [message.metadata for message in window] == [metadata, metadata]
    assert await db.fetch("SELECT DISTINCT jsonb_typeof(metadata) AS t FROM messages") == [
        ("object",)
    ]
    [task] = await tasks.create_many(db, user_id=own["user_id"], tasks=again.tasks)
    assert [task] == await tasks.create_many(db, user_id=own["user_id"], tasks=body.tasks)


async def test_an_objects_keys_come_back_in_another_order(
    db: Database, own: dict[str, Any]
) -> None:
    metadata = {"params": 1, "tool": 2, "é": 3, "b": 4, "a": 5}
    message = await messages.create(db, **own, role="user", content="a", metadata=metadata)
    assert message.metadata == metadata
    assert [*message.metadata] == sorted(
        metadata, key=lambda key: (len(key.encode()), key.encode())
    )
    assert [*message.metadata] != [*metadata]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1e400", 10**400),
        ("1e-400", 0.0),
        ("0.12345678901234567890", 0.12345678901234568),
        ("null", None),
        (f"1{'0' * 5000}", f"1{'0' * 5000}"),
        ("[" * 250 + "]" * 250, "[" * 250 + "]" * 250),
    ],
)
async def test_what_only_sql_can_write(
    db: Database, own: dict[str, Any], written: str, read: Any
) -> None:
    message = await messages.create(db, **own, role="user", content="a")
    await db.execute("UPDATE messages SET metadata = $1::text::jsonb", written)
    [again] = await messages.history(db, **own)
    assert exact(again.metadata) == exact(read)
    assert again.id == message.id
