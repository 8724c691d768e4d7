"""The records of a result share the set of their fields, where it is the same for each of them."""

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, model_validator

from dal import Message
from dal.binding.rows import RowReader
from dal.binding.statement import Statement

_STATEMENT = Statement("things.list", Path("list.sql"), "", "", (), returns_count=False)
_ROWS = [{"id": 1, "name": "axe"}, {"id": 2, "name": "bow"}]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: int
    name: str


class Changing(BaseModel):
    id: int
    name: str


class Open(Frozen):
    model_config = ConfigDict(extra="allow")


class WithDefault(Frozen):
    size: int | None = None

    @model_validator(mode="before")
    @classmethod
    def axes_have_a_size(cls, row: dict[str, Any]) -> dict[str, Any]:
        return row | {"size": 3} if row["name"] == "axe" else row


class Tool(Frozen):
    @model_validator(mode="wrap")
    @classmethod
    def made_as_its_kind(cls, row: dict[str, Any], make: Callable[[Any], Any]) -> Any:
        return Sharp(**row, edge="steel") if cls is Tool and row["name"] == "axe" else make(row)


class Sharp(Tool):
    edge: str


def read(record: Any) -> list[Any]:
    records = RowReader(_STATEMENT, record).all(_ROWS)
    assert records == [record.model_validate(row) for row in _ROWS]
    assert [r.model_fields_set for r in records] == [
        record.model_validate(row).model_fields_set for row in _ROWS
    ]
    return records


def test_frozen_records_share_one_set() -> None:
    axe, bow = read(Frozen)
    assert axe.__pydantic_fields_set__ is bow.__pydantic_fields_set__
    assert axe.model_dump(exclude_unset=True) == _ROWS[0]


def test_a_record_is_two_objects_to_the_garbage_collector() -> None:
    reader = RowReader(_STATEMENT, Frozen)
    reader.all(_ROWS)
    gc.collect()
    before = len(gc.get_objects())
    records = reader.all(_ROWS * 500)
    assert len(gc.get_objects()) - before <= 2 * len(records) + 20


def test_dals_own_records_are_frozen_and_have_no_defaults() -> None:
    assert RowReader(_STATEMENT, Message)._fields_set == set(Message.model_fields)


@pytest.mark.parametrize("record", [Changing, Open, WithDefault])
def test_other_records_keep_their_own(record: Any) -> None:
    axe, bow = read(record)
    assert axe.__pydantic_fields_set__ is not bow.__pydantic_fields_set__


def test_what_a_validator_makes_instead_keeps_its_own() -> None:
    axe, bow = read(Tool)
    assert (axe.model_fields_set, bow.model_fields_set) == ({"id", "name", "edge"}, {"id", "name"})


def test_a_copy_has_its_own_set() -> None:
    axe, bow = read(Frozen)
    copy = axe.model_copy(update={"other": 1})
    assert copy.model_fields_set == {"id", "name", "other"}
    assert bow.model_fields_set == {"id", "name"}


def test_values_and_unions_have_none() -> None:
    assert RowReader(_STATEMENT, str)._fields_set is None
    assert RowReader(_STATEMENT, Frozen | Changing)._fields_set is None
