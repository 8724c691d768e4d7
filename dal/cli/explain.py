"""dal explain."""

import re
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from dal.cli import statements
from dal.cli.address import database_url
from dal.cli.app import Group, command
from dal.cli.options import Json
from dal.cli.statuses import WRITING
from dal.cli.streams import out, print_json
from dal.errors import InvalidInputError
from dal.migrate.connection import connect, explained


@command(
    "explain",
    Group.PROVE,
    *WRITING,
    quiet=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def explain(
    context: typer.Context,
    name: statements.Name = None,
    custom: Annotated[
        bool,
        typer.Option(
            "--custom",
            help="Show the plan for these values instead of the generic plan.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Run a statement, show its plan, and roll it back.

    The plan has the rows and pages. A write waits for its locks, and holds them until the plan is
    there. The parameters are options, as PostgreSQL's text, an array as {a,b}; one that is left out
    has the function's default (a new row's id is made), or is NULL:

    dal explain messages.history --user-id ada --conversation-id ...

    Over distributed tables (Citus) the statement is not run, and the plan is that for these values.
    """
    from dal.check.server.explain import explain_text, explained_plan
    from dal.distribute.citus_tables import citus_tables

    if name is None:
        statements.show_all(as_json=as_json)
        return
    binding = statements.find(name)
    options = _options(context.args)
    names = dict.fromkeys((*binding.statement.parameters, *binding.variants[-1].statement.variant))
    if unknown := options.keys() - names.keys():
        raise InvalidInputError(
            f"{name} has no {', '.join(sorted(unknown))}; there are {', '.join(names)}"
        )
    # It has those `-- if` lines whose parameters are given; those of a flag if it is true.
    flags = binding.statement.flags
    kept = {name for name in options if name not in flags or _is_true(name, options[name])}
    statement = next(
        variant.statement
        for variant in reversed(binding.variants)
        if kept >= {*variant.statement.variant}
    )
    values = binding.arguments.default_values(binding.defaults) | options
    with connect(database_url(), application_name="dal explain") as connection, explained(name):
        connection.autocommit = True
        ordered = [values.get(parameter) for parameter in statement.parameters]
        # EXPLAIN ANALYZE of some writes ends the coordinator's process (Citus), and with it every
        # session.
        run = not citus_tables(connection)
        how = {"generic": run and not custom, "run": run}
        if as_json:  # as PostgreSQL's own EXPLAIN (FORMAT JSON)
            print_json([{"Plan": explained_plan(connection, statement, ordered, **how).root}])
        else:
            out.print(explain_text(connection, statement, ordered, **how))


def _is_true(name: str, value: str) -> bool:
    try:
        return bool(TypeAdapter(bool).validate_python(value))
    except ValidationError:
        pass
    raise InvalidInputError(f"--{name.replace('_', '-')} must be true or false")


def _options(arguments: list[str]) -> dict[str, str]:
    """`--user-id ada` and `--user-id=ada` as {"user_id": "ada"}."""
    options: dict[str, str] = {}
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
        options[name] = following
    return options
