"""Keyset cursors: a place in a list, as the time and id of the row there."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

from dal.errors import InvalidInputError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TEXT = re.compile(r"(-?[0-9]{1,18})\.([0-9a-f]{32})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list that is ordered by time and id.

    Every record has one as `.cursor`. It carries no right: with another user's cursor a list
    gives the caller's own rows. It outlives its row.

    Parameters:
        time: the row's created_at (a conversation's updated_at), with a time zone.
        id: the row's id.

    Raises:
        InvalidInputError: `time` is not an aware datetime, or `id` not a UUID.
    """

    time: datetime
    id: UUID

    def __post_init__(self) -> None:
        try:
            aware = self.time.utcoffset() is not None and self.time.astimezone(UTC)
        except (AttributeError, OverflowError):  # no datetime, or none that UTC's calendar has
            aware = False
        if not aware:
            raise InvalidInputError("a cursor's time must be a datetime with a time zone")
        if not isinstance(self.id, UUID):
            raise InvalidInputError("a cursor's id must be a UUID")

    def __str__(self) -> str:
        """Text for a URL: microseconds since 1970, a dot, the id; it needs no escaping."""
        return f"{(self.time - _EPOCH) // _MICROSECOND}.{self.id.hex}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str(cursor)` wrote.

        Raises:
            InvalidInputError: the text is not a cursor's.
        """
        match = _TEXT.fullmatch(text) if isinstance(text, str) else None
        try:
            if match is not None:
                return cls(_EPOCH + int(match[1]) * _MICROSECOND, UUID(match[2]))
        except OverflowError:
            pass  # more microseconds than the calendar has: as malformed as any other
        raise InvalidInputError("malformed cursor; pass the text that str(cursor) gave")
