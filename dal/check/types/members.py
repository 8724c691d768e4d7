"""The PostgreSQL types that an annotation can read or send.

No codec is set: an enum is read and sent as text, a domain as its base. Pydantic validates a row's
values, leniently unless the record is strict, and converts an argument to what asyncpg sends.
"""

import dataclasses
import datetime
import ipaddress
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

import asyncpg
import pydantic
from pydantic import BaseModel, RootModel
from typing_extensions import is_typeddict

from dal.binding import SentAs
from dal.binding.json_columns import JsonColumn, is_json
from dal.check.types.annotations import (
    COLLECTIONS,
    LISTS,
    converts,
    has_custom_validation,
    metadata_items,
    return_annotation,
    unwrapped,
)

ANYTHING = "*"
_TEXT = ("text", "character varying", "character", "name", "enum")
_INTEGERS = ("bigint", "integer", "smallint", "oid")
_FLOATS = ("double precision", "real")

# The types that fit in both directions; `enum` and `range` stand for all types of that kind.
_FITTING: dict[Any, tuple[str, ...]] = {
    str: _TEXT,
    pydantic.EmailStr: _TEXT,
    UUID: ("uuid",),
    bool: ("boolean",),
    int: _INTEGERS,
    float: _FLOATS,
    Decimal: ("numeric",),
    bytes: ("bytea", '"char"'),
    # asyncpg takes a naive one for local time, and refuses an aware one for a timestamp.
    datetime.datetime: ("timestamp with time zone",),
    pydantic.AwareDatetime: ("timestamp with time zone",),
    pydantic.PastDatetime: ("timestamp with time zone",),
    pydantic.FutureDatetime: ("timestamp with time zone",),
    pydantic.NaiveDatetime: ("timestamp without time zone",),
    datetime.date: ("date",),
    pydantic.PastDate: ("date",),
    pydantic.FutureDate: ("date",),
    datetime.time: ("time without time zone",),
    datetime.timedelta: ("interval",),
    ipaddress.IPv4Address: ("inet",),
    ipaddress.IPv6Address: ("inet",),
    ipaddress.IPv4Interface: ("inet",),
    ipaddress.IPv6Interface: ("inet",),
    ipaddress.IPv4Network: ("cidr",),
    ipaddress.IPv6Network: ("cidr",),
    pydantic.IPvAnyAddress: ("inet",),
    pydantic.IPvAnyInterface: ("inet",),
    pydantic.IPvAnyNetwork: ("cidr",),
    asyncpg.Range: ("range",),
    Any: (ANYTHING,),
    object: (ANYTHING,),
}
_READ: dict[Any, tuple[str, ...]] = {  # also fit when a column is read
    float: ("numeric", *_INTEGERS),
    Decimal: (*_INTEGERS, *_FLOATS),
    datetime.time: ("time with time zone",),
    pydantic.SecretStr: _TEXT,
}
_SENT: dict[Any, tuple[str, ...]] = {  # also fit when an argument is sent
    int: ("numeric", *_FLOATS),
    float: ("numeric",),
    Decimal: _FLOATS,
}


@dataclass(frozen=True, slots=True)
class Use:
    """How an annotation is used.

    Attributes:
        sent: whether it is an argument's, not a field's.
        strict: whether Pydantic converts nothing; `items_strict` is the same for items.
    """

    sent: bool = False
    strict: bool = False
    items_strict: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """An alternative of an annotation.

    Attributes:
        annotation: the annotation.
        names: the names of the types that fit.
        known: whether no other types fit.
        labels: the only texts that it takes, or None.
    """

    annotation: Any
    names: tuple[str, ...] = ()
    known: bool = True
    labels: frozenset[str] | None = None

    def fits(self, name: str) -> bool:
        """Whether a PostgreSQL type fits, by the name that `fit._type_name` gives it."""
        return any(
            name.endswith(fitting[1:]) if fitting.startswith(ANYTHING) else fitting == name
            for fitting in self.names
        )


