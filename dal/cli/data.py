"""ping and the demo."""

from pathlib import Path
from typing import Annotated

import typer

from dal.cli.shell import app, database_url
from dal.cli.streams import Output, out
from dal.ping import ping as reach


@app.command()
def ping() -> None:
    """Reach the server of DATABASE_URL, and say what is there.

    Exit status: 0 it answered, 3 the address is wrong, 4 nothing answers there, 5 no TLS or an
    untrusted certificate, 6 user or password refused, 7 no such database, 8 no connection left,
    9 a privilege is missing.
    """
    found = reach(database_url())
    out.print(f"server      PostgreSQL {found.version}")
    out.print(f"role        {found.role}")
    out.print(f"TLS         {found.tls or 'no'}")
    out.print(f"pooler      {'yes' if found.pooler else 'no'}")
    out.print(f"schema      {found.schema}")
    out.print(f"round trip  {found.seconds * 1000:.2f} ms")


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

    play(Output(markup=True), data=data, url=url)
