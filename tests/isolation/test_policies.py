"""Under a row-level security policy a page is a range of its index all the same."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from dal import Cursor
from dal.check.server.explain import explained_plan
from dal.testing.server import Postgres
from tests.check.reads import STATEMENTS
from tests.roles import role
from tests.surface import VALUES

SIZE = 3000
FILL = f"""
    INSERT INTO users (id) VALUES ('ada');
    INSERT INTO conversations (id, user_id, updated_at)
    SELECT md5('chat ' || n)::uuid, 'ada', timestamptz '2025-01-01Z' + n * interval '1 hour'
    FROM generate_series(1, {SIZE}) AS n;
    INSERT INTO tasks (user_id, title, created_at)
    SELECT user_id, 'Milk', updated_at FROM conversations;
    INSERT INTO messages (user_id, conversation_id, role, content, created_at)
    SELECT 'ada', md5('chat 1')::uuid, 'user', 'Milk', updated_at FROM conversations;
    ANALYZE;
"""
POLICY = """
    ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON {table} USING (user_id = current_setting('app.user_id'));
"""
PAGES = [
    "conversations.list_for_user",
    "conversations.list_for_user_by_status",
    "messages.history",
    "messages.stream",
    "tasks.list_for_user",
    "tasks.list_for_user_by_completed",
]


@pytest.fixture(scope="module")
def policed(dal_server: Postgres, dal_template: str) -> Iterator[psycopg.Connection]:
    """A database of ada's, as a role that sees what the policies let it."""
    url = dal_server.create(dal_template)
    grants = "GRANT SELECT ON messages, conversations, tasks TO {role}"
    with role(url, grants) as service, psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FILL.encode())
        for table in ("messages", "conversations", "tasks"):
            connection.execute(POLICY.format(table=table).encode())
        connection.execute("SET app.user_id = 'ada'")
        connection.execute(f"SET ROLE {urlsplit(service).username}".encode())
        yield connection
    dal_server.drop(url)


@pytest.mark.parametrize("generic", [True, False], ids=["generic", "custom"])
@pytest.mark.parametrize("name", PAGES)
def test_a_deep_page(policed: psycopg.Connection, name: str, generic: bool) -> None:
    [[chat]] = policed.execute("SELECT md5('chat 1')::uuid").fetchall()
    middle = "SELECT updated_at, id FROM conversations ORDER BY updated_at OFFSET %s LIMIT 1"
    [[time, own_id]] = policed.execute(middle, [SIZE // 2]).fetchall()
    place = Cursor(time, own_id)
    everything: dict[str, Any] = VALUES | {"conversation_id": chat, "limit": 20, "page_size": 20}
    everything |= {"before": place, "after": place}
    binding = STATEMENTS[name]
    arguments = {argument: everything[argument] for argument in binding.hints}
    values = binding.arguments.values(binding.arguments.checked(arguments))
    plan = explained_plan(policed, binding.statement, values, generic=generic)
    [scan] = [node for node in plan.nodes if "Relation Name" in node]
    assert scan["Actual Rows"] == 20
    assert scan.get("Rows Removed by Filter", 0) <= 1
