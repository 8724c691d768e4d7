"""The fields that a record expects a statement's columns to fill."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Any

import pydantic
from pydantic import AliasChoices, BaseModel
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo

from dal.binding.joins import Joins
from dal.binding.shapes import fields_of
from dal.check.types.annotations import has_custom_validation
from dal.check.types.fit import optional
from dal.check.types.members import Use

_CONVERTED = pydantic.BeforeValidator(lambda value: value)


@dataclass(frozen=True, slots=True)
class Field:
    """A field that a column fills.

    Attributes:
        record: the name of its record, or of the stub for a single column.
        name: its name in the record; the column may be named by its alias instead.
        annotation: the annotation with its marks.
        required: whether there must be such a column.
        use: how Pydantic validates it.
        join_optional: whether its record may be absent from a row, all columns of the join being
            NULL.
    """

    record: str
    name: str
    annotation: Any
    required: bool
    use: Use = field(default_factory=Use)
    join_optional: bool = False

    def __str__(self) -> str:
        return f"{self.record}.{self.name}" if self.name else self.record


def fields(
    record: Any, columns: Sequence[str], prefix: str = "", *, join_optional: bool = False
) -> dict[str, Field]:
    """The fields of a model or a dataclass by the columns that may fill them.

    Parameters:
        record: the model or dataclass.
        columns: the names of the columns. Those with the prefix `items.` fill the field `items`,
            a record or a list of records.
        prefix: the prefix of the columns' names.
        join_optional: whether a row may have no such record.
    """
    strict = False
    if issubclass(record, BaseModel):
        with suppress(PydanticUserError):  # for an unknown annotation, which `types` reports
            record.model_rebuild(raise_errors=False)  # resolves strings in annotations
        strict = bool(record.model_config.get("strict"))
    joins = Joins({}, {}) if prefix else Joins.of(record)
    by_column: dict[str, Field] = {}
    for name, info in fields_of(record).items():
        item = joins.items.get(name) or joins.ones.get(name)
        if item and any(column.startswith(f"{name}.") for column in columns):
            lacks = name in joins.items or optional(info.annotation)
            by_column |= fields(item, columns, f"{name}.", join_optional=lacks)
            continue
        marks = [*info.metadata, *([_CONVERTED] if _is_converted(record, name) else [])]
        annotation = Annotated[(info.annotation, *marks)] if marks else info.annotation
        use = Use(False, strict, strict)
        made = Field(record.__name__, name, annotation, info.is_required(), use, join_optional)
        by_column |= {prefix + column: made for column in _columns(record, name, info)}
    return by_column


def _columns(record: Any, name: str, info: FieldInfo) -> Iterator[str]:
    """The names under which Pydantic looks for a field's value."""
    config = getattr(record, "model_config", {})
    alias = info.validation_alias or info.alias
    if alias is None or not config.get("validate_by_alias", True):
        yield name
        return
    for choice in alias.choices if isinstance(alias, AliasChoices) else [alias]:
        if isinstance(choice, str):  # a path leads into a value, but columns have no parts
            yield choice
    if config.get("validate_by_name") or config.get("populate_by_name"):
        yield name


def _is_converted(record: Any, name: str) -> bool:
    """Whether the record's own code sees a field's value before it is validated."""
    if not issubclass(record, BaseModel):
        return False
    validators = record.__pydantic_decorators__.field_validators.values()
    return has_custom_validation(record) or any(
        validator.info.mode != "after" and not {name, "*"}.isdisjoint(validator.info.fields)
        for validator in validators
    )
