"""The tools, called by a client of the official SDK over standard input and output."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from tests.running import PROJECT

import dal
from dal import tasks


@asynccontextmanager
async def server(database_url: str, user_id: str) -> AsyncIterator[Client]:
    """A client of a server of its own."""
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "chatbot.mcp_server", user_id],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": database_url},
    )
    async with Client(stdio_client(parameters)) as client:
        yield client


async def call(client: Client, name: str, **arguments: Any) -> Any:
    """A tool's result, or its error as a string."""
    result = await client.call_tool(name, arguments)
    if result.is_error:
        return "".join(part.text for part in result.content if part.type == "text")
    content = result.structured_content
    assert content is not None
    return content.get("result", content)


async def test_tools(dal_database: str, dal_db: dal.Database) -> None:
    async with server(dal_database, "ada") as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert names == {"add_task", "list_tasks", "complete_task", "update_task", "delete_task"}
        made = await call(client, "add_task", title="Buy milk")
        (task,) = await tasks.list_for_user(dal_db, user_id="ada")
        assert dal.Task.model_validate(made) == task
        own = {"task_id": made["id"]}
        changed = await call(client, "update_task", **own, description="2 litres")
        assert (changed["title"], changed["description"]) == ("Buy milk", "2 litres")
        assert (await call(client, "complete_task", **own))["completed"]
        assert await call(client, "list_tasks", completed=False) == []
        assert [row["id"] for row in await call(client, "list_tasks")] == [made["id"]]
        assert await call(client, "delete_task", **own) is True
        assert await call(client, "delete_task", **own) is False


async def test_errors_that_a_model_can_act_on(dal_database: str, dal_db: dal.Database) -> None:
    async with server(dal_database, "bob") as bob:
        foreign = (await call(bob, "add_task", title="Bob's"))["id"]
    async with server(dal_database, "ada") as client:
        for task_id in (foreign, str(uuid4())):
            error = await call(client, "complete_task", task_id=task_id)
            assert error.endswith("There is no task with this id; call list_tasks for the ids.")
        assert "title" in await call(client, "add_task", title=" ")
        assert "task_id" in await call(client, "complete_task", task_id="the first")
        assert "title" in await call(client, "add_task")
    assert await tasks.list_for_user(dal_db, user_id="ada") == []
    (task,) = await tasks.list_for_user(dal_db, user_id="bob")
    assert not task.completed
