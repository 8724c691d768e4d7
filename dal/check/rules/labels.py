"""Enums whose labels differ from what the schema allows."""

import re
from collections.abc import Iterator

from dal.check.findings import Finding
from dal.check.rules.columns import SCALARS, record_fields
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.check.types import enum_of

_LABEL = re.compile(r"'((?:[^']|'')*)'::")


def labels(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """Enums against the CHECK on the column that their field is read from."""
    binding = statement.binding
    if binding.shape in SCALARS:
        return
    fields = record_fields(binding)
    for name, value in statement.analysis.columns:
        enum = enum_of(fields[name].annotation) if name in fields else None
        checks = catalog.checks.get(value.origin, []) if value.origin else []
        if enum is None or not checks:
            continue
        allowed = {label.replace("''", "'") for check in checks for label in _LABEL.findall(check)}
        for differing, message in (
            (allowed - set(enum), f"the CHECK allows what {enum.__name__} has not"),
            (set(enum) - allowed, f"{enum.__name__} has what the CHECK refuses"),
        ):
            if differing:
                yield statement.finding(
                    "enum-labels",
                    statement.source.column(name),
                    f"{message}: {', '.join(sorted(differing))}",
                    "let the enum and the CHECK have the same labels",
                    name,
                )
