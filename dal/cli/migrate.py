"""dal migrate."""

from typing import Annotated

import typer

from dal import migrate as migrations
from dal.cli.address import database_url
from dal.cli.app import Group, command
from dal.cli.current_projects import folders
from dal.cli.options import Json, Wait, migration_ids
from dal.cli.progress import progress
from dal.cli.statuses import MIGRATING
from dal.cli.streams import notes, out, print_json
from dal.migrate.session import WAIT_SECONDS


@command("migrate", Group.DEPLOY, *MIGRATING)
def migrate(
    to: Annotated[
        str | None,
        typer.Option(
            metavar="MIGRATION",
            help="The last one to apply: id or number.",
            autocompletion=migration_ids,
        ),
    ] = None,
    n: Annotated[
        int | None,
        typer.Option("-n", min=1, metavar="N", help="Apply at most N migrations."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, but change nothing.")
    ] = False,
    wait: Wait = WAIT_SECONDS,
    as_json: Json = False,
) -> None:
    """Apply the pending migrations.

    What was applied stays when a later one fails; run it again after any failure.
    """
    url = database_url()
    with progress("migrating") as shown:
        steps = migrations.apply(
            url,
            to=to,
            steps=n,
            dry_run=dry_run,
            wait=wait,
            folders=folders(),
            report=notes.print if as_json else shown.print,
        )
    if dry_run and steps and not as_json:
        return
    states = migrations.status(url, folders=folders(), application_name="dal migrate")
    pending = [state.id for state in states if not state.applied_at]
    if as_json:
        done = [step.id for step in steps]
        print_json({"would_apply" if dry_run else "applied": done, "pending": pending})
    elif pending:
        out.print(f"{len(pending)} still pending")
    else:
        out.print("the database is up to date" if steps else "nothing to do: it is up to date")
