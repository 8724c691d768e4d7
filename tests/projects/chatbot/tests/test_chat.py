"""Chat turns: whole, streamed, repeated, and interrupted."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from tests.running import Service

import dal
from dal import conversations, messages, tasks

CLIENTS = 1000


async def conversation(client: httpx.AsyncClient) -> str:
    made = await client.post("conversations", json={})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def question(chat: str, message: str) -> dict[str, Any]:
    return {"id": str(uuid4()), "conversation_id": chat, "content": message}


async def contents(db: dal.Database, chat: str, user_id: str = "ada") -> list[str]:
    rows = await messages.history(db, user_id=user_id, conversation_id=UUID(chat))
    return [row.content for row in rows]


async def stored(db: dal.Database, chat: str, number: int) -> list[str]:
    """The messages of a conversation, as soon as there are so many."""
    async with asyncio.timeout(10):
        while len(rows := await contents(db, chat)) < number:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return rows


async def events(lines: Any, most: int = 10**6) -> list[tuple[str, Any]]:
    read: list[tuple[str, Any]] = []
    event = ""
    async for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            event = value
        elif field == "data":
            read.append((event, json.loads(value)))
            if len(read) == most:
                break
    return read


async def test_a_turn(ada: httpx.AsyncClient, dal_db: dal.Database) -> None:
    chat = await conversation(ada)
    answer = (await ada.post("chat", json=question(chat, "add Buy milk"))).json()
    assert (answer["role"], answer["content"]) == ("assistant", "Added Buy milk ")
    (call,) = answer["metadata"]["tool_calls"]
    (task,) = await tasks.list_for_user(dal_db, user_id="ada")
    assert (call["name"], call["arguments"]) == ("add_task", {"title": "Buy milk"})
    assert call["result"]["id"] == str(task.id)
    assert not answer["metadata"]["interrupted"]
    assert await contents(dal_db, chat) == ["add Buy milk", "Added Buy milk "]
    refused = (await ada.post("chat", json=question(chat, "add  "))).json()
    assert "title" in refused["content"]


async def test_a_stream(ada: httpx.AsyncClient, dal_db: dal.Database) -> None:
    asked = question(await conversation(ada), "What a day")
    async with ada.stream("POST", "chat/stream", json=asked) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        read = await events(response.aiter_lines())
    assert read[:-1] == [("piece", "What "), ("piece", "a "), ("piece", "day ")]
    event, answer = read[-1]
    assert (event, answer["content"]) == ("answer", "What a day ")
    assert await contents(dal_db, asked["conversation_id"]) == ["What a day", "What a day "]


async def test_a_repeated_request_is_answered_once(
    ada: httpx.AsyncClient, dal_db: dal.Database
) -> None:
    asked = question(await conversation(ada), "add Buy milk")
    answers = await asyncio.gather(*(ada.post("chat", json=asked) for _ in range(10)))
    answers.append(await ada.post("chat", json=asked))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    async with ada.stream("POST", "chat/stream", json=asked) as response:
        assert await events(response.aiter_lines()) == [("answer", answers[0].json())]
    assert await contents(dal_db, asked["conversation_id"]) == ["add Buy milk", "Added Buy milk "]
    assert len(await tasks.list_for_user(dal_db, user_id="ada")) == 1


async def test_answers_are_stored_when_the_client_leaves_halfway(
    slow_service: Service, dal_db: dal.Database
) -> None:
    words = " ".join(f"w{number}" for number in range(40))

    async def leave(client: httpx.AsyncClient) -> dict[str, Any]:
        asked = question(await conversation(client), words)
        async with client.stream("POST", "chat/stream", json=asked) as response:
            assert len(await events(response.aiter_lines(), most=3)) == 3
        return asked

    async with slow_service.user("ada") as ada:
        left = await asyncio.gather(*(leave(ada) for _ in range(20)))
    for asked in left:
        rows = await stored(dal_db, asked["conversation_id"], 2)
        assert rows == [words, f"{words} "]


async def test_a_client_that_comes_back_gets_the_same_answer(
    slow_service: Service, dal_db: dal.Database
) -> None:
    words = " ".join(f"w{number}" for number in range(40))
    async with slow_service.user("ada") as ada:
        asked = question(await conversation(ada), words)

        async def read(most: int = 10**6) -> list[tuple[str, Any]]:
            async with ada.stream("POST", "chat/stream", json=asked) as response:
                return await events(response.aiter_lines(), most)

        assert len(await read(3)) == 3
        answers = [each[-1][1] for each in await asyncio.gather(*(read() for _ in range(5)))]
        answers.append((await ada.post("chat", json=asked)).json())
    assert {answer["content"] for answer in answers} == {f"{words} "}
    assert len({answer["id"] for answer in answers}) == 1
    assert len(await contents(dal_db, asked["conversation_id"])) == 2


async def test_workers_that_are_stopped_store_what_is_under_way(
    slow_service: Service, dal_db: dal.Database
) -> None:
    words = " ".join(f"w{number}" for number in range(150))
    async with slow_service.user("ada") as ada:
        chats = [await conversation(ada) for _ in range(10)]
        calls = [
            asyncio.create_task(ada.post("chat", json=question(chat, words))) for chat in chats
        ]
        for chat in chats:
            await stored(dal_db, chat, 1)
        log = await asyncio.to_thread(slow_service.stop)
        assert {(await call).status_code for call in calls} == {503}
    assert "Traceback" not in log
    for chat in chats:
        rows = await contents(dal_db, chat)
        assert len(rows) == 2, log
        assert rows[1].startswith("w0 w1 ")
        assert len(rows[1]) < len(words)


async def test_slow_calls_are_logged_by_name(
    service: Service, ada: httpx.AsyncClient, dal_db: dal.Database
) -> None:
    asked = question(await conversation(ada), "Hello")
    async with dal_db.transaction() as tx:
        await conversations.touch(tx, user_id="ada", conversation_id=UUID(asked["conversation_id"]))
        answer = asyncio.create_task(ada.post("chat", json=asked))
        await asyncio.sleep(0.8)
    assert (await answer).status_code == 200
    assert "messages.create_and_history took 0." in service.logged()


async def test_a_thousand_clients_at_once_on_thirty_connections(
    service: Service, ada: httpx.AsyncClient, dal_db: dal.Database
) -> None:
    chats = [await conversation(ada) for _ in range(20)]

    async def ask(number: int) -> int:
        async with service.client("ada") as client:
            asked = question(chats[number % 20], f"Question {number}")
            return (await client.post("chat", json=asked)).status_code

    assert set(await asyncio.gather(*map(ask, range(CLIENTS)))) == {200}
    counted = [
        await messages.count(dal_db, user_id="ada", conversation_id=UUID(chat)) for chat in chats
    ]
    assert sum(counted) == 2 * CLIENTS


@pytest.mark.parametrize("message", ["", "🎉" * 1000])
async def test_the_shortest_and_the_longest_question(
    ada: httpx.AsyncClient, dal_db: dal.Database, message: str
) -> None:
    asked = question(await conversation(ada), message)
    assert (await ada.post("chat", json=asked)).status_code == 200
    assert (await contents(dal_db, asked["conversation_id"]))[0] == message
