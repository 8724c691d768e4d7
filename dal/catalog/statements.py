"""sql/CATALOG.md: each statement as a DBA asks about it."""

import inspect
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from dal.binding.query import Binding
from dal.catalog.locks import Tables
from dal.catalog.schema import schema
from dal.check.describe import Database
from dal.check.explain import generic_plan
from dal.check.head import Head
from dal.check.needs import lacking
from dal.check.nullability import Nullability, outputs

_HEAD = """\
# Statements

Written by `make catalog` from what a server says; `make verify-catalog` tells when it is stale.
Types, columns, locks on tables and plans are PostgreSQL's; purpose, index and locks on rows are the
words of each file's head. Plans are generic ones, on tables that hold rows.

"""
_WRITES = ("ROW EXCLUSIVE",)


def page(connection: psycopg.Connection, bindings: Sequence[Binding]) -> str:
    """The page's text.

    Parameters:
        connection: to a database that is migrated and holds rows, so that plans are as in use.
        bindings: the statements with their stubs.
    """
    database = Database(connection)
    absent = lacking(bindings, database)
    parts = [_HEAD]
    modules: dict[str, list[Binding]] = {}
    for binding in sorted(bindings, key=lambda one: one.statement.name):
        modules.setdefault(binding.statement.name.partition(".")[0], []).append(binding)
    for module, of_it in modules.items():
        parts.append(f"## {module}\n\n")
        parts += [
            _section(database, binding, absent.get(binding.statement.name)) for binding in of_it
        ]
    return "".join([*parts, "## The schema\n\n", schema(connection)])


def _section(database: Database, binding: Binding, needs: str | None) -> str:
    head = {
        label: text.replace("|", "\\|")
        for label, text in Head.read(binding.statement.path).parts().items()
    }
    cells = {
        "function": _function(binding),
        **(
            {"needs": f"`{needs}`, which the server that wrote this page has not"}
            if needs
            else _described(database, binding)
        ),
        "locks on rows": head.get("Locks", ""),
        "index": head.get("Index", ""),
    }
    table = "".join(f"| {name} | {text or 'none'} |\n" for name, text in cells.items())
    return f"### {binding.statement.name}\n\n{head['']}\n\n| | |\n|---|---|\n{table}\n"


def _described(database: Database, binding: Binding) -> dict[str, str]:
    """What a server says of a statement."""
    statement, connection = binding.statement, database.connection
    described = database.describe(statement)
    nullable = [
        one.nullability for one in outputs(statement.text, database.columns, database.views)
    ]
    plan = generic_plan(connection, statement)
    with connection.transaction(force_rollback=True):
        before = Tables.of(connection)
        database.describe(statement)  # which locks the tables as running it would
        locked = before.locked(connection)
    written = [table for table, mode in locked.items() if mode in _WRITES]
    return {
        "parameters": _listed(zip(statement.parameters, described.parameters, strict=True)),
        "columns": _listed(
            (
                name,
                type_
                + {Nullability.NOT_NULL: "", Nullability.NULLABLE: ", may be NULL"}.get(
                    null, ", NULL unknown"
                ),
            )
            for (name, type_), null in zip(described.columns, nullable, strict=True)
        ),
        "reads": ", ".join(f"`{table}`" for table in locked if table not in written),
        "writes": ", ".join(f"`{table}`" for table in written),
        "locks on tables": ", ".join(f"{mode} on `{table}`" for table, mode in locked.items()),
        # Over the server's own catalogue it is the server's affair, and each version's.
        "plan": f"`{plan.shape}`" if locked and plan.shape else "",
    }


def _function(binding: Binding) -> str:
    stub = binding.stub
    if stub.__name__.startswith("_"):
        return f"inside `{stub.__module__}`"
    _, *parameters = inspect.signature(stub).parameters.values()
    names = [one.name + ("" if one.default is one.empty else "=...") for one in parameters]
    listed = ", ".join(["db", *(["*", *names] if names else [])])
    returns = binding.shape.value.replace("T", getattr(binding.records.record, "__name__", "T"))
    return f"`{stub.__module__}.{stub.__name__}({listed})` → `{returns}`"


def _listed(pairs: Iterable[tuple[str, Any]]) -> str:
    return "<br>".join(f"`{name}` {type_}" for name, type_ in pairs)
