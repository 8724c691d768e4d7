"""Whether a collection takes None among its elements."""

from typing import Any, get_args, get_origin

from dal.check.types.annotations import COLLECTIONS, alternatives
from dal.check.types.fit import optional


def takes_no_none(annotation: Any) -> bool:
    """Whether an annotation is a collection that takes no None, at any depth."""
    return any(
        takes_no_none(element) if _is_list(element) else not optional(element)
        for member in alternatives(annotation)
        if _is_list(member)
        for element in get_args(member)
        if element is not ...
    )


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) in COLLECTIONS
