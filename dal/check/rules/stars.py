"""`*` in a select list."""

from collections.abc import Iterator

from sqlglot import exp

from dal.check.findings import Finding
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement


def stars(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """`*` in a select list or RETURNING, whose columns change with the schema."""
    for node in statement.tree.find_all(exp.Select, exp.Returning):
        for item in node.expressions:
            if item.is_star:
                yield statement.finding(
                    "star",
                    statement.place(item.find(exp.Star)),
                    "`*` changes with the schema, and a cached plan breaks with it",
                    "name the columns",
                )