def members(annotation: Any, use: Use) -> Iterator[Member]:
    """The alternatives of an annotation, except None."""
    annotation = unwrapped(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _marked(annotation, use)
    elif origin in (Union, types.UnionType):
        for argument in arguments:
            if argument is not types.NoneType:
                yield from members(argument, use)
    elif origin is Literal:
        for value_type in dict.fromkeys(map(type, arguments)):
            values = [argument for argument in arguments if type(argument) is value_type]
            yield replace(
                next(members(value_type, use)), annotation=annotation, labels=_texts(values)
            )
    elif (origin or annotation) in COLLECTIONS:
        yield from _collection(annotation, use)
    else:
        yield _plain(annotation, use)


def _marked(annotation: Any, use: Use) -> Iterator[Member]:
    annotated, *metadata = get_args(annotation)
    marks = [part for mark in metadata for part in metadata_items(mark)]
    strict = any(isinstance(mark, pydantic.Strict) and mark.strict for mark in marks)
    for mark in marks:
        if use.sent and isinstance(mark, SentAs):
            sent = return_annotation(mark)
            yield from members(sent, use) if sent else [Member(annotation, known=False)]
            return
        if not use.sent and is_json(mark):
            yield Member(annotation, (*_TEXT[:-1], "bytea"))
            return
    yield from members(annotated, replace(use, strict=use.strict or strict))
    if not use.sent and any(map(converts, marks)):
        yield Member(annotation, known=False)


def _collection(annotation: Any, use: Use) -> Iterator[Member]:
    collection, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if collection is tuple and arguments[1:] != (...,) and arguments:
        yield Member(annotation, known=False)  # a type does not limit the number of items
    elif not use.sent and use.strict and collection not in LISTS:
        yield Member(annotation)
    else:
        item = arguments[0] if arguments else Any
        for member in members(item, replace(use, strict=use.items_strict)):
            names = (name if name.endswith("[]") else f"{name}[]" for name in member.names)
            yield replace(member, names=tuple(names), annotation=annotation)


def _plain(annotation: Any, use: Use) -> Member:
    if annotation in _FITTING or annotation in _READ:
        names = _FITTING.get(annotation, ())
        if not (use.strict and annotation is Decimal):
            names += (_SENT if use.sent else _READ).get(annotation, ())
        return Member(annotation, names)
    if annotation in (pydantic.Json, JsonColumn) and not use.sent:
        return Member(annotation, _TEXT[:-1])
    plain = get_origin(annotation) or annotation
    if not isinstance(plain, type):
        return Member(annotation, known=False)
    if issubclass(plain, Enum):
        return _enum(plain, use)
    if issubclass(plain, RootModel) and not use.sent:
        return replace(next(members(plain.model_fields["root"].annotation, use)), annotation=plain)
    if issubclass(plain, BaseModel) and use.sent:  # as the text of its JSON
        return Member(annotation, _TEXT[:-1])
    structured = issubclass(plain, BaseModel | Mapping | types.NoneType)
    if structured or dataclasses.is_dataclass(plain) or is_typeddict(plain):
        return Member(annotation, known=not has_custom_validation(plain))
    return Member(annotation, known=False)


def _enum(enum: type[Enum], use: Use) -> Member:
    """An enum: Pydantic reads a member's value; asyncpg only sends members that are str or int."""
    value_types = {type(member.value) for member in enum}
    is_accepted = issubclass(enum, str | int) if use.sent else not use.strict
    names = [
        _FITTING[kind] for kind in (str, int) if issubclass(enum, kind) or value_types == {kind}
    ]
    return Member(enum, names[0] if is_accepted and names else (), labels=_texts(enum))


def _texts(values: Iterable[Any]) -> frozenset[str]:
    plain = (value.value if isinstance(value, Enum) else value for value in values)
    return frozenset(str(value) for value in plain if isinstance(value, str))
