"""dal lint-migrations."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dal import migrate as migrations
from dal.cli.app import Group, command
from dal.cli.current_projects import own_folder
from dal.cli.options import Json
from dal.cli.statuses import ExitStatus
from dal.cli.streams import err, notes, out, print_json
from dal.migrate import Folder

_ABOUT_WAIVERS = ("waiver", "needless-waiver")


@command("lint-migrations", Group.DEVELOP, ExitStatus.ADDRESS, ExitStatus.UNFIT)
def lint_migrations(
    freeze: Annotated[
        bool, typer.Option("--freeze", help="Add new files to SHA256SUMS if they are fit.")
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", readable=False, help="Where they are, if not where the project says."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Look for what would go wrong with the migrations' files.

    It needs no database. With squawk (pip install squawk-cli) it also finds what they would do to a
    live database.
    """
    where = Folder(folder) if folder else own_folder()
    findings = migrations.lint(where, frozen=not freeze)
    of_squawk: list[migrations.LintFinding] = []
    try:
        of_squawk = migrations.squawk(where)
    except migrations.MissingToolError as error:
        if freeze:  # a frozen file can't be changed any more
            raise
        notes.print(f"note: {error}")
    findings += of_squawk
    frozen = migrations.freeze(where) if freeze and not findings else []
    for name in frozen:
        (notes if as_json else out).print(f"froze {name}")
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            err.print(str(finding), style="red")
        for rule in [each.rule for each in of_squawk if each.rule not in _ABOUT_WAIVERS][:1]:
            notes.print(
                f"what is meant is waived at the top of its file, as by `-- Waives {rule}: why.`"
            )
    if findings:
        raise typer.Exit(ExitStatus.UNFIT)
    if not as_json:
        out.print("the migrations are fit to be run")
