"""dal grants."""

from typing import Annotated

import typer

from dal.cli.address import database_url
from dal.cli.app import Group, command
from dal.cli.statuses import CONNECTING
from dal.cli.streams import out
from dal.migrate import grants as privileges
from dal.project import service


@command("grants", Group.DEPLOY, *CONNECTING, quiet=False)
def grants(
    role: Annotated[
        str, typer.Option(metavar="NAME", help="The role that the service logs in as.")
    ],
) -> None:
    """Print the privileges that a service's role needs, as SQL.

    Run its output as the tables' owner after each dal migrate:

    dal grants --role chat_service | psql "$DATABASE_URL"

    It covers dal's tables and, for a service with migrations of its own, the tables, views and
    sequences that these create. Comments have what else is on the search path of DATABASE_URL, and
    two REVOKEs that concern every role, for the database's owner to decide on.
    """
    project = service.find()
    uses_dal = project is None or project.settings.dal
    parts = [privileges.own(role)] if uses_dal else []
    if project and project.migrations:
        folder = project.migrations
        parts.append(privileges.others(database_url(), role, folder, beside_own=uses_dal))
    out.print("\n".join(parts).rstrip())
