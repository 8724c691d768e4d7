"""dal check."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from dal import places
from dal.check.findings import Finding
from dal.cli.address import database_url, database_url_if_any
from dal.cli.app import Group, command
from dal.cli.options import Json
from dal.cli.progress import progress
from dal.cli.project import project_with_misfits
from dal.cli.statuses import CONNECTING, Status
from dal.cli.streams import err, notes, out, print_json
from dal.migrate import apply, folder
from dal.migrate.connection import connect, explained
from dal.migrate.ledger import applied
from dal.migrate.obstacles import Kind, obstacles
from dal.places import MIGRATIONS, SQL


@command("check", Group.PROVE, *CONNECTING, Status.FOUND)
def check(
    as_json: Json = False,
    server: Annotated[
        int | None,
        typer.Option(
            metavar="VERSION",
            help="Use this embedded PostgreSQL, whatever DATABASE_URL says.",
            hidden=places.is_installed(),
        ),
    ] = None,
    plans: Annotated[
        bool, typer.Option("--plans", help="Let the plans of DATABASE_URL decide as well.")
    ] = False,
) -> None:
    """Prove every statement against the schema.

    DATABASE_URL's database is not changed: all is prepared and explained in a read-only transaction
    that is rolled back, which takes ROW EXCLUSIVE locks for a moment, and the privileges of the
    service. A checkout without DATABASE_URL makes a database on an embedded PostgreSQL.

    Plans come and go with the rows: those of a live database are shown, and decide only with
    --plans. Notes name what changes the tables' rows and makes no statement wrong, such as a
    trigger.
    """
    from dal.check.rules import PLAN_RULES  # which takes longer to import
    from dal.check.run import check as prove
    from dal.project import PROJECT

    bindings, misfits = project_with_misfits()
    with (
        progress("proving the statements"),
        _database(server) as (connection, live, unfilled),
        explained("check"),
    ):
        found = [*unfilled, *_obstacles(connection)]
        findings, absent = prove(connection, bindings, PROJECT, live=live, misfits=misfits)
        found += findings
        if live and findings and (pending := _pending(connection)):
            notes.print(f"note: {pending} migrations are pending; first run dal migrate")
        version = connection.info.server_version // 10000
    shown = [finding for finding in found if live and not plans and finding.rule in PLAN_RULES]
    decisive = [finding for finding in found if finding not in shown]
    if as_json:
        rows = [one.as_json(_here()) | {"decides": one in decisive} for one in found]
        print_json(rows)
    else:
        for one in [*shown, *decisive]:
            err.print(one.as_text(_here()) + "\n")
        what = "the database of DATABASE_URL" if live else "a new database"
        number = len(bindings) - len(absent)
        proven = f"{number} statements against {what} (PostgreSQL {version})"
        out.print(f"{len(decisive)} findings in {proven}" if decisive else f"proved {proven}")
        if shown:
            out.print(f"{len(shown)} findings in plans, which follow the rows; --plans obeys them")
        for name, need in absent.items():
            out.print(f"not proven: {name}, because there is no {need}")
    if decisive:
        raise typer.Exit(Status.FOUND)


def _obstacles(connection: psycopg.Connection) -> Iterator[Finding]:
    """What keeps dal from working in a database; what merely changes rows is a note."""
    for obstacle in obstacles(connection):
        if obstacle.kind is Kind.STOPS:
            file = SQL / "obstacles.sql"
            yield Finding("obstacle", file, None, obstacle.problem, obstacle.help)
        else:
            notes.print(f"note: {obstacle}")


def _pending(connection: psycopg.Connection) -> int:
    """How many migrations the database lacks; 0 where the role may not look."""
    try:
        done = applied(connection)
    except psycopg.errors.InsufficientPrivilege:
        return 0
    return sum(migration.id not in done for migration in folder.read(MIGRATIONS))


def _here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:  # it was removed
        return Path("/")


@contextmanager
def _database(server: int | None) -> Iterator[tuple[psycopg.Connection, bool, list[Finding]]]:
    """The database of DATABASE_URL, or a new one; whether it is live; and why it is not filled."""
    if places.is_installed():  # what else it could prove, its maintainers have proven
        if server is not None:
            raise typer.BadParameter("that is for a checkout", param_hint="--server")
        url: str | None = database_url()
    else:
        url = database_url_if_any() if server is None else None
    if url:
        with connect(url, application_name="dal check") as connection:
            connection.autocommit = True
            yield connection, True, []
        return
    from dal import embedded  # it needs the extra `embedded`
    from dal.check.server.populate import populate
    from dal.project import PROJECT

    with embedded.Server(version=server or 18) as postgres:
        apply(postgres.dsn())
        with connect(postgres.dsn(), application_name="dal check") as connection:
            connection.autocommit = True
            yield connection, False, populate(connection, PROJECT)
