"""Runs migrations in a transaction that is rolled back, to see whether they would succeed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg

from dal.migrate.connection import explained, undone
from dal.migrate.migration import Migration


@contextmanager
def rehearsed(
    connection: psycopg.Connection,
    migrations: Sequence[Migration],
    *,
    back: bool = False,
    plainly: bool = False,
) -> Iterator[None]:
    """Run migrations, up to one that can't run in a transaction, and undo them at the block's end.

    Parameters:
        back: run their rollbacks instead.
        plainly: the tables are empty, so that an index can be built without CONCURRENTLY.

    Raises:
        SchemaMismatchError and others, as a run would; nothing has changed then.
    """
    with undone(connection):
        for migration in migrations:
            file = migration.rollback if back else migration.path
            statements = migration.rollback_statements if back else migration.statements
            if not migration.transactional:
                if not plainly:
                    break
                statements = [migration.index.plain] if migration.index else []
            for number, statement in enumerate(statements, 1):
                with explained(f"{file.name}, statement {number}"):
                    connection.execute(statement.encode())
        yield
