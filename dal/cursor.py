"""Keyset cursors: a place in a list, as the time and id of the row there."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self, final
from uuid import UUID

from pydantic import GetCoreSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from dal.errors import InvalidInputError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TEXT = re.compile(r"(?:([a-z]+)\.)?(-?[0-9]{1,18})\.([0-9a-f]{32})", re.ASCII)
_KIND = re.compile(r"[a-z]+", re.ASCII)
_MALFORMED = "malformed cursor; pass the text of a record's cursor unchanged"


@dataclass(frozen=True, slots=True)
class Position:
    """The fields of a cursor that a statement takes, as `:before_time` and `:before_id`."""

    time: datetime
    id: UUID


@final
class Cursor:
    """A place in a list that is ordered by time and id.

    Every record has one as `.cursor`. It grants no access: with another user's cursor, a list
    still returns only the caller's own rows. It stays valid after its row is deleted. Pydantic and
    FastAPI treat it as a string, both in JSON and in query parameters.

    Parameters:
        time: the row's created_at (a conversation's updated_at), with a time zone.
        id: the row's id.
        kind: the kind of record, such as `message`: lists of other kinds refuse the cursor. None
            fits every list.

    Raises:
        InvalidInputError: `time` has no time zone, `id` is not a UUID, or `kind` is not a
            lower-case word.
    """

    __slots__ = ("_fields",)

    def __init__(self, time: datetime, id: UUID, kind: str | None = None) -> None:
        try:
            aware = time.utcoffset() is not None and time.astimezone(UTC)
        except (AttributeError, OverflowError):  # not a datetime, or out of range in UTC
            aware = False
        if not aware:
            raise InvalidInputError("a cursor's time must be a datetime with a time zone")
        if not isinstance(id, UUID):
            raise InvalidInputError("a cursor's id must be a UUID")
        if kind is not None and not (isinstance(kind, str) and _KIND.fullmatch(kind)):
            raise InvalidInputError("a cursor's kind must be a word of lower-case letters, or None")
        self._fields = (time, id, kind)

    @property
    def time(self) -> datetime:
        """The row's time."""
        return self._fields[0]

    @property
    def id(self) -> UUID:
        """The row's id."""
        return self._fields[1]

    @property
    def kind(self) -> str | None:
        """The kind of record, or None."""
        return self._fields[2]

    def __eq__(self, other: object) -> bool:
        return self._fields == other._fields if isinstance(other, Cursor) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._fields)

    def __repr__(self) -> str:
        return f"Cursor(time={self.time!r}, id={self.id!r}, kind={self.kind!r})"

    def __str__(self) -> str:
        """Text for a URL: kind, microseconds since 1970 and id; it needs no escaping."""
        position = f"{(self.time - _EPOCH) // _MICROSECOND}.{self.id.hex}"
        return f"{self.kind}.{position}" if self.kind else position

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str(cursor)` wrote.

        Raises:
            InvalidInputError: the text is not a cursor's.
        """
        match = _TEXT.fullmatch(text) if isinstance(text, str) else None
        try:
            if match is not None:
                time = _EPOCH + int(match[2]) * _MICROSECOND
                return cls(time, UUID(match[3]), match[1])
        except OverflowError:
            pass  # a time beyond Python's calendar
        raise InvalidInputError(_MALFORMED)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        def cursor(value: Any) -> Self:
            try:
                return value if isinstance(value, cls) else cls.parse(value)
            except InvalidInputError:
                raise PydanticCustomError("cursor", _MALFORMED) from None

        return core_schema.no_info_plain_validator_function(
            cursor,
            json_schema_input_schema=core_schema.str_schema(),
            serialization=core_schema.to_string_ser_schema(when_used="json"),
        )
