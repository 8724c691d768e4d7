"""The commands on distributed tables."""

import json
import threading
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

import dal
from tests.distribute.cluster import Cluster
from tests.roles import role
from tests.surface import CREATING, FUNCTIONS, VALUES, call, settle, variants

LONG_AGO = "'2024-05-01 00:00:00+00'"


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def distributed(cluster: Cluster) -> Cluster:
    """A fresh database whose tables are distributed, with the conversations of ten users."""
    assert cluster.dal("distribute", "--shards", "8")[0] == 0
    said = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]
    lines = [
        json.dumps(line)
        for user_id in (f"user {n}" for n in range(10))
        for line in (
            {"user_id": user_id, "messages": said},
            {"user_id": user_id, "messages": said * 2},
            {"user_id": user_id, "task": {"title": "Milk"}},
        )
    ]
    Path("first.jsonl").write_text("\n".join(lines))
    assert done(cluster, "import", "first.jsonl").split()[-3:] == ["known", "tasks", "0"]
    return cluster


def done(cluster: Cluster, *command: str) -> str:
    status, output = cluster.dal(*command)
    assert status == 0, output
    return output


def test_lines(distributed: Cluster) -> None:
    exported = done(distributed, "export")
    assert len(exported.splitlines()) == 30
    Path("a.jsonl").write_text(exported)
    again = json.loads(done(distributed, "import", "a.jsonl", "--json"))
    assert (again["known_conversations"], again["known_messages"]) == (20, 60)
    assert (again["known_tasks"], again["users"], again["messages"]) == (10, 0, 0)
    distributed.run("DELETE FROM users")
    done(distributed, "import", "a.jsonl")
    assert done(distributed, "export") == exported


def test_retention(distributed: Cluster) -> None:
    assert "archived 0 " in done(distributed, "archive")
    distributed.run(
        f"UPDATE messages SET created_at = {LONG_AGO}",
        f"UPDATE conversations SET updated_at = {LONG_AGO}, last_message_at = {LONG_AGO}",
    )
    assert "would archive 20 " in done(distributed, "archive", "--dry-run")
    assert "archived 20 " in done(distributed, "archive", "--batch", "7").splitlines()[-1]
    distributed.run(f"UPDATE conversations SET archived_at = {LONG_AGO}")
    assert "deleted 20 " in done(distributed, "purge", "--archived-for", "1d", "--batch", "7")
    assert distributed.rows("SELECT count(*) FROM messages") == [(0,)]


def test_orphans(distributed: Cluster) -> None:
    assert done(distributed, "orphans") == "there are no orphans\n"
    distributed.run(f"UPDATE conversations SET last_message_at = {LONG_AGO}")
    status, said = distributed.dal("orphans")
    assert (status, said.count("clock")) == (16, 20)
    assert "mended 20" in done(distributed, "orphans", "--delete")
    distributed.run(
        "ALTER TABLE messages DROP CONSTRAINT messages_user_id_conversation_id_fkey",
        "DELETE FROM conversations WHERE user_id = 'user 3'",
    )
    status, said = distributed.dal("orphans")
    assert (status, said.count("            message ")) == (16, 6)
    assert "mended 6" in done(distributed, "orphans", "--delete")


def test_an_erasure(distributed: Cluster) -> None:
    done(distributed, "erase-user", "user 3", "--yes")
    left = "SELECT count(*) FROM {} WHERE user_id = 'user 3'"
    for table in ("messages", "conversations", "tasks"):
        assert distributed.rows(left.format(table)) == [(0,)]
    assert distributed.rows("SELECT count(*) FROM messages") == [(54,)]


async def test_the_privileges_of_a_service(distributed: Cluster) -> None:
    with role(distributed.url) as service:
        name = conninfo_to_dict(service)["user"]
        grants = done(distributed, "grants", "--role", str(name))
        *_, indented = (line for line in grants.splitlines() if "INSERT (created_at)" in line)
        distributed.run(grants, indented.strip("- "))
        async with dal.connect(service, min_size=1) as db:
            for function in (f for n, f in FUNCTIONS.items() if n not in CREATING):
                await settle(db, "ada", VALUES["id"])
                for values in variants(function, VALUES):
                    await call(function, db, values)


