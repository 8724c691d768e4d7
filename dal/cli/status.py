"""dal status."""

import typer

from dal import migrate as migrations
from dal.cli.address import database_url
from dal.cli.app import Group, command
from dal.cli.current_projects import folders
from dal.cli.options import Json
from dal.cli.statuses import READING, ExitStatus
from dal.cli.streams import out, print_json
from dal.distribute import distribution


@command("status", Group.DEPLOY, *READING, ExitStatus.PENDING)
def status(as_json: Json = False) -> None:
    """List the migrations, applied and pending.

    Notes name things that may change rows but stop nothing, such as a trigger. The role only needs
    to read _yoyo_migration and _yoyo_log.
    """
    url = database_url()
    states = migrations.status(url, folders=folders())
    if as_json:
        rows = [
            {
                "id": state.id,
                "applied_at": state.applied_at.isoformat() if state.applied_at else None,
                "problem": state.problem,
                "notes": state.notes,
            }
            for state in states
        ]
        print_json(rows)
    else:
        for state in states:
            when = (
                f"applied {state.applied_at:%Y-%m-%d %H:%M:%S} UTC"
                if state.applied_at
                else "pending"
            )
            out.print(f"{state.id:<20} {when}" + (f"  {state.problem}" if state.problem else ""))
        for note in (note for state in states for note in state.notes):
            out.print(f"note: {note}")
        if spread := distribution(url, application_name="dal status"):
            out.print(f"distributed: {spread}")
    if any(state.problem for state in states):
        raise typer.Exit(ExitStatus.UNFIT)
    if any(state.applied_at is None for state in states):
        raise typer.Exit(ExitStatus.PENDING)
