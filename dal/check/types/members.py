"""The types of PostgreSQL's that an annotation takes or gives.

No codec is set: an enum comes and goes as text, a domain as its base. Pydantic validates what a
row gives, leniently unless the record is strict; of an argument it makes what asyncpg is given.
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
    parts,
    reads_itself,
    returned,
    unwrapped,
)

ANYTHING = "*"
_TEXT = ("text", "character varying", "character", "name", "enum")
_INTEGERS = ("bigint", "integer", "smallint", "oid")
_FLOATS = ("double precision", "real")

# What fits in both directions. `enum` and `range` are all types of that kind.
_FITTING: dict[Any, tuple[str, ...]] = {
    str: _TEXT,
    pydantic.EmailStr: _TEXT,
    UUID: ("uuid",),
    bool: ("boolean",),
    int: _INTEGERS,
    float: _FLOATS,
    Decimal: ("numeric",),
    bytes: ("bytea", '"char"'),
    # A naive one would be taken for local time, and an aware one of a timestamp is refused.
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
_READ: dict[Any, tuple[str, ...]] = {  # besides
    float: ("numeric", *_INTEGERS),
    Decimal: (*_INTEGERS, *_FLOATS),
    datetime.time: ("time with time zone",),
    pydantic.SecretStr: _TEXT,
}
_SENT: dict[Any, tuple[str, ...]] = {  # besides
    int: ("numeric", *_FLOATS),
    float: ("numeric",),
    Decimal: _FLOATS,
}


@dataclass(frozen=True, slots=True)
class Use:
    """What an annotation is for.

    Attributes:
        sent: it is an argument's, and not that of a record's field.
        strict: Pydantic converts nothing; `items_strict` says so of what is within.
    """

    sent: bool = False
    strict: bool = False
    items_strict: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """What is known of one alternative of an annotation.

    Attributes:
        annotation: as it is written.
        names: of the types that fit.
        known: whether no others do.
        labels: the only texts that it takes, or None.
    """

    annotation: Any
    names: tuple[str, ...] = ()
    known: bool = True
    labels: frozenset[str] | None = None

    def fits(self, name: str) -> bool:
        """Whether a type fits that `_called` calls so."""
        return any(
            name.endswith(fitting[1:]) if fitting.startswith(ANYTHING) else fitting == name
            for fitting in self.names
        )


def members(annotation: Any, use: Use) -> Iterator[Member]:
    """The alternatives of an annotation; an optional one's are those beside None."""
    annotation = unwrapped(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _marked(annotation, use)
    elif origin in (Union, types.UnionType):
        for argument in arguments:
            if argument is not types.NoneType:
                yield from members(argument, use)
    elif origin is Literal:
        for kind in dict.fromkeys(map(type, arguments)):
            values = [argument for argument in arguments if type(argument) is kind]
            yield replace(next(members(kind, use)), annotation=annotation, labels=_texts(values))
    elif (origin or annotation) in COLLECTIONS:
        yield from _collection(annotation, use)
    else:
        yield _plain(annotation, use)


def _marked(annotation: Any, use: Use) -> Iterator[Member]:
    inside, *given = get_args(annotation)
    marks = [part for mark in given for part in parts(mark)]
    strict = any(isinstance(mark, pydantic.Strict) and mark.strict for mark in marks)
    for mark in marks:
        if use.sent and isinstance(mark, SentAs):
            sent = returned(mark)
            yield from members(sent, use) if sent else [Member(annotation, known=False)]
            return
        if not use.sent and is_json(mark):
            yield Member(annotation, (*_TEXT[:-1], "bytea"))
            return
    yield from members(inside, replace(use, strict=use.strict or strict))
    if not use.sent and any(map(converts, marks)):
        yield Member(annotation, known=False)


def _collection(annotation: Any, use: Use) -> Iterator[Member]:
    collection, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if collection is tuple and arguments[1:] != (...,) and arguments:
        yield Member(annotation, known=False)  # how many there are is not a type's to say
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
        return Member(annotation, known=not reads_itself(plain))
    return Member(annotation, known=False)


def _enum(enum: type[Enum], use: Use) -> Member:
    """Pydantic makes a member of its value; asyncpg takes one that is a text or number itself."""
    kinds = {type(member.value) for member in enum}
    given = issubclass(enum, str | int) if use.sent else not use.strict
    names = [_FITTING[kind] for kind in (str, int) if issubclass(enum, kind) or kinds == {kind}]
    return Member(enum, names[0] if given and names else (), labels=_texts(enum))


def _texts(values: Iterable[Any]) -> frozenset[str]:
    plain = (value.value if isinstance(value, Enum) else value for value in values)
    return frozenset(str(value) for value in plain if isinstance(value, str))
