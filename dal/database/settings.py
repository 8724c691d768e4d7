"""The settings of a connection pool, checked all at once."""

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from dal.errors import ConfigurationError


def _number(value: object) -> object:
    # The environment holds text; an argument must be a number already.
    if isinstance(value, str):
        with suppress(ValueError):
            return int(value) if value.isdigit() else float(value)
    return value


Size = Annotated[int, BeforeValidator(_number), Field(strict=True)]
Seconds = Annotated[float, BeforeValidator(_number), Field(strict=True, gt=0, allow_inf_nan=False)]
# The server cuts a longer one, and replaces what is not ASCII.
PlainName = Annotated[str, StringConstraints(pattern=r"^[ -~]{1,63}$")]


class PoolSettings(BaseModel):
    """What `dal.connect` takes besides the address; its docstring says what each one means."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    max_size: Annotated[Size, Field(ge=1)] = 30
    min_size: Annotated[Size, Field(ge=0)] = Field(
        default_factory=lambda before: min(10, before.get("max_size", 10))
    )
    acquire_timeout: Seconds = 30.0
    recycle_after: Seconds = 3600.0
    command_timeout: Seconds = 30.0
    application_name: PlainName = "dal"
    prepared_statements: Literal["auto", "on", "off"] = "auto"
    slow_call: Seconds | None = None

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
        wrong = {}
        try:
            settings = cls(**chosen)
        except ValidationError as error:
            for problem in error.errors(include_url=False, include_input=False):
                if problem["type"] != "default_factory_not_called":
                    wrong[str(problem["loc"][0])] = problem["msg"]
        else:
            if settings.min_size <= settings.max_size:
                return settings
            wrong["min_size"] = "may not be larger than max_size"
        raise ConfigurationError(
            "; ".join(f"{name} ({_variable(name)}): {rule}" for name, rule in wrong.items())
        )


def _variable(name: str) -> str:
    return f"DAL_{name.upper()}"
