"""Arguments: models in batches, times with a zone, and sentences about what does not fit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

import dal
from dal.binding import Columns, Executor, Fields, Queries
from dal.errors import InvalidInputError, SchemaMismatchError

Bind = Callable[[str, Any], Any]


class Point(BaseModel):
    x: int
    y: int = Field(0, ge=0)


@dataclass
class Stay:
    begin: datetime
    end: datetime | None = None


@pytest.fixture
def bind(tmp_path: Path) -> Bind:
    def bind(sql: str, stub: Any) -> Any:
        (tmp_path / "test.sql").write_text(sql)
        return Queries(tmp_path)("test.sql")(stub)

    return bind


async def test_models_in_a_batch(db: dal.Database, bind: Bind) -> None:
    async def total(db: Executor, *, points: Annotated[list[Point], Columns(Point)]) -> int:
        raise NotImplementedError

    function = bind(
        "SELECT sum(x * y) FROM unnest(:points_x::int[], :points_y::int[]) AS p (x, y)", total
    )
    assert await function(db, points=[Point(x=2, y=3), Point(x=4, y=5)]) == 26
    assert await function(db, points=[]) == 0
    with pytest.raises(InvalidInputError, match=r"points\[0\]\.y: Input should be greater than"):
        await function(db, points=[{"x": 1, "y": -1}])


async def test_a_model_as_fields(db: dal.Database, bind: Bind) -> None:
    async def product(db: Executor, *, p: Annotated[Point | None, Fields(Point)]) -> int | None:
        raise NotImplementedError

    function = bind("SELECT :p_x::int * :p_y::int", product)
    assert await function(db, p=Point(x=2, y=3)) == 6
    assert await function(db, p=None) is None


async def test_a_model_as_json(db: dal.Database, bind: Bind) -> None:
    async def stored(db: Executor, *, point: Point | None) -> str | None:
        raise NotImplementedError

    function = bind("SELECT :point::text::jsonb ->> 'x'", stored)
    assert await function(db, point=Point(x=2, y=0)) == "2"
    assert await function(db, point=None) is None


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "annotation",
    [datetime, datetime | None, list[datetime], Annotated[datetime, Field(description="when")]],
    ids=str,
)
async def test_a_time_needs_a_zone(db: dal.Database, bind: Bind, annotation: Any) -> None:
    async def same(db: Executor, *, at: Any) -> Any:
        raise NotImplementedError

    many = annotation == list[datetime]
    same.__annotations__ |= {"at": annotation, "return": bool}
    type_ = "timestamptz[]" if many else "timestamptz"
    function = bind(f"SELECT :at::{type_} IS NOT NULL", same)
    assert await function(db, at=[NOW] if many else NOW)
    naive = (NOW + timedelta(days=1)).replace(tzinfo=None)
    with pytest.raises(InvalidInputError, match="Input should have timezone info") as error:
        await function(db, at=[naive] if many else naive)
    assert "2026" not in str(error.value)


async def test_a_time_in_a_list_needs_a_zone_beside_none(db: dal.Database, bind: Bind) -> None:
    async def number(db: Executor, *, at: list[datetime | None]) -> int:
        raise NotImplementedError

    function = bind("SELECT count(*) FROM unnest(:at::timestamptz[])", number)
    assert await function(db, at=[NOW, None]) == 2
    with pytest.raises(InvalidInputError, match=r"at\[1\]\S*: Input should have timezone info"):
        await function(db, at=[NOW, NOW.replace(tzinfo=None)])

    async def of_any(db: Executor, *, at: Sequence[datetime]) -> int:
        raise NotImplementedError

    function = bind("SELECT count(*) FROM unnest(:at::timestamptz[])", of_any)
    with pytest.raises(InvalidInputError, match=r"at\[0\]: Input should have timezone info"):
        await function(db, at=(NOW.replace(tzinfo=None),))


async def test_a_time_in_a_batch_needs_a_zone(db: dal.Database, bind: Bind) -> None:
    async def last(
        db: Executor, *, stays: Annotated[Sequence[Stay], Columns(Stay)]
    ) -> datetime | None:
        raise NotImplementedError

    function = bind(
        "SELECT max(coalesce(b, a)) FROM"
        " unnest(:stays_begin::timestamptz[], :stays_end::timestamptz[]) AS s (a, b)",
        last,
    )
    naive = NOW.replace(tzinfo=None)
    assert await function(db, stays=[Stay(NOW), Stay(NOW, NOW + timedelta(days=1))]) == (
        NOW + timedelta(days=1)
    )
    with pytest.raises(InvalidInputError) as error:
        await function(db, stays=[Stay(NOW), Stay(NOW, naive)])
    assert str(error.value) == "test: stays[1].end: Input should have timezone info"
    with pytest.raises(InvalidInputError, match=r"stays\[0\]\.begin: Input should have"):
        await function(db, stays=[{"begin": "2026-01-01T00:00:00"}])
    with pytest.raises(InvalidInputError, match=r"stays\[0\]\.begin: Field required"):
        await function(db, stays=[{"end": NOW}])


async def test_a_time_among_fields_needs_a_zone(db: dal.Database, bind: Bind) -> None:
    async def later(db: Executor, *, stay: Annotated[Stay | None, Fields(Stay)]) -> bool:
        raise NotImplementedError

    sql = "SELECT coalesce(:stay_begin::timestamptz < :stay_end::timestamptz, false)"
    function = bind(sql, later)
    assert await function(db, stay=Stay(NOW, NOW + timedelta(days=1))) is True
    assert await function(db, stay=None) is False
    with pytest.raises(InvalidInputError, match=r"stay\.begin: Input should have timezone info"):
        await function(db, stay=Stay(NOW.replace(tzinfo=None)))


@pytest.mark.parametrize(
    ("sql", "annotation", "value", "kind", "message"),
    [
        ("SELECT :v::smallint", int, 70_000, InvalidInputError, "v: is out of the column's range"),
        ("SELECT :v::int", int, 2**40, InvalidInputError, "v: is out of the column's range"),
        (
            "SELECT 1 WHERE 1 IN (:v)",
            list[int],
            [1],
            SchemaMismatchError,
            "v: the database expects",
        ),
        ("SELECT length(:v::jsonb::text)", dict, {"a": 1}, SchemaMismatchError, "v: the database"),
        ("SELECT length(:v)", int, 123456, SchemaMismatchError, "v: the database expects another"),
    ],
)
async def test_what_does_not_fit_names_the_argument(
    db: dal.Database,
    bind: Bind,
    sql: str,
    annotation: Any,
    value: Any,
    kind: type[Exception],
    message: str,
) -> None:
    async def stub(db: Executor, *, first: int, v: Any) -> int | None:
        raise NotImplementedError

    stub.__annotations__["v"] = annotation
    function = bind(f"WITH a AS (SELECT :first::int) {sql}", stub)
    with pytest.raises(kind, match=message) as error:
        await function(db, first=1, v=value)
    text = str(error.value)
    assert "make" not in text
    assert "123456" not in text
    assert str(2**40) not in text
    assert error.value.__cause__ is None
