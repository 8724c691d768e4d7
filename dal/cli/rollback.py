"""dal rollback."""

from typing import Annotated

import typer

from dal import migrate as migrations
from dal.cli.address import database_url
from dal.cli.app import Group, command
from dal.cli.current_projects import folders
from dal.cli.options import Json, Wait, Yes, confirm, migration_ids
from dal.cli.progress import progress
from dal.cli.statuses import MIGRATING
from dal.cli.streams import notes, out, print_json
from dal.migrate.folder import DAL
from dal.migrate.session import WAIT_SECONDS


@command("rollback", Group.DEPLOY, *MIGRATING)
def rollback(
    n: Annotated[
        int | None,
        typer.Option("-n", min=1, metavar="N", help="Undo at most N migrations."),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="MIGRATION",
            help="Go back to this one, which stays.",
            autocompletion=migration_ids,
        ),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Roll back every migration.")] = False,
    yes: Yes = False,
    wait: Wait = WAIT_SECONDS,
    as_json: Json = False,
) -> None:
    """Undo the last migration, or more.

    The rows of its tables are lost.
    """
    if sum((n is not None, to is not None, all_)) > 1:
        raise typer.BadParameter("-n, --to and --all exclude each other")
    steps = None if to or all_ else n or 1
    if not yes:
        confirm(f"Roll back {_described(to, steps)}? The rows of its tables are lost.")
    url = database_url()
    with progress("rolling back") as shown:
        undone = migrations.rollback(
            url,
            steps=steps,
            to=to,
            wait=wait,
            folders=folders(),
            report=notes.print if as_json else shown.print,
        )
    if as_json:
        print_json({"rolled_back": [step.id for step in undone]})
    elif not undone:
        own = folders()[-1].project
        some = "no migration is" if to or own == DAL else f"none of {own}'s migrations is"
        out.print(f"nothing to do: {some} applied" + (f" after {to}" if to else ""))


def _described(to: str | None, steps: int | None) -> str:
    if to:
        return f"everything after {to}"
    return {None: "every migration", 1: "the last migration"}.get(steps, f"{steps} migrations")
