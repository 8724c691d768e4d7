"""Finds and lists statements by their names."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated

import typer
from rich.table import Table

from dal.binding.binding import Binding
from dal.cli.current_projects import bindings
from dal.cli.streams import out, print_json
from dal.errors import InvalidInputError


def names() -> list[str]:
    """The names that a shell completes for a statement."""
    return [*bindings()]


Name = Annotated[
    str | None,
    typer.Argument(
        help="Such as messages.history; without one, all are listed.", autocompletion=names
    ),
]


def find(name: str) -> Binding:
    """The statement of this name.

    Raises:
        InvalidInputError: there is none; the text has a few similar names.
    """
    named = bindings()
    if name not in named:
        near = get_close_matches(name, named, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "dal sql lists them"
        raise InvalidInputError(f"no statement has that name; {hint}")
    return named[name]


def show_all(*, as_json: bool) -> None:
    """Write the name and the parameters of each statement."""
    listed = sorted((name, binding.statement.parameters) for name, binding in bindings().items())
    if as_json:
        print_json([{"name": name, "parameters": [*parameters]} for name, parameters in listed])
    elif out.is_terminal:
        _show_table(listed)
    else:  # a line for each, for grep
        for name, parameters in listed:
            out.print(" ".join([name, *parameters]))


def _show_table(rows: Iterable[tuple[str, tuple[str, ...]]]) -> None:
    table = Table("statement", "parameters", box=None, pad_edge=False, header_style="bold")
    for name, parameters in rows:
        table.add_row(name, " ".join(parameters))
    out.print(table, soft_wrap=False)
