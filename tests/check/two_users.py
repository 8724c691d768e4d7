"""Two users' rows, and what a statement that runs for one of them does to the other's."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg

from dal.binding.statement import Statement, read_statement

USER, OTHER = "adam", "ada"  # a name cut short is the other's
SCHEMA = """
    CREATE TABLE users (id text PRIMARY KEY);
    CREATE TABLE conversations (
        id int, user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
        title text NOT NULL, pinned boolean, PRIMARY KEY (user_id, id));
    CREATE TABLE messages (
        id int, user_id text NOT NULL, conversation_id int NOT NULL, body text NOT NULL,
        note text, rank int, tags text[] NOT NULL DEFAULT '{}', PRIMARY KEY (user_id, id),
        FOREIGN KEY (user_id, conversation_id) REFERENCES conversations ON DELETE CASCADE);
    CREATE TABLE tasks (
        id int, user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
        title text, code int UNIQUE, PRIMARY KEY (user_id, id));
    CREATE TABLE plans (name text PRIMARY KEY, price int);
    CREATE TABLE "Messages" (id int, body text);
    CREATE VIEW cheap AS SELECT name, max(price) OVER () AS most FROM plans WHERE price < 9;
    CREATE VIEW cheaper AS SELECT name FROM cheap WHERE name <> 'team';
    CREATE VIEW bodies AS SELECT id, body FROM messages;
    CREATE VIEW owned AS SELECT user_id, body FROM messages;
    CREATE MATERIALIZED VIEW kept AS SELECT user_id, id FROM conversations;
    CREATE FUNCTION everything() RETURNS SETOF messages STABLE LANGUAGE sql AS
        'SELECT * FROM public.messages';
    CREATE FUNCTION body_of(int) RETURNS text STABLE LANGUAGE sql AS
        'SELECT string_agg(body, '','') FROM public.messages WHERE id = $1';
    CREATE FUNCTION bodies_of(tasks) RETURNS text STABLE LANGUAGE sql AS
        'SELECT string_agg(body, '','' ORDER BY body) FROM public.messages WHERE id = $1.id';
    CREATE FUNCTION forget(int) RETURNS int LANGUAGE sql AS
        'DELETE FROM public.messages WHERE id = $1 RETURNING id';
    CREATE PROCEDURE forget_all() LANGUAGE sql AS 'DELETE FROM public.messages';
    CREATE SCHEMA apart;
    CREATE TABLE apart.secrets (user_id text NOT NULL, body text);
    CREATE TABLE apart.messages (id int, user_id text NOT NULL, body text);
"""
TABLES = ("conversations", "messages", "tasks", "apart.secrets", "apart.messages")
_ROWS = """
    INSERT INTO users VALUES ('{user}');
    INSERT INTO conversations
        SELECT n, '{user}', '{user} ' || n, nullif(n, 2) = 1 FROM generate_series(1, 3) AS n;
    INSERT INTO messages
        SELECT n, '{user}', n % 3 + 1, '{user} says ' || n, CASE WHEN n % 2 = 0 THEN '{user}' END,
            nullif(n, 3) * {factor}, CASE WHEN n > 3 THEN ARRAY['{user}', NULL] ELSE '{{}}' END
        FROM generate_series(1, 6) AS n;
    INSERT INTO tasks VALUES
        (1, '{user}', '{user} does', {factor}), (2, '{user}', NULL, NULL),
        (3, '{user}', 'shared', {factor} + 1);
    INSERT INTO apart.secrets VALUES ('{user}', 'secret of {user}');
    INSERT INTO apart.messages VALUES (1, '{user}', 'apart {user}');
"""
ROWS = _ROWS.format(user=OTHER, factor=10) + _ROWS.format(user=USER, factor=1)
ROWS += """
    INSERT INTO plans VALUES ('free', 0), ('team', NULL);
    INSERT INTO "Messages" VALUES (1, 'for all');
    REFRESH MATERIALIZED VIEW kept;
"""
VALUES: Mapping[str, str] = {
    "user_id": USER,
    "id": "1",
    "n": "2",
    "ids": "{1,2}",
    "user_ids": "{}",
    "text": "x",
    "flag": "false",
}


@dataclass(frozen=True)
class Outcome:
    """What a statement gave, and the rows of each of the users after it."""

    rows: list[str]
    own: list[Any]
    others: list[Any]


class Witness:
    """Runs statements for `USER`, and undoes them."""

    def __init__(self, connection: psycopg.Connection, folder: Path) -> None:
        self._connection, self._folder = connection, folder
        self._cursor = psycopg.RawCursor(connection)
        self._before = self._snapshot(OTHER)

    def leaks(
        self, sql: str, values: Mapping[str, str | None] = VALUES, *, exact: bool = True
    ) -> bool:
        """Whether a statement returns or changes the other's rows, or depends on them.

        Parameters:
            sql: with `:name` for its parameters.
            values: of the parameters, as PostgreSQL's text.
            exact: for the same rows it gives the same; else only changes are looked for.
        """
        together = self.run(sql, values)
        if together is None:
            return False
        if together.others != self._before:
            return True
        if not exact:
            return False
        alone = self.run(sql, values, alone=True)
        return alone is not None and (alone.rows != together.rows or alone.own != together.own)

    def run(
        self, sql: str, values: Mapping[str, str | None] = VALUES, *, alone: bool = False
    ) -> Outcome | None:
        """What a statement gives and changes, or None where it fails.

        Parameters:
            sql: with `:name` for its parameters.
            values: of the parameters, as PostgreSQL's text.
            alone: the other has no rows.
        """
        try:
            with self._connection.transaction(force_rollback=True):
                for table in TABLES[::-1] if alone else ():
                    text = f"DELETE FROM {table} WHERE user_id = '{OTHER}'"
                    self._connection.execute(text.encode())
                rows = sorted(map(repr, self.rows(sql, values)))
                return Outcome(rows, self._snapshot(USER), self._snapshot(OTHER))
        except psycopg.Error:
            return None

    def rows(self, sql: str, values: Mapping[str, str | None] = VALUES) -> list[Any]:
        """The rows that a statement gives.

        Raises:
            psycopg.Error: it fails.
        """
        statement = _read(self._folder, sql)
        self._cursor.execute(
            statement.text.encode(), [values[name] for name in statement.parameters]
        )
        return self._cursor.fetchall() if self._cursor.description else []

    def _snapshot(self, user: str) -> list[Any]:
        parts = [
            f"SELECT '{table}', t::text FROM {table} AS t WHERE user_id = '{user}'"
            for table in TABLES
        ]
        text = " UNION ALL ".join(parts) + " ORDER BY 1, 2"
        return self._connection.execute(text.encode()).fetchall()


@lru_cache(maxsize=4)
def _read(folder: Path, sql: str) -> Statement:
    (folder / "run").mkdir(exist_ok=True)
    (folder / "run/it.sql").write_text(sql)
    return read_statement(folder, "run/it.sql")
