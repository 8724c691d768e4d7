"""Databases to measure in."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import psycopg

import dal

# Messages in the order of time, each in another conversation than the one before it: half are
# typed, of 10 to 199 characters, half are answers of 50 to 999. Users' ids are as long as UUIDs.
_EVENLY = """
    INSERT INTO users (id)
    SELECT md5('user ' || n)::uuid::text FROM generate_series(1, {chats}) AS n;

    INSERT INTO conversations (id, user_id)
    SELECT md5('chat ' || n)::uuid, md5('user ' || n)::uuid::text
    FROM generate_series(1, {chats}) AS n;

    INSERT INTO messages (id, conversation_id, user_id, role, content, metadata, created_at)
    SELECT md5('message ' || n)::uuid, md5('chat ' || at)::uuid, md5('user ' || at)::uuid::text,
        CASE WHEN typed THEN 'user' ELSE 'assistant' END,
        repeat('x', (CASE WHEN typed THEN 10 + n * 7919 % 190 ELSE 50 + n * 7919 % 950 END)::int),
        CASE WHEN n % 20 = 0 THEN jsonb '{{"tool": "add_task", "params": {{"title": "milk"}}}}' END,
        timestamptz '2025-01-01 00:00Z' + n * interval '1 second'
    FROM generate_series(1::bigint, {messages}) AS n,
        LATERAL (SELECT n * 7919 % {chats} + 1 AS at, n / {chats} % 2 = 0 AS typed) AS turn;
"""
# Three tenths of all messages are in one conversation, a tenth is in many others of the same user,
# two each, and the rest is other users', thirty each. Times are spread evenly over the same year,
# so that one moment is in the middle of all that is listed.
_SKEWED = """
    INSERT INTO users (id)
    VALUES ('talker') UNION ALL SELECT 'user ' || n FROM generate_series(1, {others}) AS n;

    INSERT INTO conversations (id, user_id, status, created_at, updated_at)
    VALUES (md5('talk')::uuid, 'talker', 'active', '2025-01-01 00:00Z', '2025-12-31 00:00Z');

    INSERT INTO conversations (id, user_id, status, created_at, updated_at)
    SELECT md5(user_id || n)::uuid, user_id,
        CASE WHEN n % 3 = 0 THEN 'archived' ELSE 'active' END, made, made
    FROM generate_series(1, {chats}) AS n, LATERAL (
            VALUES ('talker', {chats}), ('user ' || n, {others})
        ) AS owner (user_id, owned), LATERAL (
            SELECT timestamptz '2025-01-01 00:00Z' + n * interval '360 days' / owned AS made
        ) AS clock
    WHERE n <= owned;

    INSERT INTO messages (id, user_id, conversation_id, role, content, created_at)
    SELECT md5(conversation || n)::uuid, user_id, md5(conversation)::uuid,
        'assistant', repeat('x', 200),
        timestamptz '2025-01-01 00:00Z' + n * interval '360 days' / {messages}
    FROM generate_series(1, {messages}) AS n, LATERAL (
            SELECT CASE WHEN n % 10 < 4 THEN 'talker' ELSE 'user ' || n / 10 % {others} + 1 END,
                CASE WHEN n % 10 < 4 THEN n / 10 % {chats} + 1 ELSE n / 10 % {others} + 1 END
        ) AS owner (user_id, chat), LATERAL (
            SELECT CASE WHEN n % 10 < 3 THEN 'talk' ELSE user_id || chat END AS conversation
        ) AS place;

    INSERT INTO tasks (id, user_id, title, completed, completed_at, created_at)
    SELECT id, user_id, 'Milk', status = 'archived',
        CASE WHEN status = 'archived' THEN updated_at END, updated_at
    FROM conversations;
"""


def fill(url: str, sql: str) -> None:
    """Run the SQL that fills a database, and vacuum it, as it would be in use."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.encode())
    vacuum(url)


def vacuum(url: str) -> None:
    """Mark the pages that all may see, and count the rows."""
    with psycopg.connect(url, autocommit=True) as connection:
        # It takes no row for visible to all before its commit is written, and the embedded server
        # doesn't wait for that by itself; after this it has written all of them.
        connection.execute("SET synchronous_commit = on")
        connection.execute("CREATE TABLE flushed ()")
        connection.execute("DROP TABLE flushed")
        connection.execute("VACUUM ANALYZE")


def fill_evenly(url: str, messages: int) -> None:
    """Fill an empty database with users who have one conversation each, all equally long."""
    fill(url, _EVENLY.format(messages=messages, chats=messages // 50))


def fill_skewed(url: str, messages: int) -> None:
    """Fill an empty database with a talker's rows and others'; messages by the thousand."""
    parts = {"chats": messages // 20, "others": messages // 50}
    fill(url, _SKEWED.format(messages=messages, **parts))


@contextmanager
def copied(url: str) -> Iterator[str]:
    """Another database like this one, to which nobody is connected; dropped afterwards."""
    parts = urlsplit(url)
    name = f"copy_{uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE {name} TEMPLATE "{parts.path[1:]}"'.encode())
    try:
        yield urlunsplit(parts._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@asynccontextmanager
async def undone(db: dal.Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection in a transaction that is rolled back."""
    async with db.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            yield connection
        finally:
            await transaction.rollback()
