"""Reads annotations as Pydantic does."""

import re
import types
import typing
from collections import deque
from collections.abc import Iterator, Sequence, Set
from typing import Annotated, Any, NewType, Union, get_args, get_origin, get_type_hints

import pydantic
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typing_extensions import TypeAliasType

from dal.binding import SentAs
from dal.binding.json_columns import is_json

LISTS = (list, Sequence)
COLLECTIONS = (*LISTS, tuple, set, frozenset, Set, deque)
"""The types of collections that arrays are read into or made of."""

_CONVERTING = (
    pydantic.BeforeValidator,
    pydantic.PlainValidator,
    pydantic.WrapValidator,
    pydantic.GetPydanticSchema,
)
_ALIASES = (TypeAliasType, getattr(typing, "TypeAliasType", TypeAliasType))


def metadata_items(mark: Any) -> Sequence[Any]:
    """The marks that pydantic.Field holds."""
    return mark.metadata if isinstance(mark, FieldInfo) else [mark]


def converts(mark: Any) -> bool:
    """Whether a mark accepts other values than the annotation's, and converts them."""
    own_schema = hasattr(mark, "__get_pydantic_core_schema__")
    return isinstance(mark, _CONVERTING) or (
        own_schema and not type(mark).__module__.startswith("pydantic")
    )


def has_custom_validation(class_: Any) -> bool:
    """Whether a class such as a model may be read from something else than its fields."""
    if issubclass(class_, BaseModel):
        modes = {
            validator.info.mode
            for validator in class_.__pydantic_decorators__.model_validators.values()
        }
        schema = class_.__get_pydantic_core_schema__.__func__
        base_schema = BaseModel.__get_pydantic_core_schema__.__func__  # type: ignore[attr-defined]
        return bool(modes - {"after"}) or schema is not base_schema
    return hasattr(class_, "__get_pydantic_core_schema__")


def return_annotation(mark: SentAs) -> Any:
    """The annotated return type of a mark's function, or None without one."""
    try:
        return get_type_hints(mark.encode, include_extras=True).get("return")
    except (NameError, TypeError):
        return None


def unwrapped(annotation: Any) -> Any:
    """The type that a NewType or an alias stands for."""
    while True:
        origin = get_origin(annotation)
        if isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif isinstance(annotation, _ALIASES):
            annotation = annotation.__value__
        elif isinstance(origin, _ALIASES):
            annotation = origin.__value__[get_args(annotation)]
        else:
            return annotation


def shown(annotation: Any) -> str:
    """An annotation for messages, without module names."""
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", str(annotation))


def alternatives(annotation: Any) -> Iterator[Any]:
    """The members of a union, without their marks."""
    annotation = unwrapped(annotation)
    origin = get_origin(annotation)
    if origin is Annotated and not any(map(is_json, get_args(annotation)[1:])):
        yield from alternatives(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from alternatives(member)
    else:
        yield annotation


def gives_none(annotation: Any, *, items: bool = False) -> bool:
    """Whether an argument may be sent as NULL, by its annotation.

    Parameters:
        items: whether this is about a list's items instead.
    """
    annotation = unwrapped(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        for mark in arguments[1:]:
            if isinstance(mark, SentAs):
                sent = return_annotation(mark)
                return bool(sent) and gives_none(sent, items=items)
            if converts(mark) or isinstance(mark, pydantic.AfterValidator):
                return False  # it may replace None
        return gives_none(arguments[0], items=items)
    if origin in (Union, types.UnionType):
        return any(gives_none(member, items=items) for member in arguments)
    if items:
        return bool(arguments) and origin in COLLECTIONS and gives_none(arguments[0])
    return annotation is types.NoneType
