"""The command line: migrations, ping, data in and out, and the demo."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import dotenv
import typer
from rich.console import Console

from dal import migrate as migrations
from dal.errors import ConfigurationError, DalError
from dal.ping import PingError
from dal.ping import ping as reach

app = typer.Typer(
    name="dal",
    help="Chat memory on plain PostgreSQL.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


@app.command()
def migrate() -> None:
    """Apply the pending migrations to DATABASE_URL."""
    with _failing_clearly():
        applied = migrations.apply(_database_url())
    for migration in applied:
        _out.print(f"applied {migration.id} in {migration.seconds * 1000:.0f} ms")
    _out.print("the database is up to date" if applied else "nothing to do: it is up to date")


@app.command()
def rollback() -> None:
    """Undo the last migration of DATABASE_URL; the rows of its tables are lost."""
    with _failing_clearly():
        undone = migrations.rollback(_database_url())
    for migration in undone:
        _out.print(f"rolled back {migration.id} in {migration.seconds * 1000:.0f} ms")
    if not undone:
        _out.print("nothing to do: no migration is applied")


@app.command()
def status() -> None:
    """List the migrations of DATABASE_URL: when each was applied, and which are pending."""
    with _failing_clearly():
        states = migrations.status(_database_url())
    for state in states:
        when = (
            f"applied {state.applied_at:%Y-%m-%d %H:%M:%S} UTC" if state.applied_at else "pending"
        )
        _out.print(f"{state.id:<20} {when}")


@app.command()
def ping() -> None:
    """Reach the server of DATABASE_URL, and say what is there.

    Exit status: 0 it answered, 3 the address is wrong, 4 nothing answers there, 5 no TLS or an
    untrusted certificate, 6 user or password refused, 7 no such database, 8 no connection left,
    9 a privilege is missing.
    """
    with _failing_clearly(configuration=3):
        found = reach(_database_url())
    _out.print(f"server      PostgreSQL {found.version}")
    _out.print(f"role        {found.role}", markup=False)
    _out.print(f"TLS         {found.tls or 'no'}")
    _out.print(f"pooler      {'yes' if found.pooler else 'no'}")
    _out.print(f"schema      {found.schema}")
    _out.print(f"round trip  {found.seconds * 1000:.2f} ms")


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
    with _failing_clearly():
        summary = import_file(_database_url(), file, user_id=user_id, rejects=into, console=_err)
    for name, number in asdict(summary).items():
        _out.print(f"{name.replace('_', ' '):<20} {number:>10,}")
    if summary.rejected:
        _err.print(f"{summary.rejected} bad lines are in {into}", markup=False)
        raise typer.Exit(1)


@app.command()
def export(
    user_id: Annotated[str | None, typer.Option(help="Only what is this user's.")] = None,
) -> None:
    """Write conversations and tasks of DATABASE_URL to standard output, as JSON lines."""
    from dal.jsonl.files import export_to

    with _failing_clearly():
        export_to(_database_url(), sys.stdout.buffer, user_id=user_id)


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

    with _failing_clearly():
        play(_out, data=data, url=url)


def _database_url() -> str:
    dotenv.load_dotenv(Path(".env"))  # the environment wins
    url = os.environ.get("DATABASE_URL")
    if not url:
        raise ConfigurationError(
            "DATABASE_URL is not set; export it, or write it into .env (.env.example shows how)"
        )
    return url


@contextmanager
def _failing_clearly(configuration: int = 1) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # whoever read the output has had enough
        raise
    except (DalError, PingError, OSError, UnicodeDecodeError) as error:
        _err.print(f"error: {error}", style="red", markup=False)
        code = configuration if isinstance(error, ConfigurationError) else 1
        raise typer.Exit(getattr(error, "code", code)) from None
