"""Pydantic's errors in words of our own, for arguments and for lines."""

from collections.abc import Sequence

# Pydantic's own words quote a part of the value here.
WORDS = {"uuid_parsing": "must be a UUID", "uuid_type": "must be a UUID"}


def path_of(location: Sequence[int | str]) -> str:
    """`messages[3].content`"""
    return "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" for step in location
    ).removeprefix(".")
