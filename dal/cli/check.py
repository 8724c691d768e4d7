"""dal check."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import psycopg
import typer

from dal import paths
from dal.check.findings import Finding
from dal.cli.address import database_url, database_url_if_any
from dal.cli.app import Group, command
from dal.cli.current_projects import folders_if_any, projects_with_binding_errors
from dal.cli.findings import Format, counted, rows, show
from dal.cli.options import Json
from dal.cli.progress import progress
from dal.cli.statuses import READING, ExitStatus
from dal.cli.streams import notes, out, print_json
from dal.errors import ConfigurationError
from dal.migrate.connection import connect, explained
from dal.migrate.folder import DAL
from dal.migrate.ledger import applied
from dal.migrate.migration import Folders, read
from dal.migrate.obstacles import ObstacleKind, obstacles
from dal.paths import SQL

if TYPE_CHECKING:
    from dal.check.project import Project


@command("check", Group.PROVE, *READING, ExitStatus.FOUND)
def check(
    as_json: Json = False,
    form: Annotated[
        Format,
        typer.Option("--format", help="For people, or as annotations of a pull request."),
    ] = Format.TEXT,
    server: Annotated[
        int | None,
        typer.Option(
            metavar="VERSION",
            help="Use this embedded PostgreSQL, whatever DATABASE_URL says.",
        ),
    ] = None,
    plans: Annotated[
        bool, typer.Option("--plans", help="Also fail on findings about the live database's plans.")
    ] = False,
) -> None:
    """Prove every statement against the schema.

    They are dal's own, and those of a service whose pyproject.toml has a `tool.dal` table, in
    this folder or above.

    With DATABASE_URL, statements are prepared and explained in a read-only transaction that is
    rolled back. It needs the service's privileges and takes ROW EXCLUSIVE locks for a moment.
    Without DATABASE_URL, an embedded PostgreSQL is migrated and its empty tables get made-up rows.

    Plans depend on the data: findings about a live database's plans are shown, but fail the check
    only with --plans. Notes name things that may change rows without making a statement wrong,
    such as a trigger.
    """
    from dal.check.rules import PLAN_RULES  # which takes longer to import
    from dal.check.run import check as prove

    projects, binding_errors = projects_with_binding_errors()
    with (
        progress("proving the statements"),
        _database(server, projects) as (connection, live, unfilled),
        explained("check"),
    ):
        findings = [*unfilled, *_obstacles(connection, folders_if_any())]
        proven, absent = prove(connection, projects, live=live, binding_errors=binding_errors)
        findings += proven
        if live and proven and (pending := _pending(connection, folders_if_any())):
            some = "1 migration is" if pending == 1 else f"{pending} migrations are"
            notes.print(f"note: {some} pending; first run dal migrate")
        version = connection.info.server_version // 10000
    shown = [finding for finding in findings if live and not plans and finding.rule in PLAN_RULES]
    decisive = [finding for finding in findings if finding not in shown]
    if as_json:
        print_json(rows(findings, decisive, projects))
    else:
        show(shown, decisive, projects, form)
        target = "the database of DATABASE_URL" if live else "a new database"
        verdict = f"{counted(decisive)} in" if decisive else "proved"
        out.print(f"{verdict} {_whose(projects, absent)} against {target} (PostgreSQL {version})")
        if shown:
            out.print(
                f"{counted(shown)} about plans, which depend on the data;"
                " --plans makes them fail the check"
            )
        for name, need in absent.items():
            out.print(f"not proven: {name}, because there is no {need}")
    if decisive:
        raise typer.Exit(ExitStatus.FOUND)


def _whose(projects: "Sequence[Project]", absent: dict[str, str]) -> str:
    """How many statements of each project are proven."""
    number = {
        project.name: sum(binding.statement.name not in absent for binding in project.bindings)
        for project in projects
    }
    return " and ".join(f"{count} statements of {name}" for name, count in number.items())


def _obstacles(connection: psycopg.Connection, folders: Folders) -> Iterator[Finding]:
    """Findings for what keeps dal from working in a database; what only changes rows is a note."""
    for obstacle in obstacles(connection, read(folders)):
        if obstacle.kind is ObstacleKind.STOPS:
            file = SQL / "obstacles.sql"
            yield Finding("obstacle", file, None, obstacle.problem, obstacle.help)
        else:
            notes.print(f"note: {obstacle}")


def _pending(connection: psycopg.Connection, folders: Folders) -> int:
    """How many migrations the database lacks; 0 where the role may not look."""
    try:
        done = applied(connection)
    except psycopg.errors.InsufficientPrivilege:
        return 0
    return sum(migration.id not in done for migration in read(folders))


@contextmanager
def _database(
    server: int | None, projects: "Sequence[Project]"
) -> Iterator[tuple[psycopg.Connection, bool, list[Finding]]]:
    """The database of DATABASE_URL, or a new one; whether it is live; findings from filling it."""
    # An installed dal alone is checked only against a live database: its release was checked.
    alone = paths.is_installed() and [project.name for project in projects] == [DAL]
    url = database_url_if_any() if server is None else None
    if url or (alone and server is None):
        with connect(url or database_url(), application_name="dal check") as connection:
            connection.autocommit = True
            yield connection, True, []
        return
    from dal import embedded  # it needs the extra `embedded`
    from dal.check.throwaway import throwaway_database

    folders = folders_if_any()
    if not folders:
        raise ConfigurationError(
            "there is no database to prove against: set DATABASE_URL, or say where the migrations"
            ' are: migrations = "FOLDER" in [tool.dal] of pyproject.toml'
        )
    with (
        embedded.Server(version=server or 18) as postgres,
        throwaway_database(
            postgres.dsn(), folders, projects, application_name="dal check"
        ) as database,
    ):
        connection, findings, remarks = database
        for remark in remarks:
            notes.print(f"note: {remark}")
        yield connection, False, findings
