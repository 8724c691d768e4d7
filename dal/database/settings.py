"""The settings of a connection pool, checked all at once."""

import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from dal.errors import ConfigurationError


def _number(value: object) -> object:
    # The environment holds text; an argument must be a number already.
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


Size = Annotated[int, BeforeValidator(_number), Field(strict=True)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Settings(BaseModel):
    """What `dal.connect` takes besides the address; its docstring says what each one means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_size: Annotated[Size, Field(ge=1)] = 30
    min_size: Annotated[Size, Field(ge=0)] = Field(
        default_factory=lambda before: min(10, before.get("max_size", 10))
    )
    acquire_timeout: Seconds = 30.0
    recycle_after: Seconds = 3600.0
    command_timeout: Seconds = 30.0
    application_name: Annotated[str, StringConstraints(max_length=63)] = "dal"  # cut there anyway
    prepared_statements: Literal["auto", "on", "off"] = "auto"

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        if self.min_size > self.max_size:
            raise PydanticCustomError("sizes", "min_size may not be larger than max_size")
        return self

    @classmethod
    def read(
        cls, arguments: Mapping[str, Any], environment: Mapping[str, str] = os.environ
    ) -> Self:
        """Settings from arguments, else (where one is None) from the environment, else defaults.

        Raises:
            ConfigurationError: names every setting that is wrong, and its rule.
        """
        chosen: dict[str, Any] = {}
        for name, argument in arguments.items():
            value = environment.get(_variable(name)) if argument is None else argument
            if value is not None:
                chosen[name] = value
        try:
            return cls(**chosen)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False)
        raise ConfigurationError("; ".join(_sentence(one["loc"], one["msg"]) for one in problems))


def _variable(name: str) -> str:
    return f"DAL_{name.upper()}"


def _sentence(location: tuple[int | str, ...], rule: str) -> str:
    names = "".join(f"{name} ({_variable(str(name))}): " for name in location[:1])
    return f"{names}{rule}"
