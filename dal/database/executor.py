"""Where a statement runs."""

from typing import Any, Protocol

import asyncpg

from dal.database.database import Database


class Executor(Protocol):
    """A Database, a Transaction, or a plain asyncpg connection or pool.

    Both methods are asyncpg's own. Neither is told about any codec or setting, so what runs
    through one of these runs through all of them.
    """

    async def fetch(self, query: str, /, *args: Any) -> list[Any]:
        """Run a statement and return its rows."""
        ...

    async def execute(self, query: str, /, *args: Any) -> str:
        """Run a statement and return its command tag, such as `DELETE 1`."""
        ...


def is_alone(db: Executor) -> bool:
    """Whether a statement that runs there is a transaction of its own."""
    if isinstance(db, asyncpg.Connection):
        return not db.is_in_transaction()
    return isinstance(db, Database | asyncpg.Pool)
