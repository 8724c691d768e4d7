"""Findings about statements that PostgreSQL refuses, and files that fit no stub."""

import re
from difflib import get_close_matches

from dal.binding.errors import BindingError
from dal.check.findings import Finding
from dal.check.server.catalog import Catalog
from dal.check.server.describe import RefusedError
from dal.check.statement import BoundStatement

_UNKNOWN = re.compile(r'(?:column|relation) "?([\w.]+)"? does not exist')


def refusal(statement: BoundStatement, catalog: Catalog, error: RefusedError) -> Finding:
    """The finding about a statement that PostgreSQL can't prepare."""
    help_ = error.hint or "correct the file, or migrate the database to this version"
    if unknown := _UNKNOWN.fullmatch(str(error)):
        tables = catalog.schema.visible
        names = [*tables, *{name for table in tables.values() for name in table.columns}]
        suggestions = get_close_matches(unknown[1].rpartition(".")[2], names, n=3)
        help_ = f"did you mean {' or '.join(suggestions)}?" if suggestions else help_
    offset = None if error.position is None else statement.at(error.position)
    return statement.finding("refused", offset, str(error), help_)


def misfit(error: BindingError) -> Finding:
    """The finding about a file that does not fit its stub."""
    help_ = "make the SQL file and its stub agree"
    return Finding("misfit", error.path, error.offset, error.rule, help_)
