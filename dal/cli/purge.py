"""dal purge."""

from dal.cli.app import Group, command
from dal.cli.batches import run_batches
from dal.cli.options import ArchivedFor, Batch, DryRun, Json, MaxSeconds, Pause, duration
from dal.cli.statuses import WRITING, ExitStatus
from dal.maintenance import purge_archived


@command("purge", Group.MAINTAIN, *WRITING, ExitStatus.MORE)
def purge(
    archived_for: ArchivedFor,
    batch: Batch = 100,
    pause: Pause = 0.0,
    max_seconds: MaxSeconds = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Delete conversations that were archived long ago.

    Their messages are deleted too. Run it again to continue where it stopped. SIGTERM stops it
    between two batches.
    """
    run_batches(
        "purge",
        "would delete" if dry_run else "deleted",
        lambda db: purge_archived(
            db,
            older_than=duration(archived_for),
            batch=batch,
            dry_run=dry_run,
        ),
        pause=pause,
        max_seconds=max_seconds,
        as_json=as_json,
    )
