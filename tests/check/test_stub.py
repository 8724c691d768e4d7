"""Statements that don't fit their stubs: each fault is found, in its place, and alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from dal.binding import Columns, JsonColumn
from dal.check.findings import Finding
from dal.check.run import prove
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.errors import ConflictError
from tests.check.stubs import bound


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


class Car(BaseModel):
    id: UUID
    name: str
    color: Color
    doors: int | None
    options: JsonColumn
    built_at: datetime


class Owner(BaseModel):
    id: UUID
    cars: list[Car]


class Plate(BaseModel):
    id: UUID
    name: str


class Sale(BaseModel):
    id: UUID
    car: Plate


class LooseSale(BaseModel):
    id: UUID
    car: Plate | None


class Garage(BaseModel):
    id: UUID
    cars: list[Plate]


class Options(BaseModel):
    roof: bool


class Configured(BaseModel):
    options: JsonColumn[Options | None]


class Shade(StrEnum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: int = 0


@dataclass
class NewCar:
    name: str
    doors: int | None


SCHEMA = """
    CREATE TABLE cars (
        id uuid PRIMARY KEY, name text NOT NULL,
        color text NOT NULL CHECK (color IN ('red', 'blue')),
        doors integer, options jsonb, built_at timestamptz NOT NULL, sold_at timestamp);
    CREATE VIEW red_cars AS SELECT id, name FROM cars WHERE color = 'red';
"""
ALL = "id, name, color, doors, options::text AS options, built_at"


Find = Callable[..., list[Finding]]
ELSEWHERE = ("order", "nullable", "not-proven")
"""Rules that have tests of their own."""


@pytest.fixture
def find(catalog: Catalog, tmp_path: Path) -> Find:
    """The findings for a statement and a stub with these parameters."""

    def find(sql: str, returns: Any, raises: Any = None, **parameters: Any) -> list[Finding]:
        binding = bound(tmp_path, sql, returns, raises, **parameters)
        findings = prove(BoundStatement(binding, catalog), catalog)
        return [finding for finding in findings if finding.rule not in ELSEWHERE]

    return find


def test_what_fits(find: Find) -> None:
    sql = f"SELECT {ALL} FROM cars WHERE id = :id AND doors = :doors AND name = ANY(:names)"
    findings = find(sql, list[Car], id=UUID, doors=int | None, names=list[str])
    assert findings == []
    assert find("SELECT count(*) FROM cars", int) == []
    assert find("SELECT true", bool) == []
    assert find("DELETE FROM cars", int) == []
    assert find("UPDATE cars SET doors = 3", None) == []


def at(sql: str, mark: str) -> tuple[int, int]:
    """Line and column of a mark's last occurrence."""
    offset = sql.rindex(mark)
    return sql.count("\n", 0, offset) + 1, offset - sql.rfind("\n", 0, offset)


