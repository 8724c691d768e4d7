"""Generates migrations/LOCKS.md: what each migration does, locks and rewrites."""

import re
from pathlib import Path

import psycopg

from dal.catalog.locks import BLOCKS, Tables
from dal.migrate import apply
from dal.migrate.connection import connect
from dal.migrate.migration import OWN_ALONE, Folders, Migration, read

_INTRODUCTION = """\
# Migrations

Written by `dal catalog` from what a server says; `dal catalog --check` tells when it is stale.

Each file opens with its reasons; this page says what it does to a database that is in use. The
locks are those on tables that are there before, read from `pg_locks` at the end of the migration;
they last until it commits. A run waits for a lock no longer than a second at a time, then lets the
service pass and tries again.

| file | what it does | locks | which keeps off | rewrites |
|---|---|---|---|---|
"""
_DIRECTIVE = re.compile(r"--\s*(transactional|depends)\s*:")


def page(dsn: str, folders: Folders = OWN_ALONE) -> str:
    """The page's text, for the migrations of the last folder.

    Parameters:
        dsn: an empty database; the migrations stay applied in it.
        folders: their folder, after the folders that they depend on.
    """
    rows = []
    project = folders[-1].project
    with connect(dsn, application_name="dal catalog") as connection:
        connection.autocommit = True
        for migration in read(folders):
            before = _row(connection, migration, migration.path, migration.statements)
            apply(dsn, to=migration.id, folders=folders)
            after = _row(connection, migration, migration.rollback, migration.rollback_statements)
            rows += [before, after] if migration.project == project else []
    return _INTRODUCTION + "".join(rows)


def _row(
    connection: psycopg.Connection, migration: Migration, path: Path, statements: list[str]
) -> str:
    purpose = _purpose(path.read_text(encoding="utf-8"))
    if migration.transactional:
        before = Tables.of(connection)
        with connection.transaction(force_rollback=True):
            for statement in statements:
                connection.execute(statement.encode())
            locks, rewritten = before.locked(connection), before.rewritten(connection)
    else:  # lint allows only building or dropping an index concurrently here
        table = migration.index.table if migration.index else None
        locks, rewritten = {table or "?": "SHARE UPDATE EXCLUSIVE"}, []
    held_locks = "<br>".join(f"{mode} on `{table}`" for table, mode in locks.items())
    blocked = "<br>".join(BLOCKS[mode] for mode in locks.values())
    rewrites = ", ".join(f"`{table}`" for table in rewritten)
    cells = (
        f"`{path.name}`",
        purpose,
        held_locks or "none",
        blocked or "nobody",
        rewrites or "nothing",
    )
    return f"| {' | '.join(cells)} |\n"


def _purpose(text: str) -> str:
    """The first paragraph of a header comment."""
    lines: list[str] = []
    for line in text.splitlines():
        if _DIRECTIVE.match(line):
            continue
        words = line.removeprefix("--").strip()
        if not line.startswith("--") or (not words and lines):
            break
        lines.append(words)
    return " ".join(filter(None, lines)).replace("|", "\\|")
