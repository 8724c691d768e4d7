"""Everything that can go wrong, as one small tree.

    DalError
    ├── InvalidInputError            a value breaks a rule; nothing was changed
    │   └── MessageTooLongError
    ├── NotFoundError                a write to a row that is absent, or another user's
    │   ├── UserNotFoundError
    │   ├── ConversationNotFoundError
    │   └── TaskNotFoundError
    ├── ConflictError                the id is taken by other content, or a key refuses the write
    ├── TransactionConflictError     deadlock, serialization failure, lock timeout, schema change
    ├── QueryTimeoutError            the server cancelled the statement; nothing happened
    ├── PoolTimeoutError             no connection became free in time
    ├── DatabaseUnavailableError     no connection, or the server takes no work or no writes
    ├── ConnectionLostError          no answer came, or too late; a write's outcome is unknown
    ├── PermissionDeniedError        the role lacks a privilege
    ├── SchemaMismatchError          the schema is not this version's, or a row is malformed
    └── ConfigurationError           a setting is missing or wrong

No message holds a parameter's value, a message's text or a password: PostgreSQL's own error text
can hold the failing row, so it is neither quoted nor chained, and what is safe to know is kept in
attributes.
"""

import typing


class DalError(Exception):
    """The base class of all errors.

    Attributes:
        message: the default message of this class.
        query: name of the statement (`messages.create` is `sql/messages/create.sql`), or None.
        sqlstate: PostgreSQL's five-character error code, or None.
        constraint: name of the violated constraint, or None.
    """

    message: typing.ClassVar[str] = "The database layer failed."

    def __init__(
        self,
        message: str | None = None,
        *,
        query: str | None = None,
        sqlstate: str | None = None,
        constraint: str | None = None,
    ) -> None:
        text = self.message if message is None else message
        super().__init__(f"{query}: {text}" if query else text)
        self.query = query
        self.sqlstate = sqlstate
        self.constraint = constraint


class Problem(typing.TypedDict):
    """One rule that an argument breaks, under the names that Pydantic and FastAPI use.

    Attributes:
        loc: where, from the argument's name inwards: `("messages", 3, "content")`. For
            metadata, the keys that lead to the problem follow: `("metadata", "result", "due")`.
        type: the rule, such as `string_too_long`.
        msg: the rule in words. It never holds the value.
    """

    loc: tuple[int | str, ...]
    type: str
    msg: str


class InvalidInputError(DalError):
    """A value breaks a rule, found before sending or by the database; nothing was changed.

    Attributes:
        errors: each rule that an argument breaks, for an API's response. Empty if no single
            argument is at fault, or if the database found the problem.
    """

    message = "An argument breaks a rule; correct it and call again."

    def __init__(
        self,
        message: str | None = None,
        *,
        errors: typing.Sequence[Problem] = (),
        **known: str | None,
    ) -> None:
        super().__init__(message, **known)
        self.errors = list(errors)


class MessageTooLongError(InvalidInputError):
    """A user's message is too long."""

    message = "A user's message may hold at most 1,000 characters; shorten or split it."


class NotFoundError(DalError):
    """A write to a row that is absent, or another user's."""

    message = "This user has no such row."


class UserNotFoundError(NotFoundError):
    """The user is absent."""

    message = "There is no such user; call users.ensure first."


class ConversationNotFoundError(NotFoundError):
    """The conversation is absent, or another user's."""

    message = "This user has no such conversation; make one with conversations.create."


class TaskNotFoundError(NotFoundError):
    """The task is absent, or another user's."""

    message = "This user has no such task; make one with tasks.create."


class ConflictError(DalError):
    """A row of the database is in the way.

    An id is taken by a row with other content; or a foreign key of another table refers to what
    would be deleted; or `users.ensure` is called with an id that compares equal to another user's.
    """

    message = "This id is taken by a row with other content; use a new id."


class TransactionConflictError(DalError):
    """Deadlock, serialization failure, lock timeout, or a schema change."""

    message = (
        "Another transaction conflicted with this one (deadlock, serialization failure or lock"
        " timeout); repeat this one."
    )


class QueryTimeoutError(DalError):
    """The server cancelled the statement, so nothing happened."""

    message = (
        "The server cancelled the statement, so nothing happened; look for a lock or a time limit."
    )


class PoolTimeoutError(DalError):
    """No connection became free in time."""

    message = (
        "No connection became free within acquire_timeout; release them sooner or raise max_size."
    )


class DatabaseUnavailableError(DalError):
    """No connection could be made, or the server refuses work.

    Also where a write meets a standby or a read-only server, and where a `Database` is not
    connected yet or closed already.
    """

    message = (
        "The database can't be reached or takes no work now; check that it runs, then try again."
    )


class ConnectionLostError(DalError):
    """The connection broke, or no answer came within `command_timeout`.

    The outcome of a write is unknown, unless the message says that it was carried out.
    """

    message = "The connection broke, so a write's outcome is unknown; repeat it with the same id."


class PermissionDeniedError(DalError):
    """The role lacks a privilege."""

    message = "The database role lacks a privilege; dal grants prints what it needs."


class SchemaMismatchError(DalError):
    """The database is not at this version's schema, or a row does not fit its record."""

    message = "The database does not have this version's schema; run `dal migrate`."


class ConfigurationError(DalError):
    """A setting is missing or wrong."""

    message = "A setting is missing or wrong."
