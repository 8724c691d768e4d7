"""Turns rows into what the stub's return annotation says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any
from uuid import UUID

from pydantic import BaseModel, TypeAdapter, ValidationError

from dal.binding.joins import Joins
from dal.binding.json_columns import FROM_ROW
from dal.binding.malformed import skip_or_raise
from dal.binding.shapes import is_record, type_name
from dal.binding.statement import Statement
from dal.errors import DalError, SchemaMismatchError

Row = Mapping[str, Any]


@dataclass(frozen=True)
class RowReader:
    """Validates a statement's rows as records, a whole list at once.

    Parameters:
        record: a model, a dataclass, or the type of the only column.
        strict: a malformed row raises even where the caller wants such rows skipped.
    """

    statement: Statement
    record: Any
    strict: bool = False

    def all(self, rows: Sequence[Row]) -> list[Any]:
        """One record for each row, without those that were skipped.

        Raises:
            SchemaMismatchError: a column is missing or holds what its field can't.
        """
        read = self._read(rows)
        try:
            return self._compact(self._list(read))
        except ValidationError:
            pass  # looking for the rows at fault takes longer than validating all at once
        for row in read:
            self._drop_malformed_items(row)
        return self._compact(self._list(self._sound(read)))

    def one(self, rows: Sequence[Row]) -> Any:
        """The record of the only row, or of all the rows of a join, without skipped items.

        Raises:
            SchemaMismatchError: as `all` does.
        """
        read = self._read(rows)
        if len(read) > 1:
            raise DalError("more than one row came back", query=self.statement.name)
        (row,) = read
        try:
            return self._single(row)
        except ValidationError:
            pass
        self._drop_malformed_items(row)
        if fault := self._fault(row):
            raise fault
        return self._single(row)

    def cursor_of(self, row: Row) -> Any:
        """The cursor of a row, even of a malformed one, after which the next page begins.

        Raises:
            SchemaMismatchError: the row is malformed, and its cursor can't be read.
        """
        values = dict(row)
        fault = self._fault(values)
        if fault is None:
            return self._single(values).cursor
        try:
            record: Any = self.record.model_construct(**values)
            place = record.cursor
        except Exception:  # noqa: BLE001 - the record's own code meets what it never expects
            place = None
        if place is None:  # which a statement would take for the beginning
            raise fault
        return place

    def _read(self, rows: Sequence[Row]) -> list[Any]:
        joins = self._joins
        if joins is None:
            return self._values(rows)
        if joins.items or joins.ones:
            return joins.nested(rows)
        columns = list(rows[0].keys()) if rows else []
        # A sixth cheaper than dict(row), a third than zip(strict=True); both have one length.
        return [dict(zip(columns, row.values())) for row in rows]  # noqa: B905

    def _values(self, rows: Sequence[Row]) -> list[Any]:
        if rows and len(rows[0]) != 1:
            raise DalError(
                f"{len(rows[0])} columns came back, but the stub returns the value of one",
                query=self.statement.name,
            )
        return [value for row in rows for value in row.values()]

    def _compact(self, records: list[Any]) -> list[Any]:
        """The records with one set of their fields' names for all of them.

        Pydantic gives each record a set of its own, which takes more memory than the record and its
        dictionary, and which Python's garbage collector has to visit.
        """
        if self._fields_set:
            for record in records:
                if type(record) is self.record:  # and not what a validator made instead
                    object.__setattr__(record, "__pydantic_fields_set__", self._fields_set)
        return records

    def _sound(self, rows: Sequence[Any]) -> list[Any]:
        sound = []
        for row in rows:
            if (fault := self._fault(row)) is None:
                sound.append(row)
            elif self.strict:
                raise fault
            else:
                skip_or_raise(fault)
        return sound

    # Returned, because the traceback of a raised error would keep the whole page in memory.
    def _fault(self, row: Any) -> SchemaMismatchError | None:
        try:
            self._single(row)
            return None
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False)
        # Only the column is named: a deeper step of the place may be a key of the data.
        wrong = {": ".join([*map(str, problem["loc"][:1]), problem["msg"]]) for problem in problems}
        # An id of another type may be text that people wrote.
        key = row.get("id") if isinstance(row, dict) else None
        name = f" (id {key})" if isinstance(key, UUID) else ""
        return SchemaMismatchError(
            f"a row is not a {type_name(self.record)}{name}: {'; '.join(sorted(wrong))}",
            query=self.statement.name,
        )

    def _drop_malformed_items(self, row: dict[str, Any]) -> None:
        for field, items in self._items.items():
            if isinstance(row.get(field), list):
                row[field] = items._sound(row[field])

    # Built on the first call, to keep the import fast.
    @cached_property
    def _single(self) -> Callable[[Any], Any]:
        return partial(TypeAdapter(self.record).validator.validate_python, context=FROM_ROW)

    @cached_property
    def _list(self) -> Callable[[list[Any]], list[Any]]:
        adapter: TypeAdapter[list[Any]] = TypeAdapter(list[self.record])  # type: ignore[name-defined]
        return partial(adapter.validator.validate_python, context=FROM_ROW)

    @cached_property
    def _fields_set(self) -> set[str] | None:
        """The fields that are set, if they are the same in each record and never change."""
        if not (isinstance(self.record, type) and issubclass(self.record, BaseModel)):
            return None
        fields, config = self.record.model_fields, self.record.model_config
        fixed = config.get("frozen") and config.get("extra") != "allow"
        required = all(field.is_required() for field in fields.values())
        return set(fields) if fixed and required else None

    @cached_property
    def _joins(self) -> Joins | None:
        return Joins.of(self.record) if is_record(self.record) else None

    @cached_property
    def _items(self) -> dict[str, "RowReader"]:
        items = self._joins.items if self._joins else {}
        return {
            field: RowReader(self.statement, item, self.strict) for field, item in items.items()
        }
