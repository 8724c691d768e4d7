"""Which migrations a database has, and where it and the files disagree."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dal.errors import SchemaMismatchError
from dal.migrate import folder as files
from dal.migrate.connection import connect, explained
from dal.migrate.folder import Migration
from dal.migrate.ledger import Applied, applied
from dal.places import MIGRATIONS


@dataclass(frozen=True, slots=True)
class State:
    """A migration, as a database has it.

    Attributes:
        id: the file's name without its ending.
        applied_at: when it was applied (UTC); None while it is pending.
        problem: what is wrong with it, and what to do; None where the file and the database agree.
    """

    id: str
    applied_at: datetime | None
    problem: str | None = None


def status(dsn: str, *, folder: Path = MIGRATIONS) -> list[State]:
    """List the migrations of the folder and of the database, in order.

    It takes plain SELECTs, so the role needs to read `_yoyo_migration` and `_yoyo_log`, and nothing
    else. Nothing is locked or written.

    Parameters:
        dsn: `postgresql://user:password@host:port/database`, with libpq's parameters.
        folder: where the migrations are.

    Raises:
        ConfigurationError: the URL is malformed, or the folder is missing, empty or unfit.
        DatabaseUnavailableError: no connection could be made.
        PermissionDeniedError: the role may not read yoyo's tables.
    """
    migrations = files.read(folder)
    with connect(dsn) as connection, explained("status"):
        connection.read_only = True
        return states(migrations, applied(connection))


def states(migrations: list[Migration], has: dict[str, Applied]) -> list[State]:
    """Compare the files with what a database has."""
    known = {migration.id: migration for migration in migrations}
    last = max(has, default="")
    found = []
    for name in sorted(known.keys() | has.keys()):
        problem = None
        if name not in known:
            problem = "applied, but its file is not here: deploy the version that has it"
        elif name not in has:
            if name < last:
                problem = f"not applied, though {last} is: give it the next number"
        elif has[name].checksum not in (None, known[name].checksum):
            problem = "edited after it was applied: restore the file, and add a migration"
        found.append(State(name, has[name].at if name in has else None, problem))
    return found


def refuse_disagreement(migrations: list[Migration], has: dict[str, Applied]) -> None:
    """Stop before anything is applied.

    Raises:
        SchemaMismatchError: the files and the database disagree.
    """
    problems = [f"{one.id}: {one.problem}" for one in states(migrations, has) if one.problem]
    if problems:
        listed = "\n  ".join(problems)
        raise SchemaMismatchError(f"the migrations and the database disagree:\n  {listed}")
