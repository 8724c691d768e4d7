"""From rows to what the stub's return annotation says."""

import types
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, TypeAdapter, ValidationError, ValidationInfo
from pydantic_core import from_json

from dal.binding.statement import BindingError, Statement
from dal.errors import DalError, SchemaMismatchError

Row = Mapping[str, Any]

_FROM_ROW = object()  # validation's context where a value comes out of a row


def _parsed(value: Any, info: ValidationInfo) -> Any:
    if info.context is not _FROM_ROW or value is None:
        return value
    try:
        return from_json(value)
    except ValueError:  # nested too deep, by another writer; its neighbours stay readable
        return value


JsonColumn: TypeAlias = Annotated[Any, BeforeValidator(_parsed)]
"""A field of a json column that the statement gives as text: any connection can read it then,
whatever codec its owner has set. A record made by hand takes the value itself.
"""


class Shape(Enum):
    """What a stub may return; T is a Pydantic model."""

    ONE = "T"
    OPTIONAL = "T | None"
    LIST = "list[T]"
    PAGES = "AsyncIterator[T]"
    NUMBER = "int"
    FLAG = "bool"
    NOTHING = "None"


_PLAIN = {int: Shape.NUMBER, bool: Shape.FLAG, None: Shape.NOTHING, types.NoneType: Shape.NOTHING}
_GENERIC = {list: Shape.LIST, AsyncIterator: Shape.PAGES}


def shape_of(annotation: Any, statement: Statement) -> tuple[Shape, Any]:
    """Read a return annotation as a shape and its T (None for a number, a flag or nothing).

    Raises:
        BindingError: it is none of the shapes.
    """
    if annotation in _PLAIN:
        return _PLAIN[annotation], None
    origin, arguments = get_origin(annotation), list(get_args(annotation))
    if origin in _GENERIC:
        shape = _GENERIC[origin]
    elif origin in (types.UnionType, Union) and types.NoneType in arguments:
        arguments.remove(types.NoneType)
        shape = Shape.OPTIONAL
    else:
        shape, arguments = Shape.ONE, [annotation]
    if len(arguments) == 1 and _is_model(arguments[0]):
        return shape, arguments[0]
    offers = ", ".join(shape.value for shape in Shape)
    raise BindingError(f"{statement.path}: a stub returns one of {offers}; T is a Pydantic model")


@dataclass(frozen=True)
class Records:
    """Validates a statement's rows as records, a whole list at once.

    A record with a list of records is read from a join: the column `"messages.id"` belongs to
    the items of its field `messages`, and a row whose such columns are all NULL has no item.
    """

    statement: Statement
    record: type[BaseModel]

    def all(self, rows: Sequence[Row]) -> list[Any]:
        """One record for each row.

        Raises:
            SchemaMismatchError: a column is missing or holds what its field can't.
        """
        records: list[Any] = self._valid(self._list, [dict(row) for row in rows], column=1)
        return records

    def one(self, rows: Sequence[Row]) -> Any:
        """The record of the only row, or of all the rows of a join."""
        if len(rows) > 1 and not self._lists:
            raise DalError("more than one row came back", query=self.statement.name)
        row = self._folded(rows) if self._lists else dict(rows[0])
        return self._valid(self._single, row, column=0)

    def _valid(self, adapter: TypeAdapter[Any], value: Any, column: int) -> Any:
        try:
            return adapter.validate_python(value, context=_FROM_ROW)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False)
        # Of the place only the column is said: what is deeper may be a key of the data.
        wrong = sorted({f"{problem['loc'][column]}: {problem['msg']}" for problem in problems})
        raise SchemaMismatchError(
            f"a row is not a {self.record.__name__}: {'; '.join(wrong)}", query=self.statement.name
        )

    def _folded(self, rows: Sequence[Row]) -> dict[str, Any]:
        parent = {name: value for name, value in rows[0].items() if "." not in name}
        for field in self._lists:
            columns = [name for name in rows[0].keys() if name.startswith(f"{field}.")]  # noqa: SIM118
            parent[field] = [
                {name.removeprefix(f"{field}."): row[name] for name in columns}
                for row in rows
                if any(row[name] is not None for name in columns)
            ]
        return parent

    # Built at the first call: an import pays only for what can be wrong at import.
    @cached_property
    def _single(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.record)

    @cached_property
    def _list(self) -> TypeAdapter[Any]:
        return TypeAdapter(list[self.record])  # type: ignore[name-defined]

    @cached_property
    def _lists(self) -> list[str]:
        return [
            name
            for name, field in self.record.model_fields.items()
            if get_origin(field.annotation) is list and _is_model(*get_args(field.annotation))
        ]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
