"""Rows of a join, as records that hold records.

The column `"messages.id"` belongs to the field `messages`: to its items if that is a list of
records, whose rows are folded by all other columns; else to the only one. Where all columns of a
field are NULL, there is no item, or None.
"""

import types
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, Union, get_args, get_origin

from dal.binding.json_columns import is_json
from dal.binding.shapes import fields_of, is_record


@dataclass(frozen=True, slots=True)
class Joins:
    """The fields of a record that are records, each with the record's type.

    Attributes:
        items: those that are lists.
        ones: those that are one, or may be.
    """

    items: dict[str, Any]
    ones: dict[str, Any]

    @classmethod
    def of(cls, record: Any) -> Self:
        """Those of a model or a dataclass."""
        joins = cls({}, {})
        for name, field in fields_of(record).items():
            if any(map(is_json, field.metadata)):
                continue  # one column holds it all
            origin, arguments = get_origin(field.annotation), get_args(field.annotation)
            if origin is list and is_record(*arguments):
                joins.items[name] = arguments[0]
            elif is_record(field.annotation):
                joins.ones[name] = field.annotation
            elif origin in (types.UnionType, Union) and len(arguments) == 2:
                for each in filter(is_record, arguments):
                    joins.ones[name] = each
        return joins

    def folded(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The rows as dictionaries, with one for each field that is a record."""
        own: list[str] = []
        of_field: dict[str, list[str]] = {}
        for column in rows[0].keys() if rows else ():
            field, dot, _ = column.partition(".")
            nested = dot and (field in self.items or field in self.ones)
            (of_field.setdefault(field, []) if nested else own).append(column)
        items = {field: names for field, names in of_field.items() if field in self.items}
        ones = {field: names for field, names in of_field.items() if field in self.ones}
        folding = [*own, *(name for names in ones.values() for name in names)]
        parents: dict[Hashable, dict[str, Any]] = {}
        for number, row in enumerate(rows):
            # Without items each row is a record, though it may be like another.
            key = _hashable([row[name] for name in folding]) if items else number
            if (parent := parents.get(key)) is None:
                parent = parents[key] = {name: row[name] for name in own}
                for field, names in ones.items():
                    parent[field] = _record(row, field, names)
                for field in items:
                    parent[field] = []
            for field, names in items.items():
                if (item := _record(row, field, names)) is not None:
                    parent[field].append(item)
        return list(parents.values())


def _record(row: Mapping[str, Any], field: str, columns: Sequence[str]) -> dict[str, Any] | None:
    """The values of a field's columns; None if all of them are NULL."""
    beginning = len(field) + 1
    values = {name[beginning:]: row[name] for name in columns}
    return None if all(value is None for value in values.values()) else values


def _hashable(value: Any) -> Hashable:
    return tuple(map(_hashable, value)) if isinstance(value, list) else value
