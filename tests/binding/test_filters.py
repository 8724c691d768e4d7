"""Conditions that may be absent: lines that end with `-- if :parameter`."""

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import dal
from dal.binding import BindingError, Executor, Queries

PRODUCTS = """\
-- Products of a category.
SELECT id
FROM products
WHERE category = :category
  AND price >= :min_price                        -- if :min_price
  AND price BETWEEN :min_price AND :max_price    -- if :max_price
  AND (name = :name OR name IS NULL)             -- if :name
  AND stock > 0                                  -- if :in_stock
  AND kind IS DISTINCT FROM :kind                -- if :kind
ORDER BY id
"""
SEARCH = PRODUCTS.replace("price BETWEEN :min_price AND :max_price", "price <= :max_price")


@pytest.fixture
def bind(tmp_path: Path) -> Callable[[str, Any], Any]:
    queries = Queries(tmp_path)

    def bind(sql: str, stub: Any) -> Any:
        (tmp_path / "search.sql").write_text(sql)
        function = queries("search.sql")(stub)
        function.binding = queries.bindings[-1]
        return function

    return bind


async def search(
    db: Executor,
    *,
    category: int,
    min_price: Decimal | None = None,
    max_price: Decimal | None = None,
    name: str | None = None,
    in_stock: bool | None = None,
    kind: int | None = None,
) -> list[int]:
    raise NotImplementedError


class Recorder:
    """An executor that records each query and its arguments before it runs it."""

    def __init__(self, db: dal.Database) -> None:
        self.db = db
        self.sent: list[tuple[str, tuple[Any, ...]]] = []

    async def fetch(self, query: str, /, *args: Any) -> list[Any]:
        self.sent.append((query, args))
        return await self.db.fetch(query, *args)

    async def execute(self, query: str, /, *args: Any) -> str:
        return await self.db.execute(query, *args)


ROWS = """
    CREATE TABLE products (id int, category int, price numeric, name text, stock int, kind int);
    INSERT INTO products VALUES
        (1, 1, 5, 'tea', 0, 1), (2, 1, 9, 'ham', 3, 2), (3, 1, 20, NULL, 1, NULL),
        (4, 2, 5, 'x', 1, 1)
"""


@pytest.mark.parametrize(
    ("filters", "ids", "name"),
    [
        ({}, [1, 2, 3], "search"),
        ({"min_price": Decimal(9)}, [2, 3], "search +min_price"),
        ({"min_price": Decimal(9), "max_price": Decimal(9)}, [2], "search +min_price +max_price"),
        ({"name": "tea"}, [1, 3], "search +name"),
        ({"in_stock": True}, [2, 3], "search +in_stock"),
        ({"in_stock": False}, [1, 2, 3], "search"),
        ({"in_stock": None, "min_price": None}, [1, 2, 3], "search"),
        ({"kind": 0}, [1, 2, 3], "search +kind"),
        ({"kind": 1, "in_stock": True}, [2, 3], "search +in_stock +kind"),
    ],
    ids=str,
)
async def test_what_is_sent(
    db: dal.Database,
    bind: Callable[[str, Any], Any],
    filters: dict[str, Any],
    ids: list[int],
    name: str,
) -> None:
    for statement in ROWS.split(";"):
        await db.execute(statement)
    recorder = Recorder(db)
    function = bind(SEARCH, search)
    assert await function(recorder, category=1, **filters) == ids
    [(text, arguments)] = recorder.sent
    assert text.startswith(f"SELECT /* {name} */ id\n")
    assert text.count("$") == len(arguments)
    assert text.count(" AND ") + text.count("\n  AND") <= 2 * len(filters)
    assert await function(recorder, category=1, **filters) == ids
    assert recorder.sent[0] == recorder.sent[1]


def test_each_subset_is_a_text_made_at_import(bind: Callable[[str, Any], Any]) -> None:
    variants = bind(SEARCH, search).binding.variants
    assert len(variants) == len({variant.statement.text for variant in variants}) == 32
    least, *_, most = variants
    assert (
        least.statement.text
        == "SELECT /* search */ id\nFROM products\nWHERE category = $1\nORDER BY id"
    )
    assert most.statement.parameters == ("category", "min_price", "max_price", "name", "kind")
    assert len({len(variant.statement.sql) for variant in variants}) == 1


async def test_pages(db: dal.Database, bind: Callable[[str, Any], Any]) -> None:
    class Number(BaseModel):
        n: int

        @property
        def cursor(self) -> int:
            return self.n

    def stream(
        db: Executor, *, odd: bool | None = None, after: int = 0, page_size: int = 2
    ) -> AsyncIterator[Number]:
        raise NotImplementedError

    sql = """
        SELECT n FROM generate_series(1, 5) AS n
        WHERE n > :after
            AND n % 2 = 1 -- if :odd
        ORDER BY n LIMIT :page_size
    """
    function = bind(sql, stream)
    assert [row.n async for row in function(db)] == [1, 2, 3, 4, 5]
    assert [row.n async for row in function(db, odd=True)] == [1, 3, 5]


