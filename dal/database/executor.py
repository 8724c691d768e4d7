"""Where a statement runs."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import asyncpg

from dal.database.database import Database
from dal.database.sqlstates import RESULT_NOT_FOUND, SERIALIZATION_FAILURE
from dal.errors import ConnectionLostError, DalError

_TRIES = 100  # each round, at least one of the conflicting statements succeeds
_CONFLICTS = (SERIALIZATION_FAILURE, RESULT_NOT_FOUND)
_MAY_COMMIT = ("CALL", "DO")  # statements that may commit before they fail


class Executor(Protocol):
    """A Database, a Transaction, or a plain asyncpg connection or pool.

    Both methods are asyncpg's own. Neither depends on a codec or a setting, so what runs through
    one of these runs through all of them.
    """

    async def fetch(self, query: str, /, *args: Any) -> list[Any]:
        """Run a statement and return its rows."""
        ...

    async def execute(self, query: str, /, *args: Any) -> str:
        """Run a statement and return its command tag, such as `DELETE 1`."""
        ...


async def run(
    db: Executor,
    method: Callable[..., Awaitable[Any]],
    text: str,
    values: Sequence[Any],
    explain: Callable[[Exception], DalError | None],
    *,
    again: bool = False,
) -> Any:
    """Run a statement; after a serialization failure or a shard's move, again if that is safe.

    Parameters:
        db: where.
        method: its `fetch` or `execute`.
        text: the statement.
        values: those of `$1`, `$2`, ...
        explain: gives the error that a caller should see, or None for one that is not ours.
        again: whether the statement has succeeded before, and only its answer is wanted. Where that
            was committed, the error is a ConnectionLostError: none may say that nothing happened.
    """
    tries, committed = 0, again and autocommits(db)
    while True:
        try:
            return await method(text, *values)
        except Exception as error:
            failure = explain(error)
            if failure is None:
                raise
        tries += 1
        if tries == _TRIES or not _can_be_repeated(db, text, failure):
            raise _only_unread(failure) if committed else failure


def _only_unread(failure: DalError) -> ConnectionLostError:
    return ConnectionLostError(
        "the statement was carried out, but then its answer could not be read"
        f" ({type(failure).__name__}); repeat it with the same id",
        query=failure.query,
        sqlstate=failure.sqlstate,
    )


def _can_be_repeated(db: Executor, text: str, failure: DalError) -> bool:
    # In a transaction of its own, a statement that conflicts has changed nothing.
    conflict = failure.sqlstate in _CONFLICTS
    return conflict and autocommits(db) and not text.upper().startswith(_MAY_COMMIT)


def autocommits(db: Executor) -> bool:
    """Whether each statement that runs there is a transaction of its own."""
    if isinstance(db, asyncpg.Connection):
        return not db.is_in_transaction()
    return isinstance(db, Database | asyncpg.Pool)
