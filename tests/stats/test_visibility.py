"""What `dal stats` sees as whom, and of what; what it can't see it names, with the remedy."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest

from dal import migrate
from dal.stats import Stats, findings
from tests.isolation.conftest import GRANTS
from tests.migrations.database import search_path
from tests.roles import role
from tests.stats.looking import fill, look, remedy, run

TABLES = "tables users, tasks, conversations, messages"
DENSITY = "how full indexes are"
SESSIONS = "other roles' sessions and statements"
SERVICE = GRANTS.replace(':"service"', "{role}")


def whats(stats: Stats) -> set[str]:
    """What is not seen, apart from the functions, which the embedded servers never have."""
    return {note.what for note in stats.unseen} - {"functions"}


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.mark.parametrize(
    ("grants", "unseen"),
    [
        ([], {SESSIONS, "retention", DENSITY}),
        ([SERVICE], {SESSIONS}),
        (["GRANT pg_monitor TO {role}"], {"retention", DENSITY}),
    ],
    ids=["nobody", "service", "monitor"],
)
def test_a_role_sees_what_it_may_and_the_remedies_show_the_rest(
    url: str, grants: list[str], unseen: set[str]
) -> None:
    fill(url)
    execute(url, "ANALYZE")
    with role(url, *grants) as limited, psycopg.connect(url, application_name="else") as session:
        session.execute("SELECT /* messages.history */ pg_backend_pid()")
        seen = look(limited)
        assert whats(seen) == unseen
        [application] = [
            application
            for application in seen.applications or ()
            if application.application == "else"
        ]
        hidden = SESSIONS in unseen
        assert (application.hidden, application.in_transaction) == (hidden, not hidden)
        assert [transaction.function for transaction in seen.transactions or ()] == [
            "messages.history"
        ][hidden:]
        assert (seen.retention is None) is ("retention" in unseen)
        assert seen.server.sees_everyone is not hidden
        for subject in unseen:
            execute(url, remedy(seen, subject))
        everything = look(limited)
        assert whats(everything) == set()
        assert all(index.density for index in everything.indexes or ())
        assert [count.rows for count in everything.retention or ()] == [1, 0, 0, 0]
        assert [transaction.function for transaction in everything.transactions or ()] == [
            "messages.history"
        ]


def test_a_policy_hides_no_rows_from_a_count(url: str) -> None:
    fill(url)
    execute(url, "ALTER TABLE conversations ENABLE ROW LEVEL SECURITY")
    with role(url, SERVICE) as service:
        hidden = look(service)
        assert hidden.retention is None
        assert remedy(hidden, DENSITY) == remedy(hidden, "retention")
        execute(url, remedy(hidden, "retention"))
        assert whats(look(service)) == {SESSIONS}
        assert [count.rows for count in look(service).retention or ()] == [1, 0, 0, 0]


def test_a_database_that_is_not_migrated_or_not_this_far(empty_database: str) -> None:
    empty = look(empty_database)
    assert (empty.tables, empty.indexes, empty.retention) == (None, None, None)
    assert "the database is not migrated" in " ".join(run(empty_database).split())
    assert remedy(empty, TABLES) == "dal migrate"
    migrate.apply(empty_database, to="0005")
    older = look(empty_database)
    assert (len(older.tables or ()), older.retention) == (4, None)
    assert remedy(older, "retention") == "dal migrate"
    migrate.apply(empty_database)
    assert whats(look(empty_database)) == set()


def test_tables_in_a_schema_that_needs_quotes(empty_database: str) -> None:
    execute(empty_database, 'CREATE SCHEMA "my ""chat"""')
    search_path(empty_database, 'my "chat"')
    migrate.apply(empty_database)
    fill(empty_database)
    seen = look(empty_database)
    assert whats(seen) == set()
    assert (seen.tables or [])[0].identifier == '"my ""chat""".users'
    assert [count.rows for count in seen.retention or ()] == [1, 0, 0, 0]
    with role(empty_database, "GRANT pg_monitor TO {role}") as monitor:
        astray = look(monitor)
        assert (astray.tables, whats(astray)) == (None, {TABLES})
        execute(empty_database, remedy(astray, TABLES))
        assert whats(look(monitor)) == {"retention", DENSITY}


def test_a_lock_hides_what_it_is_on_and_the_rest_says_whose_it_is(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "WAIT_SECONDS", 0.0)
    with (
        ThreadPoolExecutor() as thread,
        psycopg.connect(url, application_name="a service") as waiter,
        closing(psycopg.connect(url, application_name="a migration")) as holder,  # ends first
    ):
        holder.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
        text = "SELECT /* messages.history */ count(*) FROM messages"
        waiting = thread.submit(waiter.execute, text)
        while not (seen := look(url)).waits:
            pass
        assert (seen.tables, whats(seen)) == (None, {"tables", "indexes"})
        assert {note.why for note in seen.unseen[-2:]} == {"somebody holds a lock on it"}
        [wait] = seen.waits
        assert (wait.application, wait.function) == ("a service", "messages.history")
        assert (wait.by_application, wait.by_state) == ("a migration", "idle in transaction")
        assert re.search(
            r"pid \d+ \(a service, messages.history\) waits \d s for pid \d+ \(a migration, idle",
            " ".join(run(url).split()),
        )
        [finding] = seen.findings
        assert (finding.rule, finding.subject) == ("lock-wait", str(wait.by_pid))
        execute(url, finding.remedy)
        assert waiting.result().fetchone() == (0,)
    assert look(url).waits == []


def test_no_text_and_no_value_is_shown(whole_database: str) -> None:
    execute(whole_database, "CREATE EXTENSION pg_stat_statements")
    secret = "SELECT /* ada.lovelace */ 'Buy milk'"
    with psycopg.connect(whole_database, application_name="a service") as session:
        session.execute(secret)
        fill(whole_database)
        for shown in run(whole_database), run(whole_database, "--json"):
            assert "a service" in shown
            assert not re.search(r"lovelace|milk|'ada'|\bada\b", shown, re.IGNORECASE)
