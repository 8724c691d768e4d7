"""The arguments of functions: one annotated type for each kind, with its rules.

A stub that annotates a parameter with one of these has its argument checked before anything is
sent. To a type checker they are the plain types they annotate.
"""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, TypeAlias, TypeVar, get_args
from uuid import UUID, uuid4

from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    PlainValidator,
    StringConstraints,
)
from pydantic_core import PydanticCustomError, core_schema

from dal.binding import Columns, Fields, SentAs
from dal.cursor import Cursor, Position
from dal.metadata import NO_NUL, Metadata
from dal.record import RowKey

__all__ = [
    "Age",
    "BatchId",
    "BatchSize",
    "Flag",
    "Limit",
    "Metadata",
    "NewId",
    "PageStart",
    "Text",
    "Title",
    "UserId",
]

Row = TypeVar("Row")


def _storable(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("nul", NO_NUL)
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

_ShortText: TypeAlias = Annotated[
    str,
    StringConstraints(strict=True, max_length=255),
    AfterValidator(_storable),
    AfterValidator(_not_blank),
]

UserId: TypeAlias = _ShortText
"""A user's id: 1 to 255 characters that are not only white space."""

Title: TypeAlias = _ShortText
"""A task's title: 1 to 255 characters that are not only white space."""

Limit: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=1000)]
"""The largest number of rows to return: 1 to 1,000."""

BATCH_ROWS = 50_000
"""The largest number of rows that one call makes."""

BatchSize: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=BATCH_ROWS)]
"""How many rows one transaction takes: 1 to 50,000."""

Age: TypeAlias = Annotated[timedelta, Field(strict=True, ge=timedelta(0))]
"""How long ago: a timedelta that is not negative."""

Flag: TypeAlias = Annotated[bool, Field(strict=True)]
"""True or False, and nothing that could be converted to it."""

NewId: TypeAlias = Annotated[UUID | None, AfterValidator(lambda value: value or uuid4())]
"""A new row's id: the caller's own, or one made here, so that the statement can be repeated."""


def _as_text(id: UUID) -> str:
    return id.hex


BatchId: TypeAlias = Annotated[NewId, SentAs(_as_text)]
"""As NewId, in a batch. It is sent as text: on each new connection, asyncpg would first ask the
server in six round trips what uuid[] is."""


def one_of(labels: type[StrEnum]) -> PlainValidator:
    """Accept a member of the enum or its plain string, and nothing else."""

    def member(value: Any) -> StrEnum:
        try:
            return labels(value)
        except ValueError:
            raise PydanticCustomError(
                "label", "must be one of: {labels}", {"labels": ", ".join(labels)}
            ) from None

    return PlainValidator(member, json_schema_input_type=labels)


class _PageStart:
    """Accepts a record of the list, or a cursor of such a record, and gives the cursor."""

    def __get_pydantic_core_schema__(
        self, source: Any, _: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        row, *_others = get_args(source)

        def cursor_of(value: Any) -> Cursor | None:
            if not isinstance(value, row | Cursor | None):
                raise PydanticCustomError(
                    "cursor", "must be a record of the neighbouring page, or its cursor"
                )
            cursor: Cursor | None = getattr(value, "cursor", value)
            if cursor and cursor.kind not in (None, row.__name__.lower()):
                raise PydanticCustomError("cursor", "is a cursor of another kind of record")
            return cursor

        return core_schema.no_info_plain_validator_function(cursor_of)


PageStart: TypeAlias = Annotated[Row | Cursor | None, _PageStart(), Fields(Position)]
"""A record or cursor that a page begins beside; None reads the list's first page."""


Keys: TypeAlias = Annotated[Sequence[RowKey], Columns(RowKey)]
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
