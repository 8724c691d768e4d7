"""Each finding is found where its fault is, and its remedy mends it."""

import re
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from dal.stats import findings
from dal.stats.records import Index, OpenTransaction, Server, StatsFinding, Table, Wait
from dal.testing.server import database_name
from tests.isolation.conftest import GRANTS
from tests.roles import role
from tests.stats.looking import look, rules, run

NOW = datetime(2026, 11, 26, tzinfo=UTC)
SERVER = Server(
    version="18.4",
    database="chat",
    role="owner",
    sees_everyone=True,
    standby=False,
    at=NOW,
    started_at=NOW,
    connections=89,
    max_connections=100,
    commits=0,
    rollbacks=0,
    deadlocks=0,
    temporary_bytes=0,
    hit_ratio=None,
    counted_since=None,
    counting=True,
    autovacuum=True,
)
TABLE = Table(
    name="messages",
    identifier="public.messages",
    rows=1_000_000,
    table_bytes=0,
    index_bytes=0,
    dead_rows=40_000,
    changed_rows=500_000,
    vacuum_from=20_000,
    autovacuum=True,
    last_vacuum=None,
    last_analyze=None,
    transaction_age=10**9,
    hot_ratio=None,
    heap_hit_ratio=None,
    index_hit_ratio=None,
)
INDEX = Index(
    name="idx",
    identifier="public.idx",
    table_name="messages",
    bytes=100_000_000,
    valid=True,
    building=False,
    scans=0,
    density=0.4,
)
OPEN = OpenTransaction(
    kind="session",
    subject="7",
    application="a service",
    function=None,
    state="idle in transaction",
    seconds=300.0,
    behind=1,
)


def of_server(**changed: Any) -> list[StatsFinding]:
    return list(findings.of_server(SERVER.model_copy(update=changed)))


def of_table(**changed: Any) -> list[StatsFinding]:
    return list(findings.of_table(TABLE.model_copy(update=changed), SERVER))


def of_index(**changed: Any) -> list[StatsFinding]:
    return list(findings.of_index(INDEX.model_copy(update=changed)))


def of_transaction(**changed: Any) -> list[StatsFinding]:
    return list(findings.of_transaction(OPEN.model_copy(update=changed)))


@pytest.mark.parametrize(
    ("find", "changed", "rule", "remedy"),
    [
        (of_server, {"connections": 90}, "connections", "lower DAL_MAX_SIZE"),
        (of_server, {"autovacuum": False}, "autovacuum-off", "SET autovacuum = on"),
        (of_server, {"counting": False}, "autovacuum-off", "SET track_counts = on"),
        (of_table, {"autovacuum": False}, "autovacuum-off", "RESET (autovacuum_enabled);"),
        (of_table, {"dead_rows": 40_001}, "autovacuum-behind", "VACUUM (ANALYZE) public.messages;"),
        (of_table, {"changed_rows": 500_001}, "statistics-old", "ANALYZE public.messages;"),
        (of_table, {"transaction_age": 10**9 + 1}, "wraparound", "VACUUM (FREEZE)"),
        (of_index, {"density": 0.39}, "index-bloat", "REINDEX INDEX CONCURRENTLY public.idx;"),
        (of_index, {"valid": False}, "index-invalid", "REINDEX INDEX CONCURRENTLY public.idx;"),
        (of_index, {"valid": False, "name": "idx_ccnew1"}, "index-invalid", "DROP INDEX CONC"),
        (of_transaction, {"seconds": 301.0}, "old-transaction", "pg_terminate_backend(7);"),
        (
            of_transaction,
            {"kind": "prepared transaction", "subject": "it's", "seconds": 301.0},
            "old-transaction",
            "ROLLBACK PREPARED 'it''s';",
        ),
        (
            of_transaction,
            {"kind": "replication slot", "subject": "gone", "seconds": None},
            "unused-slot",
            "pg_drop_replication_slot('gone');",
        ),
    ],
)
def test_a_threshold(
    find: Callable[..., list[StatsFinding]], changed: dict[str, Any], rule: str, remedy: str
) -> None:
    assert find() == []
    [finding] = find(**changed)
    assert (finding.rule, finding.level) == (rule, findings.RULES[rule])
    assert remedy in finding.remedy


def test_statistics_that_never_were() -> None:
    assert "never analysed" in of_table(changed_rows=500_001)[0].message
    [finding] = of_table(changed_rows=500_001, last_analyze=NOW - timedelta(days=1))
    assert "since it was analysed" in finding.message


def test_of_a_queue_only_the_one_that_waits_for_nobody_is_to_blame() -> None:
    first = Wait(
        pid=1,
        application="a service",
        function="messages.create",
        seconds=11.0,
        by_pid=2,
        by_application="a service",
        by_function=None,
        by_state="active",
        by_seconds=12.0,
    )
    second = first.model_copy(update={"pid": 2, "by_pid": 3})
    prepared = first.model_copy(update={"pid": 4, "by_pid": None})
    [finding] = findings.of_waits([first, second, prepared])
    assert (finding.rule, finding.subject) == ("lock-wait", "3")
    assert finding.remedy == "SELECT pg_terminate_backend(3);"
    early = second.model_copy(update={"seconds": 10.0})
    assert list(findings.of_waits([early])) == []


