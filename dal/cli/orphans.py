"""dal orphans."""

from collections import Counter
from typing import Annotated

import typer

import dal
from dal.cli.app import Group, command
from dal.cli.batches import DAY, with_database
from dal.cli.options import Json
from dal.cli.progress import progress
from dal.cli.statuses import WRITING, ExitStatus
from dal.cli.streams import out, print_json
from dal.maintenance import Orphan, delete_orphans, find_orphans

_SHOWN = 20


@command("orphans", Group.MAINTAIN, *WRITING, ExitStatus.FOUND)
def orphans(
    delete: Annotated[
        bool,
        typer.Option(
            "--delete", help="Delete orphaned rows, and advance outdated conversation times."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Find rows whose user or conversation is missing.

    It also finds conversations with outdated times, which are before their newest message. It reads
    every row; DAL_COMMAND_TIMEOUT does not apply.
    """

    async def look(db: dal.Database) -> list[Orphan]:
        return [orphan async for orphan in find_orphans(db)]

    async def work(db: dal.Database) -> tuple[list[Orphan], int]:
        repaired, before, remaining = 0, list[Orphan](), await look(db)
        # A conversation that is deleted may leave its messages behind. Where all come back, a
        # trigger undoes the repair.
        while delete and remaining != before and (deleted := await delete_orphans(db, remaining)):
            repaired, before, remaining = repaired + deleted, remaining, await look(db)
            shown.update(f"mended {repaired:,}")
        return remaining, repaired

    with progress("reading every row") as shown:
        remaining, repaired = with_database("orphans", work, statement_seconds=DAY)
    if as_json:
        rows = [{"kind": orphan.kind.word, "id": orphan.id} for orphan in remaining]
        print_json({"mended": repaired, "orphans": rows})
    else:
        if delete:
            out.print(f"mended {repaired:,}")
        _show(remaining, delete)
    if remaining:
        raise typer.Exit(ExitStatus.FOUND)


def _show(remaining: list[Orphan], delete: bool) -> None:
    for kind, number in Counter(orphan.kind for orphan in remaining).items():
        out.print(f"{number:>10,}  {kind.value}")
    for orphan in remaining[:_SHOWN]:
        out.print(f"            {orphan.kind.word} {orphan.id}")
    if len(remaining) > _SHOWN:
        out.print(f"            and {len(remaining) - _SHOWN:,} more")
    if not remaining:
        out.print("there are no orphans")
    elif not delete:
        out.print("dal orphans --delete deletes them, and advances outdated conversation times")
