"""Where a statement runs."""

from typing import Any, Protocol


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
