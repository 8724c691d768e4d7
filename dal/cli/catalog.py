"""dal catalog."""

import difflib
from pathlib import Path
from typing import Annotated

import typer

from dal.cli.app import Group, command
from dal.cli.progress import progress
from dal.cli.project import project
from dal.cli.statuses import Status
from dal.cli.streams import err, out
from dal.migrate.connection import connect
from dal.places import MIGRATIONS, SQL


@command("catalog", Group.DEVELOP, Status.STALE, for_a_checkout=True)
def catalog(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; say whether a page is stale.")
    ] = False,
    server: Annotated[
        int, typer.Option(metavar="VERSION", help="The embedded PostgreSQL to ask.")
    ] = 18,
) -> None:
    """Write sql/CATALOG.md and migrations/LOCKS.md.

    An embedded PostgreSQL says what is in them.
    """
    from dal import embedded  # it needs the extra `embedded`
    from dal.catalog import migrations, statements
    from dal.check.server.populate import populate
    from dal.project import PROJECT

    with progress("asking PostgreSQL"), embedded.Server(version=server) as postgres:
        locks = migrations.page(postgres.dsn(), MIGRATIONS)  # which applies them
        with connect(postgres.dsn(), application_name="dal catalog") as connection:
            connection.autocommit = True
            populate(connection, PROJECT)
            pages = {
                MIGRATIONS / "LOCKS.md": locks,
                SQL / "CATALOG.md": statements.page(connection, project(), PROJECT),
            }
        stale = [_write(path, text, check=check) for path, text in pages.items()]
    if any(stale):
        err.print("make catalog writes it anew")
        raise typer.Exit(Status.STALE)


def _write(path: Path, text: str, *, check: bool) -> bool:
    """Whether the page is stale and stays so."""
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    name = f"{path.parent.name}/{path.name}"
    if text == old:
        out.print(f"{name} is up to date")
    elif check:
        new = f"{name} as it should be"
        difference = difflib.unified_diff(
            old.splitlines(), text.splitlines(), name, new, n=0, lineterm=""
        )
        err.print("\n".join(difference))
    else:
        path.write_text(text, encoding="utf-8")
        out.print(f"wrote {name}")
    return check and text != old
