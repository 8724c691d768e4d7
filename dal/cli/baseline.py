"""dal baseline."""

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


@command("mark", Group.DEPLOY, *MIGRATING, hidden=True)  # hints in frozen migrations say "dal mark"
@command("baseline", Group.DEPLOY, *MIGRATING)
def baseline(
    to: Annotated[
        str,
        typer.Argument(
            metavar="MIGRATION",
            help="The last one that the schema has: id or number.",
            autocompletion=migration_ids,
        ),
    ],
    wait: Wait = WAIT_SECONDS,
    as_json: Json = False,
) -> None:
    """Adopt a schema that was made without dal or copied.

    The schema is compared with what the migrations create. If they differ, the differences are
    listed and nothing is recorded; otherwise the migrations are recorded as applied.
    """
    url = database_url()
    with progress("comparing") as shown:
        recorded = migrations.baseline(
            url,
            to,
            wait=wait,
            folders=folders(),
            report=notes.print if as_json else shown.print,
        )
    if as_json:
        print_json({"marked": recorded})
    else:
        out.print("the schema matches the migrations, which are recorded as applied")
