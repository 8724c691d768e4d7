"""Which of PostgreSQL's types fit an annotation."""

import dataclasses
import types
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from dal.binding import Columns, Fields

_FITTING: dict[Any, tuple[str, ...]] = {
    str: ("text", "character varying", "character", "name"),
    UUID: ("uuid",),
    datetime: ("timestamp with time zone",),
    AwareDatetime: ("timestamp with time zone",),
    date: ("date",),
    timedelta: ("interval",),
    bool: ("boolean",),
    int: ("bigint", "integer", "smallint"),
    float: ("double precision", "real"),
    Decimal: ("numeric",),
    bytes: ("bytea",),
}


def fitting(annotation: Any) -> tuple[str, ...]:
    """The types that fit; none where nothing is known of the annotation, such as Any."""
    found: list[str] = []
    for one in _plain(annotation):
        if get_origin(one) in (list, Sequence):
            found += [f"{name}[]" for name in fitting(*get_args(one))]
        elif get_origin(one) is Literal:
            found += fitting(Union[tuple(map(type, get_args(one)))])  # noqa: UP007
        elif isinstance(one, type) and issubclass(one, str):  # an enum, too
            found += _FITTING[str]
        else:
            found += _FITTING.get(one, ())
    return tuple(dict.fromkeys(found))


def optional(annotation: Any) -> bool:
    """Whether None fits."""
    plain = list(_plain(annotation))
    return Any in plain or type(None) in plain


def enum_of(annotation: Any) -> type[StrEnum] | None:
    """The enum that a value must be of."""
    for one in _plain(annotation):
        if isinstance(one, type) and issubclass(one, StrEnum):
            return one
    return None


def item_of(annotation: Any) -> type[BaseModel] | None:
    """The record of a field that is a list of records."""
    for one in _plain(annotation):
        if get_origin(one) is list:
            (item,) = get_args(one)
            if isinstance(item, type) and issubclass(item, BaseModel):
                return item
    return None


def parameters(name: str, hint: Any) -> dict[str, Any]:
    """The annotation of each of the statement's parameters that an argument gives."""
    for mark in get_args(hint)[1:] if get_origin(hint) is Annotated else ():
        if isinstance(mark, Fields | Columns):
            hints = get_type_hints(mark.type, include_extras=True)
            each = {one.name: hints[one.name] for one in dataclasses.fields(mark.type)}
            wrapped = isinstance(mark, Columns)
            return {
                f"{name}_{field}": list[given] if wrapped else given  # type: ignore[valid-type]
                for field, given in each.items()
            }
    return {name: hint}


def _plain(annotation: Any) -> Iterator[Any]:
    """The members of an annotation without its marks."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _plain(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for one in get_args(annotation):
            yield from _plain(one)
    else:
        yield annotation