async def of_name(db: Executor, *, name: str | None = None) -> list[int]:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 1 WHERE true\nAND a = :name -- if :name!", "write it as `-- if :parameter`"),
        ("SELECT 1 WHERE true\nAND a = :name /* if :name */", "write it as `-- if :parameter`"),
        ("SELECT 1 WHERE true\nAND a = :name\n-- if :name", "put the condition on the same line"),
        ("SELECT 1 WHERE a = :name -- if :name", "it must begin with AND"),
        ("SELECT 1 WHERE\na = :name -- if :name\nAND b", "it must begin with AND"),
        ("SELECT 1 WHERE true\nOR a = :name -- if :name", "it must begin with AND"),
        (
            "SELECT 1 WHERE true\nAND a = :name AND b -- if :name",
            "it must hold exactly one condition",
        ),
        ("SELECT 1 WHERE true\nAND a = -- if :name\n:name", "its condition must end on this line"),
        ("SELECT 1 WHERE true\nAND a = :name -- if :name\nOR b", "its condition must end on"),
        (
            "SELECT 1 WHERE a OR b\nAND c = :name -- if :name",
            "put brackets around the OR in this WHERE",
        ),
        (
            "SELECT 1 WHERE true\nAND (a = :name -- if :name\n)",
            "must close every bracket that it opens",
        ),
        ("SELECT 1 WHERE (true\nAND a = :name) -- if :name", "in the WHERE of a SELECT"),
        ("SELECT 1 FROM t JOIN u ON true\nAND a = :name -- if :name", "in the WHERE of a SELECT"),
        ("SELECT 1 GROUP BY a HAVING true\nAND a = :name -- if :name", "in the WHERE of a SELECT"),
        (
            "SELECT count(*) FILTER (WHERE true\nAND a = :name -- if :name\n)",
            "in the WHERE of a SELECT",
        ),
        ("DELETE FROM t WHERE true\nAND a = :name -- if :name", "only read, and this has DELETE"),
        (
            "WITH x AS (UPDATE t SET a = 1 WHERE true\nAND a = :name -- if :name\n) SELECT 1",
            "only read, and this has UPDATE",
        ),
        (
            "INSERT INTO t SELECT 1 WHERE true\nAND a = :name -- if :name",
            "only read, and this has INSERT",
        ),
        ("SELECT :name WHERE true\nAND a = :name -- if :name", ":name is also used outside of its"),
        ("SELECT 1 WHERE true\nAND a > 0 -- if :name", "name is in no condition, only in `-- if`"),
        ("SELECT :name WHERE true\nAND a -- if :other", "`-- if :other` is in the file, but not"),
    ],
)
def test_where_a_marker_may_not_stand(
    bind: Callable[[str, Any], Any], sql: str, message: str
) -> None:
    with pytest.raises(BindingError) as error:
        bind(sql, of_name)
    assert message in str(error.value)
    assert "search.sql" in str(error.value)


def test_the_default_is_none(bind: Callable[[str, Any], Any]) -> None:
    async def needed(db: Executor, *, name: str | None) -> list[int]:
        raise NotImplementedError

    async def with_default(db: Executor, *, name: str | None = "a") -> list[int]:
        raise NotImplementedError

    for stub in (needed, with_default):
        with pytest.raises(BindingError, match="name needs the default None"):
            bind("SELECT 1 WHERE true\nAND a = :name -- if :name", stub)


async def test_a_flag_may_be_false_by_default(
    db: dal.Database, bind: Callable[[str, Any], Any]
) -> None:
    async def numbers(db: Executor, *, odd: bool = False) -> list[int]:
        raise NotImplementedError

    odd = bind(
        "SELECT n FROM generate_series(1, 3) AS n WHERE true\nAND n % 2 = 1 -- if :odd", numbers
    )
    assert await odd(db) == await odd(db, odd=False) == [1, 2, 3]
    assert await odd(db, odd=True) == [1, 3]


def test_no_other_default_leaves_a_flags_lines_out(bind: Callable[[str, Any], Any]) -> None:
    async def true(db: Executor, *, odd: bool = True) -> list[int]:
        raise NotImplementedError

    async def none(db: Executor, *, odd: bool = None) -> list[int]:  # type: ignore[assignment]  # noqa: RUF013
        raise NotImplementedError

    async def needed(db: Executor, *, odd: bool) -> list[int]:
        raise NotImplementedError

    async def number(db: Executor, *, odd: bool | None = 0) -> list[int]:  # type: ignore[assignment]
        raise NotImplementedError

    for stub in (true, none, needed, number):
        with pytest.raises(BindingError, match="odd needs the default False"):
            bind("SELECT 1 WHERE true\nAND a -- if :odd", stub)


async def test_a_filters_default_is_not_false(bind: Callable[[str, Any], Any]) -> None:
    async def search(db: Executor, *, odd: bool = False) -> list[int]:
        raise NotImplementedError

    with pytest.raises(BindingError, match="odd needs the default None"):
        bind("SELECT 1 WHERE true\nAND a = :odd -- if :odd", search)


def test_six_parameters_are_the_most(bind: Callable[[str, Any], Any]) -> None:
    lines = "".join(f"\nAND a > {n} -- if :flag{n}" for n in range(7))
    with pytest.raises(BindingError, match="7 parameters have `-- if` lines; 6 are the most"):
        bind(f"SELECT 1 WHERE true{lines}", of_name)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 WHERE true\nAND a = :name -- if :name",
        "SELECT 1 WHERE true\nAND a = :name -- if :name\nFOR UPDATE",
        "SELECT 1 WHERE true\nAND CASE WHEN a AND b THEN :name = c ELSE d END -- if :name\nLIMIT 1",
        "WITH a AS (SELECT 1 WHERE true\nAND a = :name -- if :name\n) SELECT 1",
        "SELECT 1 WHERE a IS DISTINCT FROM b\nAND a = :name -- if :name\nAND c IS DISTINCT FROM d",
        "SELECT 1 WHERE EXISTS (SELECT WHERE x OR y)\nAND a = :name -- if :name\n;",
        "-- if this is asked for: nothing\nSELECT 1 WHERE true\nAND a = :name -- if :name",
    ],
)
def test_where_it_may(bind: Callable[[str, Any], Any], sql: str) -> None:
    assert len(bind(sql, of_name).binding.variants) == 2
