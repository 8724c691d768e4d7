"""Which tables a transaction has locked, and which it has rewritten."""

from dataclasses import dataclass

import psycopg

# The lock modes that a statement can take on a table, strongest first, and what each one blocks
# until the commit.
BLOCKS = {
    "ACCESS EXCLUSIVE": "reads and writes",
    "EXCLUSIVE": "writes",
    "SHARE ROW EXCLUSIVE": "writes",
    "SHARE": "writes",
    "SHARE UPDATE EXCLUSIVE": "other migrations, VACUUM",
    "ROW EXCLUSIVE": "other migrations",
    "ROW SHARE": "other migrations",
    "ACCESS SHARE": "other migrations",
}
_TABLES = """
    SELECT pg_class.oid, relname::text, pg_relation_filenode(pg_class.oid)
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'p') AND nspname = ANY (current_schemas(false))
"""
# AccessShareLock is ACCESS SHARE.
_HELD = r"""
    SELECT
        relation,
        upper(regexp_replace(replace(mode, 'Lock', ''), '([a-z])([A-Z])', '\1 \2', 'g'))
    FROM pg_locks
    WHERE locktype = 'relation' AND granted AND pid = pg_backend_pid()
"""


@dataclass(frozen=True, slots=True)
class TableSnapshot:
    """The tables that existed before a transaction."""

    names: dict[int, str]
    files: dict[int, int]

    @classmethod
    def of(cls, connection: psycopg.Connection) -> "TableSnapshot":
        """The tables on the current search path."""
        rows = connection.execute(_TABLES).fetchall()
        return cls({oid: name for oid, name, _ in rows}, {oid: file for oid, _, file in rows})

    def locked(self, connection: psycopg.Connection) -> dict[str, str]:
        """The strongest lock that the transaction holds on each table."""
        modes = list(BLOCKS)
        strongest: dict[str, str] = {}
        for oid, mode in connection.execute(_HELD.encode()):
            if name := self.names.get(oid):
                strongest[name] = min(mode, strongest.get(name, mode), key=modes.index)
        return dict(sorted(strongest.items()))

    def rewritten(self, connection: psycopg.Connection) -> list[str]:
        """The tables that the transaction has rewritten."""
        files = {oid: file for oid, _, file in connection.execute(_TABLES)}
        return sorted(
            name
            for oid, name in self.names.items()
            if files.get(oid, 0) not in (0, self.files[oid])
        )
