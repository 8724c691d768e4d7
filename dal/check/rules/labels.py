"""Labels of enums that differ from those that the schema allows."""

import re
from collections.abc import Iterator

from dal.check.findings import Finding
from dal.check.rules.columns import SCALARS, record_fields
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.check.types import labels_of, shown

_LABEL = re.compile(r"'((?:[^']|'')*)'::")
# PostgreSQL's form of IN; other CHECKs do not list labels.
_ONE_OF = re.compile(r"CHECK \(\(\(*\"?\w+\"?\)*(::\w+)? = (ANY \(+ARRAY\[|'[^']*'::\w+\)\)$)")


def labels(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """Enums and Literals that differ from the CHECK on the column that fills their field."""
    binding = statement.binding
    if binding.shape in SCALARS:
        return
    fields = record_fields(binding, [name for name, _ in statement.description.columns])
    for name, value in statement.analysis.columns:
        accepted = labels_of(fields[name].annotation) if name in fields else None
        checks = catalog.checks.get(value.origin, []) if value.origin else []
        checks = [check for check in checks if _ONE_OF.match(check)]
        if accepted is None or not checks:
            continue
        allowed = {label.replace("''", "'") for check in checks for label in _LABEL.findall(check)}
        annotation = shown(fields[name].annotation)
        for differing, message in (
            (allowed - accepted, f"the CHECK allows labels that {annotation} lacks"),
            (accepted - allowed, f"{annotation} has labels that the CHECK refuses"),
        ):
            if differing:
                yield statement.finding(
                    "enum-labels",
                    statement.source.column(name),
                    f"{message}: {', '.join(sorted(differing))}",
                    "give the annotation and the CHECK the same labels",
                    name,
                )
