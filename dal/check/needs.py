"""Statements over what a database may lack: the view of an extension.

Their head comment names it: `-- Needs pg_stat_statements: what is done without it.`
"""

import re
from collections.abc import Sequence

from dal.binding.query import Binding
from dal.check.describe import Database
from dal.check.head import Head
from dal.check.source import Source

_NEEDS = re.compile(r"Needs (\w+): \S")


def lacking(bindings: Sequence[Binding], database: Database) -> dict[str, str]:
    """The statements that can't be proven here, by name, and what each one lacks."""
    found = {}
    for binding in bindings:
        path = binding.statement.path
        words = {token.text for token in Source.read(path).loud}
        for need, _ in Head.read(path).matching(_NEEDS):
            # What the statement does not name can't be what is in the way.
            if need[1] in words and need[1] not in database.columns:
                found[binding.statement.name] = need[1]
    return found
