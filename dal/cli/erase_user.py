"""dal erase-user."""

from contextlib import aclosing
from dataclasses import asdict
from typing import Annotated

import typer

import dal
from dal.cli.app import Group, command
from dal.cli.batches import run_batches, with_database
from dal.cli.options import Batch, DryRun, Json, MaxSeconds, Pause, Yes, confirm
from dal.cli.statuses import WRITING, ExitStatus
from dal.cli.streams import notes, out, print_json
from dal.errors import UserNotFoundError
from dal.maintenance import Progress, erase_user


@command("erase-user", Group.MAINTAIN, *WRITING, ExitStatus.MORE)
def erase(
    user_id: Annotated[
        str, typer.Argument(help="Whose conversations, messages and tasks.", show_default=False)
    ],
    yes: Yes = False,
    batch: Batch = 20,
    pause: Pause = 0.0,
    max_seconds: MaxSeconds = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Delete a user's conversations, messages and tasks.

    The row in users stays. Run it again to continue where it stopped. SIGTERM stops it between two
    batches.
    """

    async def count(db: dal.Database) -> Progress:
        async with aclosing(erase_user(db, user_id=user_id, dry_run=True)) as run:
            try:
                return await anext(run)
            except UserNotFoundError as error:
                raise UserNotFoundError(
                    "There is no such user; nothing is to be deleted."
                ) from error

    owned = with_database("erase-user", count)
    if dry_run and as_json:
        print_json(asdict(owned))
        return
    (notes if as_json else out).print(
        f"{owned.conversations:,} conversations with their messages, and {owned.tasks:,} tasks;"
        " the row in users stays"
    )
    if dry_run:
        return
    if not yes:
        confirm("Delete them? There is no way back.")
    run_batches(
        "erase-user",
        "deleted",
        lambda db: erase_user(db, user_id=user_id, batch=batch),
        pause=pause,
        max_seconds=max_seconds,
        as_json=as_json,
    )
