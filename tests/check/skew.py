"""A database with skew, and what a statement really touches in it.

Three kinds of users: a talker, whose one conversation has 300,000 messages; a collector of 50,000
conversations and tasks, of which the newer half is archived and completed; and 20,000 others.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

import dal
from dal import Cursor
from dal.binding import query
from dal.binding.query import Binding
from dal.check.explain import analyzed_plan
from tests.surface import VALUES

TALK, COLLECTION, OTHERS = 300_000, 50_000, 20_000

# Autovacuum would analyse a database that is meant never to have been.
SQL = f"""
    ALTER TABLE users SET (autovacuum_enabled = false);
    ALTER TABLE tasks SET (autovacuum_enabled = false);
    ALTER TABLE conversations SET (autovacuum_enabled = false);
    ALTER TABLE messages SET (autovacuum_enabled = false);

    INSERT INTO users (id)
    SELECT 'user ' || n FROM generate_series(1, {OTHERS}) AS n
    UNION ALL VALUES ('talker'), ('collector');

    INSERT INTO conversations (id, user_id, status, created_at, updated_at)
    SELECT md5('talk')::uuid, 'talker', 'active', '2025-01-01 00:00Z', '2025-02-05 00:00Z'
    UNION ALL
    SELECT md5('collected ' || n)::uuid, 'collector',
        CASE WHEN n > {COLLECTION // 2} THEN 'archived' ELSE 'active' END, made, made
    FROM generate_series(1, {COLLECTION}) AS n,
        LATERAL (SELECT timestamptz '2025-03-01 00:00Z' + n * interval '1 minute' AS made) AS clock
    UNION ALL
    SELECT md5('chat ' || n)::uuid, 'user ' || n, 'active', made, made
    FROM generate_series(1, {OTHERS}) AS n,
        LATERAL (SELECT timestamptz '2025-03-01 00:00Z' + n * interval '1 minute' AS made) AS clock;

    INSERT INTO messages (id, user_id, conversation_id, role, content, created_at)
    SELECT md5('talk ' || n)::uuid, 'talker', md5('talk')::uuid, 'user', 'Buy milk',
        timestamptz '2025-01-01 00:00Z' + n * interval '10 seconds'
    FROM generate_series(1, {TALK}) AS n;

    INSERT INTO messages (id, user_id, conversation_id, role, content, created_at)
    SELECT id, user_id, id, 'user', 'Buy milk', updated_at
    FROM conversations WHERE user_id <> 'talker' ORDER BY updated_at;

    INSERT INTO tasks (id, user_id, title, completed, completed_at, created_at)
    SELECT id, user_id, 'Milk', status = 'archived',
        CASE WHEN status = 'archived' THEN updated_at END, updated_at
    FROM conversations;
"""
_COUNTS = "SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"


_MODULES = (dal.users, dal.tasks, dal.conversations, dal.messages)
STATEMENTS = {
    binding.statement.name: binding
    for binding in query.bindings
    if f"dal.{binding.statement.name.partition('.')[0]}" in {one.__name__ for one in _MODULES}
}


@dataclass(frozen=True)
class Owner:
    """A user, a place in the middle of all that is theirs, and how many rows that is."""

    user_id: str
    conversation: str
    message: str
    middle: datetime
    conversations: int
    messages: int
    talk: int

    def values(self, limit: int) -> dict[str, Any]:
        """A value for each of the arguments; what is made new takes new ids."""
        ids = {name: _id(self.conversation) for name in ("conversation_id", "task_id")}
        ids["message_id"] = _id(self.message)
        return VALUES | ids | {"user_id": self.user_id, "limit": limit, "page_size": limit}


OWNERS = [
    Owner("talker", "talk", f"talk {TALK // 2}", datetime(2025, 1, 18, tzinfo=UTC), 1, TALK, TALK),
    Owner(
        "collector",
        f"collected {COLLECTION // 2}",
        f"collected {COLLECTION // 2}",
        datetime(2025, 3, 18, tzinfo=UTC),
        COLLECTION,
        COLLECTION,
        1,
    ),
    Owner("user 7", "chat 7", "chat 7", datetime(2025, 3, 1, 1, tzinfo=UTC), 1, 1, 1),
]


@dataclass(frozen=True)
class Touched:
    """What a statement reads: pages; and rows of each table, those of its triggers included."""

    pages: int
    users: int = 0
    tasks: int = 0
    conversations: int = 0
    messages: int = 0

    def beyond(self, bound: "Touched", slack: int) -> dict[str, int]:
        """What is above a bound by more than the slack."""
        return {name: n for name, n in vars(self).items() if n > getattr(bound, name) + slack}


def bounds(owner: Owner) -> dict[str, Touched]:
    """The most that each statement may read, of rows and pages; a page has 20 rows.

    A table of which one user owns most is read from end to end to delete that: hence twice.
    """
    conversations, messages = 2 * owner.conversations, 2 * owner.messages
    tasks = conversations
    return {
        "users.ensure": Touched(10, users=1),
        "users.get": Touched(10, users=1),
        "users.erase": Touched(
            50 + 2 * (tasks + conversations + messages), 1, tasks, conversations, messages
        ),
        "users.delete": Touched(10, 1, tasks, conversations, messages),
        "conversations.create": Touched(40, users=1, conversations=1),
        "conversations.get": Touched(10, conversations=1),
        "conversations.get_with_messages": Touched(40, conversations=1, messages=20),
        "conversations.list_for_user": Touched(40, conversations=20),
        "conversations.list_for_user_by_status": Touched(40, conversations=20),
        "conversations.touch": Touched(40, conversations=1),
        "conversations.archive": Touched(40, conversations=1),
        "conversations.restore": Touched(40, conversations=1),
        "conversations.delete": Touched(10, conversations=1, messages=2 * owner.talk),
        "messages.create": Touched(80, conversations=2),
        "messages.create_many": Touched(120, conversations=4, messages=3),
        "messages.create_and_history": Touched(100, conversations=4, messages=20),
        "messages.get": Touched(10, messages=1),
        "messages.history": Touched(40, messages=20),
        "messages.stream": Touched(40, messages=20),
        "messages.count": Touched(10 + owner.talk // 20, messages=owner.talk),
        "tasks.create": Touched(40, users=1, tasks=1),
        "tasks.create_many": Touched(100, users=3, tasks=3),
        "tasks.get": Touched(10, tasks=1),
        "tasks.list_for_user": Touched(40, tasks=20),
        "tasks.list_for_user_by_completed": Touched(40, tasks=20),
        "tasks.update": Touched(40, tasks=1),
        "tasks.complete": Touched(40, tasks=1),
        "tasks.reopen": Touched(40, tasks=1),
        "tasks.delete": Touched(10, tasks=1),
    }


def calls(binding: Binding, owner: Owner, limit: int = 20) -> list[list[Any]]:
    """The values to run a statement with: of a list, for the first page and for a middle one."""
    place = Cursor(owner.middle, UUID(int=0))
    pages = [dict.fromkeys(("before", "after"), cursor) for cursor in (None, place)]
    given = [owner.values(limit) | page | {"set_description": True} for page in pages]
    wanted = [{name: one[name] for name in binding.hints} for one in given]
    distinct = wanted[:1] if wanted[0] == wanted[1] else wanted
    return [binding.arguments.values(binding.arguments.checked(one)) for one in distinct]


def touched(
    connection: psycopg.Connection, binding: Binding, values: list[Any], *, generic: bool
) -> Touched:
    """Run a statement, undo it, and tell what it has read."""
    with connection.transaction(force_rollback=True):
        before: dict[str, int] = dict(connection.execute(_COUNTS).fetchall())
        plan = analyzed_plan(connection, binding.statement, values, generic=generic)
        after: dict[str, int] = dict(connection.execute(_COUNTS).fetchall())
    return Touched(
        pages=plan.root["Shared Hit Blocks"] + plan.root["Shared Read Blocks"],
        **{table: after[table] - before[table] for table in ("users", "tasks")},
        **{table: after[table] - before[table] for table in ("conversations", "messages")},
    )


def _id(text: str) -> UUID:
    return UUID(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest())
