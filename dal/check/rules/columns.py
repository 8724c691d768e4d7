"""Columns whose names or types do not fit the record that the stub returns."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from dal.binding.binding import Binding
from dal.binding.shapes import Shape, is_record, type_name
from dal.check.findings import Finding
from dal.check.rules.parameters import JSON, listed
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.check.types import Field, PgType, fields, fit, shown

SCALARS = (Shape.NUMBER, Shape.FLAG, Shape.NOTHING)
NUMBERS = ("bigint", "integer", "smallint", "boolean")
_ADVICE = {
    "timestamp without time zone": "annotate it with NaiveDatetime, or make it a timestamptz",
    "timestamp with time zone": "annotate it with AwareDatetime, or cast it",
}


def record_fields(binding: Binding, columns: Sequence[str]) -> dict[str, Field]:
    """The fields that the stub expects the columns to fill, by column."""
    record = binding.records.record
    if is_record(record):
        return fields(record, columns)
    stub = f"{binding.stub.__name__}()"
    return {name: Field(stub, "", record, required=True) for name in columns[:1]}


def signals(binding: Binding) -> set[str]:
    """The boolean columns that are not for the record; `Queries` explains them."""
    return {*binding.signals.columns}


def columns(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """Columns that are missing, superfluous, duplicated, or of another type than their field."""
    binding = statement.binding
    names = [name for name, _ in statement.description.columns]
    for name in sorted({name for name in names if names.count(name) > 1}):
        message = f"two columns are called {name}"
        yield _at(statement, "duplicate-column", name, message, "rename one")
    if binding.shape in SCALARS:
        yield from _scalar(statement)
    elif not names:
        yield statement.finding(
            "fetch-mode",
            statement.beginning,
            f"no rows come back, but the stub returns {binding.shape.value}",
            "add RETURNING, or return int, bool or None",
        )
    elif len(names) > 1 and not is_record(binding.records.record):
        message = f"{len(names)} columns come back, but the stub returns the value of one"
        help_ = "select one column, or return a record"
        yield _at(statement, "fetch-mode", names[1], message, help_)
    else:
        yield from _record(statement)


def _record(statement: BoundStatement) -> Iterator[Finding]:
    """Compare the columns with the fields of a record."""
    described = statement.description.columns
    names = [name for name, _ in described]
    expected, flags = record_fields(statement.binding, names), signals(statement.binding)
    record = type_name(statement.binding.records.record)
    for name, type_ in described:
        if name not in expected and name not in flags:
            near = get_close_matches(name, [*expected, *flags], n=2)
            offers = near or sorted({*expected, *flags} - set(names)) or sorted(expected)
            message = f"{record} has no field {name}"
            help_ = f"leave it out, or call it {' or '.join(offers)}"
            yield _at(statement, "extra-column", name, message, help_)
        elif type_.on_wire.name in JSON:
            message = (
                f"{name} is {type_.name}, whose encoding depends on the codecs set on the"
                " connection"
            )
            help_ = f"read it as text: {name}::text AS {name}"
            yield _at(statement, "json", name, message, help_)
        elif name not in flags:
            for rule, message, help_ in _misfits(name, type_, expected[name]):
                yield _at(statement, rule, name, message, help_)
        elif type_.on_wire.name != "boolean":
            message = f"{name} is {type_.name}, but {record}.{name} takes boolean"
            yield _at(statement, "column-type", name, message, "select a boolean expression")
    missing = sorted(flags.difference(names))
    for field in dict.fromkeys(expected.values()):
        filling = [name for name in expected if expected[name] is field]
        if field.required and not {*filling} & {*names, *flags}:
            missing.append(filling[0])
    for name in missing:
        yield statement.finding(
            "missing-column",
            statement.beginning,
            f"no column {name}, which {record} needs; there are {', '.join(names)}",
            f"select {name}, or give the field a default",
            name,
        )


def _misfits(name: str, type_: PgType, field: Field) -> Iterator[tuple[str, str, str]]:
    """The mismatches of a column and its field: the rule, a message, and what to do."""
    verdict = fit(field.annotation, type_, field.use)
    target = str(field)
    if verdict.fits is None:
        yield (
            "not-proven",
            f"whether {shown(verdict.part)}, the annotation of {target}, takes {type_.name} is not"
            " known",
            "annotate it with a plain type, and convert that in a property",
        )
    elif not verdict.fits:
        parsed = not verdict.would and type_.on_wire.name in ("text", "bytea")
        yield (
            "column-type",
            f"{name} is {type_.name}, but {target} takes {listed(verdict)}",
            f"let Pydantic parse it: Json[{shown(verdict.part)}]"
            if parsed
            else _ADVICE.get(type_.on_wire.name, "cast it, or change the field"),
        )
    elif verdict.labels:
        yield (
            "enum-labels",
            f"{type_.name} has {', '.join(verdict.labels)}, which {target} does not take",
            "give the annotation and the type the same labels",
        )


def _scalar(statement: BoundStatement) -> Iterator[Finding]:
    """Compare the columns with a stub that returns a number, a flag or nothing."""
    described, shape = statement.description.columns, statement.binding.shape
    if statement.binding.statement.returns_count or shape is Shape.NOTHING:
        if described:
            message = f"rows come back, but the stub returns {shape.value}"
            help_ = "leave RETURNING out, or return a record"
            yield _at(statement, "fetch-mode", described[0][0], message, help_)
    elif len(described) != 1 or described[0][1].on_wire.name not in NUMBERS:
        yield statement.finding(
            "fetch-mode",
            statement.beginning,
            f"the stub returns {shape.value}, so the statement must give one number or boolean",
            "select one column, cast to bigint or boolean",
        )


def _at(statement: BoundStatement, rule: str, column: str, message: str, help_: str) -> Finding:
    """A finding at an output column."""
    return statement.finding(rule, statement.source.column(column), message, help_, column)