@pytest.mark.parametrize(
    ("sql", "returns", "parameters", "rule", "mark", "words"),
    [
        ("SELECT\n  nme\nFROM cars", list[Car], {}, "refused", "nme", "did you mean name"),
        ("SELECT id\nFROM car", list[Car], {}, "refused", "car", "did you mean cars"),
        ("SELECT id FRM cars WHERE", list[Car], {}, "refused", "cars", "syntax error"),
        (
            f"SELECT {ALL}\nFROM cars\nWHERE id = :id",
            list[Car],
            {"id": str},
            "parameter-type",
            ":id",
            ":id is uuid to PostgreSQL, but its stub gives text or character varying",
        ),
        (
            f"SELECT {ALL} FROM cars WHERE doors = :n",
            list[Car],
            {"n": bool},
            "parameter-type",
            ":n",
            "is integer to PostgreSQL, but its stub gives boolean",
        ),
        (
            f"SELECT {ALL} FROM cars WHERE sold_at > :since",
            list[Car],
            {"since": datetime},
            "parameter-type",
            ":since",
            "timestamp without time zone to PostgreSQL",
        ),
        (
            f"SELECT {ALL} FROM cars WHERE id = ANY(:ids)",
            list[Car],
            {"ids": list[str]},
            "parameter-type",
            ":ids",
            "uuid[] to PostgreSQL, but its stub gives text[]",
        ),
        (
            f"SELECT {ALL} FROM unnest(:new_name::text[], :new_doors::text[]) AS g (n, d), cars",
            list[Car],
            {"new": Annotated[Sequence[NewCar], Columns(NewCar)]},
            "parameter-type",
            ":new_doors",
            "text[] to PostgreSQL, but its stub gives bigint[]",
        ),
        (
            f"SELECT {ALL} FROM cars WHERE options = :options",
            list[Car],
            {"options": Any},
            "json",
            ":options",
            "send it as text: :options::text::jsonb",
        ),
        (
            f"SELECT {ALL.replace('::text', '')} FROM cars",
            list[Car],
            {},
            "json",
            "options",
            "read it as text: options::text AS options",
        ),
        (
            f"SELECT {ALL.replace(', doors', '')} FROM cars",
            list[Car],
            {},
            "missing-column",
            "SELECT",
            "no column doors, which Car needs; there are id, name, color, options, built_at",
        ),
        (
            f"SELECT {ALL},\n  sold_at FROM cars",
            list[Car],
            {},
            "extra-column",
            "sold_at",
            "Car has no field sold_at",
        ),
        (
            f"SELECT {ALL}, name AS nam FROM cars",
            list[Car],
            {},
            "extra-column",
            "nam ",
            "leave it out, or call it name",
        ),
        (
            f"SELECT {ALL}, name FROM cars",
            list[Car],
            {},
            "duplicate-column",
            "name FROM",
            "two columns are called name",
        ),
        (
            f"SELECT {ALL.replace('name,', 'length(name) AS name,')} FROM cars",
            list[Car],
            {},
            "column-type",
            "name,",
            "name is integer, but Car.name takes text or",
        ),
        (
            f"SELECT {ALL.replace('built_at', 'sold_at AS built_at')} FROM cars",
            list[Car],
            {},
            "column-type",
            "built_at",
            "timestamp without time zone, but Car.built_at takes timestamp with time zone",
        ),
        (
            'SELECT c.id, c.id AS "cars.id", c.name AS "cars.name", c.color AS "cars.color",'
            ' c.doors AS "cars.doors", c.options::text AS "cars.options",'
            ' c.name AS "cars.built_at" FROM cars AS c',
            Owner,
            {},
            "column-type",
            '"cars.built_at"',
            "cars.built_at is text",
        ),
        ("DELETE FROM cars", list[Car], {}, "fetch-mode", "", "no rows come back, but the stub"),
        (
            "DELETE FROM cars RETURNING id",
            int,
            {},
            "fetch-mode",
            "DELETE",
            "so the statement must give one number",
        ),
        ("SELECT name FROM cars", int, {}, "fetch-mode", "SELECT", "must give one number"),
        (
            "SELECT id, name FROM cars",
            list[str],
            {},
            "fetch-mode",
            "name",
            "2 columns come back, but the stub returns the value of one",
        ),
        ("SELECT id FROM cars", list[str], {}, "column-type", "id", "but look() takes text"),
        (
            "SELECT color FROM cars",
            list[Shade],
            {},
            "enum-labels",
            "color",
            "the CHECK allows labels that Shade lacks: blue",
        ),
        ("SELECT 1 AS x, 'a' AS y", Point, {}, "column-type", "y", "but Point.y takes bigint"),
        ("SELECT 1 AS y", Point, {}, "missing-column", "SELECT", "no column x, which Point needs"),
        (
            'SELECT s.id, c.id AS "car.id", c.doors AS "car.name" FROM cars AS s'
            " LEFT JOIN cars AS c ON c.id = s.id",
            list[LooseSale],
            {},
            "column-type",
            '"car.name"',
            "car.name is integer, but Plate.name takes text",
        ),
        ("SELECT 1 AS a, 2 AS b", bool, {}, "fetch-mode", "SELECT", "must give one number"),
        ("SELECT id FROM cars", None, {}, "fetch-mode", "id", "but the stub returns None"),
    ],
)
def test_a_fault_and_its_place(
    find: Find, sql: str, returns: Any, parameters: dict[str, Any], rule: str, mark: str, words: str
) -> None:
    [finding] = find(sql, returns, **parameters)
    assert finding.rule == rule
    assert words in f"{finding.message}; {finding.help}"
    if mark:
        assert finding.line_and_column == at(sql, mark)


