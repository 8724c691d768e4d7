"""Everyday statements: each is called, and gives what its stub says; the check finds nothing."""

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, TypeAlias
from uuid import UUID

import asyncpg
import psycopg
import pytest
from pydantic import (
    AliasChoices,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    NaiveDatetime,
    PositiveInt,
    RootModel,
    StringConstraints,
)
from typing_extensions import TypeAliasType

from tests.check.calling import call
from tests.check.proving import Draft, kinds, prove, shown
from tests.check.stubs import list_of, of

SCHEMA = """
    CREATE TYPE color AS ENUM ('red', 'blue');
    CREATE DOMAIN short AS text CHECK (length(value) < 20);
    CREATE DOMAIN positive AS integer CHECK (value > 0);
    CREATE DOMAIN key AS uuid;
    CREATE DOMAIN tint AS color;
    CREATE TABLE kinds (
        id integer PRIMARY KEY,
        color color NOT NULL, colors color[] NOT NULL, tint tint NOT NULL,
        short short NOT NULL, positive positive NOT NULL, key key NOT NULL,
        inet inet NOT NULL, cidr cidr NOT NULL,
        local timestamp NOT NULL, instant timestamptz NOT NULL,
        day date NOT NULL, hour time NOT NULL, span interval NOT NULL,
        price numeric NOT NULL, ratio double precision NOT NULL, file bytea NOT NULL,
        words text[] NOT NULL, numbers integer[] NOT NULL, shorts short[] NOT NULL,
        during int4range NOT NULL, attrs jsonb NOT NULL, parts jsonb NOT NULL, note text,
        CHECK (array_position(colors, NULL) IS NULL), CHECK (array_position(words, NULL) IS NULL),
        CHECK (array_position(numbers, NULL) IS NULL),
        CHECK (array_position(shorts, NULL) IS NULL));
    INSERT INTO kinds VALUES (
        1, 'red', '{red,blue}', 'blue', 'short', 7, '8c9d7a2e-0000-4000-8000-000000000001',
        '10.0.0.1', '10.0.0.0/8', '2026-01-02 03:04', '2026-01-02 03:04+00',
        '2026-01-02', '03:04', '1 day', 1.50, 0.5, '\\x01',
        '{a,b}', '{1,2}', '{a}', '[1,3)', '{"size": 1}', '[{"size": 1}, {"size": 2}]', NULL);
    CREATE SCHEMA app;
    CREATE TABLE app.kinds (id integer PRIMARY KEY, title text NOT NULL);
    CREATE TABLE app.notes (id integer PRIMARY KEY, title text NOT NULL, note text);
    INSERT INTO app.notes VALUES (1, 'one', NULL);
    INSERT INTO app.kinds VALUES (1, 'one');
    CREATE TABLE many (id integer PRIMARY KEY, owner integer NOT NULL, name text NOT NULL);
    CREATE INDEX ON many (owner);
    INSERT INTO many SELECT n, n / 5, 'n' || n FROM generate_series(1, 20000) AS n;
    CREATE TABLE app.many (id integer PRIMARY KEY, name text NOT NULL);
    INSERT INTO app.many VALUES (1, 'one');
    ANALYZE many, app.many;
"""


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


class TextColor(str, Enum):  # noqa: UP042 - as it is written in older code
    RED = "red"
    BLUE = "blue"


class PlainColor(Enum):
    RED = "red"
    BLUE = "blue"


class Attrs(BaseModel):
    size: int


class Loose(RootModel[str]):
    pass


Name = NewType("Name", str)
Names: TypeAlias = list[Name]
Alias = TypeAliasType("Alias", str)

KEY = UUID("8c9d7a2e-0000-4000-8000-000000000001")


def column(name: str, annotation: Any) -> tuple[str, Any]:
    """A statement that reads a column, and its record."""
    return f"SELECT {name} FROM kinds WHERE id = 1", of(**{name: annotation})


def text_of(name: str, annotation: Any) -> tuple[str, Any]:
    """A statement that reads a JSON column as text, and its record."""
    return f"SELECT {name}::text AS {name} FROM kinds WHERE id = 1", of(**{name: annotation})


class Aliased(BaseModel):
    number: int = Field(alias="id")
    hue: Color = Field(validation_alias="color")
    brief: str = Field(validation_alias=AliasChoices("short", "brief"))


class ByBoth(BaseModel):
    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)
    number: int = Field(alias="id")
    brief: str = Field(alias="theShort")


class Generated(BaseModel):
    model_config = ConfigDict(alias_generator=lambda name: f"k_{name}", defer_build=True)
    id: int


class Strictly(BaseModel):
    model_config = ConfigDict(strict=True)
    id: int
    key: UUID
    price: Decimal
    color: Literal["red", "blue"]
    words: list[str]


class Later(BaseModel):
    key: "UUID"


class Whole(BaseModel):
    id: int
    parts: Json[list[Attrs]]


