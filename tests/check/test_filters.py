"""Statements with `-- if` lines are proven in every combination, and each finding is said once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dal.binding import Executor, Queries
from dal.check.findings import Finding
from dal.check.project import OwnerColumns, Project
from dal.check.run import check

SCHEMA = """
    CREATE TABLE products (
        id bigint PRIMARY KEY, user_id text NOT NULL, category bigint NOT NULL, price integer,
        stock integer NOT NULL, name text);
"""
HEAD = "SELECT id FROM products\nWHERE user_id = :user_id\n"
TAIL = "ORDER BY id\nLIMIT 5\n"
Prove = Callable[..., list[Finding]]


async def search(
    db: Executor,
    *,
    user_id: str,
    price: int | None = None,
    in_stock: bool | None = None,
    name: str | None = None,
) -> list[int]:
    raise NotImplementedError


@pytest.fixture
def prove(module_database: str, tmp_path: Path) -> Prove:
    def prove(sql: str, stub: Any = search) -> list[Finding]:
        (tmp_path / "search.sql").write_text(sql)
        queries = Queries(tmp_path)
        queries("search.sql")(stub)
        project = Project(
            tmp_path,
            (tmp_path,),
            queries.bindings,
            owner=OwnerColumns("user_id"),
            has_made_up_rows=True,
        )
        with psycopg.connect(module_database, autocommit=True) as connection:
            connection.execute(SCHEMA.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"))
            findings, _ = check(connection, [project], live=False)
        return findings

    return prove


LINES = """\
AND price <= :price -- if :price
AND stock > 0 -- if :in_stock
AND name = :name -- if :name
"""


def test_all_combinations_fit(prove: Prove) -> None:
    assert prove(HEAD + LINES + TAIL) == []


def test_what_all_have_is_said_plainly(prove: Prove) -> None:
    [finding] = prove(HEAD.replace("id FROM", "ids FROM") + LINES + TAIL)
    assert (finding.rule, finding.line_and_column) == ("refused", (1, 8))
    assert finding.message == 'column "ids" does not exist'


def test_what_some_have_is_said_with_an_example(prove: Prove) -> None:
    [finding] = prove(HEAD + LINES.replace("name = :name", "nmae = :name") + TAIL)
    assert (finding.rule, finding.line_and_column) == ("refused", (5, 5))
    assert finding.message == 'column "nmae" does not exist (in 4 of 8, for example with :name)'
    [finding] = prove(HEAD + LINES.replace("price <= :price", "name <= :price") + TAIL)
    assert (finding.rule, finding.line_and_column) == ("parameter-type", (3, 13))
    assert finding.message.endswith("(in 4 of 8, for example with :price)")


def test_the_owner_may_not_be_absent(prove: Prove) -> None:
    async def anybodys(db: Executor, *, price: int, user_id: str | None = None) -> list[int]:
        raise NotImplementedError

    sql = "SELECT id FROM products WHERE price = :price\nAND user_id = :user_id -- if :user_id\n"
    [finding] = prove(sql + TAIL, anybodys)
    assert (finding.rule, finding.line_and_column) == ("owner-filter", (1, 16))
    assert finding.message.endswith("(in 1 of 2, for example without any `-- if` line)")


def test_a_waiver_that_some_need_is_not_needless(prove: Prove) -> None:
    line = "AND (:name::text IS NULL OR name = :name) -- if :name\n"
    waived = f"-- Waives optional-filter: an example.\n{HEAD}{line}{TAIL}"

    async def named(db: Executor, *, user_id: str, name: str | None = None) -> list[int]:
        raise NotImplementedError

    assert prove(waived, named) == []
    rules = {finding.rule for finding in prove(waived.partition("\n")[2], named)}
    assert rules == {"optional-filter"}
    needless = f"-- Waives optional-filter: an example.\n{HEAD}AND name = :name -- if :name\n{TAIL}"
    assert {finding.rule for finding in prove(needless, named)} == {"needless-waiver"}
