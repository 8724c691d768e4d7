"""dal ping."""

from dataclasses import asdict

from dal.cli.address import database_url
from dal.cli.app import Group, command
from dal.cli.current_projects import folders
from dal.cli.options import Json
from dal.cli.statuses import READING
from dal.cli.streams import out, print_json
from dal.ping import ping as reach


@command("ping", Group.USE, *READING)
def ping(as_json: Json = False) -> None:
    """Connect to the server, and show what is there.

    It prints the version, the role, TLS, whether there is a pooler, the state of the schema and the
    time of a round trip.
    """
    answer = reach(database_url(), folders())
    if as_json:
        print_json(asdict(answer))
        return
    out.print(f"server      PostgreSQL {answer.version}")
    out.print(f"role        {answer.role}")
    out.print(f"TLS         {answer.tls or 'no'}")
    out.print(f"pooler      {'yes' if answer.pooler else 'no'}")
    out.print(f"schema      {answer.schema}")
    if answer.distribution:
        out.print(f"distributed {answer.distribution}")
    out.print(f"round trip  {answer.seconds * 1000:.2f} ms")
