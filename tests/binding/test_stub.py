"""A stub and its file must agree at import; a call must agree with the stub."""

import inspect
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import BaseModel, Field

from dal.binding import BindingError, Columns, Executor, Fields, Queries
from dal.errors import InvalidInputError, NotFoundError

Query = Callable[..., Callable[[Any], Any]]
SECRET = "hunter2"


class Thing(BaseModel):
    id: int


class Paged(Thing):
    @property
    def cursor(self) -> int:
        return self.id


@dataclass(frozen=True)
class Point:
    x: int
    y: int


At = Annotated[Point | None, Fields(Point)]
Line = Annotated[list[Point], Columns(Point)]
Colour = Enum("Colour", "RED GREEN")
Short = Annotated[str, Field(max_length=3)]


class Spy:
    """An executor that remembers the values it was given."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []

    async def fetch(self, query: str, /, *args: Any) -> list[Any]:
        self.sent.append(args)
        return [{"id": 1}]


@pytest.fixture
def query(tmp_path: Path) -> Query:
    """Writes a statement to a file, and binds a stub to it."""

    def bind(sql: str, **options: Any) -> Callable[[Any], Any]:
        (tmp_path / "get.sql").write_text(sql)
        return Queries(tmp_path)("get.sql", **options)

    return bind


def stub(signature: str, **types: Any) -> Any:
    """The stub that a service would have written with this signature."""
    types |= {"Any": Any, "AsyncIterator": AsyncIterator, "At": At, "Line": Line}
    types |= {"Thing": Thing, "Paged": Paged}
    written: dict[str, Any] = {}
    exec(f"{signature}: raise NotImplementedError", types, written)
    return written.popitem()[1]


FIRST = "the stub's first parameter must be called `db` and accept a positional argument"
NAMED = "the stub's a must be keyword-only, after a `*`"


@pytest.mark.parametrize(
    ("sql", "parameters", "complaint"),
    [
        ("SELECT :a", "db", ":a is in the file, but not in the stub"),
        ("SELECT 1", "db, *, a: int", "a is in the stub, but not in the file"),
        (
            "SELECT :a, :b",
            "db, *, a: int, c: int",
            ":b is in the file, but not in the stub; c is in the stub, but not in the file",
        ),
        ("SELECT :at_x", "db, *, at: At", "at_y is in the stub, but not in the file"),
        ("SELECT :at_x, :at_y, :at", "db, *, at: At", ":at is in the file, but not in the stub"),
        ("SELECT :line_x", "db, *, line: Line", "line_y is in the stub, but not in the file"),
        (
            "SELECT :line_x, :line_y, :line",
            "db, *, line: Line",
            ":line is in the file, but not in the stub",
        ),
        ("SELECT :a", "db, a: int", NAMED),
        ("SELECT :a", "db, *a: int", NAMED),
        ("SELECT :a", "db, **a: int", NAMED),
        ("SELECT :a", "*, a: int", FIRST),
        ("SELECT 1", "*db", FIRST),
        ("SELECT 1", "", FIRST),
        ("SELECT :a", "db, *, a", "the stub's a has no annotation"),
    ],
)
def test_parameters_that_do_not_fit(
    query: Query, tmp_path: Path, sql: str, parameters: str, complaint: str
) -> None:
    decorate = query(sql)
    with pytest.raises(BindingError) as raised:
        decorate(stub(f"async def get({parameters}) -> Thing"))
    assert str(raised.value) == f"{tmp_path / 'get.sql'}: {complaint}"


SHAPES = "a stub returns one of T, T | None, list[T], AsyncIterator[T], int, bool, None; T is "
ASYNC = "a stub is an `async def`; for AsyncIterator it is a plain `def`"
PAGED = "an AsyncIterator needs `after` and `page_size`, with defaults, and records that"


@pytest.mark.parametrize(
    ("signature", "complaint"),
    [
        ("async def get(db)", "the stub's return has no annotation"),
        ("async def get(db) -> dict", SHAPES),
        ("async def get(db) -> list[dict[str, int]]", SHAPES),
        ("async def get(db) -> tuple[int, str]", SHAPES),
        ("async def get(db) -> dict[str, Thing]", SHAPES),
        ("async def get(db) -> list", SHAPES),
        ("async def get(db) -> list[Thing] | None", SHAPES),
        ("async def get(db) -> tuple[Thing, Thing]", SHAPES),
        ("async def get(db) -> Thing | Paged", SHAPES),
        ("async def get(db) -> Thing | Paged | None", SHAPES),
        ("async def get(db) -> list[object]", SHAPES),
        ("async def get(db) -> Any", SHAPES),
        ("def get(db) -> Thing", ASYNC),
        ("def get(db) -> int", ASYNC),
        ("async def get(db) -> AsyncIterator[Thing]", ASYNC),
        ("def get(db) -> AsyncIterator[Paged]", PAGED),
        ("def get(db, *, after: int = 0, page_size: int) -> AsyncIterator[Paged]", PAGED),
        ("def get(db, *, after: int, page_size: int = 9) -> AsyncIterator[Paged]", PAGED),
        ("def get(db, *, after: int = 0, page_size: int = 9) -> AsyncIterator[Thing]", PAGED),
    ],
)
def test_a_return_that_does_not_fit(
    query: Query, tmp_path: Path, signature: str, complaint: str
) -> None:
    decorate = query("SELECT :after, :page_size" if "after" in signature else "SELECT 1")
    with pytest.raises(BindingError) as raised:
        decorate(stub(signature))
    assert str(raised.value).startswith(f"{tmp_path / 'get.sql'}: {complaint}")


@pytest.mark.parametrize(
    ("option", "value", "unfit"),
    [
        ("not_found", NotFoundError, ["Thing | None", "int", "bool", "None"]),
        ("raise_if", {"late": NotFoundError}, ["int", "bool", "None"]),
        ("retry_if", "late", ["int", "bool", "None"]),
    ],
)
def test_an_option_that_does_not_fit_the_return(
    query: Query, tmp_path: Path, option: str, value: Any, unfit: list[str]
) -> None:
    decorate = query("DELETE FROM things", **{option: value})
    for returns in unfit:
        with pytest.raises(BindingError, match=rf"`{option}`.* need") as raised:
            decorate(stub(f"async def get(db) -> {returns}"))
        assert str(raised.value).startswith(f"{tmp_path / 'get.sql'}: ")


async def test_values_are_sent_in_the_order_of_the_file(query: Query) -> None:
    @query("SELECT :b, :line_y, :at_x, :at_y, :a, :line_x")
    async def get(db: Executor, *, a: int, b: int = 2, at: At = None, line: Line) -> Thing:
        raise NotImplementedError

    spy: Any = Spy()
    line = [Point(1, 2), Point(3, 4)]
    assert await get(spy, a=1, line=line) == Thing(id=1)
    await get(spy, a=1, b=3, at=Point(5, 6), line=line)
    assert spy.sent == [(2, [2, 4], None, None, 1, [1, 3]), (3, [2, 4], 5, 6, 1, [1, 3])]


def test_the_function_looks_like_its_stub(query: Query) -> None:
    async def get(db: Executor, *, a: int = 1) -> Thing:
        """A thing."""
        raise NotImplementedError

    function = query("SELECT :a")(get)
    assert inspect.signature(function) == inspect.signature(get)
    assert (function.__name__, function.__doc__) == ("get", "A thing.")
    assert inspect.iscoroutinefunction(function)


@pytest.mark.parametrize(
    ("positional", "named", "complaint"),
    [
        ([], {}, r"^get\(\) needs the argument a$"),
        ([], {"a": 1, "b": SECRET}, r"^get\(\) has no argument b$"),
        ([1], {}, "positional argument"),
    ],
)
async def test_a_call_that_does_not_fit_its_stub(
    query: Query, positional: list[Any], named: dict[str, Any], complaint: str
) -> None:
    get, spy = query("SELECT :a")(stub("async def get(db, *, a: int) -> Thing")), Spy()
    with pytest.raises(TypeError, match=complaint):
        await get(spy, *positional, **named)
    assert spy.sent == []


@pytest.mark.parametrize(
    "wanted", [int, float, Decimal, bool, UUID, datetime, timedelta, Colour, Short]
)
async def test_all_wrong_arguments_are_named_and_no_value_is(query: Query, wanted: Any) -> None:
    signature = "async def get(db, *, a: T, b: T, at: At, line: Line) -> Thing"
    get = query("SELECT :a, :b, :at_x, :at_y, :line_x, :line_y")(stub(signature, T=wanted))
    spy, line = Spy(), [Point(1, 2), {"x": SECRET, "y": 4}]
    with pytest.raises(InvalidInputError) as raised:
        await get(spy, a=SECRET, b=SECRET, at=SECRET, line=line)
    message = str(raised.value)
    assert re.fullmatch(r"get: a: .+; b: .+; at: .+; line\[1\]\.x: .+", message)
    assert SECRET not in f"{raised.value!r} {vars(raised.value)}"
    assert f"`{SECRET[0]}`" not in message  # how Pydantic quotes the first wrong character
    assert raised.value.__cause__ is raised.value.__context__ is None
    assert spy.sent == []