READ = [
    column("color", Literal["red", "blue"]),
    column("color", Literal[Color.RED, Color.BLUE]),
    column("color", Color),
    column("color", TextColor),
    column("color", PlainColor),
    column("color", str),
    column("colors", list[Color]),
    column("colors", tuple[Literal["red", "blue"], ...]),
    column("colors", list[str]),
    column("tint", Color),
    column("tint", str),
    column("short", str),
    column("positive", int),
    column("positive", PositiveInt),
    column("key", UUID),
    column("inet", IPv4Address | IPv6Address),
    column("inet", IPv4Address),
    column("cidr", IPv4Network | IPv6Network),
    column("local", NaiveDatetime),
    column("instant", AwareDatetime),
    column("instant", datetime),
    column("day", date),
    column("hour", time),
    column("span", timedelta),
    column("price", Decimal),
    column("price", float),
    column("ratio", float),
    column("file", bytes),
    column("words", list[str]),
    column("words", tuple[str, ...]),
    column("words", Sequence[str]),
    column("words", set[str]),
    column("words", frozenset[str]),
    column("words", list[Any]),
    column("words", list),
    column("words", Names),
    column("words", Annotated[list[str], Field(max_length=3)]),
    column("numbers", list[int]),
    column("numbers", tuple[int, ...]),
    column("shorts", list[str]),
    column("short", Name),
    column("short", Alias),
    column("short", Annotated[str, StringConstraints(max_length=20)]),
    column("short", Name | None),
    column("note", Name | None),
    column("short", Loose),
    column("id", int | str),
    column("id", Annotated[int, Field(ge=1)]),
    column("key", Any),
    column("key", object),
    text_of("attrs", Json[Attrs]),
    text_of("attrs", Json[dict[str, Any]]),
    text_of("attrs", Json[Any]),  # type: ignore[misc]
    text_of("attrs", Json),
    text_of("attrs", Any),
    text_of("attrs", str),
    text_of("attrs", Annotated[dict[str, Any], Json]),
    text_of("parts", Json[list[Attrs]]),
    ("SELECT id, parts::text AS parts FROM kinds WHERE id = 1", Whole),
    ("SELECT id, parts::text AS parts FROM kinds WHERE id = 1 ORDER BY id", list[Whole]),
    ("SELECT id, color, short FROM kinds WHERE id = 1", Aliased),
    ("SELECT id AS number, short AS brief FROM kinds WHERE id = 1", ByBoth),
    ('SELECT id, short AS "theShort" FROM kinds WHERE id = 1', ByBoth),
    ("SELECT id AS k_id FROM kinds WHERE id = 1", Generated),
    ("SELECT id, key, price, color, words FROM kinds WHERE id = 1", Strictly),
    ("SELECT key FROM kinds WHERE id = 1", Later),
    ("SELECT coalesce(max(positive), 1)::integer FROM kinds WHERE id = 1", int),
]

SENT: list[tuple[str, Any, Any]] = [
    ("color = :x", Color, Color.RED),
    ("color = :x", TextColor, TextColor.RED),
    ("color = :x", Literal["red", "blue"], "red"),
    ("color = :x", Literal["red"], "red"),
    ("color = :x", str, "red"),
    ("color = ANY (:x)", list[Color], [Color.RED]),
    ("color = ANY (:x::color[])", Sequence[str], ["red"]),
    ("colors = :x", tuple[Color, ...], (Color.RED, Color.BLUE)),
    ("tint::color = :x::tint::color", Color, Color.BLUE),
    ("short = :x", str, "short"),
    ("short = :x::short", str, "short"),
    ("positive = :x", int, 7),
    ("key = :x", UUID, KEY),
    ("inet = :x", IPv4Address | IPv6Address, ip_address("10.0.0.1")),
    ("cidr = :x::cidr", IPv4Network | IPv6Network, ip_network("10.0.0.0/8")),
    ("local = :x", NaiveDatetime, datetime(2026, 1, 2, 3, 4)),
    ("instant = :x", AwareDatetime, datetime(2026, 1, 2, 3, 4, tzinfo=UTC)),
    ("day = :x::date", date, date(2026, 1, 2)),
    ("hour = :x", time, time(3, 4)),
    ("span = :x", timedelta, timedelta(days=1)),
    ("price = :x", Decimal, Decimal("1.5")),
    ("price > :x", int, 1),
    ("ratio = :x", float, 0.5),
    ("file = :x", bytes, b"\1"),
    ("words = :x", list[str], ["a", "b"]),
    ("words = :x", tuple[str, ...], ("a", "b")),
    ("words = :x", Sequence[str], ("a", "b")),
    ("words @> :x", set[str], {"a"}),
    ("words @> :x", frozenset[Name], frozenset({Name("a")})),
    ("numbers = :x", list[int], [1, 2]),
    ("short = :x", Name, Name("short")),
    ("short = :x", Alias, "short"),
    ("short = :x", Alias | None, "short"),
    ("short = :x", Annotated[str, StringConstraints(max_length=20)], "short"),
    ("short = :x", Annotated[str, BeforeValidator(str.strip)], " short "),
    ("during = :x", Annotated[Any, "a range"], asyncpg.Range(1, 3)),
]

