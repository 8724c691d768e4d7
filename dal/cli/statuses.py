"""The exit statuses of all commands."""

from collections.abc import Iterable
from enum import IntEnum


class ExitStatus(IntEnum):
    """An exit status.

    Attributes:
        meaning: what has happened.
        remedy: what to do about it, as the table of migrations/README.md has it.
    """

    meaning: str
    remedy: str

    def __new__(cls, value: int, meaning: str, remedy: str = "") -> "ExitStatus":
        """A number with its meaning."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning, member.remedy = meaning, remedy
        return member

    DONE = 0, "done, or nothing to do"
    FAILED = 1, "failed in another way", "the message says how; a migration was rolled back"
    USAGE = 2, "called the wrong way", "the message says what is wrong; -h lists the options"
    ADDRESS = 3, "DATABASE_URL or a setting is missing or wrong", "the message names it"
    UNREACHABLE = 4, "nothing answers there, or the connection was lost", "start the server"
    UNTRUSTED = 5, "no TLS, or a certificate that is not trusted", "see sslmode in the address"
    REFUSED = 6, "user or password refused", "correct the address"
    NO_DATABASE = 7, "no such database", "create it, or correct the address"
    CROWDED = 8, "no connection left", "lower DAL_MAX_SIZE, or use a pooler"
    FORBIDDEN = 9, "a privilege is missing", "the message names it"
    READ_ONLY = (
        10,
        "the server is a standby, or read-only",
        "run it on the primary; `dal stats` says where default_transaction_read_only is set",
    )
    POOLER = 11, "a pooler is in front, where session locks don't hold", "use the direct address"
    LOCKED = (
        12,
        "a lock was in the way for too long",
        "run it again; migrations have --wait",
    )
    UNFIT = (
        13,
        "the migration files, or the tables of the database, do not fit",
        "the message names what differs",
    )
    PENDING = 14, "migrations are pending", "dal migrate"
    STALE = 15, "a page is stale", "dal catalog"
    FOUND = 16, "something was found", "the output lists it"
    MORE = 17, "out of time, or asked to end; more remains", "run it again: it goes on from there"
    INTERRUPTED = 130, "interrupted by Ctrl-C"
    BROKEN_PIPE = 141, "the reader closed the output, as head does"


S = ExitStatus
ANYWHERE = (S.DONE, S.FAILED, S.USAGE, S.INTERRUPTED, S.BROKEN_PIPE)
"""The exit statuses of every command."""
CONNECTING = (
    S.ADDRESS,
    S.UNREACHABLE,
    S.UNTRUSTED,
    S.REFUSED,
    S.NO_DATABASE,
    S.CROWDED,
    S.FORBIDDEN,
)
"""The exit statuses of each command that connects."""
READING = (*CONNECTING, S.LOCKED, S.UNFIT)
"""The exit statuses of each command that reads tables."""
WRITING = (*READING, S.READ_ONLY)
"""The exit statuses of each command that changes rows."""
MIGRATING = (*WRITING, S.POOLER)
"""The exit statuses of each command that changes the schema."""


DECLARED: dict[str, frozenset[ExitStatus]] = {}
"""The exit statuses of each command, as its help lists them."""


def listing(statuses: Iterable[ExitStatus]) -> str:
    """The end of a command's help, which lists its exit statuses."""
    lines = [f"{status:>5}  {status.meaning}" for status in sorted(set(statuses))]
    return "\n".join(["Exit statuses:", *lines])
