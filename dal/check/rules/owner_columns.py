"""Settings of the owner rule that match no table, so that the rule would have no effect."""

from collections.abc import Iterator, Sequence

from dal.check.findings import Finding
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement

_HELP = "correct it, or take it out"
_VIEW = "set the owner of those tables instead"


def owner_columns(_: Sequence[BoundStatement], catalog: Catalog) -> Iterator[Finding]:
    """Owner columns and tables that a project names and the schema does not have."""
    tables = catalog.schema.visible
    for project in catalog.projects:
        column = project.owner.column
        if column and not any(column in table.columns for table in tables.values()):
            message = f"no table has the owner column {column}"
            yield Finding("owner-column", project.report_at, None, message, _HELP, column)
        for name, owner_column in project.owner.by_table.items():
            # A table may have existed before dal, with other columns.
            if project.comment_prefix:
                continue
            if name not in tables:
                message = f"the owner settings name the table {name}, which does not exist"
                yield Finding("owner-column", project.report_at, None, message, _HELP, name)
            elif tables[name].is_view:
                message = f"{name} is a view, whose rows are those of the tables that it reads"
                yield Finding("owner-column", project.report_at, None, message, _VIEW, name)
            elif owner_column and owner_column not in tables[name].columns:
                message = f"{name} has no column {owner_column}, which is set as its owner column"
                yield Finding("owner-column", project.report_at, None, message, _HELP, name)
