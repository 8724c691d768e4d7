"""JSON columns, which a statement returns as text.

Any connection can read them then, whatever codec its owner has set.
"""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, GetCoreSchemaHandler, Json, ValidationInfo
from pydantic_core import CoreSchema, core_schema, from_json
from typing_extensions import TypeVar

FROM_ROW = object()
"""The validation context of a value that comes from a row."""

_JSON: Any = Json  # which type checkers take for something else
_T = TypeVar("_T", default=Any)


def _parsed(value: Any, info: ValidationInfo) -> Any:
    if info.context is not FROM_ROW or value is None:
        return value
    try:
        return from_json(value)
    except ValueError:  # nested too deep, by another writer; its neighbours stay readable
        return value


_PARSED = BeforeValidator(_parsed)

if TYPE_CHECKING:
    JsonColumn = Annotated[_T, _PARSED]
else:

    class JsonColumn:
        """A field of a json column: `JsonColumn`, or `JsonColumn[Model]`.

        A record made by hand takes the value itself.
        """

        def __class_getitem__(cls, item: Any) -> Any:
            return Annotated[item, _PARSED]

        @classmethod
        def __get_pydantic_core_schema__(
            cls, source: Any, handler: GetCoreSchemaHandler
        ) -> CoreSchema:
            parsed = core_schema.with_info_before_validator_function(
                _parsed, core_schema.any_schema()
            )
            return core_schema.nullable_schema(parsed)  # NULL needs no call


def is_json(mark: Any) -> bool:
    """Whether an annotation is marked as `Json[T]` or `JsonColumn[T]`, which parse text."""
    return mark is _JSON or isinstance(mark, _JSON) or mark is _PARSED
