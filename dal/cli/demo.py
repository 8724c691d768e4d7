"""dal demo."""

from pathlib import Path
from typing import Annotated

import typer

from dal.cli.app import Group, command
from dal.cli.statuses import MIGRATING
from dal.cli.streams import Output


@command("demo", Group.USE, *MIGRATING, quiet=False)
def demo(
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            readable=False,
            help='Dialogues to play, one a line: {"user_id", "messages": [{"role", "content",'
            ' "metadata"?}]}.',
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="A server to play on, in a fresh database that is dropped afterwards.",
        ),
    ] = None,
) -> None:
    """Play dialogues through the public functions.

    It prints conversations, messages, tasks and timings, and runs on an embedded PostgreSQL or on
    that of --url; DATABASE_URL and .env are ignored.
    """
    from dal.demo import play  # it needs the extra `embedded`

    play(Output(markup=True), data=data, url=url)
