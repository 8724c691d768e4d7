"""The command line: migrations, and the demo."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import dotenv
import typer
from rich.console import Console

from dal import migrate as migrations
from dal.errors import ConfigurationError, DalError

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
def _failing_clearly() -> Iterator[None]:
    try:
        yield
    except DalError as error:
        _err.print(f"error: {error}", style="red", markup=False)
        raise typer.Exit(1) from None
