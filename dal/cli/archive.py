"""dal archive."""

from dal.cli.app import Group, command
from dal.cli.batches import run_batches
from dal.cli.options import Batch, DryRun, Json, MaxSeconds, OlderThan, Pause, duration
from dal.cli.statuses import WRITING, ExitStatus
from dal.maintenance import archive_stale


@command("archive", Group.MAINTAIN, *WRITING, ExitStatus.MORE)
def archive(
    older_than: OlderThan = "90d",
    batch: Batch = 500,
    pause: Pause = 0.0,
    max_seconds: MaxSeconds = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Archive conversations that nobody has touched for a while.

    Run it again to continue where it stopped. SIGTERM stops it between two batches.
    """
    run_batches(
        "archive",
        "would archive" if dry_run else "archived",
        lambda db: archive_stale(
            db,
            older_than=duration(older_than),
            batch=batch,
            dry_run=dry_run,
        ),
        pause=pause,
        max_seconds=max_seconds,
        as_json=as_json,
    )
