"""`dal distribute` on a cluster: there, back, twice, beside a service, and cut off."""

import asyncio
import json
import threading
from pathlib import Path

import psycopg
import pytest

import dal
from dal import distribute, errors
from dal.distribute import run as runs
from dal.migrate import session
from dal.project.dal_project import OWNER
from tests.distribute.cluster import Cluster
from tests.migrations.database import Catalogue, rows
from tests.roles import role

TABLES = ["conversations", "messages", "tasks", "users"]
OWN = [*OWNER.by_table]
LEFT = "SELECT sum(pg_relation_size(logicalrelid)) FROM pg_dist_partition"
FILL = (
    "INSERT INTO users (id) SELECT 'u' || n FROM generate_series(1, 500) AS n",
    "INSERT INTO tasks (user_id, title) SELECT id, 'Milk' FROM users",
    "INSERT INTO conversations (user_id) SELECT id FROM users",
    "INSERT INTO messages (user_id, conversation_id, role, content)"
    " SELECT user_id, id, 'user', 'Hi' FROM conversations CROSS JOIN generate_series(1, 4)",
)
COUNTS = {"users": 500, "tasks": 500, "conversations": 500, "messages": 2000}


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def counts(cluster: Cluster) -> dict[str, object]:
    return {table: cluster.rows(f"SELECT count(*) FROM {table}")[0][0] for table in COUNTS}


def output(cluster: Cluster, *options: str) -> str:
    status, output = cluster.dal("distribute", *options)
    assert status == 0, output
    return output


def parts(objects: Catalogue) -> set[tuple[str, ...]]:
    """The objects, but for the text of a CHECK, which is printed otherwise afterwards."""
    return {
        (table, kind, text.partition(" ")[0] if kind == "constraint" else text)
        for table, kind, text in objects
        if table != "citus"
    }


def test_there_and_back(cluster: Cluster) -> None:
    cluster.run(*FILL)
    with role(cluster.url, "GRANT SELECT (id), INSERT ON users TO {role}") as service:
        before = cluster.catalogue()
        status, planned = cluster.dal("distribute", "--dry-run")
        assert (status, cluster.catalogue()) == (0, before)
        assert "into 32 shards on 2 nodes; writes would wait for about" in planned
        status, said = cluster.dal("distribute", "--shards", "8")
        assert (status, cluster.distributed()) == (0, TABLES), said
        assert "messages                          2,000 rows" in said
        assert (counts(cluster), cluster.rows(LEFT)) == (COUNTS, [(0,)])
        assert parts(cluster.catalogue()) == parts(before)
        with psycopg.connect(service) as connection:
            assert connection.execute("SELECT count(id) FROM users").fetchone() == (500,)
            connection.execute("INSERT INTO users (id) VALUES ('new')")
            connection.rollback()
        assert cluster.dal("distribute") == (0, "nothing to do: all tables are distributed\n")

        distributed = cluster.catalogue()
        status, planned = cluster.dal("distribute", "--undo", "--dry-run")
        assert (status, cluster.catalogue()) == (0, distributed)
        assert "back from 8 shards on 2 nodes; reads and writes would wait for" in planned
        status, said = cluster.dal("distribute", "--undo")
        assert (status, cluster.distributed(), counts(cluster)) == (0, [], COUNTS), said
        assert parts(cluster.catalogue()) == parts(before)
        with psycopg.connect(service) as connection:
            assert connection.execute("SELECT count(id) FROM users").fetchone() == (500,)
        assert output(cluster, "--undo") == "nothing to do: no table is distributed\n"
    # Rollback knows dal's tables by their comments.
    assert cluster.dal("rollback", "--all", "--yes")[0] == 0
    assert cluster.rows("SELECT to_regclass('messages')") == [(None,)]


def test_the_plan_for_machines(cluster: Cluster) -> None:
    cluster.run(*FILL)
    plan = json.loads(output(cluster, "--dry-run", "--json"))
    assert {each["table"]: each["rows"] for each in plan["tables"]} == COUNTS
    assert (plan["shards"], plan["nodes"], plan["seconds"] > 0) == (32, 2, True)
    assert (
        "LOCK TABLE users, tasks, conversations, messages IN EXCLUSIVE MODE" in (plan["statements"])
    )


