"""dal import."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

import dal
from dal.cli.address import database_url
from dal.cli.app import Group, command
from dal.cli.current_projects import require_dal
from dal.cli.options import Json
from dal.cli.progress import ProgressLine, progress
from dal.cli.statuses import WRITING, ExitStatus
from dal.cli.streams import is_regular, naming, out, print_json
from dal.errors import InvalidInputError


@command("import", Group.DATA, *WRITING)
def import_(
    file: Annotated[
        # The import reports a file that can't be read, with its own exit status.
        Path, typer.Argument(readable=False, help="JSON lines; - reads standard input.")
    ],
    user_id: Annotated[
        str | None, typer.Option(metavar="ID", help="The owner of lines that name none.")
    ] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Leave bad lines out instead of stopping.")
    ] = False,
    rejects: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            readable=False,
            help="File for bad lines, with number and reason. Default: the input's path plus"
            " .rejects; required with --keep-going when the input is a pipe or -.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Import conversations and tasks from a file.

    By default, a bad line stops the import and nothing is stored. With --keep-going, the good
    lines are stored, and the exit status is 1 if any line was bad.
    """
    from dal.cli.rejects import Rejects
    from dal.jsonl.importing import Summary, store_lines

    require_dal("import")
    if rejects and not keep_going:
        raise typer.BadParameter("needs --keep-going", param_hint="--rejects")
    if keep_going and not rejects:
        if str(file) == "-" or (file.exists() and not file.is_file() and not file.is_dir()):
            raise typer.BadParameter(
                "input from a pipe needs --rejects FILE for the bad lines",
                param_hint="--keep-going",
            )
        rejects = Path(f"{file}.rejects")

    async def run(lines: Iterable[bytes], bad: Rejects | None, shown: ProgressLine) -> Summary:
        def after_batch(summary: Summary) -> None:
            if bad:  # before anything is committed
                bad.sync()
            shown.update(f"importing: {summary.lines:,} lines, {summary.messages:,} messages")

        async with dal.connect(url, min_size=1, application_name="dal import") as db:
            return await store_lines(
                db,
                lines,
                user_id=user_id,
                reject=bad.add if bad else None,
                progress=after_batch,
            )

    url = database_url()
    with (
        Rejects(rejects) if rejects else nullcontext() as bad,
        _opened(file) as opened,
        progress("importing", total=_size(opened)) as shown,
        _lines_of(opened, file, shown) as lines,
    ):
        summary = asyncio.run(run(lines, bad, shown))
    if as_json:
        print_json(asdict(summary))
    else:
        for kind, number in asdict(summary).items():
            out.print(f"{kind.replace('_', ' '):<20} {number:>10,}")
    if summary.rejected:
        raise typer.Exit(ExitStatus.FAILED)


def _size(file: BinaryIO) -> int | None:
    return os.fstat(file.fileno()).st_size if is_regular(file) else None


@contextmanager
def _lines_of(opened: BinaryIO, file: Path, shown: ProgressLine) -> Iterator[Iterable[bytes]]:
    """The lines of a file, once all of them can be read without waiting."""
    from dal.jsonl.spool import Spool

    if is_regular(opened):
        yield _read(opened, file, lambda read: shown.update(completed=read))
        return

    def report(read: int) -> None:
        shown.update(f"reading: {read / 2**20:,.1f} MiB")

    with closing(Spool()) as spool:
        for line in _read(opened, file, report):
            spool.add(line)
        yield spool


def _read(opened: BinaryIO, file: Path, report: Callable[[int], None]) -> Iterator[bytes]:
    from dal.jsonl.spool import read_lines

    read = 0
    with naming("standard input" if str(file) == "-" else str(file)):
        for line in read_lines(opened):
            read += len(line)
            report(read)
            yield line


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    try:
        opened = file.open("rb")
    except OSError as error:
        raise InvalidInputError(f"{file}: {error.strerror}") from None
    with opened:
        yield opened
