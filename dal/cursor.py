"""Keyset cursors: a place in a list, as the time and id of the row there."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

from dal.errors import InvalidInputError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TEXT = re.compile(r"(?:([a-z]+)\.)?(-?[0-9]{1,18})\.([0-9a-f]{32})", re.ASCII)
_KIND = re.compile(r"[a-z]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Position:
    """The time and the id of a row, by which lists are ordered."""

    time: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class Cursor(Position):
    """A place in a list that is ordered by time and id.

    Every record has one as `.cursor`. It carries no right: with another user's cursor a list
    gives the caller's own rows. It outlives its row.

    Parameters:
        time: the row's created_at (a conversation's updated_at), with a time zone.
        id: the row's id.
        kind: whose place it is, such as `message`: the other kinds' lists refuse it. None fits
            every list.

    Raises:
        InvalidInputError: `time` is not an aware datetime, `id` not a UUID, or `kind` no word of
            lower-case letters.
    """

    kind: str | None = None

    def __post_init__(self) -> None:
        try:
            aware = self.time.utcoffset() is not None and self.time.astimezone(UTC)
        except (AttributeError, OverflowError):  # no datetime, or none that UTC's calendar has
            aware = False
        if not aware:
            raise InvalidInputError("a cursor's time must be a datetime with a time zone")
        if not isinstance(self.id, UUID):
            raise InvalidInputError("a cursor's id must be a UUID")
        if self.kind is not None and not (
            isinstance(self.kind, str) and _KIND.fullmatch(self.kind)
        ):
            raise InvalidInputError("a cursor's kind must be a word of lower-case letters, or None")

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
            pass  # more microseconds than the calendar has: as malformed as any other
        raise InvalidInputError("malformed cursor; pass the text that str(cursor) gave")
