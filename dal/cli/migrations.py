"""migrate, rollback, status and what goes with them."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from dal import migrate as migrations
from dal.cli.shell import DISAGREEMENT, PENDING, app, confirm, database_url
from dal.cli.streams import err, out
from dal.migrate.session import WAIT_SECONDS
from dal.places import MIGRATIONS

Wait = Annotated[
    float,
    typer.Option(min=0, help="Seconds to wait in all for other runs and for locked tables."),
]
Steps = Annotated[int | None, typer.Option("-n", min=1, help="How many at most.")]


@app.command()
def migrate(
    to: Annotated[str | None, typer.Option(help="The last one to apply: id or number.")] = None,
    n: Steps = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, but change nothing.")
    ] = False,
    wait: Wait = WAIT_SECONDS,
) -> None:
    """Apply the pending migrations to DATABASE_URL.

    Exit status: 0 done or nothing to do, 3 to 9 as for ping, 10 a standby, 11 a pooler in
    front, 12 somebody held a lock for too long, 13 the files, or the tables that are there, don't
    fit, 1 a migration failed otherwise. Run it again after any of them.
    """
    steps = migrations.apply(
        database_url(), to=to, steps=n, dry_run=dry_run, wait=wait, report=out.print
    )
    if dry_run and steps:
        return
    states = migrations.status(database_url(), application_name="dal migrate")
    pending = [one for one in states if not one.applied_at]
    if pending:
        out.print(f"{len(pending)} still pending")
    else:
        out.print("the database is up to date" if steps else "nothing to do: it is up to date")


@app.command()
def rollback(
    n: Steps = None,
    to: Annotated[str | None, typer.Option(help="Go back to this one, which stays.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Back to nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    wait: Wait = WAIT_SECONDS,
) -> None:
    """Undo the last migration of DATABASE_URL, or more; the rows of its tables are lost.

    Exit status: as for migrate.
    """
    if sum((n is not None, to is not None, all_)) > 1:
        raise typer.BadParameter("-n, --to and --all exclude each other")
    steps = None if to or all_ else n or 1
    if not yes:
        confirm(f"Roll back {_name(to, steps)}? The rows of its tables are lost.")
    undone = migrations.rollback(database_url(), steps=steps, to=to, wait=wait, report=out.print)
    if not undone:
        out.print("nothing to do: no migration is applied" + (f" after {to}" if to else ""))


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """List the migrations of DATABASE_URL: when each was applied, and which are pending.

    Notes name what changes the tables' rows and stops nothing, such as a trigger.

    Exit status: 0 up to date, 14 some are pending, 13 the files, or the tables that are there,
    don't fit, 3 to 9 as for ping. The role needs to read _yoyo_migration and _yoyo_log alone.
    """
    states = migrations.status(database_url())
    if as_json:
        rows = [
            {
                "id": one.id,
                "applied_at": _iso(one.applied_at),
                "problem": one.problem,
                "notes": one.notes,
            }
            for one in states
        ]
        out.print(json.dumps(rows, indent=2))
    else:
        for one in states:
            when = (
                f"applied {one.applied_at:%Y-%m-%d %H:%M:%S} UTC" if one.applied_at else "pending"
            )
            out.print(f"{one.id:<20} {when}" + (f"  {one.problem}" if one.problem else ""))
        for note in (note for one in states for note in one.notes):
            out.print(f"note: {note}")
    if any(one.problem for one in states):
        raise typer.Exit(DISAGREEMENT)
    if any(one.applied_at is None for one in states):
        raise typer.Exit(PENDING)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits, _ and -.")],
    concurrently: Annotated[
        bool, typer.Option("--concurrently", help="It builds an index without blocking writes.")
    ] = False,
) -> None:
    """Write the two files of a new migration, with the next number."""
    for path in migrations.create(name, concurrent=concurrently):
        out.print(f"wrote {path}")
    out.print("fill them in, try them, then freeze them: dal lint-migrations --freeze")


@app.command()
def mark(
    to: Annotated[str, typer.Argument(help="The last one that the schema has: id or number.")],
    wait: Wait = WAIT_SECONDS,
) -> None:
    """Adopt a schema of DATABASE_URL that was made without dal or copied, after comparing it.

    Exit status: as for migrate; 13 if the schema differs, with each difference.
    """
    migrations.mark(database_url(), to, wait=wait, report=out.print)
    out.print("the schema is what the migrations make, and marked so")


@app.command("lint-migrations")
def lint_migrations(
    freeze: Annotated[
        bool, typer.Option("--freeze", help="Add new files to SHA256SUMS if they are fit.")
    ] = False,
    folder: Annotated[Path, typer.Option(help="Where they are.")] = MIGRATIONS,
) -> None:
    """Look for what would go wrong with the migrations' files, without a database.

    With squawk (pip install squawk-cli) also for what they would do to a live database.
    """
    findings = migrations.lint(folder, frozen=not freeze)
    try:
        findings += migrations.squawk(folder)
    except migrations.MissingToolError as error:
        if freeze:  # what is frozen can't be mended
            raise
        err.print(f"note: {error}")
    if freeze and not findings:
        for name in migrations.freeze(folder):
            out.print(f"froze {name}")
    for finding in findings:
        err.print(str(finding), style="red")
    if findings:
        raise typer.Exit(DISAGREEMENT)
    out.print("the migrations are fit to be run")


def _name(to: str | None, steps: int | None) -> str:
    if to:
        return f"everything after {to}"
    return {None: "every migration", 1: "the last migration"}.get(steps, f"{steps} migrations")


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
