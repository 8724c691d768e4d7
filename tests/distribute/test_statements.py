"""What the rules for distributed tables say of statements is what a cluster makes of them."""

import re
from collections import defaultdict
from uuid import uuid4

import psycopg

from dal.binding.statement import statement_of
from dal.paths import SQL
from tests.check.distributed import ONE, REFUSED, RUN, SEVERAL, TWO_PHASE, VALUES
from tests.distribute.cluster import Cluster

FILL = (
    "INSERT INTO users (id) VALUES ('ada'), ('bob'), ('eve')",
    "INSERT INTO tasks (user_id, title) SELECT id, 't' FROM users",
    "INSERT INTO conversations (user_id) SELECT id FROM users",
    "INSERT INTO messages (user_id, conversation_id, role, content)"
    " SELECT user_id, id, 'user', 'Hi' FROM conversations",
)
SHARD = re.compile(r"public\.(\w+)_(\d{6,})\b")


def seen(cluster: Cluster, marked: str) -> str:
    """What a cluster does with a statement, which is rolled back only if it fails."""
    statement = statement_of(SQL, "", marked.replace("→", ""))
    values = VALUES | {"id": str(uuid4())}
    commands = list[str]()
    with psycopg.connect(
        cluster.url, autocommit=True, cursor_factory=psycopg.RawCursor, prepare_threshold=None
    ) as connection:
        connection.execute("SET citus.log_remote_commands = on")
        connection.add_notice_handler(lambda said: commands.append(said.message_primary or ""))
        try:
            connection.execute(
                statement.text.encode(), [values[name] for name in statement.parameters]
            )
        except psycopg.Error:
            return "refused"
    shards = defaultdict[str, set[str]](set)
    for table, shard in SHARD.findall("\n".join(commands)):
        shards[table].add(shard)
    if any(len(found) > 1 for found in shards.values()):
        return "several"
    return "two-phase" if "PREPARE TRANSACTION" in "\n".join(commands) else "one"


def test_all(cluster: Cluster) -> None:
    cluster.run(*FILL)
    assert cluster.dal("distribute")[0] == 0
    expected = dict.fromkeys(ONE, "one")
    expected |= dict.fromkeys(SEVERAL, "several") | dict.fromkeys(TWO_PHASE, "two-phase")
    expected |= dict.fromkeys(REFUSED, "refused")
    assert {sql: seen(cluster, sql) for sql in expected} == expected
    assert [sql for sql in RUN if seen(cluster, sql) == "refused"] == []