@pytest.mark.parametrize(
    ("find", "changed"),
    [
        (of_table, {"dead_rows": 10**6, "last_vacuum": NOW - timedelta(minutes=9)}),
        (of_table, {"changed_rows": 10**6, "last_analyze": NOW - timedelta(minutes=9)}),
        (of_table, {"rows": 100, "changed_rows": 10_000}),
        (of_index, {"density": 0.1, "bytes": 50_000_000}),
        (of_index, {"density": None}),
        (of_index, {"valid": False, "building": True}),
    ],
)
def test_what_is_as_it_should_be(
    find: Callable[..., list[StatsFinding]], changed: dict[str, Any]
) -> None:
    assert find(**changed) == []


def mended(url: str, *expected: tuple[str, str]) -> None:
    """These are the rule and the subject of each finding, and its remedy can be run."""
    deadline = time.monotonic() + 5  # PostgreSQL 14 counts with some delay
    while rules(seen := look(url)) != set(expected):
        assert time.monotonic() < deadline, rules(seen)
    with psycopg.connect(url, autocommit=True) as connection:
        for finding in seen.findings:
            connection.execute(finding.remedy.encode())


FAULTS = """
    ALTER TABLE conversations SET (autovacuum_enabled = false);
    ALTER TABLE messages SET (autovacuum_enabled = false);
    INSERT INTO users (id) VALUES ('ada');
    INSERT INTO conversations (user_id, updated_at)
        SELECT 'ada', now() + n * interval '1 second' FROM generate_series(1, 5000) AS n;
    INSERT INTO messages (user_id, conversation_id, role, content)
        SELECT user_id, id, 'user', 'Hello' FROM conversations LIMIT 2;
"""


def test_tables_and_indexes(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "VISITED", timedelta(0))
    monkeypatch.setattr(findings, "CHANGED_ROWS", 1000)
    monkeypatch.setattr(findings, "FREED_BYTES", 100_000)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FAULTS)
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("CREATE UNIQUE INDEX CONCURRENTLY idx_role ON messages (role)")
        connection.execute(
            "DELETE FROM conversations WHERE id NOT IN (SELECT conversation_id FROM messages)"
        )
        connection.execute("DELETE FROM messages WHERE id = (SELECT id FROM messages LIMIT 1)")
    mended(
        url,
        ("autovacuum-off", "conversations"),
        ("autovacuum-off", "messages"),
        ("autovacuum-behind", "conversations"),
        ("statistics-old", "conversations"),
        ("index-invalid", "idx_role"),
    )
    mended(
        url,
        ("index-bloat", "conversations_pkey"),
        ("index-bloat", "idx_conversations_user_id"),
        ("index-bloat", "idx_conversations_updated_at"),
        ("index-bloat", "idx_conversations_user_status"),
    )
    mended(url)


def test_how_full_an_index_is(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FAULTS)
        connection.execute("VACUUM (ANALYZE) conversations")
        grown = {index.name: index.density or 0 for index in look(url).indexes or ()}
        connection.execute("REINDEX TABLE conversations")
    built = {index.name: index.density or 0 for index in look(url).indexes or ()}
    assert 0.5 < grown["conversations_pkey"] < 0.8
    assert 0.78 < built["conversations_pkey"] < 0.95
    assert 0.78 < built["idx_conversations_user_status"] < 0.95


def test_settings(url: str) -> None:
    database = database_name(url)
    with role(
        url,
        GRANTS.replace(':"service"', "{role}"),
        "ALTER ROLE {role} SET default_transaction_read_only = yes",
        f"ALTER DATABASE {database} SET default_transaction_isolation = serializable",
        # A role's counts more than a database's, and a role's in a database most.
        f"ALTER DATABASE {database} SET statement_timeout = 0",
        "ALTER ROLE {role} SET statement_timeout = '1min'",
        "ALTER ROLE {role} SET idle_in_transaction_session_timeout = '1min'",
        f"ALTER ROLE {{role}} IN DATABASE {database}"
        " SET idle_in_transaction_session_timeout = '0s'",
    ) as service:
        name = urlsplit(service).username or ""
        mended(url, ("read-only", name), ("no-idle-timeout", name), ("isolation", database))
        mended(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {database} RESET statement_timeout".encode())
            connection.execute(f"ALTER ROLE {name} RESET statement_timeout".encode())
        mended(url, ("no-statement-timeout", name))  # the server's own
        mended(url)


def test_what_holds_vacuum_back(whole_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "OLD_SECONDS", 0.0)
    with closing(psycopg.connect(whole_database)) as session:
        session.execute("SELECT 1")
        subject = str(session.info.backend_pid)
        with psycopg.connect(whole_database, autocommit=True) as other:
            other.execute("SELECT pg_create_physical_replication_slot('gone', true)")
            other.execute("BEGIN")
            other.execute("INSERT INTO users (id) VALUES ('ada')")
            other.execute("PREPARE TRANSACTION 'it''s'")
        shown = run(whole_database)
        assert re.search("^open: replication slot gone$", shown, re.MULTILINE)
        assert "prepared transaction it's" in shown
        mended(
            whole_database,
            ("old-transaction", subject),
            ("old-transaction", "it's"),
            ("unused-slot", "gone"),
        )
        mended(whole_database)
