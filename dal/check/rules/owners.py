"""Statements that read or change rows without naming their owner."""

from collections.abc import Iterator

from dal.check.findings import Finding
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.check.tree import table_name


def owners(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """Tables with an owner whose rows are not filtered by an owner that the caller names."""
    if not catalog.owners:
        return
    for table, owner in statement.analysis.unfiltered:
        yield statement.finding(
            "owner-filter",
            statement.offset_of(table),
            f"{owner} is not restricted to a value from the caller",
            f"add {owner} = :owner (the parameter may have another name), or write"
            " `-- Waives owner-filter: the reason.` in the header comment",
            table_name(table),
        )
    for part, name, reason in statement.analysis.unanalysed:
        yield statement.finding(
            "not-proven",
            statement.offset_of(part),
            f"can't prove whose rows it reads or changes: {reason}",
            f"rewrite the statement, or write `-- Waives not-proven on {name}: the reason.` in the"
            " header comment",
            name,
        )
