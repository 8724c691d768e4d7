"""The shapes of a stub's result, and the types that it is made of."""

import dataclasses
import types
from collections.abc import AsyncIterator, Mapping
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from dal.binding.errors import BindingError
from dal.binding.statement import Statement


class Shape(Enum):
    """What a stub may return; T is a Pydantic model, a dataclass, or the type of a lone column."""

    ONE = "T"
    OPTIONAL = "T | None"
    LIST = "list[T]"
    PAGES = "AsyncIterator[T]"
    NUMBER = "int"
    FLAG = "bool"
    NOTHING = "None"


_PLAIN = {int: Shape.NUMBER, bool: Shape.FLAG, None: Shape.NOTHING, types.NoneType: Shape.NOTHING}
_GENERIC = {list: Shape.LIST, AsyncIterator: Shape.PAGES}
_ROWS = (dict, Mapping, tuple, AsyncIterator)  # as other libraries return them
_COLLECTIONS = (*_ROWS, list, set, frozenset, object)


def shape_of(annotation: Any, statement: Statement) -> tuple[Shape, Any]:
    """Read a return annotation as a shape and its T (None for a number, a flag or nothing).

    Raises:
        BindingError: it is none of the shapes.
    """
    if annotation in _PLAIN:
        return _PLAIN[annotation], None
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in _GENERIC and len(arguments) == 1:
        shape, of = _GENERIC[origin], arguments[0]
    elif origin in (types.UnionType, Union) and types.NoneType in arguments:
        members = [member for member in arguments if member is not types.NoneType]
        shape, of = Shape.OPTIONAL, Union[tuple(members)]  # noqa: UP007 - of any number
    else:
        shape, of = Shape.ONE, annotation
    if is_record(of):
        return shape, of
    if shape is not Shape.PAGES and _is_value(of):
        return shape, annotation if shape is Shape.OPTIONAL else of  # its value may be NULL, too
    offers = ", ".join(shape.value for shape in Shape)
    raise BindingError(
        statement.path,
        f"a stub returns one of {offers}; T is a Pydantic model, a dataclass, or"
        " the type of a lone column",
    )


def is_record(annotation: Any) -> bool:
    """Whether a row is read as this: a model or a dataclass."""
    return isinstance(annotation, type) and (
        issubclass(annotation, BaseModel) or dataclasses.is_dataclass(annotation)
    )


def type_name(record: Any) -> str:
    """The name of a model, a dataclass or another type."""
    return getattr(record, "__name__", str(record))


def fields_of(record: Any) -> dict[str, FieldInfo]:
    """The fields of a model or a dataclass."""
    if issubclass(record, BaseModel):
        return dict(record.model_fields)
    hints = get_type_hints(record, include_extras=True)
    return {
        field.name: FieldInfo.from_annotated_attribute(hints[field.name], _default(field))
        for field in dataclasses.fields(record)
        if field.init
    }


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return FieldInfo(default_factory=field.default_factory)
    return ... if field.default is dataclasses.MISSING else field.default


def _is_value(annotation: Any) -> bool:
    """Whether a lone column may be read as this."""
    origin = get_origin(annotation)
    if origin is Annotated:  # such as Json[T]
        return True
    if annotation is Any or is_record(annotation) or annotation in _COLLECTIONS:
        return False
    return origin not in _ROWS and all(map(_is_value, _types_in(annotation)))


def _types_in(annotation: Any) -> tuple[Any, ...]:
    return () if get_origin(annotation) is Literal else get_args(annotation)
