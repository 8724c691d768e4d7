"""The settings of a connection pool, checked all at once."""

from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from dal.errors import ConfigurationError

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Settings(BaseModel):
    """What `dal.connect` takes besides the address; its docstring says what each one means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_size: Annotated[int, Field(strict=True, ge=0)]
    max_size: Annotated[int, Field(strict=True, ge=1)]
    acquire_timeout: Seconds
    recycle_after: Seconds
    command_timeout: Seconds
    application_name: Annotated[str, StringConstraints(max_length=63)]  # the server cuts it there

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        if self.min_size > self.max_size:
            raise PydanticCustomError("sizes", "min_size may not be larger than max_size")
        return self

    @classmethod
    def checked(cls, **given: Any) -> Self:
        """Settings from arguments.

        Raises:
            ConfigurationError: names every setting that is wrong, and its rule.
        """
        try:
            return cls(**given)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False)
        raise ConfigurationError(
            "; ".join(": ".join((*map(str, one["loc"]), one["msg"])) for one in problems)
        )
