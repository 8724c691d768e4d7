"""The rows that every contender works on."""

from typing import Literal
from uuid import UUID

import psycopg

from tests.benchmarks import databases
from tests.benchmarks.contender import Place, Said

USER = "ada"
SHORT, LONG = UUID(int=100), UUID(int=300_000)  # their ids are their lengths

# Ada has 1,000 conversations, among them a short one and a long one; a thousand others have one of
# 30 messages each. Everything was said within the same year.
_FILL = """
    INSERT INTO users (id)
    SELECT 'ada' UNION ALL SELECT 'user ' || n FROM generate_series(1, 1000) AS n;

    INSERT INTO conversations (id, user_id, created_at, updated_at)
    SELECT lpad(to_hex(n), 32, '0')::uuid, 'ada', made, made
    FROM generate_series(1, 1000) AS n,
        LATERAL (SELECT timestamptz '2026-01-01 00:00Z' + n * interval '1 minute' AS made) AS clock
    UNION ALL
    SELECT lpad(to_hex(300000), 32, '0')::uuid, 'ada', '2025-01-01 00:00Z', '2025-12-31 00:00Z'
    UNION ALL
    SELECT md5(id)::uuid, id, '2025-01-01 00:00Z', '2025-12-31 00:00Z'
    FROM users WHERE id <> 'ada';

    INSERT INTO messages (id, user_id, conversation_id, role, content, metadata, created_at)
    SELECT
        md5(c.id || ' ' || n)::uuid, c.user_id, c.id,
        CASE WHEN n % 2 = 1 THEN 'user' ELSE 'assistant' END,
        n || repeat(' Put milk and bread on the list for tomorrow, please.', 1 + n % 5),
        CASE WHEN n % 7 = 0 THEN '{{"tool": "add_task", "params": {{"title": "Milk"}}}}'::jsonb END,
        timestamptz '2025-01-01 00:00Z' + n * (interval '360 days' / size)
    FROM (
        SELECT id, user_id, CASE
            WHEN id = lpad(to_hex(100), 32, '0')::uuid THEN 100
            WHEN id = lpad(to_hex(300000), 32, '0')::uuid THEN {long}
            WHEN user_id <> 'ada' THEN 30
            ELSE 0
        END AS size
        FROM conversations
    ) AS c, LATERAL generate_series(1, size) AS n
    ORDER BY 7;
"""
_PLACE = """
    SELECT created_at, id FROM messages
    WHERE user_id = 'ada' AND conversation_id = %s ORDER BY created_at DESC OFFSET %s LIMIT 1
"""


def fill(url: str, long: int = 300_000) -> None:
    """Fill a migrated database; the long conversation gets so many messages."""
    databases.fill(url, _FILL.format(long=long))


def deep(url: str, back: int = 150_000) -> Place:
    """A place so many messages back in the long conversation."""
    with psycopg.connect(url) as connection:
        row = connection.execute(_PLACE, [LONG, back]).fetchone()
    assert row
    return Place(*row)


def message(number: int) -> Said:
    """A new message; assistants have every second one, and some of them a tool call."""
    role: Literal["user", "assistant"] = "user" if number % 2 else "assistant"
    call = {"tool": "add_task", "params": {"title": "Milk"}} if number % 7 == 0 else None
    return Said(role, f"{number} Put milk and bread on the list, please.", call)


class Scratch:
    """Makes empty conversations to write to, outside of what is measured."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._made: list[UUID] = []

    def conversations(self, count: int) -> list[UUID]:
        """New ones of the user's."""
        rows = self._connection.execute(
            "INSERT INTO conversations (user_id) SELECT 'ada' FROM generate_series(1, %s)"
            " RETURNING id",
            [count],
        )
        made = [conversation for (conversation,) in rows]
        self._made += made
        return made

    def close(self) -> None:
        """Remove them all, so that one round does not change the next one's lists."""
        self._connection.execute(
            "DELETE FROM conversations WHERE user_id = 'ada' AND id = ANY (%s)", [self._made]
        )
        self._connection.close()