def test_proof_and_plans(distributed: Cluster) -> None:
    status, said = distributed.dal("check")
    assert status == 0, said
    said = done(distributed, "explain", "messages.history", "--user-id", "user 3")
    assert "Task Count" in said
    assert json.loads(done(distributed, "explain", "users.get", "--user-id", "eve", "--json"))
    # EXPLAIN ANALYZE of this one would end the coordinator's process.
    assert "Task Count: 1" in done(distributed, "explain", "users.ensure", "--user-id", "eve")


def test_what_a_service_sends_to_all_shards(distributed: Cluster, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "shop"\n[tool.dal]\nqueries = ["queries:query"]\nowner = "user_id"\n'
        "distributed = true\n"
    )
    (tmp_path / "queries.py").write_text(
        "from pathlib import Path\nfrom uuid import UUID\n"
        "from dal.binding import Executor, Queries\n"
        "query = Queries(Path(__file__).parent)\n"
        '@query("some.sql")\nasync def some(db: Executor) -> list[UUID]:\n'
        '    """Some."""\n    raise NotImplementedError\n'
    )
    (tmp_path / "some.sql").write_text(
        "-- Some tasks.\n-- Waives owner-filter: all users'.\n"
        "SELECT id FROM tasks ORDER BY user_id, id LIMIT 5\n"
    )
    status, said = distributed.dal("check")
    assert (status, "one-shard: Citus sends it to 8 shards" in said) == (16, True), said


def test_later_migrations(distributed: Cluster) -> None:
    done(distributed, "rollback", "-n", "2", "--yes")
    assert distributed.dal("status")[0] == 14
    done(distributed, "migrate")
    done(distributed, "rollback", "-n", "1", "--yes")
    distributed.run(
        "ALTER TABLE conversations SET (autovacuum_vacuum_scale_factor = 0.02,"
        " autovacuum_analyze_scale_factor = 0.02)",
        "ALTER TABLE messages SET (autovacuum_vacuum_scale_factor = 0.02,"
        " autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02)",
    )
    done(distributed, "baseline", "0007")
    done(distributed, "status")


def test_a_migration_lets_the_service_pass_whoever_holds_a_worker(distributed: Cluster) -> None:
    done(distributed, "rollback", "-n", "2", "--yes")
    shards = (
        "SELECT format('%s_%s', logicalrelid, shardid) FROM pg_dist_shard"
        " JOIN pg_dist_placement USING (shardid) JOIN pg_dist_node USING (groupid)"
        " WHERE logicalrelid = 'conversations'::regclass AND nodeport = {} LIMIT 1"
    )
    worker = distributed.workers[0]
    port = conninfo_to_dict(worker)["port"]
    [(shard,)] = distributed.rows(shards.format(port))
    with psycopg.connect(worker) as holder:
        holder.execute("SET citus.enable_manual_changes_to_shards = on")
        holder.execute(f"LOCK TABLE {shard} IN ROW EXCLUSIVE MODE".encode())
        release = threading.Timer(3, holder.rollback)
        release.start()
        said = done(distributed, "migrate")
        release.join()
    assert "a transaction holds a lock that it needs; waiting" in said


def test_a_services_concurrent_index(distributed: Cluster, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "shop"\n[tool.dal]\nmigrations = "migrations"\n'
    )
    migrations = tmp_path / "migrations"
    migrations.mkdir()
    (migrations / "0001.titles.sql").write_text(
        "-- Finds tasks by their titles.\n--\n-- SHARE UPDATE EXCLUSIVE: reads and writes go on.\n"
        "-- transactional: false\n\n"
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_tasks_titles ON tasks (user_id, title);\n"
    )
    (migrations / "0001.titles.rollback.sql").write_text(
        "DROP INDEX CONCURRENTLY IF EXISTS idx_tasks_titles;\n"
    )
    assert "applied shop/0001.titles" in done(distributed, "migrate")
    on_shards = "SELECT success, result FROM run_command_on_shards('tasks', $$SELECT count(*) FROM"
    on_shards += " pg_index WHERE indrelid = '%s'::regclass AND indisvalid$$)"
    assert set(distributed.rows(on_shards)) == {(True, "4")}
    done(distributed, "rollback", "-n", "1", "--yes")
    assert set(distributed.rows(on_shards)) == {(True, "3")}
