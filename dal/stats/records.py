"""The shape of `dal stats --json`; `Stats.model_json_schema()` is the same for machines."""

from typing import Literal, TypeAlias

from pydantic import AwareDatetime

from dal.cluster import Distributed
from dal.record import Record

Level: TypeAlias = Literal["alert", "advice"]
"""An alert needs action today; advice can wait."""


class Server(Record):
    """The server, the database and the role.

    Attributes:
        version: the server's.
        database, role: their names.
        sees_everyone: whether the role sees other roles' sessions and statements.
        standby: whether it is a standby, which takes no writes and keeps its own counters.
        at, started_at: when this was read, and when the server was started.
        connections, max_connections: the whole server's.
        commits, rollbacks, deadlocks: transactions of the database, since `counted_since`.
        temporary_bytes: what did not fit into work_mem and was written to files.
        hit_ratio: share of the pages that were in shared_buffers already.
        counted_since: the last reset of the counters; None if there was none.
        counting: whether track_counts and track_activities are on.
        autovacuum: whether it is switched on.
    """

    version: str
    database: str
    role: str
    sees_everyone: bool
    standby: bool
    at: AwareDatetime
    started_at: AwareDatetime
    connections: int
    max_connections: int
    commits: int
    rollbacks: int
    deadlocks: int
    temporary_bytes: int
    hit_ratio: float | None
    counted_since: AwareDatetime | None
    counting: bool
    autovacuum: bool


class Table(Record):
    """A table of dal's.

    Attributes:
        name: without its schema.
        identifier: with it, quoted where SQL needs that.
        rows: an estimate.
        table_bytes, index_bytes: sizes on disk; a table's includes TOAST.
        dead_rows: rows that vacuum has not removed yet.
        changed_rows: rows that were written since the last ANALYZE.
        vacuum_from: the number of dead rows at which autovacuum comes.
        autovacuum: whether the table's own options leave it on.
        last_vacuum, last_analyze: by hand or by autovacuum.
        transaction_age: how many transactions ago its oldest unfrozen row was written.
        hot_ratio: share of the updates that wrote to no index.
        heap_hit_ratio, index_hit_ratio: share of the pages that were in shared_buffers already.
    """

    name: str
    identifier: str
    rows: int
    table_bytes: int
    index_bytes: int
    dead_rows: int
    changed_rows: int
    vacuum_from: int
    autovacuum: bool
    last_vacuum: AwareDatetime | None
    last_analyze: AwareDatetime | None
    transaction_age: int
    hot_ratio: float | None
    heap_hit_ratio: float | None
    index_hit_ratio: float | None


class Index(Record):
    """An index of such a table.

    Attributes:
        name: without its schema.
        identifier: with it, quoted where SQL needs that.
        table_name: of its table.
        bytes: on disk.
        valid: whether reads may use it.
        building: whether it may be being built now; another role's build does not say which index.
        scans: how often it was used.
        density: how full its pages are, an estimate; None where nothing is known to estimate by.
    """

    name: str
    identifier: str
    table_name: str
    bytes: int
    valid: bool
    building: bool
    scans: int
    density: float | None


class Count(Record):
    """A count that reads at most 10,000 rows.

    Attributes:
        name: what is counted.
        rows: how many there are among the first 10,000 rows that were read.
        more: whether it stopped there, so that there may be more.
    """

    name: str
    rows: int
    more: bool


class StatementCost(Record):
    """A statement of dal's, in pg_stat_statements.

    Attributes:
        name: `messages.create` is sql/messages/create.sql; None is all others together.
        statements: entries of pg_stat_statements: one for each role, and each setting that matters.
        hidden: entries whose text the role may not read, so that their names are unknown.
        calls: how often it was called.
        total_ms, mean_ms, max_ms: how long that took, in milliseconds.
        rows, pages, wal_bytes: of one call, on average.
    """

    name: str | None
    statements: int
    hidden: int
    calls: int
    total_ms: float
    mean_ms: float
    max_ms: float
    rows: float
    pages: float
    wal_bytes: float


class Application(Record):
    """The sessions of one application_name in this database, apart from the one that asks.

    Attributes:
        application: the name, which may be empty.
        sessions: all of them.
        active, idle, in_transaction: by state; the last is idle within a transaction.
        waiting: those that wait for a lock.
        hidden: those of which the role sees only that they exist.
        oldest_seconds: age of the oldest open transaction.
    """

    application: str
    sessions: int
    active: int
    idle: int
    in_transaction: int
    waiting: int
    hidden: int
    oldest_seconds: float | None


class Wait(Record):
    """A session that waits for a lock, and one that it waits for.

    Attributes:
        pid, application: of the session that waits.
        function: the function of dal's that it runs, if any.
        seconds: how long it has been waiting.
        by_pid: the session that it waits for; None if that is a prepared transaction.
        by_application, by_function, by_state: that session's; None where the role may not see it.
        by_seconds: age of that session's transaction.
    """

    pid: int
    application: str
    function: str | None
    seconds: float | None
    by_pid: int | None
    by_application: str | None
    by_function: str | None
    by_state: str | None
    by_seconds: float | None


class OpenTransaction(Record):
    """A transaction or replication slot that keeps vacuum from removing rows.

    Attributes:
        kind: what it is.
        subject: the process id, the prepared transaction's name, or the slot's.
        application, function, state: a session's.
        seconds: its age; None for a slot that nobody reads from.
        behind: age in transactions of its snapshot, or of its own id.
    """

    kind: Literal["session", "prepared transaction", "replication slot"]
    subject: str
    application: str | None
    function: str | None
    state: str | None
    seconds: float | None
    behind: int | None


class StatsFinding(Record):
    """Something that ought to be mended.

    Attributes:
        rule: the rule's name; sql/README.md lists them.
        level: how urgent it is.
        subject: the index, table, session, role or database that it is about.
        message: what is wrong, and why it matters.
        remedy: the command that repairs it.
    """

    rule: str
    level: Level
    subject: str
    message: str
    remedy: str


class Unseen(Record):
    """Something that could not be seen.

    Attributes:
        what: the part that is missing.
        why: the reason.
        remedy: the grant, the setting or the command that would show it.
    """

    what: str
    why: str
    remedy: str


class Stats(Record):
    """All that can be seen. A part that can't be is None, and stands in `unseen` with the reason.

    Attributes:
        server: the server, the database and the role.
        tables, indexes, distributed: dal's; the largest index first, and what is on a cluster.
        retention: conversations by what retention will do with them.
        functions: from pg_stat_statements, the highest total time first.
        applications: the sessions of this database.
        waits: the sessions that wait for a lock, those that wait longest first; at most twenty.
        transactions: the ten oldest.
        findings: what to repair, alerts first.
        unseen: the parts that could not be read.
    """

    server: Server
    tables: list[Table] | None
    indexes: list[Index] | None
    distributed: list[Distributed] | None
    retention: list[Count] | None
    functions: list[StatementCost] | None
    applications: list[Application] | None
    waits: list[Wait] | None
    transactions: list[OpenTransaction] | None
    findings: list[StatsFinding]
    unseen: list[Unseen]
