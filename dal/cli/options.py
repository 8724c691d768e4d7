"""Options that several commands have."""

import re
import sys
from datetime import timedelta
from typing import Annotated

import typer

from dal.cli.current_projects import folders
from dal.cli.statuses import ExitStatus
from dal.cli.streams import out
from dal.inputs import BATCH_ROWS
from dal.migrate import migration

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=36_525)


def migration_ids() -> list[str]:
    """The ids that a shell completes for a migration."""
    return [each.id for each in migration.read(folders())]


def duration(text: str) -> timedelta:
    """`90d` as a timedelta."""
    match = re.fullmatch(r"([0-9]{1,6})([smhdw])", text)
    if not match:
        raise typer.BadParameter("write it like 90d, 12h, 30m, 45s or 2w")
    length = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if length > _LONGEST:
        raise typer.BadParameter("100 years are the most")
    return length


def _checked(text: str) -> str:
    """Check a duration while its option is parsed, so that an error names the option."""
    duration(text)
    return text


Json = Annotated[bool, typer.Option("--json", help="Write JSON, for machines.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Count what would be changed, and change nothing.")
]

Wait = Annotated[
    float,
    typer.Option(
        min=0, metavar="SECONDS", help="How long to wait for other runs and locked tables, in all."
    ),
]

OlderThan = Annotated[
    str,
    typer.Option(
        metavar="DURATION",
        callback=_checked,
        help="How long nobody has touched a conversation, such as 90d, 12h or 2w.",
    ),
]
ArchivedFor = Annotated[
    str,
    typer.Option(
        metavar="DURATION",
        callback=_checked,
        help="Minimum age of both the archiving and the last message, such as 90d, 12h or 2w.",
    ),
]
Batch = Annotated[
    int,
    typer.Option(min=1, max=BATCH_ROWS, metavar="N", help="Conversations per transaction."),
]
Pause = Annotated[
    float,
    typer.Option(min=0, max=3600, metavar="SECONDS", help="How long to rest between two batches."),
]
MaxSeconds = Annotated[
    float | None,
    typer.Option(min=0, metavar="SECONDS", help="Start no new batch after this many seconds."),
]


def confirm(question: str) -> None:
    """Go on if a person answers yes; without a terminal, the option --yes is needed."""
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"{question} Standard input is no terminal; pass --yes to confirm")
    status = ExitStatus.DONE
    try:
        if typer.confirm(question, err=True):
            return
    except typer.Abort:  # by Ctrl-C
        status = ExitStatus.INTERRUPTED
    out.print("nothing was changed")
    raise typer.Exit(status)
