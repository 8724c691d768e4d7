"""dal sql."""

from dal.cli import statements
from dal.cli.app import Group, command
from dal.cli.options import Json
from dal.cli.statuses import ExitStatus
from dal.cli.streams import out, print_json


@command("sql", Group.PROVE, ExitStatus.ADDRESS, quiet=False)
def sql(
    name: statements.Name = None,
    as_json: Json = False,
) -> None:
    """Print a statement as it is sent, or list them all."""
    if name is None:
        statements.show_all(as_json=as_json)
        return
    statement = statements.find(name).statement
    if as_json:
        parameters = list(statement.parameters)
        print_json({"name": name, "parameters": parameters, "sql": statement.text})
    else:
        out.print(statement.text)
