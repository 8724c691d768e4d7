"""Lists without a defined order."""

from collections.abc import Iterator

from dal.binding.shapes import Shape
from dal.check.findings import Finding
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement


def order(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """Statements without ORDER BY whose stub returns several records."""
    shape = statement.binding.shape
    if shape in (Shape.LIST, Shape.PAGES) and not statement.tree.args.get("order"):
        yield statement.finding(
            "order",
            statement.beginning,
            f"the stub returns {shape.value}, but the statement has no ORDER BY",
            "add it at the end, or say `-- Waives order: the reason.` in the header comment",
        )
