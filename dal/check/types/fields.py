"""What a record expects of a statement's columns."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args, get_origin

import pydantic
from pydantic import AliasChoices, BaseModel
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo

from dal.binding.rows import is_json
from dal.check.types.annotations import reads_itself
from dal.check.types.members import Use

_CONVERTED = pydantic.BeforeValidator(lambda value: value)


@dataclass(frozen=True, slots=True)
class Field:
    """What a record expects of a column.

    Attributes:
        record: the record that has it.
        name: as the record has it; a column may bear an alias of it.
        annotation: with its marks.
        required: whether there must be such a column.
        use: how Pydantic validates it.
    """

    record: type[BaseModel]
    name: str
    annotation: Any
    required: bool
    use: Use = field(default_factory=Use)


def fields(record: type[BaseModel], prefix: str = "", *, joined: bool = True) -> dict[str, Field]:
    """The fields of a record by the columns that may fill them.

    Parameters:
        prefix: of the columns' names.
        joined: columns with the prefix `items.` fill the field `items`, a list of records.
    """
    with suppress(PydanticUserError):  # of an annotation that it does not know; `types` says which
        record.model_rebuild(raise_errors=False)  # what a string in an annotation stands for
    strict = bool(record.model_config.get("strict"))
    columns: dict[str, Field] = {}
    for name, info in record.model_fields.items():
        names = list(_columns(record, name, info))
        if joined and name in names and (item := _item(info)):
            columns |= fields(item, f"{name}.", joined=False)
            continue
        marks = [*info.metadata, *([_CONVERTED] if _is_converted(record, name) else [])]
        annotation = Annotated[(info.annotation, *marks)] if marks else info.annotation
        made = Field(record, name, annotation, info.is_required(), Use(False, strict, strict))
        columns |= {prefix + column: made for column in names}
    return columns


def _columns(record: type[BaseModel], name: str, info: FieldInfo) -> Iterator[str]:
    """The names under which Pydantic looks for a field's value."""
    config = record.model_config
    alias = info.validation_alias or info.alias
    if alias is None or not config.get("validate_by_alias", True):
        yield name
        return
    for choice in alias.choices if isinstance(alias, AliasChoices) else [alias]:
        if isinstance(choice, str):  # a path leads into a value, and no column's has places
            yield choice
    if config.get("validate_by_name") or config.get("populate_by_name"):
        yield name


def _item(info: FieldInfo) -> type[BaseModel] | None:
    """The record of a field that is a list of records."""
    if get_origin(info.annotation) is list and not any(map(is_json, info.metadata)):
        (item,) = get_args(info.annotation)
        if isinstance(item, type) and issubclass(item, BaseModel):
            return item
    return None


def _is_converted(record: type[BaseModel], name: str) -> bool:
    """Whether the record's own code sees a field's value before it is validated."""
    validators = record.__pydantic_decorators__.field_validators.values()
    return reads_itself(record) or any(
        validator.info.mode != "after" and not {name, "*"}.isdisjoint(validator.info.fields)
        for validator in validators
    )
