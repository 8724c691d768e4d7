"""Sets what a run relies on, whatever the defaults of a server, a database or a role are."""

import psycopg
from psycopg import IsolationLevel
from psycopg.sql import SQL

# How names, times and strings are written, so that they are read correctly; that notices are sent,
# that a run may write, and that a statement sees what is committed.
_SETTINGS = """
    SELECT set_config(name, value, %s)
    FROM (VALUES
        ('DateStyle', 'ISO'), ('IntervalStyle', 'postgres'), ('TimeZone', 'UTC'),
        ('bytea_output', 'hex'), ('extra_float_digits', '1'), ('quote_all_identifiers', 'off'),
        ('standard_conforming_strings', 'on'), ('client_min_messages', 'notice'),
        ('default_transaction_isolation', 'read committed'),
        ('default_transaction_read_only', 'off')
    ) AS needed (name, value)
"""


def committed_reads(connection: psycopg.Connection) -> None:
    """Let the connection's transactions be read committed: a standby has no serializable ones."""
    connection.isolation_level = IsolationLevel.READ_COMMITTED


def share_lock_timeout(connection: psycopg.Connection) -> None:
    """Let all nodes of a cluster (Citus) wait for a lock as long as this session, and no longer.

    Until the end of the transaction; a server without Citus takes the setting, and ignores it.
    """
    [(timeout,)] = connection.execute("SHOW lock_timeout")
    connection.execute("SET LOCAL citus.propagate_set_commands = 'local'")
    connection.execute(SQL("SET LOCAL lock_timeout = {}").format(timeout))


def apply_session_settings(connection: psycopg.Connection, *, transaction: bool) -> None:
    """Make a session independent of defaults.

    Parameters:
        connection: must not go through a pooler, unless `transaction` is set.
        transaction: only until the current one ends, so that a pooler hands nothing on.
    """
    connection.execute(_SETTINGS, [transaction])
