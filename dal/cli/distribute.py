"""dal distribute."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.filesize import decimal

from dal import distribute as distribution
from dal.cli.address import database_url
from dal.cli.app import Group, command
from dal.cli.current_projects import folders, owners
from dal.cli.options import Json, Wait
from dal.cli.progress import progress
from dal.cli.statuses import MIGRATING, ExitStatus
from dal.cli.streams import notes, out, print_json
from dal.distribute import Plan
from dal.migrate.session import WAIT_SECONDS


@command("distribute", Group.DEPLOY, *MIGRATING, ExitStatus.PENDING)
def distribute(
    undo: Annotated[bool, typer.Option("--undo", help="Bring the tables back.")] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Check everything and measure a copy, but change nothing."),
    ] = False,
    shards: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=64_000,
            metavar="N",
            help="Parts of each table, instead of Citus' own number.",
        ),
    ] = None,
    existing: Annotated[
        bool, typer.Option("--existing", help="Take tables that were there before dal as well.")
    ] = False,
    wait: Wait = WAIT_SECONDS,
    as_json: Json = False,
) -> None:
    """Spread the tables over the nodes of a Citus cluster.

    Each user's rows go to one node. Writes wait while they are copied; --dry-run says for how long.
    """
    if undo and (shards or existing):
        raise typer.BadParameter("--undo takes neither --shards nor --existing")
    url, (columns, own) = database_url(), owners()
    with progress("bringing back" if undo else "distributing") as shown:
        report = notes.print if as_json else shown.print
        if undo:
            plan = distribution.undo(url, columns, own, dry_run=dry_run, wait=wait, report=report)
        else:
            plan = distribution.apply(
                url,
                columns,
                own,
                shards=shards,
                existing=existing,
                dry_run=dry_run,
                wait=wait,
                folders=folders(),
                report=report,
            )
    if as_json:
        print_json(asdict(plan))
    else:
        _show(plan, undo=undo, dry_run=dry_run)


def _show(plan: Plan, *, undo: bool, dry_run: bool) -> None:
    if dry_run:
        for statement in plan.statements:
            out.print(f"{statement};")
    if not plan.tables:
        if not plan.statements:
            out.print(f"nothing to do: {'no table is' if undo else 'all tables are'} distributed")
        return
    for table in plan.tables:
        out.print(f"{table.table:<24} {table.rows:>14,} rows {decimal(table.bytes):>10}")
    what = f"{plan.shards} shards on {plan.nodes} nodes"
    what = f"back from {what}" if undo else f"into {what}"
    who = "reads and writes" if undo else "writes"
    if dry_run:
        out.print(
            f"{what}; {who} would wait for about {plan.seconds:,.1f} s"
            " (estimated from a sample copy)"
        )
    else:
        out.print(f"{what}; {who} waited for {plan.seconds:,.1f} s")
    if plan.unfinished:
        out.print(
            "brought back; statistics are gathered later, by autovacuum"
            if undo
            else "distributed; what remains of the rows on the coordinator is removed by the next"
            " run"
        )
