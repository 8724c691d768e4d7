"""What every record has in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict


def first_sentence(schema: dict[str, Any], model: type[Any]) -> None:
    """Leave of a docstring in a JSON schema what an API's reader has use for."""
    schema["description"] = (model.__doc__ or "").partition("\n")[0]


class Record(BaseModel):
    """A row, frozen, as the database had it when it was read.

    Times are aware and in UTC. What people wrote (titles, contents, metadata) is left out of
    `repr`, and all of it out of validation errors, so that a logged one does not spill it.
    """

    model_config = ConfigDict(
        frozen=True,
        hide_input_in_errors=True,
        defer_build=True,
        json_schema_extra=first_sentence,
    )
