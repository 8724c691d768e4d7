"""An import and an export for one user neither show nor change what is another's."""

import json
from typing import Any

import psycopg
import pytest

import dal
from dal import Database, conversations, messages, users
from dal.errors import InvalidInputError, PermissionDeniedError
from dal.jsonl import Summary, export_everyone, export_lines, exporting, import_lines
from tests.isolation.conftest import Service
from tests.surface import ID, NOBODY, STRANGERS, THREE, VALUES, fill, snapshot

ADAS = sorted(str(id_) for id_ in (ID, *THREE))


async def exported(db: Database, user_id: Any) -> list[bytes]:
    return [line async for line in export_lines(db, user_id=user_id)]


@pytest.mark.parametrize("rows", [1, 1000])
async def test_an_export_holds_its_users_rows_alone(
    db: Database, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(exporting, "_ROWS", rows)  # with 1, a conversation is read page by page
    await fill(db)
    for stranger in STRANGERS:
        assert await exported(db, stranger) == []
        await fill(db, VALUES | {"user_id": stranger})
        lines = [json.loads(line) for line in await exported(db, stranger)]
        assert {line["user_id"] for line in lines} == {stranger}
        *todos, chat = lines
        assert sorted(todo["task"]["id"] for todo in todos) == ADAS
        assert chat["id"] == str(ID)
        assert sorted(message["id"] for message in chat["messages"]) == ADAS


async def test_an_export_for_what_is_no_user_id_is_refused(db: Database) -> None:
    await fill(db)
    for user_id in NOBODY:
        with pytest.raises(InvalidInputError):
            await exported(db, user_id)


async def test_an_import_with_anothers_ids_makes_rows_of_its_own(db: Database) -> None:
    await fill(db)
    adas = await snapshot(db)
    lines = await exported(db, "ada")
    others = [line.replace(b'"ada"', b'"bob"').replace(b"milk", b"tea") for line in lines]
    # The conversation in two parts: the second one is older than ada's last message in hers.
    *todos, chat = map(json.loads, others)
    first = chat | {"messages": chat["messages"][:1]}
    rest = chat | {"messages": chat["messages"][1:]}
    summary = Summary()
    for part in ([*todos, first], [rest]):
        encoded = [json.dumps(line).encode() for line in part]
        summary = await import_lines(db, encoded, user_id="bob")
    assert summary == Summary(lines=1, known_conversations=1, messages=3)
    assert await exported(db, "bob") == others
    assert await exported(db, "ada") == lines
    more = {"id": str(ID), "messages": [{"role": "user", "content": "One more"}]}
    await import_lines(db, [json.dumps(more).encode()], user_id="bob")
    assert set(adas) <= set(await snapshot(db))

    await users.delete(db, user_id="bob")
    assert await snapshot(db) == adas


async def test_an_import_into_an_own_conversation_with_anothers_message_ids(db: Database) -> None:
    await fill(db)
    adas = await snapshot(db)
    await users.ensure(db, user_id="bob")
    bobs = await conversations.create(db, user_id="bob")
    chat = json.loads((await exported(db, "ada"))[-1])
    line = {"id": str(bobs.id), "messages": [m | {"content": "Mine"} for m in chat["messages"]]}

    summary = await import_lines(db, [json.dumps(line).encode()], user_id="bob")
    assert (summary.messages, summary.known_messages) == (4, 0)
    assert set(adas) <= set(await snapshot(db))


async def test_no_line_for_another_user_is_taken(db: Database) -> None:
    await fill(db)
    before = await snapshot(db)
    lines = [line.replace(b"milk", b"tea") for line in await exported(db, "ada")]
    reasons: list[str] = []
    # None is nobody in particular: each line then names its own.
    for user_id in [*STRANGERS, *(nobody for nobody in NOBODY if nobody is not None)]:
        summary = await import_lines(
            db, lines, user_id=user_id, reject=lambda number, line, reason: reasons.append(reason)
        )
        assert summary == Summary(lines=5, rejected=5), user_id
        assert await snapshot(db) == before
    assert {reason.partition(":")[0] for reason in reasons} == {"user_id"}


async def test_a_line_without_a_user_id_is_nobodys(db: Database) -> None:
    await fill(db)
    before = await snapshot(db)
    line = json.dumps({"id": str(ID), "messages": []}).encode()
    for user_id in NOBODY:
        with pytest.raises(InvalidInputError, match=r"^line 1: user_id"):
            await import_lines(db, [line], user_id=user_id)
        assert await snapshot(db) == before


POLICY = """
    ALTER TABLE messages ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON messages USING (user_id <> 'bob');
"""


async def test_under_a_policy_nothing_is_left_out_in_silence(service: Service) -> None:
    async with dal.connect(service.admin, min_size=1) as owner:
        await fill(owner)
        await fill(owner, VALUES | {"user_id": "bob"})
        everything = [line async for line in export_everyone(owner)]
    with psycopg.connect(service.admin, autocommit=True) as admin:
        admin.execute(POLICY)
    async with dal.connect(service.urls[0], min_size=1) as limited:
        with pytest.raises(PermissionDeniedError, match="policy would hide rows") as refused:
            [line async for line in export_everyone(limited)]
        assert "grants" not in str(refused.value)
        # One user's own lines are what the policy shows of them.
        adas = [line for line in everything if json.loads(line)["user_id"] == "ada"]
        assert await exported(limited, "ada") == adas
        bobs = json.loads((await exported(limited, "bob"))[-1])
        assert bobs["messages"] == []
        # What it refuses to take is no missing privilege either.
        with pytest.raises(PermissionDeniedError, match="policy refuses this row"):
            await messages.create(
                limited, user_id="bob", conversation_id=ID, role="user", content="a"
            )
        with pytest.raises(PermissionDeniedError, match="no COPY under a row-level security"):
            await import_lines(
                limited, [b'{"messages": [{"role": "user", "content": "a"}]}'], user_id="ada"
            )
    async with dal.connect(service.admin, min_size=1) as owner:
        assert [line async for line in export_everyone(owner)] == everything
