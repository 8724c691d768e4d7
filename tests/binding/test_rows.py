"""What the return annotation makes of the rows that a real server sends."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Optional

import pytest
from pydantic import BaseModel, Json

import dal
from dal.binding import Columns, Executor, Queries
from dal.errors import (
    ConflictError,
    ConnectionLostError,
    DalError,
    NotFoundError,
    QueryTimeoutError,
    SchemaMismatchError,
)

Query = Callable[..., Callable[[Any], Any]]


class Thing(BaseModel):
    id: int
    name: str


class Shelf(BaseModel):
    id: int
    things: list[Thing]


class Bag(BaseModel):
    """A record of columns that hold more than one value each."""

    labels: list[str] = []
    prices: Json[dict[str, int]] = {}


class Number(BaseModel):
    n: int

    @property
    def cursor(self) -> int:
        return self.n


@dataclass(frozen=True)
class New:
    id: int


class ThingNotFoundError(NotFoundError):
    message = "There is no such thing."


class Counting:
    """An executor that counts its round trips."""

    def __init__(self, db: Executor) -> None:
        self.db, self.trips = db, 0

    def __getattr__(self, method: str) -> Any:
        self.trips += 1
        return getattr(self.db, method)


@pytest.fixture
async def db(db: dal.Database) -> dal.Database:
    """A database with an axe and a bow on shelf 1, and nothing on shelf 2."""
    await db.execute("CREATE TABLE shelves (id int PRIMARY KEY)")
    await db.execute(
        "CREATE TABLE things (id int PRIMARY KEY, name text, shelf int REFERENCES shelves)"
    )
    await db.execute("INSERT INTO shelves VALUES (1), (2)")
    await db.execute("INSERT INTO things VALUES (1, 'axe', 1), (2, 'bow', 1)")
    return db


@pytest.fixture
def query(tmp_path: Path) -> Query:
    """Writes a statement to a file, and binds a stub to it."""

    def bind(sql: str, **options: Any) -> Callable[[Any], Any]:
        (tmp_path / "test.sql").write_text(sql)
        return Queries(tmp_path)("test.sql", **options)

    return bind


def returning(annotation: Any) -> Any:
    """A stub without parameters."""

    async def stub(db: Executor) -> Any:
        raise NotImplementedError

    stub.__annotations__["return"] = annotation
    return stub


AXE, BOW = Thing(id=1, name="axe"), Thing(id=2, name="bow")
JOIN = """
    SELECT s.id, t.id AS "things.id", t.name AS "things.name"
    FROM shelves AS s LEFT JOIN things AS t ON t.shelf = s.id
    WHERE s.id = {} ORDER BY t.id