async def test_a_service_waits_and_goes_on(cluster: Cluster) -> None:
    cluster.run(*FILL)
    done = asyncio.Event()
    async with dal.connect(cluster.url, min_size=2) as db:

        async def append(user: str) -> int:
            number = 0
            while not done.is_set():
                number += 1
                await dal.tasks.create(db, user_id=user, title=f"{number}")
            return number

        writers = [asyncio.create_task(append(f"u{n}")) for n in range(1, 5)]
        await asyncio.sleep(0.3)
        await asyncio.to_thread(cluster.dal, "distribute")
        await asyncio.sleep(0.3)
        done.set()
        appended = sum(await asyncio.gather(*writers))
    assert cluster.distributed() == TABLES
    assert cluster.rows("SELECT count(*) FROM tasks") == [(500 + appended,)]


def test_a_table_that_is_in_use(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(session.WaitBudget.pause, "__defaults__", (0.1,))
    monkeypatch.setattr(session, "LOCK_TIMEOUT_SECONDS", 0.2)
    with psycopg.connect(cluster.url, application_name="service") as writer:
        writer.execute("INSERT INTO users (id) VALUES ('ada')")
        status, said = cluster.dal("distribute", "--wait", "0")
        assert (status, cluster.distributed()) == (12, [])
        assert "the distribution: a transaction holds a lock that it needs" in said
        timer = threading.Timer(1, writer.commit)
        timer.start()
        status, said = cluster.dal("distribute")
        timer.join()
    assert (status, cluster.distributed()) == (0, TABLES)
    assert 'application "service"' in said


def test_a_reader_delays_the_end_alone(cluster: Cluster) -> None:
    """What is left on the coordinator is removed by the next run."""
    cluster.run(*FILL)
    with psycopg.connect(cluster.url) as reader:
        reader.execute("SELECT count(*) FROM users")
        status, said = cluster.dal("distribute", "--wait", "0")
        assert (status, cluster.distributed()) == (0, TABLES)
        assert "into 32 shards on 2 nodes; writes waited" in said
        assert "distributed; what remains of the rows on the coordinator is removed by" in said
        assert "truncate_local_data_after_distributing_table('users'): a transaction" in said
    assert cluster.rows(LEFT)[0][0] != 0
    assert "SELECT truncate_local_data" in output(cluster, "--dry-run")
    with psycopg.connect(cluster.url) as reader:
        reader.execute("SELECT count(*) FROM users")
        assert cluster.dal("distribute", "--wait", "0")[0] == 12
    assert cluster.rows(LEFT)[0][0] != 0
    assert cluster.dal("distribute")[0] == 0
    assert (cluster.rows(LEFT), counts(cluster)) == ([(0,)], COUNTS)


def test_a_table_that_is_added_later(cluster: Cluster) -> None:
    """It is named, with its statement; what is left of the others is removed nevertheless."""
    cluster.run(*FILL)
    with psycopg.connect(cluster.url) as reader:
        reader.execute("SELECT count(*) FROM users")
        assert cluster.dal("distribute", "--wait", "0")[0] == 0
    cluster.run(
        "CREATE TABLE notes (user_id varchar(255) PRIMARY KEY, text text)",
        "INSERT INTO notes VALUES ('u1', 'Hi')",
        "CREATE TABLE twice (user_id varchar(255), id int, other varchar(255),"
        " PRIMARY KEY (user_id, id), FOREIGN KEY (other) REFERENCES notes)",
    )
    status, said = cluster.refusal("--dry-run")
    assert (status, cluster.rows(LEFT)[0][0] != 0) == (13, True)
    status, said = cluster.refusal()
    assert (status, cluster.rows(LEFT)) == (13, [(0,)])
    assert "not distributed yet, while others are: notes, twice. Run" in said
    cluster.run("ALTER TABLE twice DROP CONSTRAINT twice_other_fkey")
    cluster.run(*(line for line in said.splitlines() if "create_distributed_table" in line))
    assert cluster.rows(LEFT)[0][0] != 0
    assert cluster.dal("distribute")[0] == 0
    assert (cluster.rows(LEFT), counts(cluster)) == ([(0,)], COUNTS)
    assert cluster.rows("SELECT * FROM notes") == [("u1", "Hi")]


def test_the_way_back_beside_a_table_that_can_not_be_distributed(cluster: Cluster) -> None:
    assert cluster.dal("distribute")[0] == 0
    cluster.run("CREATE TABLE notes (user_id varchar(255), id int PRIMARY KEY)")
    assert cluster.dal("distribute", "--undo")[0] == 0
    assert cluster.distributed() == []


def test_a_run_that_is_cut_off(cluster: Cluster) -> None:
    cluster.run(*FILL)

    def cut(line: str) -> None:
        if "create_distributed_table('tasks'" in line:
            cluster.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'dal distribute'"
            )

    with pytest.raises(errors.ConnectionLostError, match="it can be run again"):
        distribute.apply(cluster.url, OWNER, OWN, report=cut)
    assert (cluster.distributed(), counts(cluster)) == ([], COUNTS)
    assert cluster.dal("distribute")[0] == 0
    assert (cluster.distributed(), counts(cluster)) == (TABLES, COUNTS)


