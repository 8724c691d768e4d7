"""The values of a line: JSON read strictly, and without losing a digit."""

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, ValidationError
from pydantic_core import PydanticCustomError

from dal.metadata import NO_NUL, has_nul, readable_json, refuse_large
from dal.pydantic_errors import WORDS, path_of

LINE_BYTES = 8 * 2**20
"""The longest line that is read, its end included; parsing one takes several times its size."""

FIRST_TIME = datetime.min.replace(tzinfo=UTC)
"""The calendar's first time, which no line may have: asyncpg sends it as -infinity."""

_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d(:?\d\d)?)", re.ASCII
)
_MARKED = re.compile(rb'"\\u0000([^"]+)"')


# Pydantic's own words name a class here.
_WORDS = WORDS | {
    "dataclass_type": "must be an object",
    "list_type": "must be a list",
    "missing": "is missing",
    "model_type": "must be an object",
}
# Keys and roles of model providers' chat formats that lines do not have. Nobody's text is in them,
# so errors name them.
_ROLES = ("system", "developer", "tool", "function", "model")
_KEYS = {
    *("name", "weight", "tool_calls", "tool_call_id", "function_call", "refusal", "annotations"),
    *("audio", "reasoning_content", "thinking", "cache_control", "parts"),
    *("tools", "tool_choice", "parallel_tool_calls", "functions", "response_format", "system"),
    *("model", "temperature", "max_tokens", "stream", "store", "seed"),
}


class BadLine(Exception):  # noqa: N818
    """A line that can't be imported; its text is the reason and holds no value of the line."""


def because(error: ValidationError) -> BadLine:
    """The first of Pydantic's errors, as a BadLine."""
    first = error.errors(include_url=False)[0]
    place, value, message = first["loc"], first["input"], first["msg"]
    match first["type"]:
        case "extra_forbidden" | "unexpected_keyword_argument":
            # Any other key may be what people wrote.
            place, key = place[:-1], place[-1]
            description = f"the key {key}, which" if key in _KEYS else "a key that"
            message = f"has {description} is not in the format"
        case "label" if place[-1] == "role" and value in _ROLES:
            message = f"is {value}; only user and assistant are read"
        case "string_type" if place[-1] == "content" and isinstance(value, list):
            message = "is a list of parts; only text is read"
        case "string_type" if value is None:
            message = "is null; only text is read"
        case kind:
            message = _WORDS.get(kind, message)
    return BadLine(": ".join(filter(None, (path_of(place), message))))


def decoded(line: bytes) -> Any:
    """The JSON value of a line; a number with a fraction or an exponent is a `Float`.

    Raises:
        BadLine: it is not JSON, or it holds what can't be stored or read back.
    """
    if len(line) > LINE_BYTES:
        raise BadLine(f"is longer than {LINE_BYTES:,} bytes")
    try:
        if has_nul(line):
            raise BadLine(NO_NUL)
        # Files that were joined have a byte-order mark further down as well.
        return _decoder.decode(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 at byte {error.start + 1}"
    except json.JSONDecodeError as error:
        reason = f"is not JSON: {error.msg.removesuffix(' at')} at character {error.pos + 1}"
    except ValueError:  # Python's guard against quadratic time
        reason = "holds a number of more than 4,300 digits"
    except RecursionError:
        reason = "is nested too deep"
    raise BadLine(reason)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise BadLine("has the same key twice in one object")
    return fields


def _no_number(_: str) -> Any:
    raise BadLine("NaN and Infinity are not JSON")


class Float:
    """A number with a fraction or an exponent, as it was written: jsonb keeps every digit."""

    def __init__(self, written: str) -> None:
        if not float("-inf") < float(written) < float("inf"):
            raise BadLine("holds a number beyond the range of a double")
        self.written = written


def _metadata(value: Any) -> str | None:
    """JSON text for jsonb, numbers as they were written."""
    if value is None:
        return None
    try:
        text = readable_json(value, fallback=lambda number: f"\0{number.written}")
    except ValueError:
        raise PydanticCustomError(
            "json", "must be without lone surrogates and nested at most 200 deep"
        ) from None
    if b"\\u0000" in text:  # a mark: no string of a line holds NUL
        text = _MARKED.sub(rb"\1", text)
    refuse_large(text)
    return text.decode()


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        if isinstance(value, str) and _TIME.fullmatch(value):
            time = datetime.fromisoformat(value).astimezone(UTC)
            if time > FIRST_TIME:
                return time
    except (ValueError, OverflowError):
        pass  # a month 13, or a time zone that leads out of the calendar
    raise PydanticCustomError(
        "time", "must be an ISO 8601 time with a time zone, such as 2024-05-31T08:30:00.000000Z"
    )


_decoder = json.JSONDecoder(
    object_pairs_hook=_distinct, parse_float=Float, parse_constant=_no_number
)

Metadata: TypeAlias = Annotated[Any, AfterValidator(_metadata)]
"""Any JSON value of at most JSON_BYTES, as JSON text."""

Time: TypeAlias = Annotated[datetime | None, BeforeValidator(_time)]
"""An aware time, in UTC."""
