"""Results beyond a model a row: lone values, records in records, dataclasses, aliases."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, Json

import dal
from dal.binding import Executor, JsonColumn, Queries
from dal.errors import DalError, SchemaMismatchError

Query = Callable[[str, Any], Any]


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


class Customer(BaseModel):
    id: int
    name: str


class Line(BaseModel):
    product: str
    amount: int


class Order(BaseModel):
    id: int
    customer: Customer
    lines: list[Line]


class Loose(BaseModel):
    id: int
    customer: Customer | None


@dataclass
class Point:
    x: int
    y: int = 0
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Route:
    name: str
    points: list[Point]


class Renamed(BaseModel):
    id: int
    kind: str = Field(validation_alias="type")


class Facts(BaseModel):
    size: int


@pytest.fixture
def query(tmp_path: Path) -> Query:
    queries = Queries(tmp_path)

    def bind(sql: str, returns: Any) -> Any:
        async def stub(db: Executor) -> Any:
            raise NotImplementedError

        stub.__annotations__["return"] = returns
        file = f"statement{len(queries.bindings)}.sql"
        (tmp_path / file).write_text(sql)
        return queries(file)(stub)

    return bind


ID = "5d0e8c1e-8d2f-4a52-9d0e-2f0a5c3f7b11"


@pytest.mark.parametrize(
    ("returns", "sql", "answer"),
    [
        (str, "SELECT 'a'", "a"),
        (Decimal, "SELECT 1.50::numeric", Decimal("1.50")),
        (UUID, f"SELECT '{ID}'::uuid", UUID(ID)),
        (datetime, "SELECT '2026-01-01Z'::timestamptz", datetime(2026, 1, 1, tzinfo=UTC)),
        (date | None, "SELECT '2026-01-01'::date", date(2026, 1, 1)),
        (float, "SELECT 1.5::float8", 1.5),
        (int | None, "SELECT 1", 1),
        (int | None, "SELECT NULL::int", None),
        (int | None, "SELECT 1 WHERE false", None),
        (list[str], "VALUES ('a'), ('b')", ["a", "b"]),
        (list[int | None], "VALUES (1), (NULL)", [1, None]),
        (list[str], "SELECT 'a' WHERE false", []),
        (list[list[int]], "VALUES (ARRAY[1, 2])", [[1, 2]]),
        (Color, "SELECT 'red'", Color.RED),
        (list[Literal["a", "b"]], "SELECT 'a'", ["a"]),
        (Json[Facts], """SELECT '{"size": 3}'""", Facts(size=3)),
        (Annotated[int, Field(gt=0)], "SELECT 1", 1),
    ],
    ids=str,
)
async def test_lone_values(
    db: dal.Database, query: Query, returns: Any, sql: str, answer: Any
) -> None:
    result = await query(sql, returns)(db)
    assert result == answer
    assert isinstance(result, type(answer))


@pytest.mark.parametrize(
    ("returns", "sql", "message"),
    [
        (str, "VALUES ('a'), ('b')", "more than one row came back"),
        (int, "VALUES (1), (2)", "more than one row came back"),
        (
            str,
            "SELECT 'a' WHERE false",
            "the statement returned no row, but its stub returns exactly one",
        ),
        (
            int,
            "SELECT 1 WHERE false",
            ": the statement returned no row, but its stub returns exactly one$",
        ),
        (
            bool,
            "SELECT NULL::boolean",
            ": the statement returned NULL, but its stub returns a number or a flag$",
        ),
        (int, "SELECT 1.5", ": the statement must return one integer or boolean; cast it to "),
        (
            int,
            "SELECT 1, 2",
            ": the statement must return one integer or boolean; cast it to ",
        ),
        (str, "SELECT 'a', 'b'", "2 columns came back, but the stub returns the value of one"),
    ],
)
async def test_lone_values_that_do_not_come(
    db: dal.Database, query: Query, returns: Any, sql: str, message: str
) -> None:
    with pytest.raises(DalError, match=message):
        await query(sql, returns)(db)


@pytest.mark.parametrize(
    ("returns", "sql"),
    [(str, "SELECT NULL::text"), (Color, "SELECT 's3cret'"), (list[int], "VALUES (NULL::int)")],
)
async def test_values_of_another_kind(
    db: dal.Database, query: Query, returns: Any, sql: str
) -> None:
    with pytest.raises(SchemaMismatchError, match="a row is not a ") as error:
        await query(sql, returns)(db)
    assert "s3cret" not in str(error.value)


async def test_what_returning_gives_into_a_number(db: dal.Database, query: Query) -> None:
    async with db.acquire() as connection:
        await connection.execute("CREATE TEMPORARY TABLE things (id int, name text)")
        add = query("INSERT INTO things VALUES (7, 'a') RETURNING id", int)
        assert await add(connection) == 7
        again = query("INSERT INTO things VALUES (8, 'b'), (9, 'c') RETURNING id", int)
        with pytest.raises(DalError, match="more than one row"):
            await again(connection)
        assert await query("UPDATE things SET name = 'd'", int)(connection) == 3
        renamed = "UPDATE things SET name = 'e' WHERE id = 7 RETURNING name = 'e'"
        assert await query(renamed, bool)(connection) is True
        # RETURNING within a CTE is not the statement's own.
        moved = "WITH gone AS (DELETE FROM things RETURNING id) SELECT count(*) FROM gone"
        assert await query(moved, int)(connection) == 3


ORDERS = """
    SELECT *
    FROM (VALUES
        (2, 20, 'ada', 'tea', 1), (1, 10, 'bob', 'ham', 2), (2, 20, 'ada', 'jam', 3),
        (3, 20, 'ada', NULL, NULL)
    ) AS row (id, "customer.id", "customer.name", "lines.product", "lines.amount")
