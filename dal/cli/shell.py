"""What all commands share: where DATABASE_URL comes from, and how they end."""

import os
import sys
from pathlib import Path
from typing import Any

import dotenv
import typer
from typer.core import TyperGroup

from dal import errors
from dal.cli import streams
from dal.database.reasons import TlsError
from dal.migrate import PoolerError, ReadOnlyError, UnfitError

PENDING = 14
DISAGREEMENT = 13
BROKEN_PIPE = 141  # as the shell says it of a program that SIGPIPE has ended
# The first that fits, by SQLSTATE or its class, then by kind. 1 is anything else, and 2 is Typer's
# for a wrong call.
_BY_SQLSTATE = {"28": 6, "3D000": 7, "53300": 8, "42501": 9, "25006": 10}
_BY_KIND: list[tuple[type[errors.DalError], int]] = [
    (PoolerError, 11),
    (ReadOnlyError, 10),
    (errors.TransactionConflictError, 12),
    (UnfitError, DISAGREEMENT),
    (errors.SchemaMismatchError, DISAGREEMENT),
    (errors.PermissionDeniedError, 9),
    (errors.ConfigurationError, 3),
    (TlsError, 5),
    (errors.DatabaseUnavailableError, 4),
    (errors.ConnectionLostError, 4),
]


class Commands(TyperGroup):
    """The commands; each fails with one sentence and the exit status for its kind."""

    def invoke(self, ctx: Any) -> Any:
        """Run the one that was called."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # whoever read the output has had enough
            raise typer.Exit(BROKEN_PIPE) from None
        except (errors.DalError, OSError) as error:
            streams.complain(error)
            raise typer.Exit(_exit_status(error)) from None


app = typer.Typer(
    name="dal",
    cls=Commands,
    help="Chat memory on plain PostgreSQL.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def run() -> int:
    """Run the command line.

    Returns:
        The exit status.
    """
    streams.prepare()
    status = 1
    try:
        with streams.naming("standard output"):  # where help goes
            app()
    except SystemExit as end:
        status = int(end.code or 0)
    except OSError as error:
        streams.complain(error)
    try:
        streams.flush()
    except BrokenPipeError:
        return status or BROKEN_PIPE
    except OSError as error:
        if not status:
            streams.complain(error)
        return status or 1
    return status


def database_url() -> str:
    """DATABASE_URL of the environment, else of `.env`.

    Raises:
        ConfigurationError: it is in neither.
    """
    url = database_url_if_any()
    if not url:
        raise errors.ConfigurationError(
            "DATABASE_URL is not set; export it, or write it into .env (.env.example shows how)"
        )
    return url


def database_url_if_any() -> str | None:
    """The same, or None.

    Raises:
        ConfigurationError: `.env` can't be read.
    """
    try:
        dotenv.load_dotenv(Path(".env"))  # the environment wins
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
    else:
        return os.environ.get("DATABASE_URL") or None
    raise errors.ConfigurationError(f".env can't be read: {reason}")


def confirm(question: str) -> None:
    """Go on if a person says yes; where nobody can be asked, the option --yes does."""
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"{question} Nobody is here to ask; say --yes to go on")
    if not typer.confirm(question):
        raise typer.Exit(1)


def _exit_status(error: Exception) -> int:
    sqlstate = getattr(error, "sqlstate", None) or ""
    for key in (sqlstate, sqlstate[:2]):
        if key in _BY_SQLSTATE:
            return _BY_SQLSTATE[key]
    return next((status for kind, status in _BY_KIND if isinstance(error, kind)), 1)
