"""Adopts a schema that was made without dal, or was copied."""

from functools import partial

import psycopg
from psycopg import sql

from dal import errors
from dal.migrate.comparison import compare
from dal.migrate.ledger import Ledger, applied
from dal.migrate.migration import DAL_FOLDERS, Folders, position, read
from dal.migrate.obstacles import ObstacleKind, obstacles
from dal.migrate.session import WAIT_SECONDS, Report, session, silent
from dal.migrate.status import refuse_disagreement


def baseline(
    dsn: str,
    to: str,
    *,
    wait: float = WAIT_SECONDS,
    folders: Folders = DAL_FOLDERS,
    report: Report = silent,
) -> list[str]:
    """Adopt an existing schema: record migrations as applied, without applying them.

    The schema is compared with what they make, object by object. A rollback knows dal's tables by
    a comment; tables that lost it, as in a copy without comments, get it back. But `users` and
    `tasks` without a comment are taken for tables from before dal, and are not compared. Triggers,
    rules and policies that somebody added are reported.

    Parameters:
        to: the last migration that the schema has, by id or number, as for `apply`; dal's come
            before a service's. Migrations that are recorded already are compared as well.
        dsn, wait, folders, report: as for `apply`.

    Returns:
        The ids that were recorded.

    Raises:
        SchemaMismatchError: the schema differs; the text lists each difference.
        Others are those of `apply`. The role must be allowed to create a schema for the comparison.
    """
    migrations = read(folders)
    before = migrations[: position(migrations, to) + 1]
    with session(dsn, application_name="dal baseline", wait=wait, report=report) as run:
        recorded = applied(run.connection)
        refuse_disagreement(migrations, recorded)
        upto = [
            migration for migration in migrations if migration in before or migration.id in recorded
        ]
        in_the_way = obstacles(run.connection, migrations)
        without_comment = {
            obstacle.table for obstacle in in_the_way if obstacle.kind is ObstacleKind.UNOWNED
        }
        compared = run.retried(
            "the comparison", partial(compare, run.connection, upto, without_comment)
        )
        if compared.differences:
            listed = "\n  ".join(compared.differences)
            raise errors.SchemaMismatchError(
                f"the schema is not what {upto[-1].id} makes; put it right, or let `dal migrate`"
                f" make it elsewhere:\n  {listed}"
            )
        others = [
            str(obstacle) for obstacle in in_the_way if obstacle.kind is not ObstacleKind.UNOWNED
        ]
        for note in compared.notes + others:
            report(f"note: {note}")
        ledger = Ledger(run.connection, report)
        new = [migration for migration in upto if migration.id not in recorded]
        with ledger.transaction():
            for table, text in compared.lost_comments.items():
                _comment(run.connection, table, text)
                report(f"restored dal's comment on the table {table}")
            for migration in new:
                ledger.record(migration)
                report(f"recorded {migration.id} as applied")
        return [migration.id for migration in new]


def _comment(connection: psycopg.Connection, table: str, text: str) -> None:
    statement = "COMMENT ON TABLE {} IS {}"
    connection.execute(sql.SQL(statement).format(sql.Identifier(table), sql.Literal(text)))
