"""The privileges that a service's role needs."""

import re

from psycopg import sql

from dal.migrate.connection import connect, explained
from dal.migrate.created import created
from dal.migrate.folder import Folder
from dal.migrate.settings import apply_session_settings, committed_reads
from dal.paths import SQL

_TABLES = ("users", "tasks", "conversations", "messages")  # which sql/grants.sql knows
# Tables and views, and the sequences of serial columns, with the tables whose rows they number.
_OTHERS = """
    SELECT relkind = 'S', relname::text, (
        SELECT of_table.relname::text
        FROM pg_depend JOIN pg_class AS of_table ON of_table.oid = refobjid
        WHERE pg_class.relkind = 'S' AND deptype = 'a' AND objid = pg_class.oid
          AND classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass)
    FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT relispartition
      AND nspname = ANY (current_schemas(false)) AND relname !~ '^_?yoyo_'
      AND NOT coalesce(starts_with(obj_description(pg_class.oid, 'pg_class'), 'dal '), false)
      AND NOT EXISTS (
          SELECT FROM pg_depend
          WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype IN ('i', 'e'))
    ORDER BY 1, 2
"""


def own(role: str) -> str:
    """The statements for dal's tables.

    Parameters:
        role: the service's.

    SQL: sql/grants.sql
    """
    text = (SQL / "grants.sql").read_text(encoding="utf-8")
    statements = text[text.index("\n\n") + 2 :]  # after the header comment
    return re.sub(r':"service"', lambda _: _quoted(role), statements)


def others(dsn: str, role: str, folder: Folder, *, beside_own: bool) -> str:
    """The statements for a service's tables, views and sequences.

    Statements for what its migrations do not create are commented out: a person has to decide.

    Parameters:
        dsn: a database in which they are; its catalogue alone is read.
        role: the service's.
        folder: the service's migrations.
        beside_own: whether dal's tables are there as well, so that their names are left out.
    """
    with connect(dsn, application_name="dal grants") as connection, explained("grants"):
        connection.read_only = True
        committed_reads(connection)
        apply_session_settings(connection, transaction=True)
        rows = connection.execute(_OTHERS.encode()).fetchall()
    own, foreign = [], []
    made = created(folder)
    for is_sequence, name, table in rows:
        if beside_own and name in _TABLES:
            continue
        rights = "USAGE ON SEQUENCE" if is_sequence else "SELECT, INSERT, UPDATE, DELETE ON"
        line = f"GRANT {rights} {_quoted(name)} TO {_quoted(role)};"
        if name in made or table in made:
            own.append(line)
        else:
            foreign.append("-- " + re.sub(r"[\r\n]", " ", line))  # a name may hold a line break
    parts = [f"-- What the migrations of {folder.project} create.", *own]
    if foreign:
        parts += [
            "",
            f"-- Not created by {folder.project}'s migrations. Run the lines whose tables belong to"
            f" {folder.project}:",
            *foreign,
        ]
    return "\n".join(parts) + "\n"


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string(None)
