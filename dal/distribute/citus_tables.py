"""The tables that Citus knows: how they are distributed, or that they are reference tables."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import psycopg

from dal.distribute.sql_files import rows
from dal.migrate.connection import connect, explained
from dal.migrate.settings import apply_session_settings, committed_reads


@dataclass(frozen=True, slots=True)
class CitusTable:
    """A table that Citus knows.

    Attributes:
        id: its oid.
        identifier: its name, with the schema where the search_path needs it.
        owner: the column by which its rows are distributed; None where they are not, as in a
            reference table.
        colocation: the same for all tables whose rows of one owner are together.
        shards, nodes: in how many parts it is, and on how many nodes.
        left_bytes: what the coordinator still keeps of the rows, hidden, from before.
    """

    id: int
    identifier: str
    owner: str | None
    colocation: int
    shards: int
    nodes: int
    left_bytes: int


@dataclass(frozen=True, slots=True)
class _Installed:
    installed: bool


def has_citus(connection: psycopg.Connection) -> bool:
    """Whether a database has Citus."""
    [answer] = rows(connection, "installed", _Installed)
    return answer.installed


def citus_tables(connection: psycopg.Connection) -> list[CitusTable]:
    """The tables of a database that Citus knows; none where there is no Citus."""
    return rows(connection, "citus_tables", CitusTable) if has_citus(connection) else []


def described(tables: Iterable[CitusTable]) -> str | None:
    """Which tables are distributed, and how, in a line; None where none is."""
    groups = defaultdict[int, list[CitusTable]](list)
    for table in tables:
        if table.owner:
            groups[table.colocation].append(table)
    return "; ".join(map(_group, groups.values())) or None


def _group(tables: list[CitusTable]) -> str:
    names = ", ".join(table.identifier for table in tables)
    return f"{names}: {tables[0].shards} shards on {tables[0].nodes} nodes"


def distribution(dsn: str, *, application_name: str) -> str | None:
    """Which tables of a database are distributed, and how; None where none is.

    Parameters:
        dsn: the address.
        application_name: the session's name in pg_stat_activity, unless the address has one.

    Raises:
        DatabaseUnavailableError: no connection could be made.
    """
    with (
        connect(dsn, application_name=application_name) as connection,
        explained("what is distributed"),
    ):
        connection.read_only = True
        committed_reads(connection)
        apply_session_settings(connection, transaction=True)
        return described(citus_tables(connection))