"""


@pytest.mark.parametrize(
    ("annotation", "sql", "answer"),
    [
        (Thing, "SELECT id, name FROM things WHERE id = 1", AXE),
        (Thing, "UPDATE things SET id = id WHERE id = 1 RETURNING id, name", AXE),
        (Thing | None, "SELECT id, name FROM things WHERE id = 1", AXE),
        (Thing | None, "SELECT id, name FROM things WHERE id = 0", None),
        (Optional[Thing], "SELECT id, name FROM things WHERE id = 0", None),  # noqa: UP045
        (list[Thing], "SELECT id, name FROM things ORDER BY id", [AXE, BOW]),
        (list[Thing], "SELECT id, name FROM things WHERE id = 0", []),
        (Shelf, JOIN.format(1), Shelf(id=1, things=[AXE, BOW])),
        (Shelf | None, JOIN.format(2), Shelf(id=2, things=[])),
        (Shelf | None, JOIN.format(3), None),
        (list[Bag], "SELECT ARRAY['a', 'b'] AS labels", [Bag(labels=["a", "b"])]),
        (Bag, "SELECT ARRAY['a'] AS labels", Bag(labels=["a"])),
        (int, "SELECT 7", 7),
        (int, "INSERT INTO things VALUES (3), (4)", 2),
        (int, "UPDATE things SET name = 'x'", 2),
        (int, "DELETE FROM things WHERE id = 0", 0),
        (bool, "SELECT EXISTS (SELECT FROM things)", True),
        (bool, "SELECT EXISTS (SELECT FROM things WHERE id = 0)", False),
        (bool, "DELETE FROM things", True),
        (bool, "DELETE FROM things WHERE id = 0", False),
        (None, "INSERT INTO things VALUES (3)", None),
        (None, "SELECT 7", None),
        (None, "SELECT pg_notify('a', 'b')", None),
        (None, "SELECT id FROM things WHERE id = 0", None),
        (None, "SET LOCAL work_mem = '1MB'", None),
    ],
)
async def test_shapes(
    db: dal.Database, query: Query, annotation: Any, sql: str, answer: object
) -> None:
    result = await query(sql)(returning(annotation))(db)
    assert result == answer
    assert type(result) is type(answer)  # True equals 1


@pytest.mark.parametrize(
    ("annotation", "sql"),
    [
        (Thing, "SELECT id, name FROM things WHERE id = 0"),
        (Shelf, JOIN.format(3)),
        (int, "SELECT id FROM things WHERE id = 0"),
        (int, "WITH old AS (SELECT 1) DELETE FROM things"),
        (int, "SELECT NULL"),
    ],
)
async def test_a_promised_value_that_does_not_come(
    db: dal.Database, query: Query, annotation: Any, sql: str
) -> None:
    with pytest.raises(DalError, match=r"^test: "):
        await query(sql)(returning(annotation))(db)


@pytest.mark.parametrize("annotation", [Thing, list[Thing]])
@pytest.mark.parametrize("change", ["name = 'x' WHERE id = 0", "shelf = 3 WHERE id = 1"])
async def test_absent(db: dal.Database, query: Query, annotation: Any, change: str) -> None:
    """No row to change, and a foreign key without a parent."""
    sql = f"UPDATE things SET {change} RETURNING id, name"
    with pytest.raises(ThingNotFoundError, match=r"^test: There is no such thing\.$") as raised:
        await query(sql, not_found=ThingNotFoundError)(returning(annotation))(db)
    assert raised.value.__cause__ is raised.value.__context__ is None


@pytest.mark.parametrize(
    ("change", "absent", "constraint"),
    [("shelf = 3", None, "things_shelf_fkey"), ("id = 1", ThingNotFoundError, "things_pkey")],
)
async def test_any_other_conflict_stays_one(
    db: dal.Database, query: Query, change: str, absent: Any, constraint: str
) -> None:
    get = query(f"UPDATE things SET {change} RETURNING id, name", not_found=absent)
    with pytest.raises(ConflictError, match=rf"^test: .+ {constraint}$"):
        await get(returning(list[Thing]))(db)


@pytest.mark.parametrize("annotation", [Thing, Thing | None, list[Thing]])
async def test_a_column_that_raises(db: dal.Database, query: Query, annotation: Any) -> None:
    sql = "SELECT id, name, id = 3 AS taken, id = 2 AS late FROM things WHERE id <= {} ORDER BY id"
    raises = {"late": ConflictError, "taken": NotFoundError}
    get = query(sql.format(1), raise_if=raises)(returning(annotation))
    assert await get(db) in (AXE, [AXE])
    get = query(sql.format(2), raise_if=raises)(returning(annotation))
    with pytest.raises(ConflictError, match=r"^test: "):
        await get(db)


@pytest.mark.parametrize("annotation", [Number, Number | None, list[Number]])
async def test_a_column_that_asks_to_run_again(
    db: dal.Database, query: Query, annotation: Any
) -> None:
    await db.execute("CREATE SEQUENCE turns")
    sql = "SELECT n, n < 3 AS stale, n = 2 AS late FROM nextval('turns') AS n"
    get = query(sql, retry_if="stale", raise_if={"late": ConflictError})(returning(annotation))
    counting = Counting(db)
    assert await get(counting) in (Number(n=3), [Number(n=3)])
    assert counting.trips == 3


async def test_a_later_round_that_fails_does_not_undo_an_earlier_one(
    executor: Any, db: dal.Database, query: Query
) -> None:
    await db.execute("CREATE SEQUENCE turns")
    await db.execute("CREATE TABLE kept (n bigint)")
    keep = query(
        """
        WITH kept AS (INSERT INTO kept SELECT nextval('turns') RETURNING n)
        SELECT n, CASE WHEN n = 1 THEN true ELSE cancelled END AS stale
        FROM kept
        CROSS JOIN LATERAL (
            SELECT pg_cancel_backend(pg_backend_pid()) AND pg_sleep(5) IS NULL AS cancelled
            WHERE n > 1
            UNION ALL
            SELECT true WHERE n = 1
        ) AS turn
        """,
        retry_if="stale",
    )(returning(Number))
    if isinstance(executor, dal.Transaction):  # nothing is committed
        with pytest.raises(QueryTimeoutError):
            async with executor.transaction() as savepoint:
                await keep(savepoint)
        return
    with pytest.raises(ConnectionLostError) as caught:
        await keep(executor)
    assert (caught.value.query, caught.value.sqlstate) == ("test", "57014")
    assert str(caught.value) == (
        "test: the statement was carried out, but then its answer could not be read"
        " (QueryTimeoutError); repeat it with the same id"
    )
    assert await db.fetch("SELECT n FROM kept") == [(1,)]


@pytest.mark.parametrize(
    ("annotation", "sql", "complaint"),
    [
        (Thing, "SELECT 'secret' AS id, 'axe' AS name", "id: Input should be a valid integer"),
        (list[Thing], "SELECT 1 AS id, NULL AS name", "name: Input should be a valid string"),
        (Thing | None, "SELECT 1 AS id, 'secret' AS title", "name: Field required"),
        (Thing, "SELECT 'secret' AS id", "id: Input should be .*; name: Field required"),
        (Shelf, JOIN.format(1).replace("t.name", "0"), "name: Input should be a valid string"),
        (list[Bag], "SELECT ARRAY[1] AS labels", "labels: "),
        (list[Bag], """SELECT '{"secret": ""}' AS prices""", "prices: "),
    ],
)
async def test_a_row_that_does_not_fit_names_the_column(
    db: dal.Database, query: Query, annotation: Any, sql: str, complaint: str
) -> None:
    pattern = rf"^test: a row is not a (Thing|Shelf|Bag): {complaint}"
    with pytest.raises(SchemaMismatchError, match=pattern) as raised:
        await query(sql)(returning(annotation))(db)
    assert "secret" not in f"{raised.value!r} {vars(raised.value)}"
    assert raised.value.__cause__ is raised.value.__context__ is None


def numbers(query: Query, end: int) -> Any:
    source = f"generate_series(1, {end}) AS n"

    @query(f"SELECT n FROM {source} WHERE n > :after ORDER BY n LIMIT :page_size")
    def stream(db: Executor, *, after: int = 0, page_size: int = 2) -> AsyncIterator[Number]:
        raise NotImplementedError

    return stream


@pytest.mark.parametrize(("rows", "trips"), [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3)])
async def test_pages(db: dal.Database, query: Query, rows: int, trips: int) -> None:
    counting = Counting(db)
    streamed = [number.n async for number in numbers(query, rows)(counting)]
    assert streamed == list(range(1, rows + 1))
    assert counting.trips == trips


async def test_a_page_is_fetched_when_it_is_needed(db: dal.Database, query: Query) -> None:
    counting = Counting(db)
    stream = numbers(query, 100)(counting, after=10, page_size=3)
    assert counting.trips == 0
    for n, trips in (11, 1), (12, 1), (13, 1), (14, 2):
        assert (await anext(stream)).n == n
        assert counting.trips == trips


@pytest.mark.parametrize(
    ("annotation", "returned", "empty", "single"),
    [
        (list[Number], "RETURNING id AS n", [], [Number(n=3)]),
        (int, "", 0, 1),
    ],
)
async def test_an_empty_batch_takes_no_round_trip(
    db: dal.Database, query: Query, annotation: Any, returned: str, empty: object, single: object
) -> None:
    async def stub(db: Executor, *, new: Annotated[list[New], Columns(New)]) -> Any:
        raise NotImplementedError

    stub.__annotations__["return"] = annotation
    add = query(f"INSERT INTO things SELECT unnest(:new_id::int[]) {returned}")(stub)
    counting = Counting(db)
    assert await add(counting, new=[]) == empty
    assert counting.trips == 0
    assert await add(counting, new=[New(3)]) == single
    assert counting.trips == 1


async def test_a_batch_is_sent_though_another_is_empty(db: dal.Database, query: Query) -> None:
    @query("SELECT unnest(:first_id::int[] || :second_id::int[]) AS n")
    async def both(
        db: Executor,
        *,
        first: Annotated[list[New], Columns(New)],
        second: Annotated[list[New], Columns(New)],
    ) -> list[Number]:
        raise NotImplementedError

    counting = Counting(db)
    assert await both(counting, first=[New(1)], second=[]) == [Number(n=1)]
    assert await both(counting, first=[], second=[New(2)]) == [Number(n=2)]
    assert counting.trips == 2
    assert await both(counting, first=[], second=[]) == []
    assert counting.trips == 2
