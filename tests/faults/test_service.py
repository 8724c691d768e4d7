"""The example service while its database restarts."""

import asyncio
import importlib
from collections import Counter
from typing import Any
from uuid import UUID, uuid4

import dal
from dal import messages, migrate
from dal.project import service
from tests.faults.restartable import Restartable

# A project of its own, whose tests know how it is started.
example = importlib.import_module("tests.projects.chatbot.tests.running")

USERS = 20


async def test_a_service_outlives_a_restart_under_load(
    url: str, db: dal.Database, server: Restartable
) -> None:
    migrate.apply(url, folders=service.folders(service.find(example.PROJECT)))
    statuses: Counter[int] = Counter()
    answered: list[tuple[str, UUID]] = []
    restarted = asyncio.Event()

    async def use(chatbot: Any, user_id: str) -> None:
        async with chatbot.user(user_id) as client:
            chat = (await client.post("conversations", json={})).json()["id"]
            after = 0
            while after < 5:
                question = {"id": str(uuid4()), "conversation_id": chat, "content": "Hello"}
                while True:
                    answer = await client.post("chat", json=question)
                    statuses[answer.status_code] += 1
                    if answer.status_code == 200:
                        break
                    await asyncio.sleep(0.05)
                answered.append((user_id, UUID(answer.json()["id"])))
                after += restarted.is_set()

    async def restart() -> None:
        while len(answered) < 2 * USERS:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.to_thread(server.stop, "fast")
        await asyncio.sleep(0.5)
        await asyncio.to_thread(server.start)
        restarted.set()

    with example.running(url) as chatbot:
        async with asyncio.timeout(60):
            await asyncio.gather(restart(), *(use(chatbot, f"user {n}") for n in range(USERS)))
    assert statuses.keys() == {200, 503}
    for user_id, message_id in answered:
        stored = await messages.get(db, user_id=user_id, message_id=message_id)
        assert stored
        assert stored.content == "Hello "
