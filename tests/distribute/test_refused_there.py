"""What `dal distribute` refuses on a cluster, by name, before anything happens."""

from pathlib import Path

import pytest

from tests.distribute.cluster import Cluster


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_workers_address(cluster: Cluster) -> None:
    worker = cluster.workers[0]
    status, said = cluster.refusal(url=worker)
    assert (status, "this is the address of a worker: set DATABASE_URL" in said) == (3, True)


def test_no_node_with_shards(cluster: Cluster) -> None:
    cluster.run("SELECT citus_remove_node(nodename, nodeport) FROM pg_dist_node WHERE groupid > 0")
    status, said = cluster.refusal()
    assert (status, "no active node takes shards: SELECT citus_add_node" in said) == (3, True)


def test_a_worker_that_does_not_answer(cluster: Cluster) -> None:
    cluster.run("UPDATE pg_dist_node SET nodeport = 1 WHERE groupid = 1")
    status, said = cluster.refusal()
    assert (status, "the worker 127.0.0.1:1 does not answer" in said) == (3, True)


def test_half_distributed_tables(cluster: Cluster) -> None:
    cluster.run("SELECT create_distributed_table('users', 'id', colocate_with => 'none')")
    status, said = cluster.refusal()
    assert (status, "while others are: tasks, conversations, messages. Run" in said) == (13, True)
    statements = [line.strip() for line in said.splitlines() if "create_distributed_table" in line]
    cluster.run(*statements)
    assert cluster.distributed() == ["conversations", "messages", "tasks", "users"]
    assert cluster.dal("distribute") == (0, "nothing to do: all tables are distributed\n")


def test_another_number_of_shards(cluster: Cluster) -> None:
    assert cluster.dal("distribute", "--shards", "8")[0] == 0
    status, said = cluster.refusal("--shards", "16")
    assert (status, "in 8 shards already, not in 16" in said) == (13, True)
    assert cluster.dal("distribute", "--shards", "8")[0] == 0


def test_tables_that_are_distributed_otherwise(cluster: Cluster) -> None:
    cluster.run(
        "ALTER TABLE tasks DROP CONSTRAINT tasks_user_id_fkey",
        "ALTER TABLE conversations DROP CONSTRAINT conversations_user_id_fkey",
        "SELECT create_distributed_table('users', 'id', colocate_with => 'none')",
        "SELECT create_distributed_table('tasks', 'user_id', colocate_with => 'none')",
        "SELECT create_distributed_table('conversations', 'id', colocate_with => 'none')",
    )
    said = cluster.refusal()[1]
    assert "\n  users is distributed\n" in said
    assert "\n  tasks is distributed, but apart from users\n" in said
    assert "\n  conversations is distributed, but not by user_id\n" in said
    assert "\n  messages is not distributed" in said
    assert cluster.dal("distribute", "--undo")[0] == 0
    assert cluster.distributed() == []


def test_tables_that_were_there_before(cluster: Cluster) -> None:
    cluster.run("COMMENT ON TABLE users IS NULL")
    status, said = cluster.refusal()
    assert (status, "users was there before dal: pass --existing" in said) == (13, True)
    assert cluster.dal("distribute", "--existing")[0] == 0


def test_a_trigger(cluster: Cluster) -> None:
    cluster.run(
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE TRIGGER quiet AFTER INSERT ON messages FOR EACH ROW EXECUTE FUNCTION nothing()",
    )
    status, said = cluster.refusal()
    assert (status, "the trigger quiet on messages" in said) == (13, True)


def test_an_inheritance_and_a_key(cluster: Cluster) -> None:
    cluster.run("CREATE TABLE kept () INHERITS (tasks)", "CREATE UNIQUE INDEX once ON tasks (id)")
    status, said = cluster.refusal()
    assert status == 13
    assert "tasks inherits, or is inherited from" in said
    assert "the unique key once of tasks is without user_id" in said


def test_other_tables_keys(cluster: Cluster) -> None:
    cluster.run("CREATE TABLE orders (buyer varchar(255) REFERENCES users)")
    status, said = cluster.refusal()
    assert (status, "the foreign key orders_buyer_fkey from orders to users" in said) == (13, True)
