"""pg_stat_statements: our statements by name, the others as their number, and how to get it."""

import re

import psycopg
from typer.testing import CliRunner

from dal.cli.commands import app
from dal.stats import Stats
from dal.stats.records import StatementCost
from tests.roles import role
from tests.stats.looking import fill, look, remedy, run


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def by_name(stats: Stats) -> dict[str | None, StatementCost]:
    return {function.name: function for function in stats.functions or ()}


def test_statements_are_told_by_name(whole_database: str) -> None:
    execute(
        whole_database,
        "CREATE SCHEMA apart",  # which no search path leads to
        "CREATE EXTENSION pg_stat_statements SCHEMA apart",
        "SELECT apart.pg_stat_statements_reset()",
    )
    fill(whole_database)
    execute(whole_database, "SELECT /* ada.lovelace */ 1")
    functions = by_name(look(whole_database))
    create = functions["messages.create"]
    assert (create.calls, create.statements) == (1, 1)
    assert 0 < create.mean_ms == create.max_ms
    assert create.pages > 5
    assert create.wal_bytes > 100
    others = functions[None]
    assert (others.statements > 2, others.hidden) == (True, 0)
    assert "ada.lovelace" not in functions
    assert re.search(r"\nfunctions .*\n[a-z_.]+ +\d+ +\d+\.\d\d ", run(whole_database))
    with role(whole_database) as stranger:
        astray = look(stranger)
        assert astray.functions is None
        execute(whole_database, remedy(astray, "functions"))
        assert by_name(look(stranger))[None].hidden > 2


def test_what_there_is_to_do_before(whole_database: str, url: str) -> None:
    without = look(url)
    assert without.functions is None
    if not remedy(without, "functions").startswith("CREATE EXTENSION"):
        assert "pg_stat_statements to shared_preload_libraries" in remedy(without, "functions")
    created = look(whole_database)
    assert created.functions is None
    assert remedy(created, "functions") == "CREATE EXTENSION pg_stat_statements;"
    execute(whole_database, "CREATE EXTENSION pg_stat_statements VERSION '1.7'")
    old = look(whole_database)
    assert old.functions is None
    execute(whole_database, remedy(old, "functions"))
    assert look(whole_database).functions


def test_none_of_ours_was_called(whole_database: str) -> None:
    execute(
        whole_database,
        "CREATE EXTENSION pg_stat_statements",
        "ALTER DATABASE "
        + whole_database.split("/")[3].split("?")[0]
        + " SET pg_stat_statements.track = none",
        "SELECT pg_stat_statements_reset()",
    )
    assert "none of ours was called" in run(whole_database)


def test_the_statement_over_the_view_is_proven_where_it_is(whole_database: str) -> None:
    execute(whole_database, "CREATE EXTENSION pg_stat_statements")
    check = CliRunner().invoke(app, ["check"], env={"DATABASE_URL": whole_database})
    assert check.exit_code == 0, check.stderr
