"""The command line: a module for each command, over a function that a program could call."""

import sys
from importlib import import_module
from importlib.util import find_spec
from keyword import iskeyword


def run() -> int:
    """Run the command that the arguments name, and import no other.

    So `dal status` and `dal ping` work whatever the statements are.

    Returns:
        The exit status.
    """
    from dal.cli import app

    module = "".join(sys.argv[1:2]).replace("-", "_")
    module += "_" * iskeyword(module)
    if module.isidentifier() and find_spec(f"dal.cli.{module}"):
        import_module(f"dal.cli.{module}")
    if sys.argv[1:2] not in [[command.name] for command in app.app.registered_commands]:
        import_module("dal.cli.commands")
    return app.run()
