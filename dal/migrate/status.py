"""Compares the migrations of a database with the files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dal.errors import SchemaMismatchError
from dal.migrate.connection import connect, explained
from dal.migrate.folder import project_of
from dal.migrate.ledger import Applied, applied
from dal.migrate.migration import DAL_FOLDERS, Folders, Migration, read
from dal.migrate.obstacles import Obstacle, ObstacleKind, obstacles
from dal.migrate.settings import apply_session_settings, committed_reads


@dataclass(frozen=True, slots=True)
class State:
    """A migration, as a database has it.

    Attributes:
        id: the file's name without its ending; a service's begins with its name and a slash.
        applied_at: when it was applied (UTC); None while it is pending.
        problem: what is wrong with it, and what to do; None where the file and the database agree.
        notes: obstacles that stop nothing, such as a trigger that changes rows.
    """

    id: str
    applied_at: datetime | None
    problem: str | None = None
    notes: tuple[str, ...] = ()


def status(
    dsn: str, *, folders: Folders = DAL_FOLDERS, application_name: str = "dal status"
) -> list[State]:
    """List the migrations of the folders and of the database, in order.

    It uses plain SELECTs, so the role needs to read only `_yoyo_migration` and `_yoyo_log`. Nothing
    is locked or written.

    Parameters:
        dsn: `postgresql://user:password@host:port/database`, with libpq's parameters.
        folders: where the migrations are: dal's own, and after them a service's.
        application_name: the session's name in pg_stat_activity, unless the address has one.

    Raises:
        ConfigurationError: the URL is malformed, or the folder is missing, empty or unfit.
        DatabaseUnavailableError: no connection could be made.
        PermissionDeniedError: the role may not read yoyo's tables.
    """
    migrations = read(folders)
    with connect(dsn, application_name=application_name) as connection, explained("status"):
        connection.read_only = True
        committed_reads(connection)
        apply_session_settings(connection, transaction=True)
        return states(migrations, applied(connection), obstacles(connection, migrations))


def states(
    migrations: Sequence[Migration],
    recorded: dict[str, Applied],
    obstacles: Sequence[Obstacle] = (),
) -> list[State]:
    """Compare the files with what a database has.

    Parameters:
        migrations: the files. A project without files among them is not compared.
        recorded: the migrations that are applied, by id.
        obstacles: those in the database.
    """
    known = {migration.id: migration for migration in migrations}
    projects = {migration.project for migration in migrations}
    last = {project_of(name): name for name in sorted(recorded)}
    listed = []
    for name in sorted(known.keys() | recorded.keys()):
        project, problem = project_of(name), None
        if project not in projects:
            pass
        elif name not in known:
            problem = "applied, but its file is not here: deploy the version that has it"
        elif name not in recorded:
            if name < last.get(project, ""):
                problem = f"not applied, though {last[project]} is: give it the next number"
        elif recorded[name].checksum not in (None, known[name].checksum):
            problem = "edited after it was applied: restore the file, and add a migration"
        concerning = [obstacle for obstacle in obstacles if obstacle.migration == name]
        stopping = [str(obstacle) for obstacle in concerning if obstacle.kind is ObstacleKind.STOPS]
        problem = "; ".join(filter(None, (problem, *stopping))) or None
        notes = tuple(
            str(obstacle) for obstacle in concerning if obstacle.kind is not ObstacleKind.STOPS
        )
        listed.append(State(name, recorded[name].at if name in recorded else None, problem, notes))
    return listed


def refuse_disagreement(migrations: Sequence[Migration], recorded: dict[str, Applied]) -> None:
    """Raise an error if the files and the database disagree about the applied migrations.

    Raises:
        SchemaMismatchError: they disagree; the text lists each problem.
    """
    problems = [
        f"{state.id}: {state.problem}" for state in states(migrations, recorded) if state.problem
    ]
    if problems:
        listed = "\n  ".join(problems)
        raise SchemaMismatchError(f"the migrations and the database disagree:\n  {listed}")
