"""The model: a protocol that any provider's client fits behind, and a scripted one."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import dal
from chatbot.tools import Tools


class Model(Protocol):
    """Answers a conversation, piece by piece."""

    def answer(self, window: Sequence[dal.Message], tools: Tools) -> AsyncIterator[str]:
        """The pieces of an answer to the window's last message; it may call tools meanwhile."""
        ...


class Scripted:
    """Adds a task when told to, and repeats anything else, with a pause before each word."""

    def __init__(self, seconds: float = 0) -> None:
        self._seconds = seconds

    async def answer(self, window: Sequence[dal.Message], tools: Tools) -> AsyncIterator[str]:
        text = window[-1].content
        if text.startswith("add "):
            task = await tools.call("add_task", title=text.removeprefix("add "))
            text = task.get("error") or f"Added {task['title']}"
        for word in text.split(" "):
            await asyncio.sleep(self._seconds)
            yield f"{word} "
