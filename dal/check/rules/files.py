"""SQL files that no stub binds."""

from collections.abc import Iterator, Sequence

from dal.check.findings import Finding
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement

_HELP = "bind it, add the Queries that binds it to the `queries` of [tool.dal], or delete it"


def files(statements: Sequence[BoundStatement], catalog: Catalog) -> Iterator[Finding]:
    """Files in the projects' folders of statements that no stub uses."""
    bound = {statement.path.resolve() for statement in statements}
    for project in catalog.projects:
        files = {path for folder in project.statements for path in folder.rglob("*.sql")}
        for path in sorted(files):
            if path.resolve() not in bound and not project.needs_no_stub(path):
                yield Finding("orphan-file", path, None, "no stub binds this file", _HELP)
