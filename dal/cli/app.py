"""The frame of all commands: how they are declared, listed and run, and their exit statuses."""

import inspect
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from dal import __version__, errors
from dal.cli import streams
from dal.cli.statuses import ANYWHERE, DECLARED, ExitStatus, listing
from dal.database.connect_errors import TlsError
from dal.database.sqlstates import INSUFFICIENT_PRIVILEGE, READ_ONLY, TOO_MANY_CONNECTIONS
from dal.distribute import PendingError
from dal.migrate import PoolerError, ReadOnlyError, UnfitError

# The first that fits, by SQLSTATE or its class, then by kind.
_BY_SQLSTATE = {
    "28": ExitStatus.REFUSED,
    "3D000": ExitStatus.NO_DATABASE,
    TOO_MANY_CONNECTIONS: ExitStatus.CROWDED,
    INSUFFICIENT_PRIVILEGE: ExitStatus.FORBIDDEN,
    READ_ONLY: ExitStatus.READ_ONLY,
}
_BY_KIND: list[tuple[type[errors.DalError], ExitStatus]] = [
    (PoolerError, ExitStatus.POOLER),
    (ReadOnlyError, ExitStatus.READ_ONLY),
    (errors.TransactionConflictError, ExitStatus.LOCKED),
    (PendingError, ExitStatus.PENDING),
    (UnfitError, ExitStatus.UNFIT),
    (errors.SchemaMismatchError, ExitStatus.UNFIT),
    (errors.PermissionDeniedError, ExitStatus.FORBIDDEN),
    (errors.ConfigurationError, ExitStatus.ADDRESS),
    (TlsError, ExitStatus.UNTRUSTED),
    (errors.DatabaseUnavailableError, ExitStatus.UNREACHABLE),
    (errors.ConnectionLostError, ExitStatus.UNREACHABLE),
]


class Group(StrEnum):
    """The headings of `dal --help`, in the order in which the commands are imported."""

    USE = "Use"
    DEPLOY = "Deploy"
    DATA = "Data"
    PROVE = "Prove"
    MAINTAIN = "Maintain"
    DEVELOP = "Develop"


class Commands(TyperGroup):
    """The commands; each fails with one sentence and the exit status for its kind."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was called."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # the reader of the output has closed it
            raise typer.Exit(ExitStatus.BROKEN_PIPE) from None
        except (errors.DalError, OSError) as error:
            streams.complain(error)
            raise typer.Exit(_exit_status(error)) from None


app = typer.Typer(
    name="dal",
    cls=Commands,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"{listing(ANYWHERE)}\n\nThe help of a command lists its own as well.",
    pretty_exceptions_enable=False,
)


def _show_version(asked: bool) -> None:
    if asked:
        streams.out.print(f"dal {__version__}")
        raise typer.Exit


@app.callback()
def dal(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Chat memory on plain PostgreSQL.

    Commands that use your database read its address from DATABASE_URL, in the environment or .env.
    """


def command(
    name: str,
    group: Group,
    *statuses: ExitStatus,
    quiet: bool = True,
    **settings: Any,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declare a function as a command, whose docstring is its help.

    Parameters:
        name: the command's name, and its module's.
        group: where `dal --help` lists it.
        statuses: its exit statuses besides those of all commands.
        quiet: whether it has the option --quiet, because its output only reports what it does.
        settings: Typer's.
    """

    def declare(function: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(function)

        @wraps(function)
        def run(**values: Any) -> None:
            streams.silence(values.pop("quiet") if quiet else False)
            function(**values)

        if quiet:
            option = typer.Option("--quiet", "-q", help="Print only errors.")
            kind: Any = Annotated[bool, option]
            added = inspect.Parameter(
                "quiet", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind
            )
            run.__annotations__ = function.__annotations__ | {"quiet": kind}
            parameters = [*signature.parameters.values(), added]
            signature = signature.replace(parameters=parameters)
        run.__signature__ = signature  # type: ignore[attr-defined]
        DECLARED[name] = frozenset([ExitStatus.DONE, ExitStatus.FAILED, *statuses])
        app.command(
            name,
            help=_unwrapped(function),
            epilog=listing(DECLARED[name]),
            rich_help_panel=group.value,
            **settings,
        )(run)
        return function

    return declare


def run() -> int:
    """Run the command line.

    Returns:
        The exit status.
    """
    streams.prepare()
    status = 1
    try:
        with streams.naming("standard output"):  # where help goes
            app(prog_name="dal")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(bool(end.code))
    except OSError as error:
        streams.complain(error)
    try:
        streams.flush()
    except BrokenPipeError:
        return status or ExitStatus.BROKEN_PIPE
    except OSError as error:
        if not status:
            streams.complain(error)
        return status or 1
    return status


def _unwrapped(function: Callable[..., None]) -> str:
    """Its docstring, each paragraph as one line, which a terminal wraps at its own width."""
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    return "\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs)


def _exit_status(error: Exception) -> ExitStatus:
    sqlstate = getattr(error, "sqlstate", None) or ""
    for key in (sqlstate, sqlstate[:2]):
        if key in _BY_SQLSTATE:
            return _BY_SQLSTATE[key]
    return next((status for kind, status in _BY_KIND if isinstance(error, kind)), ExitStatus.FAILED)