def test_rows_that_get_lost_undo_it(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.run(*FILL)
    asked = iter([[1], [2]])
    monkeypatch.setattr(runs, "_counts", lambda *_: next(asked))
    status, said = cluster.refusal()
    assert (status, "would change the number of rows, so it was rolled back" in said) == (13, True)


def test_what_the_way_back_would_lose_is_refused(cluster: Cluster) -> None:
    cluster.run("CREATE VIEW told AS SELECT content FROM messages")
    assert cluster.dal("distribute")[0] == 0
    cluster.run("COMMENT ON VIEW told IS 'what was said'")
    status, said = cluster.refusal("--undo")
    assert (status, "public.told: comment 0" in said) == (13, True), said


def test_a_services_tables_come_along(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "shop"\n[tool.dal]\nowner = "user_id"\n'
        'owner-exceptions = {invoices = "payer", prices = false}\n'
    )
    cluster.run(
        "CREATE TABLE invoices (payer varchar(255) REFERENCES users, number int,"
        " PRIMARY KEY (payer, number))",
        "CREATE TABLE accounts (user_id varchar(255) PRIMARY KEY)",
        "CREATE TABLE prices (product int PRIMARY KEY)",
        "INSERT INTO users (id) VALUES ('ada')",
        "INSERT INTO invoices VALUES ('ada', 1)",
    )
    assert cluster.dal("distribute")[0] == 0
    assert cluster.distributed() == sorted([*TABLES, "invoices", "accounts"])
    assert cluster.rows("SELECT count(DISTINCT colocationid) FROM pg_dist_partition") == [(1,)]
    assert cluster.dal("distribute", "--undo")[0] == 0
    assert (cluster.distributed(), cluster.rows("SELECT * FROM invoices")) == ([], [("ada", 1)])


def test_a_program_may_call_it(cluster: Cluster) -> None:
    lines: list[str] = []
    plan = distribute.apply(cluster.url, OWNER, OWN, shards=4, report=lines.append)
    assert ([moved.table for moved in plan.tables], plan.shards) == (OWN, 4)
    assert any("create_distributed_table('messages'" in line for line in lines)
    assert rows(cluster.url, "SELECT count(*) FROM pg_dist_shard") == [(16,)]


def test_whoever_asks_is_told(cluster: Cluster) -> None:
    assert "distributed" not in cluster.dal("status")[1] + cluster.dal("ping")[1]
    assert cluster.dal("distribute", "--shards", "8")[0] == 0
    with role(cluster.url, "GRANT SELECT ON _yoyo_migration, _yoyo_log TO {role}") as reader:
        for command in ("status", "ping"):
            told = cluster.dal(command, url=reader)[1]
            assert "conversations, messages, tasks, users: 8 shards on 2 nodes" in told
    told = cluster.dal("stats")[1]
    assert "messages is distributed by user_id: 8 shards on 2 nodes" in told
    assert "not seen: rows, sizes and vacuums of distributed tables" in told
    assert "not seen: retention: it would be counted on every shard" in told
    listed = json.loads(cluster.dal("stats", "--json")[1])["distributed"]
    assert [(table["identifier"], table["owner"]) for table in listed] == [
        ("conversations", "user_id"),
        ("messages", "user_id"),
        ("tasks", "user_id"),
        ("users", "id"),
    ]
