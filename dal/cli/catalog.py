"""dal catalog."""

import difflib
from pathlib import Path
from typing import Annotated

import typer

from dal.cli.app import Group, command
from dal.cli.current_projects import folders, projects
from dal.cli.progress import progress
from dal.cli.statuses import ExitStatus
from dal.cli.streams import err, out
from dal.paths import refuse_installed


@command("catalog", Group.DEVELOP, ExitStatus.ADDRESS, ExitStatus.UNFIT, ExitStatus.STALE)
def catalog(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; say whether a page is stale.")
    ] = False,
    server: Annotated[
        int, typer.Option(metavar="VERSION", help="The embedded PostgreSQL to ask.")
    ] = 18,
) -> None:
    """Write a DBA's pages, CATALOG.md and LOCKS.md.

    Their content comes from an embedded PostgreSQL. They are written next to the statements and
    migrations of the project in the current folder.
    """
    from dal import embedded  # it needs the extra `embedded`
    from dal.catalog import migrations, statements
    from dal.check.throwaway import throwaway_database

    loaded = projects()
    own = loaded[-1]
    if not check:
        for folder in filter(None, (*own.statements[:1], own.migrations)):
            refuse_installed(folder)
    with progress("asking PostgreSQL"), embedded.Server(version=server) as postgres:
        locks = migrations.page(postgres.dsn(), folders())  # which applies them
        pages = {folder / "LOCKS.md": locks for folder in filter(None, [own.migrations])}
        with throwaway_database(
            postgres.dsn(), folders(), loaded, application_name="dal catalog"
        ) as (
            connection,
            *_,
        ):
            for folder in own.statements[:1]:
                pages[folder / "CATALOG.md"] = statements.page(connection, loaded)
        root = own.report_at.parent
        stale = [_write(path, text, root, check=check) for path, text in pages.items()]
    if any(stale):
        err.print("run dal catalog to rewrite it")
        raise typer.Exit(ExitStatus.STALE)


def _write(path: Path, text: str, root: Path, *, check: bool) -> bool:
    """Write or check a page; returns whether it is still stale."""
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
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
