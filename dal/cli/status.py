"""dal status."""

import typer

from dal import migrate as migrations
from dal.cli.address import database_url
from dal.cli.app import Group, command
from dal.cli.options import Json
from dal.cli.project import folders
from dal.cli.statuses import CONNECTING, Status
from dal.cli.streams import out, print_json


@command("status", Group.DEPLOY, *CONNECTING, Status.UNFIT, Status.PENDING)
def status(as_json: Json = False) -> None:
    """List the migrations, applied and pending.

    Notes name what changes the tables' rows and stops nothing, such as a trigger. The role needs to
    read _yoyo_migration and _yoyo_log alone.
    """
    states = migrations.status(database_url(), folders=folders())
    if as_json:
        rows = [
            {
                "id": one.id,
                "applied_at": one.applied_at.isoformat() if one.applied_at else None,
                "problem": one.problem,
                "notes": one.notes,
            }
            for one in states
        ]
        print_json(rows)
    else:
        for one in states:
            when = (
                f"applied {one.applied_at:%Y-%m-%d %H:%M:%S} UTC" if one.applied_at else "pending"
            )
            out.print(f"{one.id:<20} {when}" + (f"  {one.problem}" if one.problem else ""))
        for note in (note for one in states for note in one.notes):
            out.print(f"note: {note}")
    if any(one.problem for one in states):
        raise typer.Exit(Status.UNFIT)
    if any(one.applied_at is None for one in states):
        raise typer.Exit(Status.PENDING)
