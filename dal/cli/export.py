"""dal export."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Annotated, BinaryIO
from uuid import UUID

import typer

import dal
from dal.cli.address import database_url
from dal.cli.app import Group, command
from dal.cli.current_projects import require_dal
from dal.cli.progress import progress
from dal.cli.statuses import READING, ExitStatus
from dal.cli.streams import err, is_regular, naming


@command("export", Group.DATA, *READING, quiet=False)
def export(
    user_id: Annotated[
        str | None, typer.Option(metavar="ID", help="Only what is this user's.")
    ] = None,
) -> None:
    """Write conversations and tasks as JSON lines.

    They go to standard output. One that can't be written is named on standard error, the others
    are still written, and the exit status is 1.
    """
    from dal.jsonl import exporting
    from dal.jsonl.spool import Spool

    require_dal("export")
    left_out = written = lines = 0

    def unwritable(_: str, kind: str, id: UUID, reason: str) -> None:
        nonlocal left_out
        left_out += 1
        err.print(f"left out the {kind} {id}: {reason}")

    async def run(write: Callable[[bytes], object]) -> None:
        async with dal.connect(url, min_size=1, application_name="dal export") as db:
            # Only a missing option means everyone: an empty variable gives '', which is refused.
            if user_id is None:
                await exporting.send_all_lines(db, write, unwritable=unwritable)
            else:
                await exporting.send_user_lines(db, write, user_id=user_id, unwritable=unwritable)

    with _output() as file, progress("exporting") as shown:

        def counted(write: Callable[[bytes], object]) -> Callable[[bytes], None]:
            def add(line: bytes) -> None:
                nonlocal lines, written
                write(line)
                lines, written = lines + 1, written + len(line)
                shown.update(f"exporting: {lines:,} lines, {written / 2**20:,.1f} MiB")

            return add

        url = database_url()
        if is_regular(file):
            asyncio.run(run(counted(file.write)))
        else:  # its reader may be slow
            with closing(Spool()) as spool:
                asyncio.run(run(counted(spool.add)))
                for line in spool:
                    file.write(line)
    if left_out:
        raise typer.Exit(ExitStatus.FAILED)


@contextmanager
def _output() -> Iterator[BinaryIO]:
    try:
        descriptor = sys.stdout.fileno()
    except OSError:  # a caller within Python has put something else there
        yield sys.stdout.buffer
        return
    # A buffer of its own, so that a write that a full disk refuses is not repeated at the exit.
    with naming("standard output"), open(descriptor, "wb", closefd=False) as file:
        yield file
