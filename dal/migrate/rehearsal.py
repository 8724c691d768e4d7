"""Runs migrations in a transaction that is rolled back, to see whether they would succeed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg

from dal.migrate.connection import explained, rolled_back
from dal.migrate.index_statement import parse_index
from dal.migrate.migration import Migration


@contextmanager
def rehearsed(
    connection: psycopg.Connection,
    migrations: Sequence[Migration],
    *,
    rollback: bool = False,
    without_concurrently: bool = False,
) -> Iterator[None]:
    """Run migrations, up to one that can't run in a transaction, and undo them at the block's end.

    Parameters:
        rollback: run their rollbacks instead.
        without_concurrently: run concurrent index statements without CONCURRENTLY, instead of
            stopping at them; the tables must be empty.

    Raises:
        SchemaMismatchError and others, as a run would; nothing has changed then.
    """
    with rolled_back(connection):
        for migration in migrations:
            file = migration.rollback if rollback else migration.path
            statements = migration.rollback_statements if rollback else migration.statements
            if not migration.transactional:
                if not without_concurrently:
                    break
                statements = [found.plain for text in statements if (found := parse_index(text))]
            for number, statement in enumerate(statements, 1):
                with explained(f"{file.name}, statement {number}", retried=True):
                    connection.execute(statement.encode())
        yield
