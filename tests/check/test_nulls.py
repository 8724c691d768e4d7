"""Fields that take for granted what a column does not give, and enums that differ from a CHECK."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel

import dal
from dal.binding import Executor, JsonColumn, Queries
from dal.check.findings import Finding
from dal.check.run import prove
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.errors import ConflictError, DalError
from tests.check.stubs import bound


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


class Size(BaseModel):
    doors: int


class MaybeSize(BaseModel):
    doors: int | None


class Options(BaseModel):
    options: JsonColumn


class MaybeOptions(BaseModel):
    options: JsonColumn[Size | None]


class SomeOptions(BaseModel):
    options: JsonColumn[Size]


class Paint(BaseModel):
    color: Color


class Wheel(BaseModel):
    name: str
    size: int | None


class Car(BaseModel):
    name: str
    wheels: list[Wheel]


SCHEMA = """
    CREATE TABLE cars (
        name text PRIMARY KEY, doors integer, seats integer NOT NULL, options jsonb,
        color text NOT NULL CHECK (color IN ('red', 'blue')),
        tint text NOT NULL CHECK (tint IN ('red', 'green')));
    CREATE TABLE wheels (name text PRIMARY KEY, car text NOT NULL REFERENCES cars, size integer);
    CREATE TABLE vans (tint text NOT NULL CHECK (tint <> 'green'));
    CREATE VIEW big_cars AS SELECT name, seats AS doors FROM cars WHERE seats > 4;
