"""Reads the parts of the stats, and notes why a part can't be read."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

from dal import errors
from dal.binding import Executor
from dal.cluster import Distributed
from dal.database import Database
from dal.database.sqlstates import LOCK_NOT_AVAILABLE
from dal.stats import queries
from dal.stats.findings import quoted
from dal.stats.queries import DalTable, Extension
from dal.stats.records import Server, Unseen

Part = TypeVar("Part")

UPDATE_EXTENSION = "ALTER EXTENSION pg_stat_statements UPDATE;"
"""The remedy where the extension is older than the server, as after an upgrade."""

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


def unseen_of_server(server: Server) -> Iterator[Unseen]:
    """What the role, the server's settings or a standby hide."""
    if not server.sees_everyone:
        yield Unseen(
            what="other roles' sessions and statements",
            why=f"{server.role} sees its own alone",
            remedy=f"GRANT pg_monitor TO {quoted(server.role)};",
        )
    if not server.counting:
        yield Unseen(
            what="what sessions and tables do",
            why="track_counts or track_activities is off",
            remedy="ALTER SYSTEM SET track_counts = on; ALTER SYSTEM SET track_activities = on;"
            " SELECT pg_reload_conf();",
        )
    if server.standby:
        yield Unseen(
            what="writes, dead rows and vacuums",
            why="a standby keeps its own counters",
            remedy="ask the primary",
        )


def unseen_of_tables(
    known: Sequence[DalTable], schemas: Sequence[str], role: str
) -> Iterator[Unseen]:
    """Tables that are absent, or that this role can't read."""
    absent = [table.name for table in known if table.oid is None]
    if absent and schemas:
        yield Unseen(
            what=f"tables {', '.join(absent)}",
            why=f"the tables are in schema {', '.join(schemas)}, which is not on {role}'s"
            " search_path",
            remedy=f"GRANT USAGE ON SCHEMA {quoted(schemas[0])} TO {quoted(role)};"
            f" ALTER ROLE {quoted(role)} SET search_path = {quoted(schemas[0])};",
        )
    elif absent:
        yield Unseen(
            what=f"tables {', '.join(absent)}",
            why="the database is not migrated, or not this far",
            remedy="dal migrate",
        )
    for table in known:
        if table.missing_grant:
            yield Unseen(
                what="retention",
                why=f"{role} may not read all of {table.name}",
                remedy=table.missing_grant,
            )
    remedies = [table.missing_widths_grant for table in known if table.missing_widths_grant]
    if remedies:
        yield Unseen(
            what="how full indexes are",
            why=f"{role} may not read all columns that they are on",
            remedy=" ".join(dict.fromkeys(remedies)),
        )


def unseen_of_extension(extension: Extension) -> Iterator[Unseen]:
    """pg_stat_statements, if it can't be read."""
    steps = []
    if not extension.available:
        steps.append("install PostgreSQL's contrib package;")
    if not extension.loaded:
        steps.append("add pg_stat_statements to shared_preload_libraries, and restart the server;")
    if not extension.created:
        steps.append("CREATE EXTENSION pg_stat_statements;")
    if extension.missing_grant:
        steps.append(extension.missing_grant)
    if steps:
        yield Unseen(
            what="functions",
            why="pg_stat_statements is not there, or not for this role",
            remedy=" ".join(steps),
        )


def unseen_of_distributed(tables: Sequence[Distributed]) -> Iterator[Unseen]:
    """What the coordinator knows nothing of."""
    if tables:
        yield Unseen(
            what="rows, sizes and vacuums of distributed tables",
            why="they are on the nodes that have the shards",
            remedy="SELECT * FROM citus_tables;",
        )
