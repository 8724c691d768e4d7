"""The base class of records, and the record of a row's key."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict


def describe_by_first_line(schema: dict[str, Any], model: type[Any]) -> None:
    """Describe a model in a JSON schema by the first line of its docstring."""
    schema["description"] = (model.__doc__ or "").partition("\n")[0]


class Record(BaseModel):
    """A row, frozen, as the database had it when it was read.

    Times are aware and in UTC. What people wrote (titles, contents, metadata) is left out of
    `repr`, and every value out of validation errors, so that a log does not show it.
    """

    model_config = ConfigDict(
        frozen=True,
        hide_input_in_errors=True,
        defer_build=True,
        json_schema_extra=describe_by_first_line,
    )


class RowKey(Record):
    """A row's primary key: its owner and its id."""

    user_id: str
    id: UUID
