"""Stubs whose types do not fit: each call fails, or may, and the check says which annotation."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, Protocol
from uuid import UUID

import psycopg
import pytest
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    NaiveDatetime,
    PlainValidator,
    SecretStr,
    field_validator,
)
from typing_extensions import TypeAliasType, TypedDict

from dal.binding import Columns, SentAs
from tests.check.calling import call
from tests.check.proving import TYPES, Draft, kinds, prove, shown
from tests.check.stubs import of
from tests.check.test_everyday import SCHEMA, Attrs, Color, PlainColor

MORE = """
    CREATE TABLE notes (
        id integer PRIMARY KEY, title text NOT NULL, size integer NOT NULL DEFAULT 1, note text);
    INSERT INTO notes VALUES (1, 'one', 1, NULL);
    CREATE TYPE pair AS (a integer, b text);
"""
Number = NewType("Number", int)
Alias = TypeAliasType("Alias", int)


class Odd(str):
    """A text of its own kind, which Pydantic does not know."""


class Sized(Protocol):
    size: int


class Keyed(TypedDict):
    size: int


@dataclass
class Data:
    size: int


class Wide(StrEnum):
    RED = "red"
    BLUE = "blue"
    GREEN = "green"


class Narrow(StrEnum):
    RED = "red"


class Numbers(Enum):
    ONE = 1


class StrictColor(BaseModel):
    model_config = ConfigDict(strict=True)
    color: Color


class StrictWords(BaseModel):
    model_config = ConfigDict(strict=True)
    words: tuple[str, ...]


class Outer(BaseModel):
    id: int
    parts: list[Attrs]


class Split(BaseModel):
    short: list[str]

    @field_validator("short", mode="before")
    @classmethod
    def _split(cls, value: str) -> list[str]:
        return value.split()


# A column, an annotation that its values don't fit, and the rule that is broken.
READ: list[tuple[str, Any, str]] = [
    ("attrs::text AS attrs", Attrs, "column-type"),
    ("attrs::text AS attrs", Attrs | None, "column-type"),
    ("attrs::text AS attrs", dict[str, Any], "column-type"),
    ("attrs::text AS attrs", dict, "column-type"),
    ("attrs::text AS attrs", Keyed, "column-type"),
    ("attrs::text AS attrs", Data, "column-type"),
    ("attrs::text AS attrs", list[Any], "column-type"),
    ("parts::text AS parts", tuple[Attrs, ...], "column-type"),
    ("parts::text AS parts", list[Attrs] | None, "column-type"),
    ("id", Json[int], "column-type"),
    ("words", tuple[int, ...], "column-type"),
    ("words", set[int], "column-type"),
    ("words", str, "column-type"),
    ("words", Mapping[str, str], "column-type"),
    ("short", tuple[str, ...], "column-type"),
    ("short", Number, "column-type"),
    ("short", Alias, "column-type"),
    ("short", Annotated[Number, Field(gt=0)], "column-type"),
    ("short", UUID, "column-type"),
    ("key", str, "column-type"),
    ("color", int, "column-type"),
    ("color", Numbers, "column-type"),
    ("color", UUID | int, "column-type"),
    ("colors", list[int], "column-type"),
    ("positive", str, "column-type"),
    ("inet", str, "column-type"),
    ("cidr", IPv4Address, "column-type"),
    ("local", AwareDatetime, "column-type"),
    ("instant", NaiveDatetime, "column-type"),
    ("instant", str, "column-type"),
    ("hour", datetime, "column-type"),
    ("span", float, "column-type"),
    ("price", str, "column-type"),
    ("during", list[int], "column-type"),
    ("during", str, "column-type"),
    ("short", Odd, "not-proven"),
    ("short", Sized, "not-proven"),
    ("words", tuple[str, str, str], "not-proven"),
    ("ROW (1, 'x')::pair AS pair", Attrs | None, "not-proven"),
    ("colors", list[Narrow], "enum-labels"),
    ("tint", Literal["red"] | None, "enum-labels"),
]

# What can't be told of a type: these fit this one row, or this record, and need not fit the next.
FITS_ONCE: list[tuple[str, Any, str]] = [
    ("short", Annotated[list[str], PlainValidator(str.split)], "not-proven"),
    ("short", Annotated[int, BeforeValidator(len)], "not-proven"),
    ("short", Path, "not-proven"),
    ("words", Iterable[str], "not-proven"),
    ("words", tuple[str, str], "not-proven"),
    ("color", Narrow, "enum-labels"),
    ("color", Literal["red"], "enum-labels"),
]

# A condition, an annotation, an argument of it that fails, and the rule.
SENT: list[tuple[str, Any, Any, str]] = [
    ("note = :x", dict[str, Any], {"size": 1}, "parameter-type"),
    ("note = :x", dict, {"size": 1}, "parameter-type"),
    ("note = :x", Data, Data(size=1), "parameter-type"),
    ("note = :x", Keyed, {"size": 1}, "parameter-type"),
    ("note = :x", Number, 1, "parameter-type"),
    ("note = :x", Alias, 1, "parameter-type"),
    ("note = :x", int | str, 1, "parameter-type"),
    ("note = :x", list[str], ["a"], "parameter-type"),
    ("note = :x", SecretStr, "a", "parameter-type"),
    ("note = :x", UUID, UUID(int=7 << 100), "parameter-type"),
    ("numbers @> :x", set[str], {"a"}, "parameter-type"),
    ("numbers @> :x", tuple[str, ...], ("a",), "parameter-type"),
    ("numbers @> :x", int, 1, "parameter-type"),
    ("words @> :x", list[int], [1], "parameter-type"),
    ("id = :x", Decimal | UUID, UUID(int=7 << 100), "parameter-type"),
    ("positive = :x", str, "7", "parameter-type"),
    ("key = :x", str, "a", "parameter-type"),
    ("color = :x", int, 1, "parameter-type"),
    ("color = :x", PlainColor, PlainColor.RED, "parameter-type"),
    ("color = ANY (:x)", list[int], [1], "parameter-type"),
    ("inet = :x", str, "nowhere", "parameter-type"),
    ("local = :x", AwareDatetime, datetime(2026, 1, 2, tzinfo=UTC), "parameter-type"),
    ("hour = :x", date, date(2026, 1, 2), "parameter-type"),
    ("note = :x", Annotated[str, SentAs(len)], "a", "not-proven"),
    ("note = :x", Odd, Odd("a"), "not-proven"),
    ("note = :x", Sized, "a", "not-proven"),
    ("words @> :x", Iterable[str], ["a"], "not-proven"),
    ("color = :x", Wide, Wide.GREEN, "enum-labels"),
    ("color = :x", Literal["green", "red"], "green", "enum-labels"),
    ("color = :x", Literal["green", "red"] | None, "green", "enum-labels"),
    ("color = ANY (:x)", list[Wide], [Wide.GREEN], "enum-labels"),
    ("tint::color = :x::tint::color", Wide, Wide.GREEN, "enum-labels"),
]


@pytest.fixture(scope="module")
def connection(module_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database, autocommit=True) as connection:
        connection.execute((SCHEMA + MORE).encode())
        yield connection


@pytest.mark.parametrize(("column", "annotation", "rule"), [*READ, *FITS_ONCE], ids=str)
async def test_what_can_not_be_read(
    connection: psycopg.Connection,
    module_database: str,
    tmp_path: Path,
    column: str,
    annotation: Any,
    rule: str,
) -> None:
    name = column.rpartition(" ")[2]
    draft = Draft(f"SELECT {column} FROM kinds WHERE id = 1", of(**{name: annotation}))
    if (column, annotation, rule) in FITS_ONCE:
        await call(module_database, draft, {}, tmp_path)
    else:
        with pytest.raises(Exception, match=r"."):
            await call(module_database, draft, {}, tmp_path)
    [findings] = prove(connection, draft)
    assert [finding.rule for finding in findings] == [rule], shown(findings)
    assert f"Kind.{name}" in findings[0].message


@pytest.mark.parametrize(
    ("annotation", "value"),
    [(Attrs, Attrs(size=1)), (Attrs | None, None), (Json[Attrs], '{"size": 1}')],
    ids=str,
)
async def test_a_model_is_sent_as_its_json(
    connection: psycopg.Connection,
    module_database: str,
    tmp_path: Path,
    annotation: Any,
    value: Any,
) -> None:
    draft = Draft("SELECT id FROM kinds WHERE note = :x", of(id=int) | None, {"x": annotation})
    await call(module_database, draft, {"x": value}, tmp_path)
    [findings] = prove(connection, draft)
    assert not kinds(findings) & TYPES, shown(findings)


@pytest.mark.parametrize(("condition", "annotation", "value", "rule"), SENT, ids=str)
async def test_what_can_not_be_sent(
    connection: psycopg.Connection,
    module_database: str,
    tmp_path: Path,
    condition: str,
    annotation: Any,
    value: Any,
    rule: str,
) -> None:
    sql = f"SELECT id FROM kinds WHERE {condition}"
    draft = Draft(sql, of(id=int) | None, {"x": annotation})
    with pytest.raises(Exception, match=r"."):
        await call(module_database, draft, {"x": value}, tmp_path)
    [findings] = prove(connection, draft)
    assert [finding.rule for finding in findings] == [rule], shown(findings)
    assert ":x" in findings[0].message


@pytest.mark.parametrize(
    ("sql", "returns", "rule", "words"),
    [
        ("SELECT color FROM kinds WHERE id = 1", StrictColor, "column-type", "StrictColor.color"),
        ("SELECT words FROM kinds WHERE id = 1", StrictWords, "column-type", "StrictWords.words"),
        ("SELECT short FROM kinds WHERE id = 1", Split, "not-proven", "Split.short"),
        ("SELECT short FROM kinds WHERE id = 1", int, "fetch-mode", "one number"),
        ("SELECT colors FROM kinds WHERE id = 1", bool, "fetch-mode", "one number"),
    ],
)
def test_what_a_record_says(
    connection: psycopg.Connection, sql: str, returns: Any, rule: str, words: str
) -> None:
    [findings] = prove(connection, Draft(sql, returns))
    assert [finding.rule for finding in findings] == [rule], shown(findings)
    assert words in findings[0].message


async def test_a_list_of_joins(
    connection: psycopg.Connection, module_database: str, tmp_path: Path
) -> None:
    sql = 'SELECT k.id, n.size AS "parts.size" FROM kinds AS k JOIN notes AS n USING (id)'
    draft = Draft(sql, Outer)
    assert await call(module_database, draft, {}, tmp_path)
    [findings] = prove(connection, draft)
    assert not kinds(findings) & TYPES, shown(findings)
    draft = Draft(f"{sql} ORDER BY k.id", list[Outer])
    assert await call(module_database, draft, {}, tmp_path)
    [findings] = prove(connection, draft)
    assert not kinds(findings) & TYPES, shown(findings)


def test_the_place_and_the_annotation_are_said(connection: psycopg.Connection) -> None:
    sql = "SELECT id, short FROM kinds WHERE note = :x"
    draft = Draft(sql, of(id=int, short=Odd), {"x": Sized})
    [findings] = prove(connection, draft)
    assert [finding.rule for finding in findings] == ["not-proven", "not-proven"]
    column, parameter = findings
    assert "Odd" in column.message
    assert "Kind.short" in column.message
    assert "Sized" in parameter.message
    assert ":x" in parameter.message
    assert column.offset == draft.text.index("short")
    assert parameter.offset == draft.text.index(":x")


@dataclass
class New:
    title: str
    size: Odd
    note: str | None = None


@dataclass
class Ranked:
    title: str | None
    size: int


def test_the_fields_of_a_batch(connection: psycopg.Connection) -> None:
    sql = (
        "INSERT INTO notes (id, title, size) SELECT :id, given.title, 1"
        " FROM unnest(:rows_title::text[], :rows_size::text[], :rows_note::text[])"
        " AS given (title, size, note)"
    )
    takes = {"id": int, "rows": Annotated[list[New], Columns(New)]}
    [findings] = prove(connection, Draft(sql, int, takes))
    assert [finding.rule for finding in findings] == ["not-proven"], shown(findings)
    assert ":rows_size" in findings[0].message


TEXT = {"x": str | None}
NULLS: list[tuple[str, dict[str, Any]]] = [
    ("INSERT INTO notes (id, title) VALUES (:id, :x)", TEXT),
    ("INSERT INTO notes VALUES (:id, :x)", TEXT),
    ("INSERT INTO Notes (id, Title) VALUES (:id, :x::text)", TEXT),
    ("INSERT INTO notes (id, title) VALUES (1, 'one'), (:id, CAST(:x AS text))", TEXT),
    ("INSERT INTO notes (id, title) SELECT :id, (:x)", TEXT),
    ("INSERT INTO public.notes (id, title) SELECT :id, :x FROM kinds", TEXT),
    ("INSERT INTO notes (id, title) SELECT 2, 'two' UNION ALL SELECT :id, :x", TEXT),
    (
        "WITH new AS (INSERT INTO notes (id, title) VALUES (:id, :x) RETURNING id)"
        " SELECT count(*) AS n FROM new",
        TEXT,
    ),
    ("UPDATE notes SET title = :x WHERE id = :id", TEXT),
    ("UPDATE notes SET (title, note) = (:x, 'two') WHERE id = :id", TEXT),
    ("UPDATE notes SET (title, note) = ROW (:x, 'two') WHERE id = :id", TEXT),
    (
        "INSERT INTO notes (id, title) VALUES (:id, 'one')"
        " ON CONFLICT (id) DO UPDATE SET title = :x",
        TEXT,
    ),
    ("INSERT INTO notes (id, title) VALUES (:id, :x)", {"x": Literal["one"] | None}),
    ("UPDATE notes SET size = :x WHERE id = :id", {"x": int | None}),
    ("INSERT INTO app.kinds (id, title) VALUES (:id, :x)", TEXT),
    (
        "INSERT INTO notes (id, title) WITH given AS (SELECT :x::text AS title)"
        " SELECT :id, title FROM given",
        TEXT,
    ),
    (
        "INSERT INTO notes (id, title)"
        " SELECT :id, g.title FROM (SELECT :x::text AS title) AS g JOIN kinds ON true",
        TEXT,
    ),
]
MERGES = (
    "MERGE INTO notes AS t USING (SELECT 9 AS id) AS s ON t.id = s.id"
    " WHEN MATCHED THEN UPDATE SET title = :x",
    "MERGE INTO notes AS t USING (SELECT 9 AS id) AS s ON t.id = s.id"
    " WHEN NOT MATCHED THEN INSERT (id, title) VALUES (s.id, :x)",
)
NO_NULLS: list[tuple[str, dict[str, Any]]] = [
    (
        "INSERT INTO notes (id, title)"
        " WITH notes AS (SELECT title FROM notes WHERE note = :x) SELECT :id, title FROM notes",
        TEXT,
    ),
    (
        "INSERT INTO notes (id, title) WITH given AS (SELECT :x::text AS title)"
        " SELECT :id, title FROM given WHERE title IS NOT NULL",
        TEXT,
    ),
    ("INSERT INTO notes (id, title) VALUES (:id, :x)", {"x": str}),
    ("INSERT INTO notes (id, title, note) VALUES (:id, 'one', :x)", TEXT),
    ("INSERT INTO notes (id, title) VALUES (:id, coalesce(:x, 'none'))", TEXT),
    ("INSERT INTO notes (id, title) SELECT :id, :x WHERE :x IS NOT NULL", TEXT),
    ("UPDATE notes SET title = coalesce(:x, title) WHERE id = :id", TEXT),
    ("UPDATE notes SET note = :x WHERE id = :id", TEXT),
    (
        "UPDATE notes SET title = CASE WHEN :flag THEN 'one' ELSE title END, note = :x"
        " WHERE id = :id",
        TEXT,
    ),
    ("UPDATE notes SET title = :x WHERE id = :id AND :x IS NOT NULL", TEXT),
    (
        "INSERT INTO notes (id, title) VALUES (:id, :x)",
        {"x": Annotated[str | None, BeforeValidator(str)]},
    ),
]


@pytest.mark.parametrize(("sql", "takes"), NULLS, ids=str)
async def test_none_for_a_column_that_is_not_null(
    connection: psycopg.Connection,
    module_database: str,
    tmp_path: Path,
    sql: str,
    takes: dict[str, Any],
) -> None:
    draft = Draft(sql, int, {"id": int, **takes})
    arguments = {"id": 1 if "UPDATE" in sql else 5, "x": None}
    with pytest.raises(Exception, match=r"."):
        await call(module_database, draft, arguments, tmp_path)
    [findings] = prove(connection, draft)
    assert kinds(findings) & TYPES == {"nullable"}, shown(findings)
    [finding] = [finding for finding in findings if finding.rule == "nullable"]
    assert ":x" in finding.message
    assert ("size" if "size" in sql else "title") in finding.message
    assert finding.offset == draft.text.index(":x")


@pytest.mark.parametrize("sql", MERGES)
def test_none_of_a_merge(connection: psycopg.Connection, sql: str) -> None:
    if connection.info.server_version < 150000:
        pytest.skip("MERGE is of PostgreSQL 15 and later")
    [findings] = prove(connection, Draft(sql, int, TEXT))
    assert "nullable" in kinds(findings), shown(findings)


def test_none_in_a_batch(connection: psycopg.Connection) -> None:
    sql = (
        "INSERT INTO notes (id, title, size) SELECT :id, given.title, given.size"
        " FROM unnest(:rows_title::text[], :rows_size::integer[]) AS given (title, size)"
    )
    takes = {"id": int, "rows": Annotated[list[Ranked], Columns(Ranked)]}
    [findings] = prove(connection, Draft(sql, int, takes))
    assert kinds(findings) & TYPES == {"nullable"}, shown(findings)
    assert ":rows_title" in findings[0].message


@pytest.mark.parametrize(("sql", "takes"), NO_NULLS, ids=str)
def test_none_that_is_not_written(
    connection: psycopg.Connection, sql: str, takes: dict[str, Any]
) -> None:
    [findings] = prove(connection, Draft(sql, int, {"id": int, **takes}))
    assert not kinds(findings) & TYPES, shown(findings)
