"""Arguments that may be None, and are written to a column that is NOT NULL."""

from collections.abc import Iterator

from dal.check.findings import Finding
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.check.types.annotations import gives_none


def written(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """Arguments that a statement writes as they are, of those that may be None.

    What it writes through anything else, such as coalesce() or CASE, is not looked at.
    """
    names = statement.binding.statement.parameters
    reported = set()
    for table, column, value in statement.analysis.writes:
        required = column in table.columns and table.columns[column].declared
        for number, is_item in (
            sorted(value.parameters) if required and not value.never_null else ()
        ):
            name = names[int(number) - 1]
            if (
                gives_none(statement.annotations[name], items=is_item)
                and (name, column) not in reported
            ):
                reported.add((name, column))
                yield statement.finding(
                    "nullable",
                    statement.source.parameter(name),
                    f":{name} may be None, and is written to {table.name}.{column}, which is NOT"
                    " NULL",
                    "annotate it without None, or give the column a value, as coalesce() does",
                    f":{name}",
                )
