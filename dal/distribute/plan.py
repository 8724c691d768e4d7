"""What a run would do, and how long it would take."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg

from dal.distribute.sql_files import Step, rows
from dal.distribute.tables import Table
from dal.migrate.connection import explained, rolled_back
from dal.migrate.session import LOCK_TIMEOUT_SECONDS

SAMPLE_ROWS = 20_000
"""How many rows of each table are copied to measure the time."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A table that is moved.

    Attributes:
        table: its name, with the schema where the search_path needs it.
        rows: how many it has.
        bytes: its size, indexes included.
    """

    table: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does, or would do; nothing, where there are no tables to move.

    Attributes:
        tables: those that are moved.
        shards, nodes: in how many parts each table is then, and on how many nodes.
        statements: each one that is sent.
        seconds: how long writes stop; in a dry run an estimate.
        unfinished: whether others kept the clean-up after the transaction waiting for too long.
    """

    tables: Sequence[Moved] = ()
    shards: int = 0
    nodes: int = 0
    statements: Sequence[str] = field(default=(), repr=False)
    seconds: float = 0.0
    unfinished: bool = False


@dataclass(frozen=True, slots=True)
class Capacity:
    """In what form a cluster has a table.

    Attributes:
        shards: in how many parts.
        nodes: on how many nodes.
    """

    shards: int
    nodes: int


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a distributed table, indexes included."""

    bytes: int


@dataclass(frozen=True, slots=True)
class Script:
    """The statements of a run by their phase, as sql/distribute/distribute.sql explains them."""

    count: str
    lock: Sequence[str]
    move: Sequence[str]
    after: Sequence[str]
    comment: Sequence[str] = ()

    @property
    def statements(self) -> list[str]:
        """All that is sent, in order."""
        transaction = [*self.lock, self.count, *self.move, *self.comment, self.count]
        return ["BEGIN", *transaction, "COMMIT", *self.after]


def script(
    connection: psycopg.Connection, file: str, tables: Sequence[Table], shards: int
) -> Script:
    """The statements that a file writes for tables.

    Parameters:
        connection: to the database.
        file: `distribute` or `undo`.
        tables: those to move, in order.
        shards: in how many parts each table is to be.
    """
    ids = [table.id for table in tables]
    owners = [table.owner for table in tables]
    [count] = rows(connection, "count", Step, tables=ids)
    steps = rows(
        connection,
        file,
        Step,
        tables=ids,
        owners=owners,
        shards=shards,
        lock_timeout=f"{LOCK_TIMEOUT_SECONDS * 1000:.0f}ms",
    )
    by_phase = {
        phase: [step.statement for step in steps if step.phase == phase]
        for phase in ("lock", "move", "comment", "after")
    }
    return Script(count=count.statement, **by_phase)


@dataclass(frozen=True, slots=True)
class _Sample:
    make: str
    fill: str
    distribute: str


def measured(
    connection: psycopg.Connection, table: Table, count: int, *, shards: int, undo: bool
) -> float:
    """How many seconds the copy of a table would take, by that of some of its rows.

    Parameters:
        connection: to the database; all that is done there is rolled back.
        table: the table.
        count: how many rows it has.
        shards: in how many parts it is to be.
        undo: whether it comes back to the coordinator.
    """
    [sample] = rows(
        connection,
        "sample",
        _Sample,
        table=table.id,
        owner=table.owner,
        shards=shards,
        percent=min(100.0, 100.0 * SAMPLE_ROWS / max(count, 1)),
    )
    with explained(f"measuring the copy of {table.identifier}"):
        with rolled_back(connection):
            connection.execute(sample.make.encode())
            empty = 0.0 if undo else _timed(connection, sample.distribute)[0]
        with rolled_back(connection):
            connection.execute(sample.make.encode())
            filled, copied = _timed(connection, sample.fill)
            if not undo:
                filled, _ = _timed(connection, sample.distribute)
    return empty + max(filled - empty, 0.0) * count / max(copied, 1)


def _timed(connection: psycopg.Connection, statement: str) -> tuple[float, int]:
    """The seconds of a statement, and how many rows it has written."""
    started = time.perf_counter()
    written = connection.execute(statement.encode()).rowcount
    return time.perf_counter() - started, written
