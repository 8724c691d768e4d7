"""dal stats."""

import asyncio
import json
from datetime import timedelta
from typing import Annotated

import typer

import dal
from dal import maintenance
from dal.cli.address import database_url
from dal.cli.app import Group, command
from dal.cli.current_projects import require_dal
from dal.cli.options import ArchivedFor, Json, OlderThan, duration
from dal.cli.statuses import CONNECTING
from dal.cli.streams import Output, out
from dal.stats import Stats
from dal.stats.screen import WIDTH, show


@command("stats", Group.MAINTAIN, *CONNECTING, quiet=False)
def stats(
    as_json: Json = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of --json instead.")
    ] = False,
    older_than: OlderThan = "90d",
    archived_for: ArchivedFor = "90d",
) -> None:
    """Show size, cost and sessions, and what needs attention.

    It reads the catalogue, statistics views and a bounded part of an index. --older-than and
    --archived-for mean the same as for archive and purge. Findings do not change the exit status.
    """
    if schema:
        out.print(json.dumps(Stats.model_json_schema(), indent=2))
        return
    require_dal("stats")
    stale, due = duration(older_than), duration(archived_for)
    seen = asyncio.run(_seen(database_url(), stale, due))
    if as_json:
        out.print(seen.model_dump_json(indent=2))
    else:
        show(seen, Output(width=WIDTH, soft_wrap=False))


async def _seen(url: str, older_than: timedelta, archived_for: timedelta) -> Stats:
    async with dal.connect(url, min_size=1, max_size=1, application_name="dal stats") as db:
        return await maintenance.stats(db, older_than=older_than, archived_for=archived_for)
