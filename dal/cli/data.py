"""ping, import, export and the demo."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dal.cli.shell import app, database_url, err, failing_clearly, out
from dal.ping import ping as reach


@app.command()
def ping() -> None:
    """Reach the server of DATABASE_URL, and say what is there.

    Exit status: 0 it answered, 3 the address is wrong, 4 nothing answers there, 5 no TLS or an
    untrusted certificate, 6 user or password refused, 7 no such database, 8 no connection left,
    9 a privilege is missing.
    """
    with failing_clearly():
        found = reach(database_url())
    out.print(f"server      PostgreSQL {found.version}")
    out.print(f"role        {found.role}")
    out.print(f"TLS         {found.tls or 'no'}")
    out.print(f"pooler      {'yes' if found.pooler else 'no'}")
    out.print(f"schema      {found.schema}")
    out.print(f"round trip  {found.seconds * 1000:.2f} ms")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="JSON lines; - reads standard input.")],
    user_id: Annotated[str | None, typer.Option(help="The owner of lines that name none.")] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Leave bad lines out instead of stopping.")
    ] = False,
    rejects: Annotated[
        Path | None,
        typer.Option(help="Where bad lines go, with number and reason: FILE.rejects by default."),
    ] = None,
) -> None:
    """Write the conversations and tasks of a file to DATABASE_URL.

    By default a bad line stops it, and nothing of the file stays.
    """
    from dal.jsonl.files import import_file

    into = (
        (rejects or Path(f"{'stdin' if str(file) == '-' else file}.rejects"))
        if keep_going
        else None
    )
    with failing_clearly():
        summary = import_file(database_url(), file, user_id=user_id, rejects=into, console=err)
    for name, number in asdict(summary).items():
        out.print(f"{name.replace('_', ' '):<20} {number:>10,}")
    if summary.rejected:
        err.print(f"{summary.rejected} bad lines are in {into}")
        raise typer.Exit(1)


@app.command()
def export(
    user_id: Annotated[str | None, typer.Option(help="Only what is this user's.")] = None,
) -> None:
    """Write conversations and tasks of DATABASE_URL to standard output, as JSON lines."""
    from dal.jsonl.files import export_to

    with failing_clearly():
        export_to(database_url(), sys.stdout.buffer, user_id=user_id)


@app.command()
def demo(
    data: Annotated[
        Path | None,
        typer.Option(
            help='Dialogues to play, one a line: {"user_id", "messages": [{"role", "content",'
            ' "metadata"?}]}.'
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(help="A server to play on, in a fresh database that is dropped afterwards."),
    ] = None,
) -> None:
    """Play dialogues through the public functions and show what a person would look at.

    It runs on an embedded PostgreSQL; DATABASE_URL and .env are ignored.
    """
    from dal.demo import play  # it needs the extra `embedded`

    with failing_clearly():
        play(Console(highlight=False, soft_wrap=True), data=data, url=url)