@pytest.mark.parametrize(
    ("sql", "returns"),
    [
        ("SELECT name FROM cars", list[str]),
        ("SELECT color FROM cars", list[Color]),
        ("SELECT doors FROM cars", list[int | None]),
        ("SELECT doors FROM cars WHERE id = :id", int | None),
        ("SELECT built_at FROM cars WHERE id = :id", datetime | None),
        ("SELECT array_agg(name) FILTER (WHERE name > '') FROM cars", list[str] | None),
        (
            "INSERT INTO cars (id, name, color, built_at) VALUES (:id, 'a', 'red', now())"
            " RETURNING doors IS NULL",
            bool,
        ),
        ("SELECT 1 AS x", Point),
        ("SELECT options::text AS options FROM cars", list[Configured]),
        (
            'SELECT s.id, c.id AS "car.id", c.name AS "car.name" FROM cars AS s'
            " LEFT JOIN cars AS c ON c.id = s.id",
            list[LooseSale],
        ),
        (
            'SELECT s.id, c.id AS "car.id", c.name AS "car.name" FROM cars AS s'
            " JOIN cars AS c ON c.id = s.id",
            list[Sale],
        ),
        (
            'SELECT s.id, c.id AS "cars.id", c.name AS "cars.name" FROM cars AS s'
            " LEFT JOIN cars AS c ON c.id = s.id",
            list[Garage],
        ),
    ],
    ids=str,
)
def test_results_that_fit(find: Find, sql: str, returns: Any) -> None:
    parameters = {"id": UUID} if ":id" in sql else {}
    assert find(f"{sql}", returns, **parameters) == []


def test_a_model_is_sent_as_json(find: Find) -> None:
    sql = "SELECT id FROM cars WHERE options = :options"
    assert find(f"{sql}::text::jsonb", list[UUID], options=Options | None) == []
    [finding] = find(sql, list[UUID], options=Options)
    assert finding.rule == "json"


def test_a_signal_must_be_there_and_boolean(find: Find) -> None:
    raises = {"conflict": ConflictError}
    [finding] = find(f"SELECT {ALL} FROM cars", list[Car], raises=raises)
    assert (finding.rule, "no column conflict" in finding.message) == ("missing-column", True)
    [finding] = find(f"SELECT {ALL}, 1 AS conflict FROM cars", list[Car], raises=raises)
    assert (finding.rule, "takes boolean" in finding.message) == ("column-type", True)
    assert find(f"SELECT {ALL}, true AS conflict FROM cars", list[Car], raises=raises) == []


def test_two_parameters_swapped(find: Find) -> None:
    sql = f"SELECT {ALL} FROM cars WHERE id = :name AND name = :id"
    findings = find(sql, list[Car], id=UUID, name=str)
    assert [(finding.rule, finding.line_and_column) for finding in findings] == [
        ("parameter-type", at(sql, ":name")),
        ("parameter-type", at(sql, ":id")),
    ]


def test_it_reads_like_a_compilers(find: Find, tmp_path: Path) -> None:
    [finding] = find("-- Cars.\nSELECT id,\n    nme\nFROM cars", list[Car])
    assert finding.as_text(tmp_path).splitlines() == [
        'cars/look.sql:3:5: refused: column "nme" does not exist',
        "  3 |     nme",
        "    |     ^^^",
        "  help: did you mean name?",
    ]
    assert finding.as_json(tmp_path) == {
        "rule": "refused",
        "file": "cars/look.sql",
        "line": 3,
        "column": 5,
        "message": 'column "nme" does not exist',
        "help": "did you mean name?",
    }
