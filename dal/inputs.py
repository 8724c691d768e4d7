"""What callers may pass: one annotated type for each kind of argument, with its rules.

A stub that annotates a parameter with one of these has its argument checked before anything is
sent. To a type checker they are the plain types they annotate.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, TypeAlias, TypeVar, get_args
from uuid import UUID, uuid4

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    JsonValue,
    PlainValidator,
    StringConstraints,
    TypeAdapter,
    ValidatorFunctionWrapHandler,
)
from pydantic_core import (
    PydanticCustomError,
    PydanticSerializationError,
    ValidationError,
    core_schema,
    from_json,
    to_json,
)

from dal.binding import Columns, Fields, SentAs
from dal.cursor import Cursor, Position

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

BATCH_ROWS = 50_000
"""How many rows one call makes at the most."""

BatchSize: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=BATCH_ROWS)]
"""How many rows one transaction takes: 1 to 50,000."""

Age: TypeAlias = Annotated[timedelta, Field(strict=True, ge=timedelta(0))]
"""How long ago: a timedelta that is not negative."""

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


_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_EXPONENT = re.compile(rb"[0-9][eE][-+]?([0-9]+)")

JSON_BYTES = 4 * 2**20
"""The most that a JSON value may take as PostgreSQL prints it; a message of it fits into a line."""

_MOST = 2048  # times as much as it was given: `1e-16383,`, the smallest number, takes 16,387 bytes


def refuse_large(text: bytes) -> None:
    """Refuse JSON text that PostgreSQL prints as more than JSON_BYTES.

    jsonb is printed with a space after each comma and colon, and with all digits of its numbers. It
    can hold what is far too long to be printed: such a row could not be read any more.
    """
    if len(text) * _MOST <= JSON_BYTES:
        return
    bare = _STRING.sub(b"", text)
    spaces = bare.count(b",") + bare.count(b":")
    if len(text) + spaces + sum(map(float, _EXPONENT.findall(bare))) > JSON_BYTES:
        raise PydanticCustomError(
            "large_json",
            "may take at most 4 MiB as PostgreSQL prints it, with all digits of its numbers",
        )


def _json(value: Any) -> Any:
    """A JSON value, as it was given. What is accepted can also be read back: parsing is the proof.

    It stays a value, so that a model of a service may check it first, and a function again.
    """
    if value is None:
        return None
    try:
        json_value = _json_value.validate_python(value)
        text = to_json(json_value)
        from_json(text)  # refuses what is nested deeper than reading allows
    except (ValidationError, PydanticSerializationError, ValueError):
        raise PydanticCustomError(
            "json",
            "must be JSON: dicts with string keys, lists, strings, finite numbers, booleans"
            " and None, without lone surrogates, nested at most 200 deep",
        ) from None
    if _NUL_ESCAPE.search(text):
        raise PydanticCustomError("nul", "may not contain NUL (U+0000), in a value or in a key")
    refuse_large(text)
    return json_value


def _json_text(value: Any) -> str | None:
    """Text for jsonb; NULL for None."""
    return None if value is None else to_json(value).decode()


Metadata: TypeAlias = Annotated[Any, AfterValidator(_json), SentAs(_json_text)]
"""Any JSON value of at most JSON_BYTES; None stores nothing."""


class _Place:
    """Accepts a record of the list, or a cursor of such a record, and gives the cursor."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        row, *_ = get_args(source)

        def cursor_of(value: Any, validate: ValidatorFunctionWrapHandler) -> Cursor | None:
            try:
                place = validate(value)
            except ValidationError:
                raise PydanticCustomError(
                    "cursor", "must be a record of the neighbouring page, or a Cursor"
                ) from None
            cursor: Cursor | None = getattr(place, "cursor", place)
            if cursor and cursor.kind not in (None, row.__name__.lower()):
                raise PydanticCustomError("cursor", "is a cursor of another kind of record")
            return cursor

        return core_schema.no_info_wrap_validator_function(cursor_of, handler(source))


Place: TypeAlias = Annotated[Row | Cursor | None, _Place(), Fields(Position)]
"""A place in a list: a record of it, or a cursor; None is the list's end."""


# Not frozen: a frozen one takes four times as long to make.
@dataclass(slots=True)
class Key:
    """A row's primary key."""

    user_id: str
    id: UUID


Keys: TypeAlias = Annotated[Sequence[Key], Columns(Key)]
"""Rows that a statement acts on."""


def one_batch(items: Sequence[Any]) -> Sequence[Any]:
    """Refuse a batch that is too large for one statement, or holds the same id twice."""
    if len(items) > BATCH_ROWS:
        raise PydanticCustomError("many", "may hold at most 50,000 rows; split it")
    return distinct_ids(items)


def distinct_ids(items: Sequence[Any]) -> Sequence[Any]:
    """Refuse a batch that holds the same id twice."""
    if len({item.id for item in items}) < len(items):
        raise PydanticCustomError("duplicate", "must have different ids within one batch")
    return items
