"""Columns that may be NULL where the stub does not take None."""

from collections.abc import Iterator

from dal.check.findings import Finding
from dal.check.nullability import Nullability, Output
from dal.check.rules.columns import SCALARS, record_fields, signals
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.check.types import optional


def nulls(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """Columns that may be NULL, or are not proven never to be, and whose field takes no None."""
    binding = statement.binding
    if binding.shape in SCALARS:
        return
    fields, flags = record_fields(binding), signals(binding)
    for (name, _), output in zip(statement.description.columns, statement.outputs, strict=True):
        field = fields.get(name)
        if name in flags or (field is not None and not optional(field.annotation)):
            yield from _null(statement, name, output, catalog)


def _null(
    statement: BoundStatement, name: str, output: Output, catalog: Catalog
) -> Iterator[Finding]:
    nullability = output.nullability
    if "." in name and output.origin:
        # An item of a join: where the whole item is missing there is none to be read.
        table, column = output.origin
        if catalog.columns.get(table, {}).get(column):
            nullability = Nullability.NOT_NULL
    if nullability is Nullability.NOT_NULL:
        return
    what = f"{name} may be NULL"
    if nullability is Nullability.UNKNOWN:
        what = f"it is not proven that {name} is never NULL"
    yield statement.finding(
        "nullable",
        statement.source.column(name),
        f"{what} ({output.reason}), and its field does not take None",
        "make the field Optional, give the column a value, as coalesce() does, or say"
        f" `-- Waives nullable on {name}: why.` in the header comment",
        name,
    )
