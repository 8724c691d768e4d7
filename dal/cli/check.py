"""check, sql and explain: the statements, proven and shown."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from dal.binding.query import Binding
from dal.check.findings import Finding
from dal.cli.project import project
from dal.cli.shell import app, database_url, database_url_if_any
from dal.cli.streams import err, out
from dal.errors import InvalidInputError
from dal.migrate import apply
from dal.migrate.connection import connect, explained
from dal.places import MIGRATIONS, SQL

FINDINGS = 16


class Format(StrEnum):
    """How findings are written."""

    TEXT = "text"
    JSON = "json"


@app.command()
def check(
    format_: Annotated[Format, typer.Option("--format", help="For people or machines.")] = (
        Format.TEXT
    ),
    server: Annotated[
        int | None, typer.Option(help="Use this embedded PostgreSQL, whatever DATABASE_URL says.")
    ] = None,
    plans: Annotated[
        bool, typer.Option("--plans", help="Let the plans of DATABASE_URL decide as well.")
    ] = False,
) -> None:
    """Prove every statement against the schema, before anything runs.

    Without DATABASE_URL it makes a database on an embedded PostgreSQL. On a live one it changes
    nothing: all is prepared and explained in a read-only transaction that is rolled back, which
    takes ROW EXCLUSIVE locks for a moment, and the privileges of the service.

    Plans come and go with the rows: those of a live database are shown, and decide only with
    --plans. Notes name what changes the tables' rows and makes no statement wrong, such as a
    trigger.

    Exit status: 0 nothing was found that decides, 16 findings, 3 to 9 as for ping.
    """
    from dal.check.describe import Database
    from dal.check.needs import lacking
    from dal.check.planner import RULES
    from dal.check.run import check as look  # which takes longer to import

    bindings = project()
    with _database(server) as (connection, live, unfilled), explained("check"):
        found = unfilled + look(
            connection, bindings, folder=SQL, migrations=MIGRATIONS, live=live, report=err.print
        )
        absent = lacking(bindings, Database(connection))
        version = connection.info.server_version // 10000
    shown = [finding for finding in found if live and not plans and finding.rule in RULES]
    decisive = [finding for finding in found if finding not in shown]
    if format_ is Format.JSON:
        rows = [one.as_json(_here()) | {"decides": one in decisive} for one in found]
        out.print(json.dumps(rows, indent=2))
    else:
        for one in [*shown, *decisive]:
            err.print(one.as_text(_here()) + "\n")
        what = "the database of DATABASE_URL" if live else "a new database"
        number = len(bindings) - len(absent)
        proven = f"{number} statements against {what} (PostgreSQL {version})"
        out.print(f"{len(decisive)} findings in {proven}" if decisive else f"proved {proven}")
        if shown:
            out.print(f"{len(shown)} findings in plans, which follow the rows; --plans obeys them")
        for name, need in absent.items():
            out.print(f"not proven: {name}, because there is no {need}")
    if decisive:
        raise typer.Exit(FINDINGS)


@app.command("sql")
def sql_(name: Annotated[str, typer.Argument(help="Such as messages.history.")]) -> None:
    """Print a statement exactly as it reaches the server."""
    out.print(_binding(name).statement.text)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def explain(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Such as messages.history.")],
    custom: Annotated[
        bool,
        typer.Option("--custom", help="Plan with the values, as the first runs do."),
    ] = False,
) -> None:
    """Run a statement on DATABASE_URL, show its plan, rows and pages, and roll it back.

    A write waits for its locks, and holds them until the plan is there. The parameters are options,
    as PostgreSQL's text, an array as {a,b}; one that is left out has the function's default (a new
    row's id is made), or is NULL:

    dal explain messages.history --user-id ada --conversation-id ...
    """
    from dal.check.explain import told

    binding = _binding(name)
    given = _options(context.args)
    names = binding.statement.parameters
    if unknown := given.keys() - set(names):
        raise InvalidInputError(
            f"{name} has no {', '.join(sorted(unknown))}; there are {', '.join(names)}"
        )
    values = binding.arguments.left_out(binding.defaults) | given
    with connect(database_url(), application_name="dal explain") as connection, explained(name):
        connection.autocommit = True
        ordered = [values.get(one) for one in names]
        out.print(told(connection, binding.statement, ordered, generic=not custom))


def _here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:  # it was removed
        return Path("/")


def _options(arguments: list[str]) -> dict[str, str]:
    """`--user-id ada` and `--user-id=ada` as {"user_id": "ada"}."""
    given: dict[str, str] = {}
    rest = iter(arguments)
    for argument in rest:
        option, equals, value = argument.partition("=")
        if not option.startswith("--"):
            raise typer.BadParameter(f"{option} is no option; a parameter's is like --user-id")
        name = option[2:].replace("-", "_")
        following = value if equals else next(rest, None)
        if following is None:
            raise typer.BadParameter(f"{option} needs a value")
        if re.search("[\ud800-\udfff]", following):
            raise typer.BadParameter(f"{option} is not UTF-8")
        given[name] = following
    return given


def _binding(name: str) -> Binding:
    bindings = {one.statement.name: one for one in project()}
    if name not in bindings:
        near = get_close_matches(name, bindings, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(bindings)}"
        raise InvalidInputError(f"no statement is called so; {hint}")
    return bindings[name]


@contextmanager
def _database(server: int | None) -> Iterator[tuple[psycopg.Connection, bool, list[Finding]]]:
    """The database of DATABASE_URL, or a new one; whether it is live; and why it is not filled."""
    url = database_url_if_any() if server is None else None
    if url:
        with connect(url, application_name="dal check") as connection:
            connection.autocommit = True
            yield connection, True, []
        return
    from dal import embedded  # it needs the extra `embedded`
    from dal.check.populate import populate

    with embedded.Server(version=server or 18) as postgres:
        apply(postgres.dsn())
        with connect(postgres.dsn(), application_name="dal check") as connection:
            connection.autocommit = True
            yield connection, False, populate(connection)
