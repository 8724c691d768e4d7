"""What PostgreSQL itself finds wrong with a statement."""

import re
from difflib import get_close_matches

from dal.binding.errors import BindingError
from dal.check.findings import Finding
from dal.check.server.catalog import Catalog
from dal.check.server.describe import RefusedError
from dal.check.statement import BoundStatement

_UNKNOWN = re.compile(r'(?:column|relation) "?([\w.]+)"? does not exist')


def refusal(statement: BoundStatement, catalog: Catalog, error: RefusedError) -> Finding:
    """A statement that PostgreSQL can't prepare."""
    help_ = error.hint or "correct the file, or migrate the database to this version"
    if unknown := _UNKNOWN.fullmatch(str(error)):
        tables = catalog.schema.path
        names = [*tables, *{name for table in tables.values() for name in table.columns}]
        near = get_close_matches(unknown[1].rpartition(".")[2], names, n=3)
        help_ = f"did you mean {' or '.join(near)}?" if near else help_
    offset = None if error.position is None else statement.at(error.position)
    return statement.finding("refused", offset, str(error), help_)


def misfit(error: BindingError) -> Finding:
    """A file and a stub that do not fit."""
    return Finding("misfit", error.path, error.offset, error.rule, "let the two fit")
