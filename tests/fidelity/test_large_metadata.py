"""Metadata that can be stored can be printed, and so read and exported again."""

import json
from typing import Any

import pytest
from pydantic_core import PydanticCustomError

import dal
from dal import Database, messages, metadata
from dal.errors import InvalidInputError
from dal.jsonl import LINE_BYTES, export_lines, import_lines

TEXTS = {
    "small numbers": "[1e-16383,-2.50E-300,0.001e-5]",
    "large numbers": "[1e300,1.25e+5,123456789012345678901234567890]",
    "plain numbers": "[0,-1,1.50,123.456]",
    "escapes": r'["\u0001\u001f\n\"\\ é 😀"]',
    "what looks like a number in a text": '["1e-16383, 1e-16383","a\\"2e9\\""]',
    "keys": '{"a:b,c":{"":[],"1e5":{}},"\\u0002":[null,true,false]}',
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_the_size_is_what_the_server_prints(
    db: Database, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    [row] = await db.fetch("SELECT octet_length($1::text::jsonb::text) AS printed", text)
    monkeypatch.setattr(metadata, "JSON_BYTES", row["printed"] - 1)
    with pytest.raises(PydanticCustomError, match="may take at most"):
        metadata.refuse_large(text.encode())
    monkeypatch.setattr(metadata, "JSON_BYTES", 2 * row["printed"])
    metadata.refuse_large(text.encode())


def line(metadata: str) -> bytes:
    message = '{"role": "user", "content": "Milk", "metadata": %s}'
    return (f'{{"user_id": "ada", "messages": [{message}]}}' % metadata).encode()


TOO_LARGE: dict[str, Any] = {
    "small numbers": [1e-300] * 14_000,
    "escapes": "\1" * 700_000,
    "a text": "x" * 4_200_000,
}


@pytest.mark.parametrize("metadata", TOO_LARGE.values(), ids=TOO_LARGE)
async def test_what_would_print_too_large_is_refused(
    db: Database, own: dict[str, Any], metadata: Any
) -> None:
    refused = "metadata: may take at most 4 MiB as PostgreSQL prints it"
    with pytest.raises(InvalidInputError, match=refused):
        await messages.create(db, **own, role="user", content="Milk", metadata=metadata)
    new = [dal.NewMessage(role="user", content="Milk", metadata=metadata)]
    with pytest.raises(InvalidInputError, match=refused):
        await messages.create_many(db, **own, messages=new)
    with pytest.raises(InvalidInputError, match=f"line 1: messages.0..{refused}"):
        await import_lines(db, [line(json.dumps(metadata))])
    assert await messages.history(db, **own) == []


async def test_a_line_of_numbers_that_print_a_gigabyte(db: Database) -> None:
    numbers = line(f"[{','.join(['1e-16383'] * 72_000)}]")
    assert len(numbers) < LINE_BYTES
    with pytest.raises(InvalidInputError, match="may take at most 4 MiB"):
        await import_lines(db, [numbers])


@pytest.mark.parametrize("metadata", TOO_LARGE.values(), ids=TOO_LARGE)
async def test_nearly_as_much_comes_out_and_in_again(
    db: Database, own: dict[str, Any], metadata: Any
) -> None:
    much = metadata[: int(0.9 * len(metadata))]
    message = await messages.create(db, **own, role="user", content="Milk", metadata=much)
    assert message.metadata == much
    [exported] = [exported_line async for exported_line in export_lines(db, user_id=own["user_id"])]
    assert len(exported) < LINE_BYTES
    assert (await import_lines(db, [exported])).known_messages == 1
