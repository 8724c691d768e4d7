"""What the statements read: the catalogue, statistics, and the beginnings of an index."""

from datetime import timedelta
from typing import Any

import psycopg

import dal.maintenance  # noqa: F401 - it binds a statement as well
from dal.binding import query
from dal.check.server.explain import Plan, explained_plan
from dal.check.server.populate import populate
from dal.project.dal_project import dal_project

LIMIT = 100
VALUES: dict[str, Any] = {
    "names": ["messages.create"],
    "older_than": timedelta(0),
    "archived_for": timedelta(0),
    "limit": LIMIT,
}
STATEMENTS = {
    binding.statement.name: binding
    for binding in query.bindings
    if binding.statement.name.startswith("stats.")
    and binding.statement.name != "stats.distributed"  # which needs a cluster
}


def pages(plan: Plan) -> int:
    return int(plan.root["Shared Hit Blocks"] + plan.root["Shared Read Blocks"])


def test_no_statement_reads_a_whole_table(whole_database: str) -> None:
    with psycopg.connect(whole_database, autocommit=True) as connection:
        populate(connection, dal_project())
        connection.execute("CREATE EXTENSION pg_stat_statements")
        ours = connection.execute(STATEMENTS["stats.dal_tables"].statement.text.encode())
        tables = {name: oid for name, oid, *_ in ours}
        assert len(STATEMENTS) == 13
        for name, binding in STATEMENTS.items():
            arguments = {
                key: (VALUES | {"tables": [*tables.values()]})[key] for key in binding.hints
            }
            values = binding.arguments.values(binding.arguments.checked(arguments))
            for generic in (True, False):
                plan = explained_plan(connection, binding.statement, values, generic=generic)
                if name == "stats.retention":
                    # Four counts of 100 entries; the index has 70 pages, and the table 100.
                    read = [
                        step["Actual Rows"] for step in plan.nodes if step["Node Type"] == "Limit"
                    ]
                    assert read == [LIMIT] * 4
                    assert pages(plan) < 40
                else:
                    assert not plan.tables & tables.keys(), name
                    assert pages(plan) < 1000, name
