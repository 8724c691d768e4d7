"""dal new."""

from typing import Annotated

import typer

from dal import migrate as migrations
from dal.cli.app import Group, command
from dal.cli.current_projects import own_folder
from dal.cli.statuses import ExitStatus
from dal.cli.streams import out


@command("new", Group.DEVELOP, ExitStatus.ADDRESS, ExitStatus.UNFIT)
def new(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits, _ and -.")],
    concurrently: Annotated[
        bool,
        typer.Option(
            "--concurrently",
            help="Write the skeleton of a migration that builds an index with CONCURRENTLY.",
        ),
    ] = False,
) -> None:
    """Write the two files of a new migration.

    They have the next number.
    """
    for path in migrations.create(name, concurrent=concurrently, folder=own_folder()):
        out.print(f"wrote {path}")
    out.print("fill them in, try them, then freeze them: dal lint-migrations --freeze")
