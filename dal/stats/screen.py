"""`dal stats` on one screen of 80 columns."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from dal.cluster import Distributed
from dal.stats import records
from dal.stats.records import Stats

WIDTH = 80
_LISTED = 8  # of each kind; --json has all
_NAME = 30  # the longest of our functions


def show(stats: Stats, console: Console) -> None:
    """Print the stats.

    Parameters:
        stats: what to print.
        console: `WIDTH` wide, without markup.
    """
    for part in _parts(stats):
        console.print(part)
        console.print()
    for note in stats.unseen:
        _advise(console, f"not seen: {note.what}: {note.why}", note.remedy)
    for finding in stats.findings:
        _advise(console, f"{finding.level}: {finding.message}", finding.remedy)
    if not stats.findings:
        console.print("nothing to mend")


def _advise(console: Console, sentence: str, remedy: str) -> None:
    console.print(_plain(sentence))
    console.print(f"    {_plain(remedy)}", soft_wrap=True)  # whole, to be copied


def _parts(stats: Stats) -> Iterator[str | Table]:
    yield _plain(_server(stats.server))
    if stats.tables is not None:
        yield _tables(stats.tables, stats.server)
    if stats.distributed:
        yield _plain("\n".join(map(_distributed, stats.distributed)))
    if stats.retention is not None:
        yield f"retention: {', '.join(map(_count, stats.retention))}"
    if stats.functions is not None:
        yield _functions(stats.functions)
    if stats.applications is not None:
        yield _applications(stats.applications)
    if stats.waits is not None:
        waits = [_wait(wait) for wait in stats.waits[:_LISTED]]
        yield _plain("\n".join(waits) or "nobody waits for a lock")
    if stats.transactions is not None:
        oldest = [_open(transaction) for transaction in stats.transactions[:3]]
        yield _plain("\n".join(oldest) or "no transaction is open")


def _server(server: records.Server) -> str:
    kind = "standby" if server.standby else "primary"
    sees = "all sessions and statements" if server.sees_everyone else "its own sessions alone"
    return (
        f"PostgreSQL {server.version}, {kind}, up"
        f" {_age((server.at - server.started_at).total_seconds())},"
        f" {server.connections} of {server.max_connections} connections\n"
        f"database {server.database}, {server.commits:,} commits, {server.rollbacks:,} rollbacks,"
        f" {server.deadlocks:,} deadlocks, {_share(server.hit_ratio)} cached\n"
        f"role {server.role}, which sees {sees}"
    )


def _tables(tables: Sequence[records.Table], server: records.Server) -> Table:
    def row(table: records.Table) -> Iterator[str]:
        vacuumed = table.last_vacuum
        yield table.name
        yield f"{table.rows:,}"
        yield decimal(table.table_bytes)
        yield decimal(table.index_bytes)
        yield f"{table.dead_rows:,}"
        yield f"{_age((server.at - vacuumed).total_seconds())} ago" if vacuumed else "never"
        yield _share(table.hot_ratio)
        yield _share(table.heap_hit_ratio)

    headings = ("tables", "rows", "heap", "indexes", "dead rows", "vacuumed", "HOT", "cached")
    return _table(headings, map(row, tables))


def _distributed(table: Distributed) -> str:
    return (
        f"{table.identifier} is distributed by {table.owner}: {table.shards} shards on"
        f" {table.nodes} nodes"
    )


def _functions(functions: Sequence[records.StatementCost]) -> Table:
    def row(function: records.StatementCost) -> Iterator[str]:
        yield function.name or f"({function.statements:,} others)"
        yield f"{function.calls:,}"
        yield f"{function.mean_ms:,.2f}"
        yield f"{function.max_ms:,.1f}"
        yield f"{function.pages:,.0f}"
        yield decimal(round(function.wal_bytes))

    named = [function for function in functions if function.name][:_LISTED]
    rows = list(map(row, named + [function for function in functions if not function.name]))
    headings = ("functions", "calls", "mean ms", "max ms", "pages", "WAL")
    return _table(headings, rows if named else [("none of ours was called",), *rows])


def _applications(applications: Sequence[records.Application]) -> Table:
    def row(application: records.Application) -> Iterator[str]:
        yield application.application or "(no name)"
        counts = (
            application.sessions,
            application.active,
            application.idle,
            application.in_transaction,
            application.waiting,
        )
        yield from (f"{count:,}" for count in counts)
        yield _age(application.oldest_seconds)

    headings = ("sessions", "all", "active", "idle", "in transaction", "waiting", "oldest")
    return _table(headings, map(row, applications[:_LISTED]) if applications else [("no other",)])


def _table(headings: Sequence[str], rows: Iterable[Iterable[str]]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    table.add_column(headings[0], no_wrap=True, overflow="ellipsis", max_width=_NAME)
    for heading in headings[1:]:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*map(_plain, row))
    return table


def _count(count: records.Count) -> str:
    return f"{count.name} {count.rows:,}" + (" or more" if count.more else "")


def _wait(wait: records.Wait) -> str:
    waits = f"{_session(wait.pid, wait.application, wait.function)} waits {_age(wait.seconds)} for"
    if wait.by_pid is None:
        return f"{waits} a prepared transaction"
    blocker = _session(wait.by_pid, wait.by_application, wait.by_function, wait.by_state)
    return f"{waits} {blocker}"


def _open(transaction: records.OpenTransaction) -> str:
    subject, function, state = transaction.subject, transaction.function, transaction.state
    if transaction.kind == "session":
        subject = _session(subject, transaction.application, function, state)
    else:
        subject = f"{transaction.kind} {subject}"
    if transaction.seconds is None:  # a replication slot doesn't say since when
        return f"open: {subject}"
    return f"open for {_age(transaction.seconds)}: {subject}"


def _session(pid: int | str, *parts: str | None) -> str:
    known = ", ".join(part for part in parts if part)
    return f"pid {pid} ({known})" if known else f"pid {pid}"


def _age(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} s"


def _share(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.0%}"


def _plain(text: str) -> str:
    """The text without control characters, which a name may have and a terminal would obey."""
    return "".join(
        character if character.isprintable() or character == "\n" else "?" for character in text
    )
