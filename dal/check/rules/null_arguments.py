"""Arguments that may be None, though they are written to a NOT NULL column."""

from collections.abc import Iterator

from dal.check.findings import Finding
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.check.types.annotations import gives_none


def null_arguments(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """Arguments that may be None and are written unchanged to a NOT NULL column.

    Arguments within other expressions, such as coalesce() or CASE, are not checked.
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
