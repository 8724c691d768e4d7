"""Whether a list takes None among its elements."""

import types
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from dal.check.types import optional


def takes_no_none(annotation: Any) -> bool:
    """Whether it is a list that takes no None, at any depth."""
    return any(
        takes_no_none(element) if _is_list(element) else not optional(element)
        for member in _members(annotation)
        if _is_list(member)
        for element in get_args(member)
    )


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) in (list, Sequence)


def _members(annotation: Any) -> Iterator[Any]:
    """The members of a union without their marks."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for one in get_args(annotation):
            yield from _members(one)
    else:
        yield annotation
