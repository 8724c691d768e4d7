"""Reads the stats part by part, so that a part that can't be read does not stop the others."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from dal import errors
from dal.binding import Executor
from dal.database import Database
from dal.database.sqlstates import LOCK_NOT_AVAILABLE
from dal.stats import queries
from dal.stats.records import Unseen

Part = TypeVar("Part")

# Errors of the caller's arguments or of the connection; all others concern one part.
_RAISED = (
    errors.InvalidInputError,
    errors.ConfigurationError,
    errors.ConnectionLostError,
    errors.DatabaseUnavailableError,
    errors.PoolTimeoutError,
)


class PartReader:
    """Reads one part after another, each in a short transaction, and notes which can't be read.

    Attributes:
        unseen: the parts that could not be read, and why.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self.unseen: list[Unseen] = []

    async def part(
        self,
        name: str,
        look: Callable[[Executor], Awaitable[Part]],
        *,
        when: bool = True,
        update: str = "dal migrate",
    ) -> Part | None:
        """Read a part; None if a lock, a limit or a missing privilege prevents it.

        Parameters:
            name: the part's name, for the note.
            look: reads it.
            when: whether the part can be read; if not, `unseen` already says why.
            update: the command that updates what is read to this version.

        Raises:
            DalError: an argument is wrong, or the database is gone.
        """
        if not when:
            return None
        try:
            async with self._db.transaction(isolation="read_committed", readonly=True) as tx:
                await queries.limit(tx)
                return await look(tx)
        except _RAISED:
            raise
        except errors.DalError as error:
            self.unseen.append(Unseen(what=name, **_reason(error, update)))
            return None


def _reason(error: errors.DalError, update: str) -> dict[str, str]:
    if error.sqlstate == LOCK_NOT_AVAILABLE:
        return {"why": "somebody holds a lock on it", "remedy": "see who waits, and ask again"}
    if isinstance(error, errors.QueryTimeoutError):
        return {"why": "it takes more than 10 s", "remedy": "ask again in a quiet hour"}
    if isinstance(error, errors.SchemaMismatchError):
        return {"why": "it is of another version than this dal", "remedy": update}
    if isinstance(error, errors.PermissionDeniedError):
        return {"why": "the role lacks a privilege", "remedy": "ask as the tables' owner"}
    return {"why": str(error), "remedy": "look into the server's log"}