if sys.version_info >= (3, 12):
    names: dict[str, Any] = {}
    exec("type Short = str\ntype Many[T] = list[T]\nNames = Many[Short]", names)
    READ += [column("short", names["Short"]), column("words", names["Names"])]
    SENT += [("short = :x", names["Short"], "short")]


@pytest.fixture(scope="module")
def connection(module_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database, autocommit=True) as connection:
        connection.execute(SCHEMA.encode())
        yield connection


def clean(connection: psycopg.Connection, draft: Draft) -> None:
    [findings] = prove(connection, draft)
    assert not findings, shown(findings)


@pytest.mark.parametrize(("sql", "returns"), READ, ids=str)
async def test_what_is_read(
    connection: psycopg.Connection, module_database: str, tmp_path: Path, sql: str, returns: Any
) -> None:
    draft = Draft(sql, returns)
    assert await call(module_database, draft, {}, tmp_path)
    clean(connection, draft)


@pytest.mark.parametrize(("condition", "annotation", "value"), SENT, ids=str)
async def test_what_is_sent(
    connection: psycopg.Connection,
    module_database: str,
    tmp_path: Path,
    condition: str,
    annotation: Any,
    value: Any,
) -> None:
    sql = f"SELECT id FROM kinds WHERE {condition}"
    draft = Draft(sql, of(id=int) | None, {"x": annotation})
    assert await call(module_database, draft, {"x": value}, tmp_path)
    clean(connection, draft)


def test_the_join_of_a_list_is_no_json(connection: psycopg.Connection) -> None:
    item: Any = of(id=int)
    [findings] = prove(
        connection,
        Draft(
            "SELECT id, parts::text AS parts FROM kinds WHERE id = 1",
            of(
                id=int,
                parts=list[item],
            ),
        ),
    )
    assert kinds(findings) & {"extra-column", "missing-column", "column-type"}, shown(findings)


@pytest.mark.parametrize(
    ("sql", "fields"),
    [
        ("SELECT id, title FROM app.notes WHERE id = :id", {"id": int, "title": str}),
        ("SELECT o.id, o.title FROM app.notes AS o WHERE o.id = :id", {"id": int, "title": str}),
        ("SELECT id, title FROM app.kinds WHERE id = :id", {"id": int, "title": str}),
        ("SELECT id, note FROM app.notes WHERE id = :id", {"id": int, "note": str | None}),
        ("SELECT id, name FROM app.many WHERE name = :text", {"id": int, "name": str}),
        (
            "SELECT k.id, a.title FROM kinds AS k JOIN app.kinds AS a ON a.id = k.id"
            " WHERE k.id = :id",
            {"id": int, "title": str},
        ),
        ("INSERT INTO app.notes (id, title) VALUES (:id, :text) RETURNING id", {"id": int}),
    ],
    ids=str,
)
def test_another_schema(connection: psycopg.Connection, sql: str, fields: dict[str, Any]) -> None:
    clean(connection, Draft(sql, of(**fields) | None))


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO app.kinds (id,title) VALUES (:id,:text)",
        "INSERT INTO app.kinds (id, title) VALUES (:id,:text), (:n,:text)",
        "DELETE FROM app.kinds WHERE id IN (:id,:n)",
        "UPDATE app.kinds SET title=:text WHERE id=:id",
    ],
)
def test_no_space_before_a_parameter(connection: psycopg.Connection, sql: str) -> None:
    clean(connection, Draft(sql, int))


def test_the_sizes_of_a_table_are_its_own(connection: psycopg.Connection) -> None:
    small = Draft("SELECT id FROM app.many WHERE name = :text", of(id=int) | None)
    large = Draft("SELECT id FROM public.many WHERE name = :text", of(id=int) | None)
    of_small, of_large = prove(connection, small, large)
    assert not of_small, shown(of_small)
    assert "seq-scan" in kinds(of_large), shown(of_large)


def test_a_handful_that_is_sorted(connection: psycopg.Connection) -> None:
    clean(
        connection,
        Draft(
            "SELECT id, name FROM many WHERE owner = :n ORDER BY name", list_of(id=int, name=str)
        ),
    )


def test_many_that_are_sorted(connection: psycopg.Connection) -> None:
    draft = Draft("SELECT id FROM many WHERE owner > :n ORDER BY name", list_of(id=int))
    [findings] = prove(connection, draft)
    assert "sort" in kinds(findings), shown(findings)


@pytest.mark.parametrize("sql", ["id IN (:ids)", "id NOT IN (:ids)", "id = :ids"])
def test_a_list_for_one_value(connection: psycopg.Connection, sql: str) -> None:
    [findings] = prove(connection, Draft(f"SELECT id FROM kinds WHERE {sql}", of(id=int) | None))
    assert [finding.rule for finding in findings] == ["parameter-type"], shown(findings)
    assert ("<> ALL (:ids)" if "NOT" in sql else "= ANY (:ids)") in findings[0].help
