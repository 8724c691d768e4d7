"""Refuses what can't be distributed, by name, before anything happens."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import psycopg

from dal import errors
from dal.distribute.citus_tables import CitusTable, citus_tables, has_citus
from dal.distribute.sql_files import rows
from dal.distribute.tables import Table
from dal.migrate.ledger import applied
from dal.migrate.migration import Folders, read
from dal.migrate.status import refuse_disagreement


class ClusterError(errors.ConfigurationError):
    """The server is no cluster, or can't distribute tables now."""


class PendingError(errors.SchemaMismatchError):
    """Migrations are pending."""


@dataclass(frozen=True, slots=True)
class _Problem:
    problem: str
    help: str
    kind: str = ""

    def __str__(self) -> str:
        return f"{self.problem}: {self.help}"


def refuse_server(connection: psycopg.Connection) -> None:
    """Refuse a server that can't be the coordinator of a cluster.

    Raises:
        ClusterError: it can't; the text says what to do.
    """
    _refuse(rows(connection, "server", _Problem))


def refuse_cluster(connection: psycopg.Connection) -> None:
    """Refuse a worker, and a cluster in bad health; a server without Citus is none.

    Raises:
        ClusterError: the text says what to do.
    """
    if has_citus(connection):
        _refuse(rows(connection, "cluster", _Problem))


def _refuse(problems: list[_Problem]) -> None:
    if problems:
        raise ClusterError(_listed("this cluster can't move tables now", problems))


def refuse_pending(connection: psycopg.Connection, folders: Folders) -> None:
    """Refuse a database that is not migrated.

    Raises:
        PendingError: migrations are pending.
        SchemaMismatchError: the files and the database disagree.
    """
    migrations, recorded = read(folders), applied(connection)
    refuse_disagreement(migrations, recorded)
    pending = [migration.id for migration in migrations if migration.id not in recorded]
    if pending:
        raise PendingError(f"migrations are pending: {', '.join(pending)}; run dal migrate first")


def already(connection: psycopg.Connection, tables: Sequence[Table]) -> list[CitusTable]:
    """Those of the tables that are distributed, each by its owner and beside the others.

    Raises:
        SchemaMismatchError: some are distributed in another way; the text lists each table.
    """
    known = {table.id: table for table in citus_tables(connection)}
    there = [known[table.id] for table in tables if table.id in known]
    told, otherwise = [], False
    for table in tables:
        name, found = table.identifier, known.get(table.id)
        if found is None:
            told.append(f"{name} is not distributed")
        elif found.owner != table.owner:
            told.append(f"{name} is distributed, but not by {table.owner}")
            otherwise = True
        elif found.colocation != there[0].colocation:
            told.append(f"{name} is distributed, but apart from {there[0].identifier}")
            otherwise = True
        else:
            told.append(f"{name} is distributed")
    if otherwise:
        raise errors.SchemaMismatchError(
            _listed(
                "tables are distributed in another way; bring all back with dal distribute --undo",
                told,
            )
        )
    return there


def refuse_missing(missing: Sequence[Table], statements: Sequence[str]) -> None:
    """Refuse tables that are not distributed while others are.

    Parameters:
        missing: the tables.
        statements: what distributes them.

    Raises:
        SchemaMismatchError: the text has both.
    """
    if missing:
        names = ", ".join(table.identifier for table in missing)
        raise errors.SchemaMismatchError(
            _listed(
                f"not distributed yet, while others are: {names}. Run these statements, during"
                " which writes to the tables wait, and then dal distribute again",
                (f"{statement};" for statement in statements),
            )
        )


def refuse_shards(there: Sequence[CitusTable], shards: int | None) -> None:
    """Refuse another number of shards than distributed tables have.

    Raises:
        SchemaMismatchError: the text has both numbers.
    """
    if there and shards not in (None, there[0].shards):
        raise errors.SchemaMismatchError(
            f"the tables are in {there[0].shards} shards already, not in {shards}: leave out"
            " --shards, or bring them back first with dal distribute --undo"
        )


def refuse_tables(
    connection: psycopg.Connection, tables: Sequence[Table], dal_only: Collection[str] = ()
) -> None:
    """Refuse tables that Citus would not take, or that would lose something by it.

    Parameters:
        connection: to the database.
        tables: those to distribute.
        dal_only: names of tables that are refused unless dal's ownership comment is on them.

    Raises:
        SchemaMismatchError: the text lists each problem.
    """
    problems: list[object] = [
        f"{table.identifier} was there before dal: pass --existing if it may be distributed"
        for table in tables
        if table.name in dal_only and not table.is_dals
    ]
    problems += obstacles(connection, tables)
    if problems:
        raise errors.SchemaMismatchError(
            _listed("these tables can't be distributed as they are", problems)
        )


def refuse_others(connection: psycopg.Connection, tables: Sequence[Table]) -> None:
    """Refuse tables that can't be brought back without others.

    Raises:
        SchemaMismatchError: foreign keys connect them with others; the text lists each.
    """
    found = obstacles(connection, tables)
    if problems := [problem for problem in found if problem.kind == "stays behind"]:
        raise errors.SchemaMismatchError(
            _listed("these tables can't be brought back by themselves", problems)
        )


def obstacles(connection: psycopg.Connection, tables: Sequence[Table]) -> list[_Problem]:
    """What Citus would refuse about tables."""
    return rows(
        connection,
        "obstacles",
        _Problem,
        tables=[table.id for table in tables],
        owners=[table.owner for table in tables],
    )


def _listed(what: str, problems: Iterable[object]) -> str:
    return "\n  ".join([f"{what}:", *map(str, problems)])
