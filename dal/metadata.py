"""What metadata may hold: any JSON value that PostgreSQL can store and Python can read back.

That is dicts with string keys, lists, strings, integers, finite floats, booleans and None, and
subclasses of these. Everything else is refused (datetimes, UUIDs, Decimals, tuples, sets, bytes,
models), never converted: pass `str(value)` or `model_dump(mode="json")`.

A value comes back as it was, except that jsonb reorders an object's keys, a float of magnitude 1e16
or more comes back as the integer with its printed digits, -0.0 comes back as 0.0, and an instance
of a subclass comes back as its base type.
"""

import math
import re
from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, ConfigDict, JsonValue, TypeAdapter
from pydantic_core import (
    InitErrorDetails,
    PydanticCustomError,
    ValidationError,
    from_json,
    to_json,
)

from dal.binding import SentAs

_json_value: TypeAdapter[JsonValue] = TypeAdapter(
    JsonValue, config=ConfigDict(strict=True, allow_inf_nan=False, defer_build=True)
)
# \u0000 as an escape of its own, not the tail of an escaped backslash.
_NUL_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

NO_NUL = "may not contain NUL (U+0000); PostgreSQL can't store it"

_DEEPEST = 200
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_EXPONENT = re.compile(rb"[0-9][eE][-+]?([0-9]+)")

JSON_BYTES = 4 * 2**20
"""The largest JSON value, as PostgreSQL prints it; a message with it fits into a line."""

_MAX_GROWTH = 2048  # factor by which printing may grow it: `1e-16383,` becomes 16,387 bytes


def has_nul(json: bytes) -> bool:
    """Whether a string in JSON text holds NUL (U+0000), which PostgreSQL can't store."""
    return b"\\u0000" in json and bool(_NUL_ESCAPE.search(json))


def readable_json(value: Any, fallback: Callable[[Any], Any] | None = None) -> bytes:
    """A value as JSON text that can be read back.

    Parameters:
        fallback: converts a part that is not JSON into a JSON value.

    Raises:
        ValueError: it is nested too deep, or has a part that is not JSON, such as a lone surrogate.
    """
    text = to_json(value, fallback=fallback)
    from_json(text)  # refuses what is nested deeper than reading allows
    return text


def refuse_large(text: bytes) -> None:
    """Refuse JSON text that PostgreSQL prints as more than JSON_BYTES.

    jsonb is printed with a space after each comma and colon, and with all digits of its numbers. It
    can hold values that are far too long to be printed: such a row could not be read any more.
    """
    if len(text) * _MAX_GROWTH <= JSON_BYTES:
        return
    bare = _STRING.sub(b"", text)
    spaces = bare.count(b",") + bare.count(b":")
    if len(text) + spaces + sum(map(float, _EXPONENT.findall(bare))) > JSON_BYTES:
        raise PydanticCustomError(
            "large_json",
            "may take at most 4 MiB as PostgreSQL prints it, with all digits of its numbers",
        )


def _checked(value: Any) -> Any:
    """Check a JSON value, and return it. It is parsed, which proves that it can be read back.

    It is not converted, so that a service's model may check it first, and a function again.
    """
    if value is None:
        return None
    try:
        json_value = _json_value.validate_python(value)
        text = readable_json(json_value)
    except ValueError:  # Pydantic's errors, too
        pass
    else:
        if has_nul(text):
            raise PydanticCustomError("nul", NO_NUL)
        refuse_large(text)
        return json_value
    raise _not_json(value)


def _not_json(value: Any) -> ValidationError:
    """The error of a value that is not JSON, with the path to the wrong part, and its fault."""
    path, fault = _fault(value)
    problem = PydanticCustomError(
        "json",
        "must be JSON: dicts with string keys, lists, strings, finite numbers, booleans"
        " and None, without lone surrogates, nested at most 200 deep; here it is {fault}",
        {"fault": fault},
    )
    # The input is left out: it may be what a person wrote.
    details = InitErrorDetails(type=problem, loc=path, input=None)
    return ValidationError.from_exception_data("metadata", [details])


def _fault(value: Any) -> tuple[tuple[int | str, ...], str]:
    """The path to the first part that is not JSON, and a description of that part."""
    parts: list[tuple[tuple[int | str, ...], Any]] = [((), value)]
    while parts:
        path, part = parts.pop()
        if len(path) > _DEEPEST:
            return (), "nested deeper"
        if isinstance(part, dict):
            for key in part:
                if not isinstance(key, str):
                    return path, f"a key of the type {type(key).__name__}"
                if _LONE_SURROGATE.search(key):
                    return path, "a key with a lone surrogate"
            parts += [((*path, key), part[key]) for key in reversed(part)]
        elif isinstance(part, list):
            parts += [((*path, place), part[place]) for place in reversed(range(len(part)))]
        elif fault := _fault_of_scalar(part):
            return path, fault
    return (), type(value).__name__


def _fault_of_scalar(value: Any) -> str | None:
    if isinstance(value, str):
        return "a string with a lone surrogate" if _LONE_SURROGATE.search(value) else None
    if isinstance(value, float):
        return None if math.isfinite(value) else "a number that is not finite"
    if isinstance(value, int):
        try:
            readable_json(value)
        except ValueError:
            return "an integer with too many digits; pass it as a string"
        return None
    return None if value is None else type(value).__name__


def _encoded(value: Any) -> str | None:
    """Text for jsonb; NULL for None."""
    return None if value is None else to_json(value).decode()


Metadata: TypeAlias = Annotated[Any, AfterValidator(_checked), SentAs(_encoded)]
"""Any JSON value of at most JSON_BYTES; None stores nothing."""