"""


class Seated(BaseModel):
    name: str
    seats: int


Find = Callable[..., list[Finding]]


@pytest.fixture
def find(catalog: Catalog, tmp_path: Path) -> Find:
    def find(sql: str, returns: Any, raises: Any = None) -> list[Finding]:
        findings = prove(BoundStatement(bound(tmp_path, sql, returns, raises), catalog), catalog)
        return [finding for finding in findings if finding.rule not in ("order", "star")]

    return find


NULLABLE = "SELECT doors FROM cars"
NOT_NULL = "SELECT seats AS doors FROM cars"
UNKNOWN = "SELECT nullif(seats, 0) AS doors FROM cars"


def test_what_fits(find: Find) -> None:
    assert find(NULLABLE, list[MaybeSize]) == []
    assert find(UNKNOWN, list[MaybeSize]) == []
    assert find(NOT_NULL, list[MaybeSize]) == []
    assert find(NOT_NULL, list[Size]) == []
    assert find("SELECT options::text AS options FROM cars", list[Options]) == []
    assert find("SELECT options::text AS options FROM cars", list[MaybeOptions]) == []
    assert find("SELECT color FROM cars", list[Paint]) == []
    assert find("DELETE FROM cars", int) == []


def test_a_field_that_takes_no_none(find: Find) -> None:
    [finding] = find("-- Cars.\n" + NULLABLE, list[Size])
    assert (finding.rule, finding.line_and_column) == ("nullable", (2, 8))
    assert finding.message.startswith("doors may be NULL (")
    assert "make the field Optional" in finding.help
    [finding] = find("SELECT options::text AS options FROM cars", list[SomeOptions])
    assert finding.message.startswith("options may be NULL (")


def test_a_parameter_is_named_as_in_its_file(catalog: Catalog, tmp_path: Path) -> None:
    sql = "SELECT :doors::integer + :more::integer AS doors"
    binding = bound(tmp_path, sql, Size, doors=int | None, more=int)
    [finding] = prove(BoundStatement(binding, catalog), catalog)
    assert finding.message.startswith("doors may be NULL (CAST(:doors AS INT) may be NULL ")


def test_what_is_unknown_must_be_said(find: Find) -> None:
    [finding] = find(UNKNOWN, list[Size])
    assert (finding.rule, finding.line_and_column) == ("nullable", (1, 28))
    assert "nullif(seats, 0)" in finding.message
    assert "-- Waives nullable on doors: why." in finding.help
    assert (
        find("-- Waives nullable on doors: the view's cars have seats.\n" + UNKNOWN, list[Size])
        == []
    )


@pytest.mark.parametrize(
    ("header", "sql", "rules"),
    [
        ("-- Waives nullable on doors: so.", NOT_NULL, ["needless-waiver"]),
        ("-- Waives nullable on doors: so.", NULLABLE, []),
        ("-- Waives nullable on doors, name: so.", UNKNOWN, ["needless-waiver"]),
        ("-- Waives nullable on doors:", UNKNOWN, ["nullable", "waiver"]),  # no reason
        ("-- waives not-proven on doors: so.", UNKNOWN, ["nullable", "waiver"]),
    ],
)
def test_a_waiver_is_held_to_its_word(find: Find, header: str, sql: str, rules: list[str]) -> None:
    assert [finding.rule for finding in find(f"{header}\n{sql}", list[Size])] == rules


def test_a_signal_may_not_be_null(find: Find) -> None:
    sql = "SELECT seats AS doors, doors > 3 AS conflict FROM cars"
    [finding] = find(sql, list[Size], {"conflict": ConflictError})
    assert (finding.rule, finding.line_and_column) == ("nullable", (1, 37))


JOIN = """
SELECT c.name, w.name AS "wheels.name", {} AS "wheels.size"
FROM cars AS c LEFT JOIN wheels AS w ON w.car = c.name
"""


def test_the_items_of_a_join(find: Find) -> None:
    """An item of which all is NULL is none, so the join itself takes nothing from its fields."""
    assert find(JOIN.format("w.size"), Car) == []

    class Strict(Car):
        wheels: list[Size]  # type: ignore[assignment]

    sql = 'SELECT c.name, w.size AS "wheels.doors" FROM cars AS c LEFT JOIN wheels AS w ON true'
    [finding] = find(sql, Strict)
    assert (finding.rule, "wheels.doors may be NULL" in finding.message) == ("nullable", True)


class Tinted(BaseModel):
    tint: Literal["red", "blue"]


def test_a_record_in_a_record(find: Find) -> None:
    class Loose(BaseModel):
        name: str
        of: Seated | None

    class Tied(BaseModel):
        name: str
        of: Seated

    columns = 'SELECT w.name, c.name AS "of.name", c.seats AS "of.seats" FROM wheels AS w'
    outer = f"{columns} LEFT JOIN cars AS c ON c.name = w.car"
    inner = f"{columns} JOIN cars AS c ON c.name = w.car"
    assert find(inner, list[Tied]) == []
    assert find(outer, list[Loose]) == []
    assert find(outer.replace("c.seats", "abs(c.seats + 1)"), list[Loose]) == []
    findings = find(outer, list[Tied])
    assert [finding.rule for finding in findings] == ["nullable", "nullable"]
    # A column that may be NULL where there is a row.
    [finding] = find(outer.replace("c.seats", "c.doors"), list[Loose])
    assert finding.message.startswith("of.seats may be NULL (")
    [finding] = find(outer.replace("c.seats", "c.seats + c.doors"), list[Loose])
    assert finding.message.startswith("of.seats may be NULL (")
    [finding] = find(outer.replace("c.seats", "c.seats + w.size"), list[Loose])
    assert finding.message.startswith("of.seats may be NULL (")


def test_a_lone_value(find: Find) -> None:
    [finding] = find(NULLABLE, list[int])
    assert (finding.rule, finding.object) == ("nullable", "doors")
    assert find(NULLABLE, list[int | None]) == find(NOT_NULL, list[int]) == []
    assert find("SELECT doors FROM cars WHERE name = 'a'", int | None) == []
    [finding] = find("SELECT doors FROM cars WHERE name = 'a'", int)
    assert finding.rule == "nullable"


@pytest.mark.parametrize("sql", ["SELECT doors FROM cars", "SELECT 1 FROM cars WHERE name = 'a'"])
async def test_the_error_of_a_lone_value_is_quoted(
    db: dal.Database, tmp_path: Path, find: Find, sql: str
) -> None:
    [finding] = find(sql, int)

    async def number(db: Executor) -> int:
        raise NotImplementedError

    await db.execute("CREATE TABLE cars (name text, doors int)")
    if "doors" in sql:
        await db.execute("INSERT INTO cars VALUES ('a', NULL)")
    (tmp_path / "number.sql").write_text(sql)
    with pytest.raises(DalError) as error:
        await Queries(tmp_path)("number.sql")(number)(db)
    quoted = str(error.value).removeprefix("number: ")
    assert finding.message.endswith(f"; then the function raises DalError: {quoted}")


def test_what_returning_gives(find: Find) -> None:
    insert = "INSERT INTO wheels (name, car) VALUES ('a', 'b')"
    assert find(f"{insert} RETURNING length(name)", int) == []
    [finding] = find(f"{insert} ON CONFLICT DO NOTHING RETURNING length(name)", int)
    assert "no row may come back" in finding.message
    [finding] = find("UPDATE wheels SET size = 1 RETURNING length(name)", int)
    assert "no row may come back" in finding.message


def test_labels_of_a_literal(find: Find) -> None:
    missing, extra = find("SELECT tint FROM cars", list[Tinted])
    assert missing.message == "the CHECK allows labels that Literal['red', 'blue'] lacks: green"
    assert extra.message == "Literal['red', 'blue'] has labels that the CHECK refuses: blue"
    assert find("SELECT tint FROM vans", list[Tinted]) == []  # its CHECK names what it must not be


def test_labels_and_their_check(find: Find) -> None:
    missing, extra = find("SELECT tint AS color FROM cars", list[Paint])
    assert [finding.rule for finding in (missing, extra)] == ["enum-labels"] * 2
    assert missing.message == "the CHECK allows labels that Color lacks: green"
    assert extra.message == "Color has labels that the CHECK refuses: blue"
    # Also through a CTE and a UNION.
    sql = (
        "WITH a AS (SELECT tint FROM cars) SELECT tint AS color FROM a UNION ALL SELECT tint FROM a"
    )
    assert len(find(sql, list[Paint])) == 2


def test_what_can_not_be_analysed(find: Find) -> None:
    sql = """
        INSERT INTO cars (name, seats, color, tint)
        SELECT w.name, 4, 'red', 'red' FROM wheels AS w CROSS JOIN wheels AS other
        ON CONFLICT (name) DO UPDATE SET seats = 5
        RETURNING seats AS doors
    """
    [finding] = find(sql, list[Size])
    assert finding.rule == "not-proven"
