"""archive, purge, erase-user and orphans: care for a database that has grown."""

import asyncio
import re
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import aclosing, contextmanager
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

import dal
from dal.cli.shell import app, confirm, database_url
from dal.cli.streams import err, out
from dal.maintenance import (
    Orphan,
    Progress,
    archive_stale,
    delete_orphans,
    erase_user,
    find_orphans,
    purge_archived,
)

ORPHANS = 16
MORE = 17

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def duration(text: str) -> timedelta:
    """`90d` as a timedelta."""
    match = re.fullmatch(r"(\d{1,6})([smhdw])", text)
    if not match:
        raise typer.BadParameter("write it like 90d, 12h, 30m, 45s or 2w")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


Duration = Annotated[str, typer.Option(metavar="DURATION", help="Such as 90d or 12h.")]
Batch = Annotated[int, typer.Option(min=1, help="Conversations of one transaction.")]
Pause = Annotated[float, typer.Option(min=0, help="Seconds between two batches.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count.")]
MaxSeconds = Annotated[
    float | None, typer.Option(min=0, help="Begin no further batch after so many seconds.")
]


@app.command()
def archive(
    older_than: Duration = "90d",
    batch: Batch = 500,
    pause: Pause = 0.0,
    max_seconds: MaxSeconds = None,
    dry_run: DryRun = False,
) -> None:
    """Archive conversations of DATABASE_URL that nobody has touched for a while.

    Exit status: 0 done, 12 a lock was in the way for too long, 17 out of time and more remains, 3
    to 10 as for ping. Repeating it goes on where it ended; SIGTERM ends it between two batches.
    """
    _run(
        "archive",
        "would archive" if dry_run else "archived",
        lambda db: archive_stale(
            db,
            older_than=duration(older_than),
            batch=batch,
            pause=pause,
            dry_run=dry_run,
            max_seconds=max_seconds,
        ),
    )


@app.command()
def purge(
    archived_for: Duration,
    batch: Batch = 100,
    pause: Pause = 0.0,
    max_seconds: MaxSeconds = None,
    dry_run: DryRun = False,
) -> None:
    """Delete conversations of DATABASE_URL that were archived long ago, with their messages.

    Exit status: as for archive.
    """
    _run(
        "purge",
        "would delete" if dry_run else "deleted",
        lambda db: purge_archived(
            db,
            older_than=duration(archived_for),
            batch=batch,
            pause=pause,
            dry_run=dry_run,
            max_seconds=max_seconds,
        ),
    )


@app.command("erase-user")
def erase(
    user_id: Annotated[str, typer.Argument(help="Whose conversations, messages and tasks.")],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    batch: Batch = 20,
    pause: Pause = 0.0,
    max_seconds: MaxSeconds = None,
    dry_run: DryRun = False,
) -> None:
    """Delete all conversations, messages and tasks of a user of DATABASE_URL; the user stays.

    Exit status: as for archive, and 1 if there is no such user.
    """

    async def count(db: dal.Database) -> Progress:
        async with aclosing(erase_user(db, user_id=user_id, dry_run=True)) as run:
            return await anext(run)

    owned = _with_database("erase-user", count)
    out.print(
        f"{owned.conversations:,} conversations with their messages, and {owned.tasks:,} tasks;"
        " the row in users stays"
    )
    if dry_run:
        return
    if not yes:
        confirm("Delete them? There is no way back.")
    _run(
        "erase-user",
        "deleted",
        lambda db: erase_user(
            db, user_id=user_id, batch=batch, pause=pause, max_seconds=max_seconds
        ),
    )


@app.command()
def orphans(
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete them, and move late clocks up.")
    ] = False,
) -> None:
    """Look for rows of DATABASE_URL that the keys should make impossible; it reads every row.

    Exit status: 0 there are none (left), 16 there are some, 3 to 10 as for ping.
    """

    async def look(db: dal.Database) -> list[Orphan]:
        return [orphan async for orphan in find_orphans(db)]

    async def mend(db: dal.Database) -> tuple[list[Orphan], int]:
        mended, found = 0, await look(db)
        # A conversation that is deleted may leave its messages behind.
        while found and (deleted := await delete_orphans(db, found)):
            mended, found = mended + deleted, await look(db)
        return found, mended

    if delete:
        found, mended = _with_database("orphans", mend)
        out.print(f"mended {mended:,}")
    else:
        found = _with_database("orphans", look)
    for kind, number in Counter(orphan.kind for orphan in found).items():
        out.print(f"{number:>10,}  {kind.value}")
    for orphan in found[:20]:
        out.print(f"            {orphan.kind.name.lower()} {orphan.id}")
    if len(found) > 20:
        out.print(f"            and {len(found) - 20:,} more")
    if not found:
        out.print("there are no orphans")
        return
    if not delete:
        out.print("dal orphans --delete deletes them, and moves late clocks up")
    raise typer.Exit(ORPHANS)


def _run(
    name: str, done: str, start: Callable[[dal.Database], AsyncGenerator[Progress, None]]
) -> None:
    """Show a run's progress until its end, or until SIGTERM asks for it."""

    async def watch(db: dal.Database) -> Progress:
        asked = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked.set)
        progress = Progress()
        with _shown(name) as show:
            async with aclosing(start(db)) as run:
                async for progress in run:
                    show(_sentence(progress, done))
                    if asked.is_set():
                        break
        return progress

    progress = _with_database(name, watch)
    out.print(f"{_sentence(progress, done)}{'' if progress.finished else '; more remains'}")
    for blocked in progress.blocked:
        err.print(f"conversation {blocked} stays: another table refers to it")
    if not progress.finished:
        raise typer.Exit(MORE)


@contextmanager
def _shown(name: str) -> Iterator[Callable[[str], object]]:
    """What shows a sentence: in a line that changes on a terminal, in a new one elsewhere."""
    if not err.is_terminal:
        yield err.print
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bar(*columns, console=err, transient=True) as bar:
        task = bar.add_task(name)
        yield lambda sentence: bar.update(task, description=sentence)


def _sentence(progress: Progress, done: str) -> str:
    parts = [f"{done} {progress.conversations:,} conversations"]
    if progress.tasks:
        parts.append(f"{progress.tasks:,} tasks")
    if progress.passed_over:
        parts.append(f"passed over {progress.passed_over:,} in use")
    if progress.blocked:
        parts.append(f"{len(progress.blocked):,} are referred to and stay")
    return ", ".join(parts)


def _with_database(name: str, act: Callable[[dal.Database], Coroutine[Any, Any, Any]]) -> Any:
    async def run() -> Any:
        async with dal.connect(
            database_url(), min_size=1, max_size=2, application_name=f"dal {name}"
        ) as db:
            return await act(db)

    return asyncio.run(run())
