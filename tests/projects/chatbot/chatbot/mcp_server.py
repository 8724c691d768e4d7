"""The tools over MCP, for the user that the command names: `python -m chatbot.mcp_server ada`."""

import functools
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

import dal
from chatbot.tools import NAMES, Tools, advice
from dal import errors, users


def server(user_id: str) -> MCPServer:
    """The server of one user."""
    db = dal.connect(min_size=1, max_size=4)

    @asynccontextmanager
    async def lifespan(_: MCPServer) -> AsyncIterator[None]:
        async with db:
            await users.ensure(db, user_id=user_id)
            yield

    server = MCPServer("tasks", lifespan=lifespan)
    for name in NAMES:
        server.tool()(_advising(getattr(Tools(db, user_id), name)))
    return server


def _advising(tool: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(tool)
    async def call(**arguments: Any) -> Any:
        try:
            return await tool(**arguments)
        except errors.DalError as error:
            raise ToolError(advice(error)) from None

    return call


if __name__ == "__main__":
    server(sys.argv[1]).run("stdio")
