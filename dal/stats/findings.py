"""Finds what to repair, with the command that does it; sql/README.md has the rules as a table."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from dal.source.identifiers import is_left_by_reindex
from dal.stats.queries import Setting
from dal.stats.records import Index, Level, OpenTransaction, Server, StatsFinding, Table, Wait

RULES: dict[str, Level] = {
    "autovacuum-off": "alert",
    "autovacuum-behind": "alert",
    "statistics-old": "alert",
    "wraparound": "alert",
    "connections": "alert",
    "index-invalid": "alert",
    "index-bloat": "advice",
    "old-transaction": "alert",
    "unused-slot": "alert",
    "lock-wait": "alert",
    "isolation": "advice",
    "read-only": "alert",
    "no-statement-timeout": "advice",
    "no-idle-timeout": "advice",
}

VISITED = timedelta(minutes=10)  # autovacuum looks every minute
CHANGED_ROWS = 10_000
UNFROZEN = 1_000_000_000  # half of the way to the point where the server stops taking writes
CONNECTIONS = 0.9
DENSITY, FREED_BYTES = 0.4, 50_000_000
OLD_SECONDS = 300.0
WAIT_SECONDS = 10.0

# The rule that a setting breaks, and the value that it should have.
_SETTINGS = {
    "default_transaction_isolation": ("isolation", "read committed"),
    "default_transaction_read_only": ("read-only", "off"),
    "statement_timeout": ("no-statement-timeout", "60s"),
    "idle_in_transaction_session_timeout": ("no-idle-timeout", "60s"),
}
_WHY = {
    "isolation": "behind a pooler, concurrent appends to one conversation conflict and are retried",
    "read-only": "every write fails",
    "no-statement-timeout": "nothing ends a statement whose client has gone",
    "no-idle-timeout": "nothing ends a transaction that was forgotten, and holds its locks",
}


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def _finding(rule: str, subject: str, message: str, remedy: str) -> StatsFinding:
    return StatsFinding(
        rule=rule, level=RULES[rule], subject=subject, message=message, remedy=remedy
    )


def _visited(last: datetime | None, server: Server) -> bool:
    return last is not None and server.at - last < VISITED


def of_server(server: Server) -> Iterator[StatsFinding]:
    """Autovacuum that is off, and connections that run out."""
    if not (server.autovacuum and server.counting):
        yield _finding(
            "autovacuum-off",
            "server",
            "autovacuum is off, or track_counts is, which it depends on",
            "ALTER SYSTEM SET autovacuum = on; ALTER SYSTEM SET track_counts = on;"
            " SELECT pg_reload_conf();",
        )
    if server.connections >= CONNECTIONS * server.max_connections:
        yield _finding(
            "connections",
            "server",
            f"{server.connections} of {server.max_connections} connections are taken",
            "lower DAL_MAX_SIZE of the services, or put a pooler in front",
        )


def of_table(table: Table, server: Server) -> Iterator[StatsFinding]:
    """What autovacuum leaves undone."""
    if not table.autovacuum:
        yield _finding(
            "autovacuum-off",
            table.name,
            f"autovacuum is switched off for {table.name}",
            f"ALTER TABLE {table.identifier} RESET (autovacuum_enabled);",
        )
    if table.dead_rows > 2 * table.vacuum_from and not _visited(table.last_vacuum, server):
        yield _finding(
            "autovacuum-behind",
            table.name,
            f"{table.name} has {table.dead_rows:,} dead rows; autovacuum is due at"
            f" {table.vacuum_from:,}, and has not run there for ten minutes",
            f"VACUUM (ANALYZE) {table.identifier};",
        )
    changed = table.changed_rows > max(CHANGED_ROWS, table.rows / 2)
    if changed and not _visited(table.last_analyze, server):
        since = (
            "and it was never analysed" if table.last_analyze is None else "since it was analysed"
        )
        yield _finding(
            "statistics-old",
            table.name,
            f"{table.changed_rows:,} rows of {table.name} have changed {since};"
            " the planner uses outdated statistics",
            f"ANALYZE {table.identifier};",
        )
    if table.transaction_age > UNFROZEN:
        yield _finding(
            "wraparound",
            table.name,
            f"{table.name}'s oldest unfrozen rows are {table.transaction_age:,} transactions old;"
            " at 2,000,000,000 the server stops taking writes",
            f"VACUUM (FREEZE) {table.identifier};",
        )


def of_index(index: Index) -> Iterator[StatsFinding]:
    """An index that is INVALID, or mostly empty."""
    if not index.valid and not index.building:
        verb = "DROP" if is_left_by_reindex(index.name) else "REINDEX"
        yield _finding(
            "index-invalid",
            index.name,
            f"{index.name} is INVALID: a build failed, and it costs every write and serves no read",
            f"{verb} INDEX CONCURRENTLY {index.identifier};",
        )
    if index.density is not None and index.density < DENSITY:
        freed = index.bytes * (1 - index.density / 0.9)
        if freed > FREED_BYTES:
            yield _finding(
                "index-bloat",
                index.name,
                f"{index.name} is {index.density:.0%} full; building it anew would free about"
                f" {freed / 1e6:,.0f} of {index.bytes / 1e6:,.0f} MB",
                f"REINDEX INDEX CONCURRENTLY {index.identifier};",
            )


def of_transaction(open_: OpenTransaction) -> Iterator[StatsFinding]:
    """A transaction or a slot that has held vacuum back for long."""
    if open_.seconds is None:
        yield _finding(
            "unused-slot",
            open_.subject,
            f"nobody reads from the replication slot {open_.subject}; it keeps WAL and dead rows",
            f"SELECT pg_drop_replication_slot({_literal(open_.subject)});",
        )
    elif open_.seconds > OLD_SECONDS:
        whose = f"pid {open_.subject} ({open_.application or 'no name'}, {open_.state})"
        session = open_.kind == "session"
        yield _finding(
            "old-transaction",
            open_.subject,
            f"a transaction of {whose if session else f'the prepared kind, {open_.subject},'} has"
            f" been open for {open_.seconds / 60:,.0f} minutes; vacuum can't remove rows deleted"
            " since then",
            f"SELECT pg_terminate_backend({open_.subject});"
            if session
            else f"ROLLBACK PREPARED {_literal(open_.subject)};",
        )


def of_waits(waits: Sequence[Wait]) -> Iterator[StatsFinding]:
    """Sessions that others wait for, and that wait for nobody themselves."""
    waiting = {wait.pid for wait in waits}
    for pid in dict.fromkeys(wait.by_pid for wait in waits):
        behind = [wait for wait in waits if wait.by_pid == pid]
        seconds = max(wait.seconds or 0.0 for wait in behind)
        if pid and pid not in waiting and seconds > WAIT_SECONDS:
            name = behind[0].by_application or "no name"
            yield _finding(
                "lock-wait",
                str(pid),
                f"pid {pid} ({name}, {behind[0].by_state}) holds a lock that others wait for:"
                f" {len(behind)} of them, the longest for {seconds:,.0f} s",
                f"SELECT pg_terminate_backend({pid});",
            )


def of_setting(setting: Setting, database: str) -> Iterator[StatsFinding]:
    """A harmful setting, with the command that corrects it where it was set."""
    rule, right = _SETTINGS[setting.setting]
    in_database = f" IN DATABASE {quoted(database)}" if setting.in_database else ""
    if setting.role:
        scope = f"ROLE {quoted(setting.role)}{in_database}"
    else:
        scope = f"DATABASE {quoted(database)}" if setting.in_database else "ROLE ALL"
    yield _finding(
        rule,
        setting.role or (database if setting.in_database else "all roles"),
        f"{setting.setting} is {setting.value} for {setting.role or 'all roles'}: {_WHY[rule]}",
        f"ALTER {scope} SET {setting.setting} = {_literal(right)};",
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
