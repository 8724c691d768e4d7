"""From rows to what the stub's return annotation says."""

import types
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, partial
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Json, TypeAdapter, ValidationError, ValidationInfo
from pydantic_core import from_json

from dal.binding.malformed import skip
from dal.binding.statement import BindingError, Statement
from dal.errors import DalError, SchemaMismatchError

Row = Mapping[str, Any]

_JSON: Any = Json  # which type checkers take for something else
_FROM_ROW = object()  # validation's context where a value comes out of a row


def _parsed(value: Any, info: ValidationInfo) -> Any:
    if info.context is not _FROM_ROW:
        return value
    try:
        return from_json(value)
    except ValueError:  # nested too deep, by another writer; its neighbours stay readable
        return value


if TYPE_CHECKING:
    JsonColumn: TypeAlias = Any
else:
    JsonColumn = Annotated[Any, BeforeValidator(_parsed)] | None  # NULL needs no call
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


def is_json(mark: Any) -> bool:
    """Whether an annotation's mark is that of `Json[T]`, which is read from a text."""
    return mark is _JSON or isinstance(mark, _JSON)


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

    Parameters:
        whole: a malformed row raises even where the caller wants such rows skipped.
    """

    statement: Statement
    record: type[BaseModel]
    whole: bool = False

    def all(self, rows: Sequence[Row]) -> list[Any]:
        """One record for each row, without those that were skipped.

        Raises:
            SchemaMismatchError: a column is missing or holds what its field can't.
        """
        columns = list(rows[0].keys()) if rows else []
        # A seventh cheaper than dict(row.items()), and a quarter than dict(row).
        found = [dict(zip(columns, row.values(), strict=True)) for row in rows]
        try:
            return self._list(found)
        except ValidationError:
            pass  # looking for the rows at fault takes longer than validating all at once
        return self._list(self._sound(found))

    def one(self, rows: Sequence[Row]) -> Any:
        """The record of the only row, or of all the rows of a join, without skipped items.

        Raises:
            SchemaMismatchError: as `all` does.
        """
        if len(rows) > 1 and not self._items:
            raise DalError("more than one row came back", query=self.statement.name)
        row = self._folded(rows) if self._items else dict(rows[0])
        try:
            return self._single(row)
        except ValidationError:
            pass
        for field, items in self._items.items():
            row[field] = items._sound(row[field])
        if fault := self._fault(row):
            raise fault
        return self._single(row)

    def place(self, row: Row) -> Any:
        """The place of a row, sound or malformed, after which the next page begins.

        Raises:
            SchemaMismatchError: it is malformed in what makes its place.
        """
        found = dict(row)
        fault = self._fault(found)
        if fault is None:
            return self._single(found).cursor
        try:
            record: Any = self.record.model_construct(**found)
            place = record.cursor
        except Exception:  # noqa: BLE001 - the record's own code meets what it never expects
            place = None
        if place is None:  # which a statement would take for the beginning
            raise fault
        return place

    def _sound(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        sound = []
        for row in rows:
            if (fault := self._fault(row)) is None:
                sound.append(row)
            elif self.whole:
                raise fault
            else:
                skip(fault)
        return sound

    # It is returned, for a raised error would keep the whole page with its traceback.
    def _fault(self, row: dict[str, Any]) -> SchemaMismatchError | None:
        try:
            self._single(row)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False)
        else:
            return None
        # Of the place only the column is said: what is deeper may be a key of the data.
        wrong = {": ".join([*map(str, problem["loc"][:1]), problem["msg"]]) for problem in problems}
        # A key of another type may be what people wrote.
        name = f" (id {row['id']})" if isinstance(row.get("id"), UUID) else ""
        return SchemaMismatchError(
            f"a row is not a {self.record.__name__}{name}: {'; '.join(sorted(wrong))}",
            query=self.statement.name,
        )

    def _folded(self, rows: Sequence[Row]) -> dict[str, Any]:
        parent = {name: value for name, value in rows[0].items() if "." not in name}
        for field in self._items:
            columns = [name for name in rows[0].keys() if name.startswith(f"{field}.")]  # noqa: SIM118
            parent[field] = [
                {name.removeprefix(f"{field}."): row[name] for name in columns}
                for row in rows
                if any(row[name] is not None for name in columns)
            ]
        return parent

    # Built at the first call: an import pays only for what can be wrong at import.
    @cached_property
    def _single(self) -> Callable[[dict[str, Any]], Any]:
        return partial(TypeAdapter(self.record).validator.validate_python, context=_FROM_ROW)

    @cached_property
    def _list(self) -> Callable[[list[dict[str, Any]]], list[Any]]:
        adapter: TypeAdapter[list[Any]] = TypeAdapter(list[self.record])  # type: ignore[name-defined]
        return partial(adapter.validator.validate_python, context=_FROM_ROW)

    @cached_property
    def _items(self) -> dict[str, "Records"]:
        return {
            name: Records(self.statement, get_args(field.annotation)[0], self.whole)
            for name, field in self.record.model_fields.items()
            if get_origin(field.annotation) is list
            and _is_model(*get_args(field.annotation))
            and not any(map(is_json, field.metadata))  # then one column holds them all
        }


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
