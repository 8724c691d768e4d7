"""Adopts a schema that was made without dal, or came here as a copy."""

from functools import partial
from pathlib import Path

import psycopg
from psycopg import sql

from dal import errors
from dal.migrate import folder as files
from dal.migrate.comparison import compare
from dal.migrate.ledger import Ledger, applied
from dal.migrate.obstacles import Kind, obstacles
from dal.migrate.session import WAIT_SECONDS, Report, session, silent
from dal.migrate.status import refuse_disagreement
from dal.places import MIGRATIONS


def baseline(
    dsn: str,
    to: str,
    *,
    wait: float = WAIT_SECONDS,
    folder: Path = MIGRATIONS,
    report: Report = silent,
) -> list[str]:
    """Adopt a schema that is there already: note migrations as applied, without applying them.

    The schema is compared with what they make, object by object. Tables that lost the comment by
    which a rollback knows them, as in a copy without comments, get it back; `users` and `tasks`
    without one were there before, and are not compared. What a shop puts beside (triggers, rules,
    policies) is reported.

    Parameters:
        to: the last one that the schema has, by id or number. Those that are noted already are
            compared as well.
        dsn, wait, folder, report: as for `apply`.

    Returns:
        The ids that were marked.

    Raises:
        SchemaMismatchError: the schema differs; the text lists each difference.
        Others are those of `apply`. The role must be allowed to create a schema for the comparison.
    """
    migrations = files.read(folder)
    target = migrations[files.position(migrations, to)].id
    with session(dsn, application_name="dal baseline", wait=wait, report=report) as run:
        has = applied(run.connection)
        refuse_disagreement(migrations, has)
        upto = [one for one in migrations if one.id <= max([target, *has])]
        found = obstacles(run.connection)
        unmarked = {one.table for one in found if one.kind is Kind.UNMARKED}
        compared = run.retried("the comparison", partial(compare, run.connection, upto, unmarked))
        if compared.differences:
            listed = "\n  ".join(compared.differences)
            raise errors.SchemaMismatchError(
                f"the schema is not what {upto[-1].id} makes; put it right, or let `dal migrate`"
                f" make it elsewhere:\n  {listed}"
            )
        others = [str(one) for one in found if one.kind is not Kind.UNMARKED]
        for note in compared.notes + others:
            report(f"note: {note}")
        ledger = Ledger(run.connection, report)
        new = [one for one in upto if one.id not in has]
        with ledger.transaction():
            for table, text in compared.marks.items():
                _comment(run.connection, table, text)
                report(f"marked the table {table}")
            for migration in new:
                ledger.mark(migration)
                report(f"marked {migration.id}")
        return [one.id for one in new]


def _comment(connection: psycopg.Connection, table: str, text: str) -> None:
    statement = "COMMENT ON TABLE {} IS {}"
    connection.execute(sql.SQL(statement).format(sql.Identifier(table), sql.Literal(text)))
