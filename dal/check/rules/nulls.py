"""Columns that may be NULL where the stub does not take None."""

import re
from collections.abc import Iterator

from dal.binding.binding import NO_ROW, NULL
from dal.binding.shapes import Shape
from dal.check.analysis.values import Items
from dal.check.findings import Finding
from dal.check.rules.columns import NUMBERS, SCALARS, record_fields, signals
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.check.types import optional
from dal.check.types.elements import takes_no_none

_FIELD = "and its field does not take None"
_HELP = "make the field Optional, or give the column a value, as coalesce() does"
_ELEMENT = (
    "let the list take None, use array_remove(..., NULL), or a CHECK that array_position(...,"
    " NULL) IS NULL"
)
_VALUE = "give it a value, as coalesce() or an aggregate over all rows does, or return a record"


def nulls(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """Columns that may be NULL, though their field takes no None."""
    binding = statement.binding
    if binding.shape in SCALARS:
        if binding.shape is not Shape.NOTHING and not binding.statement.returns_count:
            yield from _scalar(statement)
        return
    types = dict(statement.description.columns)
    fields, flags = record_fields(binding, [*types]), signals(binding)
    columns = statement.analysis.columns
    required_relations = _required_relations(columns)
    for name, value in columns:
        if name not in fields and name not in flags:
            continue
        annotation = fields[name].annotation if name in fields else bool
        # If a join finds no row, there is no item to be read.
        may_be_missing = value.only_null_if_unmatched in required_relations.get(
            name.rpartition(".")[0], ()
        )
        has_value = value.never_null or (
            may_be_missing and name in fields and fields[name].join_optional
        )
        if not optional(annotation) and not has_value:
            message = f"{name} may be NULL ({value.reason}), {_FIELD}"
            yield _nullable(statement, name, message, _HELP)
        elif types[name].on_wire.element and takes_no_none(annotation) and not value.null_free:
            message = f"an element of {name} may be NULL, {_FIELD} in the list"
            yield _nullable(statement, name, message, _ELEMENT)


def _required_relations(columns: Items) -> dict[str, frozenset[int]]:
    """For each item of a join, the relations that must have a row for the item to exist."""
    required_relations: dict[str, frozenset[int]] = {}
    for name, value in columns:
        if item := name.rpartition(".")[0]:
            required_relations[item] = (
                required_relations.get(item, value.null_if_unmatched) & value.null_if_unmatched
            )
    return required_relations


def _scalar(statement: BoundStatement) -> Iterator[Finding]:
    """Statements that may give no row or NULL where the stub returns a number or a flag."""
    analysis = statement.analysis
    types = [type_.on_wire.name for _, type_ in statement.description.columns]
    if len(types) != 1 or types[0] not in NUMBERS:
        return  # `columns` reports it
    [(name, value)] = analysis.columns
    consequence = "; then the function raises DalError: "
    if not value.never_null:
        message = f"the only value, {name}, may be NULL ({value.reason}){consequence}{NULL}"
        yield _nullable(statement, name, message, _VALUE)
    elif not analysis.never_empty:
        yield _nullable(statement, name, f"no row may come back{consequence}{NO_ROW}", _VALUE)


def _nullable(statement: BoundStatement, name: str, message: str, help_: str) -> Finding:
    names = statement.binding.statement.parameters
    message = re.sub(r"\$(\d+)", lambda number: f":{names[int(number[1]) - 1]}", message)
    waiver = f"or say `-- Waives nullable on {name}: why.` in the header comment"
    return statement.finding(
        "nullable", statement.source.column(name), message, f"{help_}; {waiver}", name
    )
