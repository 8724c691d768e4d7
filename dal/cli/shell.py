"""What all commands share: where they print, where DATABASE_URL comes from, how they fail."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dotenv
import typer
from rich.console import Console

from dal import errors
from dal.database.reasons import TlsError
from dal.migrate import PoolerError, ReadOnlyError, UnfitError

app = typer.Typer(
    name="dal",
    help="Chat memory on plain PostgreSQL.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console(highlight=False, soft_wrap=True, markup=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)

PENDING = 14
DISAGREEMENT = 13
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


def database_url() -> str:
    """DATABASE_URL of the environment, else of `.env`.

    Raises:
        ConfigurationError: it is in neither.
    """
    dotenv.load_dotenv(Path(".env"))  # the environment wins
    url = os.environ.get("DATABASE_URL")
    if not url:
        raise errors.ConfigurationError(
            "DATABASE_URL is not set; export it, or write it into .env (.env.example shows how)"
        )
    return url


@contextmanager
def failing_clearly() -> Iterator[None]:
    """End the command with one sentence and the exit status for its kind."""
    try:
        yield
    except BrokenPipeError:  # whoever read the output has had enough
        raise
    except (errors.DalError, OSError, UnicodeDecodeError) as error:
        err.print(f"error: {error}", style="red")
        raise typer.Exit(_exit_status(error)) from None


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
