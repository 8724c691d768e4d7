"""Databases with skew: what leads plans astray, and what real services have."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# Autovacuum would analyse a database that is meant never to have been.
_NO_AUTOVACUUM = """
    ALTER TABLE users SET (autovacuum_enabled = false);
    ALTER TABLE tasks SET (autovacuum_enabled = false);
    ALTER TABLE conversations SET (autovacuum_enabled = false);
    ALTER TABLE messages SET (autovacuum_enabled = false);
"""
# Of every collected conversation there is a message and a task of the same id.
_SKEWED = """
    INSERT INTO users (id)
    SELECT 'user ' || n FROM generate_series(1, {others}) AS n
    UNION ALL SELECT 'idle ' || n FROM generate_series(1, {idle}) AS n
    UNION SELECT unnest(ARRAY['{talker}', 'collector']);

    INSERT INTO conversations (id, user_id, status, created_at, updated_at)
    SELECT md5('talk')::uuid, '{talker}', 'active', '2025-01-01 00:00Z', '2025-02-05 00:00Z'
    UNION ALL
    SELECT md5('collected ' || n)::uuid, 'collector',
        CASE WHEN n > {collection} - {archived} THEN 'archived' ELSE 'active' END, made, made
    FROM generate_series(1, {collection}) AS n,
        LATERAL (SELECT timestamptz '2025-03-01 00:00Z' + n * interval '1 minute' AS made) AS clock
    UNION ALL
    SELECT md5('chat ' || n)::uuid, 'user ' || n, 'active', made, made
    FROM generate_series(1, {others}) AS n,
        LATERAL (SELECT timestamptz '2025-03-01 00:00Z' + n * interval '1 minute' AS made) AS clock;

    INSERT INTO messages (id, user_id, conversation_id, role, content, created_at)
    SELECT md5('talk ' || n)::uuid, '{talker}', md5('talk')::uuid, 'user', 'Buy milk',
        timestamptz '2025-01-01 00:00Z' + n * interval '10 seconds'
    FROM generate_series(1, {talk}) AS n;

    INSERT INTO messages (id, user_id, conversation_id, role, content, created_at)
    SELECT id, user_id, id, 'user', 'Buy milk', updated_at
    FROM conversations WHERE id <> md5('talk')::uuid ORDER BY updated_at;

    INSERT INTO tasks (id, user_id, title, completed, completed_at, created_at)
    SELECT id, user_id, 'Milk', status = 'archived',
        CASE WHEN status = 'archived' THEN updated_at END, updated_at
    FROM conversations;
"""
_TWO = """
    INSERT INTO users (id) VALUES ('quiet'), ('busy');

    INSERT INTO conversations (id, user_id, created_at, updated_at)
    SELECT md5(id)::uuid, id, '2025-01-01 00:00Z', '2025-06-01 00:00Z' FROM users;

    INSERT INTO messages (id, user_id, conversation_id, role, content, created_at)
    SELECT md5(c.user_id || n)::uuid, c.user_id, c.id, 'user', 'Buy milk',
        timestamptz '2025-01-01 00:00Z' + n * interval '1 minute'
    FROM (VALUES ('quiet', 100), ('busy', 20000)) AS sizes (user_id, size)
    JOIN conversations AS c USING (user_id), generate_series(1, size) AS n
    ORDER BY n;
"""


@dataclass(frozen=True)
class Owner:
    """A user, a place in the middle of all that is theirs, and how many rows that is.

    Attributes:
        conversations: how many conversations and tasks.
        messages: how many messages.
        talk: how many of them are in the conversation of the place.
    """

    user_id: str
    conversation: str
    message: str
    middle: datetime
    conversations: int
    messages: int
    talk: int


@dataclass(frozen=True)
class Data:
    """The rows of a database, and whose they are.

    Attributes:
        sql: fills an empty, migrated database.
        rows: how many there are, of all tables together.
        users: how many of them are users.
        owners: those for whom statements are run.
        slack: by how much a bound may be missed: what the planner itself looks at, to estimate by,
            and tables so small that they are rightly read whole.
        unbounded: statements that may well look at every row.
    """

    sql: str
    rows: int
    users: int
    owners: tuple[Owner, ...]
    slack: int = 2
    unbounded: tuple[str, ...] = ()


def skewed(
    talk: int,
    collection: int,
    others: int,
    *,
    archived: int = 0,
    idle: int = 0,
    talker: str = "talker",
) -> Data:
    """Users of three kinds, and idle ones.

    Parameters:
        talk: messages of the talker, in one conversation.
        collection: conversations and tasks of the collector, with one message each.
        others: users who have one of each.
        archived: how many of the collector's are archived and completed, the newest ones.
        idle: users who have nothing.
        talker: the talker's id; it may be the collector.
    """
    sql = _NO_AUTOVACUUM + _SKEWED.format(**locals())
    both, half = talker == "collector", collection // 2
    talked, collected = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC)
    users, conversations = others + idle + 2 - both, 1 + collection + others
    return Data(
        sql,
        users + 3 * conversations + talk,
        users,
        (
            Owner(
                talker,
                "talk",
                f"talk {talk // 2}",
                talked + timedelta(seconds=5 * talk),
                1 + both * collection,
                talk + both * collection,
                talk,
            ),
            Owner(
                "collector",
                f"collected {half}",
                f"collected {half}",
                collected + timedelta(minutes=half),
                collection + both,
                collection + both * talk,
                1,
            ),
            Owner("user 7", "chat 7", "chat 7", collected + timedelta(hours=1), 1, 1, 1),
        ),
        unbounded=("users.erase",) if others < 100 else (),
    )


TWO = Data(
    _NO_AUTOVACUUM + _TWO,
    20_104,
    2,
    (Owner("quiet", "quiet", "quiet50", datetime(2025, 1, 1, 1, tzinfo=UTC), 1, 100, 100),),
    slack=20,
    unbounded=("users.erase",),
)
"""A quiet conversation and a busy one.

The planner expects each to have a good part of all messages. It may then take the latest of all,
and leave out those of others, until a page is full: for the quiet one these are all that there are.
"""
