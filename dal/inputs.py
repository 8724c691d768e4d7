"""What callers may pass: one annotated type for each kind of argument, with its rules.

A stub that annotates a parameter with one of these has its argument checked before anything is
sent. To a type checker they are the plain types they annotate.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, TypeAlias, TypeVar
from uuid import UUID, uuid4

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainValidator,
    StringConstraints,
    TypeAdapter,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import (
    PydanticCustomError,
    PydanticSerializationError,
    ValidationError,
    from_json,
    to_json,
)

from dal.binding import Fields
from dal.cursor import Cursor

Row = TypeVar("Row")


def _storable(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("nul", "may not contain NUL (U+0000); PostgreSQL can't store it")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("surrogate", "may not contain a lone surrogate") from None
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "may not be blank")
    return text


Text: TypeAlias = Annotated[str, StringConstraints(strict=True), AfterValidator(_storable)]
"""Any text without NUL and lone surrogates."""

Name: TypeAlias = Annotated[
    str,
    StringConstraints(strict=True, max_length=255),
    AfterValidator(_storable),
    AfterValidator(_not_blank),
]
"""A text of 1 to 255 characters that is not only white space."""

Limit: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=1000)]
"""How many rows at the most: 1 to 1,000."""

Flag: TypeAlias = Annotated[bool, Field(strict=True)]
"""True or False, and nothing that only looks like it."""

NewId: TypeAlias = Annotated[UUID | None, AfterValidator(lambda given: given or uuid4())]
"""A new row's id: the caller's own, or one made here, so that the statement can be repeated."""


def one_of(labels: type[StrEnum]) -> PlainValidator:
    """Accept a member of the enum or its plain string, and nothing else."""

    def member(value: Any) -> StrEnum:
        try:
            return labels(value)
        except ValueError:
            raise PydanticCustomError(
                "label", "must be one of: {labels}", {"labels": ", ".join(labels)}
            ) from None

    return PlainValidator(member)


_json_value: TypeAdapter[JsonValue] = TypeAdapter(
    JsonValue, config=ConfigDict(strict=True, allow_inf_nan=False, defer_build=True)
)
# \u0000 as an escape of its own, not the tail of an escaped backslash.
_NUL_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def _encoded(value: Any) -> str | None:
    """JSON text for jsonb. What is accepted can also be read back: parsing it is the proof."""
    if value is None:
        return None
    try:
        text = to_json(_json_value.validate_python(value))
        from_json(text)  # refuses what is nested deeper than reading allows
    except (ValidationError, PydanticSerializationError, ValueError):
        raise PydanticCustomError(
            "json",
            "must be JSON: dicts with string keys, lists, strings, finite numbers, booleans"
            " and None, without lone surrogates, nested at most 200 deep",
        ) from None
    if _NUL_ESCAPE.search(text):
        raise PydanticCustomError("nul", "may not contain NUL (U+0000), in a value or in a key")
    return text.decode()


Metadata: TypeAlias = Annotated[Any, AfterValidator(_encoded)]
"""Any JSON value; None stores nothing."""


def _place(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    try:
        found = validate(value)
    except ValidationError:
        raise PydanticCustomError(
            "cursor", "must be a record of the neighbouring page, or a Cursor"
        ) from None
    return getattr(found, "cursor", found)


Place: TypeAlias = Annotated[Row | Cursor | None, WrapValidator(_place), Fields(Cursor)]
"""A place in a list: a record of it, or a cursor; None is the list's end."""


def distinct_ids(items: Sequence[Any]) -> Sequence[Any]:
    """Refuse a batch that holds the same id twice."""
    if len({item.id for item in items}) < len(items):
        raise PydanticCustomError("duplicate", "must have different ids within one batch")
    return items
