"""import and export: JSON lines between files and a database."""

import asyncio
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, BinaryIO
from uuid import UUID

import typer
from rich.progress import wrap_file

import dal
from dal.cli.shell import app, database_url
from dal.cli.streams import err, naming, out
from dal.errors import InvalidInputError


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="JSON lines; - reads standard input.")],
    user_id: Annotated[str | None, typer.Option(help="The owner of lines that name none.")] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Leave bad lines out instead of stopping.")
    ] = False,
    rejects: Annotated[
        Path | None,
        typer.Option(help="Where bad lines go, with number and reason: FILE.rejects by default."),
    ] = None,
) -> None:
    """Write the conversations and tasks of a file to DATABASE_URL.

    By default a bad line stops it, and nothing of the file stays.
    """
    from dal.cli.rejects import Rejects
    from dal.jsonl.importing import Summary, write_lines

    if rejects and not keep_going:
        raise typer.BadParameter("it goes with --keep-going", param_hint="--rejects")
    name = "stdin" if str(file) == "-" else file
    into = rejects or Path(f"{name}.rejects")

    async def run(lines: Iterable[bytes], bad: Rejects | None) -> Summary:
        async with dal.connect(url, min_size=1, application_name="dal import") as db:
            return await write_lines(
                db,
                lines,
                user_id=user_id,
                reject=bad.add if bad else None,
                # After each batch, and so before anything is committed.
                progress=(lambda _: bad.sync()) if bad else None,
            )

    url = database_url()
    with Rejects(into) if keep_going else nullcontext() as bad, _lines_of(file) as lines:
        summary = asyncio.run(run(lines, bad))
    for kind, number in asdict(summary).items():
        out.print(f"{kind.replace('_', ' '):<20} {number:>10,}")
    if summary.rejected:
        raise typer.Exit(1)


@app.command()
def export(
    user_id: Annotated[str | None, typer.Option(help="Only what is this user's.")] = None,
) -> None:
    """Write conversations and tasks of DATABASE_URL to standard output, as JSON lines.

    Exit status 1: one of them can't be written; it is named, and the others are there.
    """
    from dal.jsonl import exporting
    from dal.jsonl.spool import Spool

    left_out = 0

    def unwritable(_: str, kind: str, id: UUID, reason: str) -> None:
        nonlocal left_out
        left_out += 1
        err.print(f"left out the {kind} {id}: {reason}")

    async def run(write: Callable[[bytes], object]) -> None:
        async with dal.connect(url, min_size=1, application_name="dal export") as db:
            # Asked for by leaving the option out, not by an empty variable: '' is refused.
            if user_id is None:
                await exporting.write_everyone(db, write, unwritable=unwritable)
            else:
                await exporting.write_user(db, write, user_id=user_id, unwritable=unwritable)

    with _output() as file:
        url = database_url()
        if _is_regular(file):
            asyncio.run(run(file.write))
        else:  # whoever reads it may be slow
            with Spool() as spool:
                asyncio.run(run(spool.add))
                for line in spool:
                    file.write(line)
    if left_out:
        raise typer.Exit(1)


@contextmanager
def _lines_of(file: Path) -> Iterator[Iterable[bytes]]:
    """The lines of a file, once none of them has to be waited for."""
    from dal.jsonl.spool import Spool

    with _opened(file) as opened:
        if not _is_regular(opened):
            with Spool() as spool:
                for line in _read(opened, file):
                    spool.add(line)
                yield spool
        elif err.is_terminal:
            size = os.fstat(opened.fileno()).st_size
            with wrap_file(opened, size, description="importing", console=err) as shown:
                yield _read(shown, file)
        else:
            yield _read(opened, file)


def _read(opened: BinaryIO, file: Path) -> Iterator[bytes]:
    from dal.jsonl.spool import read_lines

    with naming("standard input" if str(file) == "-" else str(file)):
        yield from read_lines(opened)


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


@contextmanager
def _output() -> Iterator[BinaryIO]:
    try:
        descriptor = sys.stdout.fileno()
    except OSError:  # a caller within Python has put something else there
        yield sys.stdout.buffer
        return
    # A buffer of its own: what a full disk has not taken is not tried again at the exit.
    with naming("standard output"), open(descriptor, "wb", closefd=False) as file:
        yield file


def _is_regular(file: BinaryIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    except OSError:  # it has no descriptor
        return False