"""


async def test_records_in_records(db: dal.Database, query: Query) -> None:
    ada, bob = Customer(id=20, name="ada"), Customer(id=10, name="bob")
    tea, ham, jam = (Line(product=p, amount=a) for p, a in (("tea", 1), ("ham", 2), ("jam", 3)))
    orders = [
        Order(id=2, customer=ada, lines=[tea, jam]),
        Order(id=1, customer=bob, lines=[ham]),
        Order(id=3, customer=ada, lines=[]),
    ]
    assert await query(ORDERS, list[Order])(db) == orders
    assert await query(f"{ORDERS} WHERE id = 2", Order)(db) == orders[0]
    assert await query(f"{ORDERS} WHERE id = 2", Order | None)(db) == orders[0]
    assert await query(f"{ORDERS} WHERE false", list[Order])(db) == []
    with pytest.raises(DalError, match="more than one row"):
        await query(ORDERS, Order)(db)
    between = """
        SELECT 1 AS id, c AS "customer.id", 'Ada' AS "customer.name",
            'Mug' AS "lines.product", 1 AS "lines.amount"
        FROM unnest(ARRAY[1, 2, 1]) AS c
    """
    with pytest.raises(DalError, match="more than one row"):
        await query(between, Order)(db)


async def test_a_record_that_may_be_missing(db: dal.Database, query: Query) -> None:
    rows = """
        VALUES (1, NULL::int, NULL::text), (1, NULL, NULL), (2, 20, 'ada')
    """
    sql = f'SELECT * FROM ({rows}) AS row (id, "customer.id", "customer.name")'
    orders = await query(sql, list[Loose])(db)
    assert [row.customer and row.customer.name for row in orders] == [None, None, "ada"]
    with pytest.raises(SchemaMismatchError, match="customer: "):
        await query(f'SELECT id, "customer.id", "customer.name" FROM ({sql}) AS r', list[Order])(db)


async def test_without_such_columns_a_list_is_a_column(db: dal.Database, query: Query) -> None:
    class Held(BaseModel):
        id: int
        lines: Json[list[Line]]
        others: list[Line] = []

    sql = """SELECT 1 AS id, '[{"product": "tea", "amount": 1}]' AS lines"""
    held = await query(sql, list[Held])(db)
    assert held == [Held.model_construct(id=1, lines=[Line(product="tea", amount=1)], others=[])]


async def test_json_columns_of_a_model(db: dal.Database, query: Query) -> None:
    class Stored(BaseModel):
        facts: JsonColumn[Facts]
        more: JsonColumn[Facts | None] = None
        other: JsonColumn = None

    sql = """SELECT '{"size": 3}' AS facts, NULL::text AS more, '[1]' AS other"""
    stored = await query(sql, Stored)(db)
    assert (stored.facts, stored.more, stored.other) == (Facts(size=3), None, [1])
    assert Stored(facts=Facts(size=3), other=[1]) == stored
    with pytest.raises(SchemaMismatchError, match="facts: "):
        await query("""SELECT '{"size": "large"}' AS facts""", Stored)(db)


async def test_arrays_among_the_parents_columns(db: dal.Database, query: Query) -> None:
    class Tagged(BaseModel):
        tags: list[str]
        lines: list[Line]

    sql = """
        SELECT ARRAY['a', 'b'] AS tags, 'tea' AS "lines.product", n AS "lines.amount"
        FROM generate_series(1, 2) AS n
    """
    (tagged,) = await query(sql, list[Tagged])(db)
    assert [line.amount for line in tagged.lines] == [1, 2]


async def test_dataclasses_and_aliases(db: dal.Database, query: Query) -> None:
    assert await query("SELECT 1 AS x, 2 AS y", Point)(db) == Point(1, 2)
    assert await query("VALUES (1), (2)", list[int])(db) == [1, 2]
    sql = """SELECT 'p' AS name, n AS "points.x" FROM generate_series(1, 2) AS n"""
    assert await query(sql, list[Route])(db) == [Route("p", [Point(1), Point(2)])]
    assert await query("SELECT 1 AS id, 'a' AS type", Renamed)(db) == Renamed.model_construct(
        id=1, kind="a"
    )
    with pytest.raises(SchemaMismatchError, match="a row is not a Point: x: Field required"):
        await query("SELECT 2 AS y", Point)(db)
