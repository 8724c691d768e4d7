"""Whether a statement's parameters and columns fit its stub."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel

from dal.binding.query import Binding
from dal.binding.rows import Shape
from dal.check.findings import Finding
from dal.check.rules import types
from dal.check.server.catalog import Catalog
from dal.check.server.describe import Described
from dal.check.source import Source
from dal.check.statement import BoundStatement

SCALARS = (Shape.NUMBER, Shape.FLAG, Shape.NOTHING)
_JSON = ("json", "jsonb")
_NUMBERS = ("bigint", "integer", "smallint", "boolean")


@dataclass(frozen=True, slots=True)
class Field:
    """What a record expects of a column."""

    record: type[BaseModel]
    name: str
    annotation: Any
    required: bool


def fields(record: type[BaseModel], prefix: str = "") -> dict[str, Field]:
    """The fields of a record by their columns; a join's columns fill a list of records."""
    found: dict[str, Field] = {}
    for name, info in record.model_fields.items():
        if item := types.item_of(info.annotation):
            found |= fields(item, f"{name}.")
        else:
            found[prefix + name] = Field(record, name, info.annotation, info.is_required())
    return found


def record_fields(binding: Binding) -> dict[str, Field]:
    """What the stub's record expects of each column."""
    return fields(binding.records.record)


def signals(binding: Binding) -> set[str]:
    """The boolean columns beside the record's, as `Queries` describes them."""
    return {*binding.raises, *([binding.again] if binding.again else [])}


def parameters(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """Parameters whose types do not fit the stub's annotations."""
    return _parameters(statement.binding, statement.description)


def columns(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """Columns whose names or types do not fit the stub's record."""
    return _columns(statement.binding, statement.description)


def _parameters(binding: Binding, described: Described) -> Iterator[Finding]:
    source = Source.read(binding.statement.path)
    expected: dict[str, Any] = {}
    for name, hint in binding.hints.items():
        expected |= types.parameters(name, hint)
    for name, has in zip(binding.statement.parameters, described.parameters, strict=True):
        fitting = types.fitting(expected[name])
        if has in _JSON:
            yield Finding(
                "json",
                binding.statement.path,
                source.parameter(name),
                f":{name} is {has}, which a connection's owner may have set a codec for",
                f"send it as text: :{name}::text::{has}",
            )
        elif fitting and has not in fitting:
            yield Finding(
                "parameter-type",
                binding.statement.path,
                source.parameter(name),
                f":{name} is {has} to PostgreSQL, but its stub gives {_listed(fitting)}",
                f"cast it, as in :{name}::{fitting[0]}, or change the stub",
            )


def _columns(binding: Binding, described: Described) -> Iterator[Finding]:
    path, source = binding.statement.path, Source.read(binding.statement.path)

    def finding(rule: str, column: str, message: str, help_: str) -> Finding:
        return Finding(rule, path, source.column(column), message, help_)

    names = [name for name, _ in described.columns]
    for name in sorted({one for one in names if names.count(one) > 1}):
        yield finding("duplicate-column", name, f"two columns are called {name}", "rename one")
    if binding.shape in SCALARS:
        yield from _scalar(binding, described)
        return
    if not names:
        yield finding(
            "fetch-mode",
            "",
            f"no rows come back, but the stub returns {binding.shape.value}",
            "add RETURNING, or return int, bool or None",
        )
        return
    wanted, flags = record_fields(binding), signals(binding)
    for name, has in described.columns:
        if name in flags:
            fits: tuple[str, ...] = ("boolean",)
        elif name in wanted:
            fits = types.fitting(wanted[name].annotation)
        else:
            near = get_close_matches(name, [*wanted, *flags], n=2)
            offers = near or sorted({*wanted, *flags} - set(names)) or sorted(wanted)
            yield finding(
                "extra-column",
                name,
                f"{_record(binding)} has no field {name}",
                f"leave it out, or call it {_listed(offers)}",
            )
            continue
        if has in _JSON:
            yield finding(
                "json",
                name,
                f"{name} is {has}, which a connection's owner may have set a codec for",
                f"read it as text: {name}::text AS {name}",
            )
        elif fits and has not in fits:
            yield finding(
                "column-type",
                name,
                f"{name} is {has}, but {_record(binding)}.{name} takes {_listed(fits)}",
                "cast it, or change the field",
            )
    for name in [*wanted, *flags]:
        if name not in names and (name in flags or wanted[name].required):
            yield Finding(
                "missing-column",
                path,
                source.loud[0].offset,
                f"no column {name}, which {_record(binding)} needs; there are {', '.join(names)}",
                f"select {name}, or give the field a default",
            )


def _scalar(binding: Binding, described: Described) -> Iterator[Finding]:
    path, source = binding.statement.path, Source.read(binding.statement.path)
    if binding.statement.counted or binding.shape is Shape.NOTHING:
        if described.columns:
            yield Finding(
                "fetch-mode",
                path,
                source.column(described.columns[0][0]),
                f"rows come back, but the stub returns {binding.shape.value}",
                "leave RETURNING out, or return a record",
            )
    elif len(described.columns) != 1 or described.columns[0][1] not in _NUMBERS:
        yield Finding(
            "fetch-mode",
            path,
            source.loud[0].offset,
            f"the stub returns {binding.shape.value}, so the statement must give one number or"
            " boolean",
            "select one column, cast to bigint or boolean",
        )


def _record(binding: Binding) -> str:
    return str(binding.records.record.__name__)


def _listed(names: Sequence[str]) -> str:
    return " or ".join(names)
