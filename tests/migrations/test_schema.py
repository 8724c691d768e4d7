"""What the migrations build, and what the tables refuse and let go."""

import psycopg
import pytest

from dal import migrate
from tests.migrations.database import IDS, catalogue, rows, run

SCHEMA = """
public.conversations
    id uuid NOT NULL DEFAULT gen_random_uuid()
    user_id character varying(255) NOT NULL
    status character varying(20) NOT NULL DEFAULT 'active'::character varying
    created_at timestamp with time zone NOT NULL DEFAULT now()
    updated_at timestamp with time zone NOT NULL DEFAULT now()
    last_message_at timestamp with time zone
    archived_at timestamp with time zone
    chk_conversation_status CHECK (status::text = ANY (ARRAY['active'::character varying, 'archived'::character varying]::text[]))
    conversations_pkey PRIMARY KEY (user_id, id)
    conversations_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
    idx_conversations_updated_at btree (updated_at DESC, status)
    idx_conversations_user_id btree (user_id, updated_at DESC, id DESC)
    idx_conversations_user_status btree (user_id, status, updated_at DESC, id DESC)
public.messages
    id uuid NOT NULL DEFAULT gen_random_uuid()
    conversation_id uuid NOT NULL
    user_id character varying(255) NOT NULL
    role character varying(20) NOT NULL
    content text NOT NULL
    metadata jsonb
    created_at timestamp with time zone NOT NULL DEFAULT now()
    chk_message_role CHECK (role::text = ANY (ARRAY['user'::character varying, 'assistant'::character varying]::text[]))
    chk_user_message_length CHECK (role::text <> 'user'::text OR char_length(content) <= 1000)
    messages_pkey PRIMARY KEY (user_id, id)
    messages_user_id_conversation_id_fkey FOREIGN KEY (user_id, conversation_id) REFERENCES conversations(user_id, id) ON DELETE CASCADE
    idx_messages_conversation_created btree (conversation_id, user_id, created_at DESC, id DESC)
    idx_messages_conversation_id btree (conversation_id)
    idx_messages_created_at btree (created_at DESC)
public.tasks
    id uuid NOT NULL DEFAULT gen_random_uuid()
    user_id character varying(255) NOT NULL
    title character varying(255) NOT NULL
    description text
    completed boolean NOT NULL DEFAULT false
    completed_at timestamp with time zone
    created_at timestamp with time zone NOT NULL DEFAULT now()
    updated_at timestamp with time zone NOT NULL DEFAULT now()
    chk_task_completed_at CHECK (completed = (completed_at IS NOT NULL))
    chk_task_title CHECK (title::text ~ '[^ \\t\\n\\v\\f\\r]'::text)
    tasks_pkey PRIMARY KEY (user_id, id)
    tasks_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
    idx_tasks_user_completed btree (user_id, completed, created_at DESC, id DESC)
    idx_tasks_user_id btree (user_id, created_at DESC, id DESC)
public.users
    id character varying(255) NOT NULL
    created_at timestamp with time zone NOT NULL DEFAULT now()
    users_pkey PRIMARY KEY (id)
"""  # noqa: E501


def test_schema_is_exactly_the_designed_one(empty_database: str) -> None:
    applied = migrate.apply(empty_database)

    assert [done.id for done in applied] == IDS
    assert all(done.seconds > 0 for done in applied)
    lines = []
    for name, kind, line in catalogue(empty_database):
        if (kind, line) == ("relation", "r"):
            lines.append(f"{name}\n")
        elif name in SCHEMA.split() and kind in ("column", "constraint", "index"):
            lines.append(f"    {line}\n")
    assert "".join(lines) == SCHEMA.lstrip()


def test_each_table_names_its_migration_in_its_comment(migrated: str) -> None:
    for migration in IDS[:4]:
        table = migration.partition(".")[2]
        [(comment,)] = rows(migrated, f"SELECT obj_description('{table}'::regclass, 'pg_class')")
        assert comment.startswith(f"dal {migration}: ")


CHAT = "00000000-0000-4000-8000-000000000001"
OTHER_CHAT = "00000000-0000-4000-8000-000000000002"
PEOPLE = f"""
    INSERT INTO users (id) VALUES ('ada'), ('bob');
    INSERT INTO conversations (user_id, id) VALUES ('ada', '{CHAT}'), ('ada', '{OTHER_CHAT}');
    INSERT INTO messages (user_id, conversation_id, role, content)
    VALUES ('ada', '{CHAT}', 'user', 'Hello'), ('ada', '{OTHER_CHAT}', 'assistant', 'Hello');
    INSERT INTO tasks (user_id, title) VALUES ('ada', 'Buy milk'), ('bob', 'Buy milk')
"""


def message(role: str, content: str, user: str = "ada") -> str:
    return f"""
        INSERT INTO messages (user_id, conversation_id, role, content)
        VALUES ('{user}', '{CHAT}', '{role}', {content})
    """


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        (message("system", "''"), "chk_message_role"),
        (message("user", "repeat('a', 1001)"), "chk_user_message_length"),
        (message("user", "'Hello'", user="bob"), "messages_user_id_conversation_id_fkey"),
        ("UPDATE conversations SET status = 'deleted'", "chk_conversation_status"),
        ("UPDATE tasks SET completed = true", "chk_task_completed_at"),
        ("UPDATE tasks SET completed_at = now()", "chk_task_completed_at"),
        ("UPDATE tasks SET title = ''", "chk_task_title"),
        (r"UPDATE tasks SET title = E' \t\n\x0b\f\r'", "chk_task_title"),
        ("INSERT INTO conversations (user_id) VALUES ('eve')", "conversations_user_id_fkey"),
        ("INSERT INTO tasks (user_id, title) VALUES ('eve', 'a')", "tasks_user_id_fkey"),
    ],
)
def test_constraints_refuse(migrated: str, statement: str, constraint: str) -> None:
    run(migrated, PEOPLE)

    with pytest.raises(psycopg.IntegrityError) as refused:
        run(migrated, statement)
    assert refused.value.diag.constraint_name == constraint


@pytest.mark.parametrize(
    "statement",
    [
        message("user", "repeat(U&'\\+01F600', 1000)"),  # 4,000 bytes
        message("user", "''"),
        message("assistant", "repeat('a', 100000)"),
        "UPDATE conversations SET status = 'archived'",
        "UPDATE tasks SET completed = true, completed_at = now()",
        r"UPDATE tasks SET title = E'\t a'",
        f"INSERT INTO conversations (user_id, id) VALUES ('bob', '{CHAT}')",  # ids are per owner
    ],
)
def test_constraints_accept(migrated: str, statement: str) -> None:
    run(migrated, PEOPLE, statement)


@pytest.mark.parametrize(
    ("statement", "left"),
    [
        (f"DELETE FROM conversations WHERE id = '{CHAT}'", (2, 1, 1, 2)),
        ("DELETE FROM users WHERE id = 'ada'", (1, 0, 0, 1)),
    ],
)
def test_deletions_cascade(migrated: str, statement: str, left: tuple[int, ...]) -> None:
    counts = "SELECT " + ", ".join(
        f"(SELECT count(*) FROM {table})"
        for table in ("users", "conversations", "messages", "tasks")
    )
    run(migrated, PEOPLE)
    assert rows(migrated, counts) == [(2, 2, 2, 2)]

    run(migrated, statement)
    assert rows(migrated, counts) == [left]
