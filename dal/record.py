"""What every record has in common."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A row, frozen, as the database had it when it was read.

    Times are aware and in UTC. What people wrote (titles, contents, metadata) is left out of
    `repr`, and all of it out of validation errors, so that a logged one does not spill it.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, defer_build=True)
