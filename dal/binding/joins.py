"""Rows of a join, as records that hold records.

The column `"messages.id"` is the `id` of a record in the field `messages`. If that field is a list,
rows that are equal in all other columns become one record, and each of them adds an item. Where all
columns of a field are NULL, the list gets no item, and a single record is None.
"""

import types
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Self, Union, get_args, get_origin

from dal.binding.json_columns import is_json
from dal.binding.shapes import fields_of, is_record

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Joins:
    """The fields of a record that are records, each with the record's type.

    Attributes:
        items: fields that are lists of records.
        ones: fields that are one record, or None.
    """

    items: dict[str, Any]
    ones: dict[str, Any]

    @classmethod
    def of(cls, record: Any) -> Self:
        """The fields of a model or a dataclass that are records."""
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

    def nested(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """The rows as dictionaries, with a nested one for each field that is a record."""
        if not rows:
            return []
        own: list[str] = []
        of_field: dict[str, list[str]] = {}
        for column in rows[0].keys():  # noqa: SIM118 - a row is a record, and iterates its values
            field, dot, _ = column.partition(".")
            nested = dot and (field in self.items or field in self.ones)
            (of_field.setdefault(field, []) if nested else own).append(column)
        items = [_reader(field, names) for field, names in of_field.items() if field in self.items]
        ones = [_reader(field, names) for field, names in of_field.items() if field in self.ones]
        key_of = _getter([*own, *(name for field in self.ones for name in of_field.get(field, ()))])
        # Without items each row is a record, though it may be like another.
        keys: Sequence[Any] = list(map(key_of, rows)) if items else range(len(rows))
        parents: dict[Hashable, dict[str, Any]] = {}
        parent, last = None, None
        for key, row in zip(keys, rows, strict=True):
            if key != last:  # as a rule the rows of a parent follow each other
                last = key
                parent = parents.get(_hashable(key))
            if parent is None:
                parent = {name: row[name] for name in own}
                parents[_hashable(key)] = parent
                for field, read in ones:
                    parent[field] = read(row)
                for field, _ in items:
                    parent[field] = []
            for field, read in items:
                if (item := read(row)) is not None:
                    parent[field].append(item)
        return list(parents.values())


def _reader(field: str, columns: Sequence[str]) -> tuple[str, Callable[[Row], Any]]:
    """A field, and a function that reads its record from a row: None where all columns are NULL."""
    names = [column[len(field) + 1 :] for column in columns]
    get = _getter(columns)

    def read(row: Row) -> dict[str, Any] | None:
        values = get(row)
        absent = values.count(None) == len(values)
        return None if absent else dict(zip(names, values, strict=True))

    return field, read


def _getter(columns: Sequence[str]) -> Callable[[Row], tuple[Any, ...]]:
    if len(columns) > 1:
        return itemgetter(*columns)
    return lambda row: tuple(row[name] for name in columns)


def _hashable(value: Any) -> Hashable:
    """A key that may hold arrays, which asyncpg makes lists."""
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value
