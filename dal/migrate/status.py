"""Which migrations a database has, and where it and the files disagree."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dal.errors import SchemaMismatchError
from dal.migrate.connection import connect, explained
from dal.migrate.folder import project_of
from dal.migrate.ledger import Applied, applied
from dal.migrate.migration import OWN_ALONE, Folders, Migration, read
from dal.migrate.obstacles import Kind, Obstacle, obstacles
from dal.migrate.settings import committed_reads, settle


@dataclass(frozen=True, slots=True)
class State:
    """A migration, as a database has it.

    Attributes:
        id: the file's name without its ending; that of a service's after the service's name.
        applied_at: when it was applied (UTC); None while it is pending.
        problem: what is wrong with it, and what to do; None where the file and the database agree.
        notes: what changes the rows of its tables, or is missing from them, but stops nothing.
    """

    id: str
    applied_at: datetime | None
    problem: str | None = None
    notes: tuple[str, ...] = ()


def status(
    dsn: str, *, folders: Folders = OWN_ALONE, application_name: str = "dal status"
) -> list[State]:
    """List the migrations of the folders and of the database, in order.

    It takes plain SELECTs, so the role needs to read `_yoyo_migration` and `_yoyo_log`, and nothing
    else. Nothing is locked or written.

    Parameters:
        dsn: `postgresql://user:password@host:port/database`, with libpq's parameters.
        folders: where the migrations are: dal's own, and after them a service's.
        application_name: what to be called in pg_stat_activity, unless the address says.

    Raises:
        ConfigurationError: the URL is malformed, or the folder is missing, empty or unfit.
        DatabaseUnavailableError: no connection could be made.
        PermissionDeniedError: the role may not read yoyo's tables.
    """
    migrations = read(folders)
    with connect(dsn, application_name=application_name) as connection, explained("status"):
        connection.read_only = True
        committed_reads(connection)
        settle(connection, transaction=True)
        return states(migrations, applied(connection), obstacles(connection, migrations))


def states(
    migrations: Sequence[Migration], has: dict[str, Applied], obstacles: Sequence[Obstacle] = ()
) -> list[State]:
    """Compare the files with what a database has.

    Parameters:
        migrations: the files. Of a project that has none among them, nothing can be wrong.
        has: what is applied.
        obstacles: those in the database.
    """
    known = {migration.id: migration for migration in migrations}
    projects = {migration.project for migration in migrations}
    last = {project_of(name): name for name in sorted(has)}
    listed = []
    for name in sorted(known.keys() | has.keys()):
        project, problem = project_of(name), None
        if project not in projects:
            pass
        elif name not in known:
            problem = "applied, but its file is not here: deploy the version that has it"
        elif name not in has:
            if name < last.get(project, ""):
                problem = f"not applied, though {last[project]} is: give it the next number"
        elif has[name].checksum not in (None, known[name].checksum):
            problem = "edited after it was applied: restore the file, and add a migration"
        of_it = [one for one in obstacles if one.migration == name]
        stopping = [str(one) for one in of_it if one.kind is Kind.STOPS]
        problem = "; ".join(filter(None, (problem, *stopping))) or None
        notes = tuple(str(one) for one in of_it if one.kind is not Kind.STOPS)
        listed.append(State(name, has[name].at if name in has else None, problem, notes))
    return listed


def refuse_disagreement(migrations: Sequence[Migration], has: dict[str, Applied]) -> None:
    """Stop before anything is applied.

    Raises:
        SchemaMismatchError: the files and the database disagree.
    """
    problems = [f"{one.id}: {one.problem}" for one in states(migrations, has) if one.problem]
    if problems:
        listed = "\n  ".join(problems)
        raise SchemaMismatchError(f"the migrations and the database disagree:\n  {listed}")
