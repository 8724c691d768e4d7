"""Generates sql/CATALOG.md: what a DBA wants to know of each statement."""

import inspect
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from dal.binding.binding import Binding
from dal.catalog.locks import Tables
from dal.catalog.schema import schema
from dal.check.project import Project
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.project.header_comments import INDEX, LOCKS

_INTRODUCTION = """\
# Statements

Written by `dal catalog` from what a server says; `dal catalog --check` tells when it is stale.
Types, columns, locks on tables and plans are PostgreSQL's; purpose, index and locks on rows are the
words of each file's head. Plans are generic ones, on tables that hold rows.

"""
_WRITES = ("ROW EXCLUSIVE",)


def page(connection: psycopg.Connection, projects: Sequence[Project]) -> str:
    """The page's text, for the statements of the last project.

    Parameters:
        connection: to a database that is migrated and holds rows, so that plans are realistic.
        projects: the projects that share the database.
    """
    catalog = Catalog(connection, projects)
    parts = [_INTRODUCTION]
    modules: dict[str, list[BoundStatement]] = {}
    for binding in sorted(projects[-1].bindings, key=lambda binding: binding.statement.name):
        statement = BoundStatement(binding, catalog)
        modules.setdefault(statement.name.partition(".")[0], []).append(statement)
    for module, statements in modules.items():
        parts.append(f"## {module}\n\n")
        parts += [_section(statement, catalog) for statement in statements]
    return "".join([*parts, "## The schema\n\n", schema(connection, catalog)])


def _section(statement: BoundStatement, catalog: Catalog) -> str:
    header = {
        label: text.replace("|", "\\|")
        for label, text in statement.header.parts(INDEX, LOCKS).items()
    }
    missing = statement.missing
    cells = {
        "function": _function(statement.binding),
        **(
            {"needs": f"`{missing}`, which the server that wrote this page has not"}
            if missing
            else _described(statement, catalog)
        ),
        "locks on rows": header.get(LOCKS, ""),
        "index": header.get(INDEX, ""),
    }
    table = "".join(f"| {name} | {text or 'none'} |\n" for name, text in cells.items())
    return f"### {statement.name}\n\n{header['']}\n\n| | |\n|---|---|\n{table}\n"


def _described(statement: BoundStatement, catalog: Catalog) -> dict[str, str]:
    """The cells that come from the server's description of a statement."""
    described, connection = statement.description, catalog.connection
    never_null = [value.never_null for _, value in statement.analysis.columns]
    plan = statement.plan
    with connection.transaction(force_rollback=True):
        before = Tables.of(connection)
        catalog.describe(statement.binding.statement)  # takes the locks that running it would take
        locked = before.locked(connection)
    written = [table for table, mode in locked.items() if mode in _WRITES]
    names = statement.binding.statement.parameters
    return {
        "parameters": _listed(
            (name, type_.name) for name, type_ in zip(names, described.parameters, strict=True)
        ),
        "columns": _listed(
            (name, type_.name + ("" if is_never_null else ", may be NULL"))
            for (name, type_), is_never_null in zip(described.columns, never_null, strict=True)
        ),
        "reads": ", ".join(f"`{table}`" for table in locked if table not in written),
        "writes": ", ".join(f"`{table}`" for table in written),
        "locks on tables": ", ".join(f"{mode} on `{table}`" for table, mode in locked.items()),
        # A plan over the server's own catalogue differs between versions.
        "plan": f"`{plan.shape}`" if locked and plan.shape else "",
    }


def _function(binding: Binding) -> str:
    stub = binding.stub
    if stub.__name__.startswith("_"):
        return f"inside `{stub.__module__}`"
    _, *parameters = inspect.signature(stub).parameters.values()
    names = [
        parameter.name + ("" if parameter.default is parameter.empty else "=...")
        for parameter in parameters
    ]
    listed = ", ".join(["db", *(["*", *names] if names else [])])
    record = getattr(binding.records.record, "__name__", "T")
    returns = binding.shape.value.replace("T", record).replace("|", "\\|")
    return f"`{stub.__module__}.{stub.__name__}({listed})` → `{returns}`"


def _listed(pairs: Iterable[tuple[str, Any]]) -> str:
    return "<br>".join(f"`{name}` {type_}" for name, type_ in pairs)
