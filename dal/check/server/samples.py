"""Sample values from the planner's statistics, to see which plans it chooses for them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Annotated, get_args, get_origin

import psycopg

from dal.binding import Fields
from dal.binding.binding import Binding
from dal.binding.shapes import fields_of
from dal.check.types import PgType

# The planner's statistics: the most common values, most frequent first, and bounds that divide the
# others evenly.
_STATISTICS = """
    SELECT tablename::text, attname::text,
        CASE atttypid WHEN 'varchar'::regtype THEN 'text' ELSE format_type(atttypid, NULL) END,
        coalesce(most_common_freqs[1], 0), coalesce(most_common_vals::text::text[], '{}'),
        coalesce(histogram_bounds::text::text[], '{}')
    FROM pg_stats
    JOIN pg_attribute USING (attname)
    WHERE attrelid = format('%I.%I', schemaname, tablename)::regclass
      AND schemaname = ANY (current_schemas(false))
"""
_ANY_NUMBER = "20"  # also valid as text and JSON
# For these types the value of any column will do, else this one; a text may need a certain form.
_ANY_VALUE = {
    "uuid": "00000000-0000-0000-0000-000000000000",
    "timestamp with time zone": "2000-01-01 00:00:00+00",
    "boolean": "true",
}
_TAKE_NUMBERS = (
    "text",
    "character varying",
    "smallint",
    "integer",
    "bigint",
    "numeric",
    "double precision",
    "interval",
    "json",
    "jsonb",
)


@dataclass(frozen=True, slots=True)
class _Column:
    """A column's statistics."""

    table: str
    name: str
    type: str
    frequency: float
    common: list[str]
    bounds: list[str]

    def sample(self, *, rare: bool) -> str | None:
        """A common or a rare value; None if none is known."""
        rare_values = self.bounds[len(self.bounds) // 2 :] or self.common[-1:]
        return next(iter(rare_values if rare else self.common or rare_values), None)


class Samples:
    """Values for statements, from the statistics that ANALYZE has collected.

    The values need not occur together in one row: the planner estimates each column separately.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self._columns = [_Column(*row) for row in connection.execute(_STATISTICS.encode())]

    def of(
        self, binding: Binding, types: Sequence[PgType], tables: Collection[str]
    ) -> Iterator[tuple[str, list[str | None]]]:
        """Common and rare values of a statement's parameters, for the first page and a later one.

        Parameters:
            binding: the statement with its stub.
            types: the parameters' types.
            tables: the tables that it reads.
        """
        names = binding.statement.parameters
        cursor = _cursor_fields(binding)
        for rare, first in product((False, True), (False, True) if cursor else (False,)):
            values = [
                None
                if first and name in cursor
                else self._value(name, type_.name, tables, rare=rare)
                for name, type_ in zip(names, types, strict=True)
            ]
            yield "rare" if rare else "common", values

    def _value(self, name: str, type: str, tables: Collection[str], *, rare: bool) -> str | None:
        """A value, as text, of the column that a parameter is named after, else of its type."""
        item = type.removesuffix("[]")

        def likeness(column: _Column) -> tuple[int, bool, float]:
            named = f"_{name}".endswith((f"_{column.name}", f"_{column.name}s"))
            return len(column.name) * named, column.table in tables, column.frequency

        known = [column for column in self._columns if column.type == item]
        best = max(known, key=likeness, default=None)
        if best and (likeness(best)[0] or item in _ANY_VALUE):
            value = best.sample(rare=rare)
        else:
            value = None if item in _ANY_VALUE else _ANY_NUMBER
        return value if value is None or item == type else _array_of(value)


def any_value(type: str) -> str | None:
    """A value of a type, as text; None of a type that few texts are values of."""
    item = type.removesuffix("[]")
    value = _ANY_VALUE.get(item) or (_ANY_NUMBER if item in _TAKE_NUMBERS else None)
    return value if value is None or item == type else _array_of(value)


def _array_of(value: str) -> str:
    return '{"' + value.replace("\\", r"\\").replace('"', r"\"") + '"}'


def _cursor_fields(binding: Binding) -> set[str]:
    """The parameters that are NULL on the first page."""
    return {
        f"{name}_{name_of_field}"
        for name, hint in binding.hints.items()
        for mark in (get_args(hint) if get_origin(hint) is Annotated else ())
        if isinstance(mark, Fields)
        for name_of_field in fields_of(mark.type)
    }
