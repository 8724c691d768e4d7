"""Users: the owners of everything else. Their SQL is in sql/users/."""

from contextlib import suppress

from pydantic import AwareDatetime

from dal.binding import Executor, query
from dal.database.sqlstates import READ_ONLY
from dal.errors import ConflictError, DalError, DatabaseUnavailableError, UserNotFoundError
from dal.inputs import UserId
from dal.record import Record


class User(Record):
    """An owner of conversations and tasks.

    Attributes:
        id: 1 to 255 characters, chosen by whoever made the user.
        created_at: None where a table that was there before dal has no such column, or one that is
            neither a timestamp nor a date.
    """

    id: str
    created_at: AwareDatetime | None


class Erased(Record):
    """How many rows of a user `users.erase` deleted."""

    conversations: int
    messages: int
    tasks: int


@query("users/ensure.sql", raise_if={"conflict": ConflictError})
async def _ensure(db: Executor, *, user_id: UserId) -> User:
    raise NotImplementedError


async def ensure(db: Executor, *, user_id: str) -> User:
    """The user, made if there is none; safe to repeat, and to call concurrently.

    On a read-only server, such as a standby, the user is only read, in a second round trip.

    SQL: sql/users/ensure.sql

    Parameters:
        db: where to run: the database, a transaction, or an asyncpg connection or pool.
        user_id: 1 to 255 characters, not blank.

    Raises:
        InvalidInputError: `user_id` breaks its rule.
        ConflictError: an existing table's collation takes another user's id for equal to this.
        SchemaMismatchError: the user is absent, and a table that was there before dal has required
            columns that only its own service can fill.
        DatabaseUnavailableError: the user is absent, and the server is read-only.
    """
    try:
        return await _ensure(db, user_id=user_id)
    except DatabaseUnavailableError as error:
        if error.sqlstate != READ_ONLY:
            raise
        refusal = error
    with suppress(DalError):  # it fails in a transaction, which the refusal has ended
        if user := await get(db, user_id=user_id):
            return user
    raise refusal


@query("users/get.sql")
async def get(db: Executor, *, user_id: UserId) -> User | None:
    """A user, or None.

    SQL: sql/users/get.sql
    """
    raise NotImplementedError


@query("users/erase.sql", not_found=UserNotFoundError)
async def erase(db: Executor, *, user_id: UserId) -> Erased:
    """Delete all conversations, messages and tasks of a user at once; the user's row stays.

    Repeating it finds nothing more to delete.

    SQL: sql/users/erase.sql

    Raises:
        UserNotFoundError: there is no such user.
    """
    raise NotImplementedError


@query("users/delete.sql")
async def delete(db: Executor, *, user_id: UserId) -> bool:
    """Delete a user and, by cascade, all that is theirs; False if there was none.

    In a `users` table that was there before dal this deletes the account itself, with all rows
    that depend on it; `erase` leaves the account alone.

    SQL: sql/users/delete.sql
    """
    raise NotImplementedError
