"""Statements that are made for a test, called as a service calls them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg

from tests.check.proving import Draft, drafted


async def call(url: str, draft: Draft, arguments: Mapping[str, Any], folder: Path) -> Any:
    """What a draft's function gives for these arguments; what it changes is undone.

    Raises:
        Exception: whatever the function raises.
    """
    (folder / "drafts").mkdir(exist_ok=True)
    queries = drafted(folder, [draft])
    connection = await asyncpg.connect(url)
    try:
        transaction = connection.transaction()
        await transaction.start()
        try:
            return await queries.bindings[0].function()(connection, **arguments)
        finally:
            await transaction.rollback()
    finally:
        await connection.close()
