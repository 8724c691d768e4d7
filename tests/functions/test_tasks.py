"""tasks: a todo list."""

from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from pydantic import ValidationError

import dal
from dal import (
    Database,
    Executor,
    NewTask,
    Task,
    conversations,
    messages,
    migrate,
    tasks,
    users,
)
from dal.errors import SchemaMismatchError, TaskNotFoundError, UserNotFoundError
from tests.surface import FUNCTIONS, VALUES, call, variants


async def aged(executor: Executor, task: Task) -> Task:
    """The task, moved an hour into the past, completion and all."""
    await executor.execute(
        """
        UPDATE tasks SET
            created_at = $2::timestamptz - interval '1 hour',
            updated_at = $3::timestamptz - interval '1 hour',
            completed_at = $4::timestamptz - interval '1 hour'
        WHERE id = $1
        """,
        task.id,
        task.created_at,
        task.updated_at,
        task.completed_at,
    )
    stored = await tasks.get(executor, user_id=task.user_id, task_id=task.id)
    assert stored
    return stored


async def test_create_and_get(executor: Executor, ada: str) -> None:
    plain = await tasks.create(executor, user_id=ada, title="Milk")
    assert (plain.user_id, plain.title, plain.description) == (ada, "Milk", None)
    assert (plain.completed, plain.completed_at) == (False, None)
    assert plain.created_at == plain.updated_at
    assert await tasks.get(executor, user_id=ada, task_id=plain.id) == plain

    own_id = uuid4()
    full = await tasks.create(executor, user_id=ada, title="x" * 255, description="", id=own_id)
    assert (full.id, full.title, full.description) == (own_id, "x" * 255, "")
    assert await tasks.get(executor, user_id=ada, task_id=own_id) == full


async def test_create_many_and_list(executor: Executor, ada: str) -> None:
    assert await tasks.list_for_user(executor, user_id=ada) == []
    new = [
        NewTask(title="a"),
        NewTask(title="b", description="more"),
        NewTask(title="c", id=uuid4()),
        NewTask(title="\N{OWL}" * 255),
    ]
    made = await tasks.create_many(executor, user_id=ada, tasks=new)
    assert [(task.title, task.description) for task in made] == [
        (task.title, task.description) for task in new
    ]
    assert made[2].id == new[2].id
    for task in made:
        assert await tasks.get(executor, user_id=ada, task_id=task.id) == task

    newest_first = made[::-1]
    assert await tasks.list_for_user(executor, user_id=ada) == newest_first
    assert await tasks.list_for_user(executor, user_id=ada, limit=2) == newest_first[:2]
    newest_first[1] = await tasks.complete(executor, user_id=ada, task_id=newest_first[1].id)
    for completed in (True, False):
        listed = await tasks.list_for_user(executor, user_id=ada, completed=completed)
        assert listed == [task for task in newest_first if task.completed is completed]


async def test_update_changes_only_what_is_given(executor: Executor, ada: str) -> None:
    task = await tasks.create(executor, user_id=ada, title="a", description="b")
    changes: list[dict[str, Any]] = [
        {},
        {"title": "c"},
        {"description": "d"},
        {"description": None},
        {"title": None, "description": "e"},
        {"title": "f", "description": None},
        {"title": None},
        {"description": dal.UNSET},
        {"completed": None},
    ]
    for change in changes:
        task = await aged(executor, task)
        updated = await tasks.update(executor, user_id=ada, task_id=task.id, **change)
        fields = {
            name: text
            for name, text in change.items()
            if text is not dal.UNSET and (text or name == "description")
        }
        assert updated == task.model_copy(update={"updated_at": updated.updated_at} | fields)
        assert (updated.updated_at > task.updated_at) is bool(fields)
        assert await tasks.get(executor, user_id=ada, task_id=task.id) == updated
        task = updated


async def test_complete_and_reopen_keep_their_times_when_repeated(
    executor: Executor, ada: str
) -> None:
    task = await aged(executor, await tasks.create(executor, user_id=ada, title="a"))
    done = await tasks.complete(executor, user_id=ada, task_id=task.id)
    assert done.updated_at > task.updated_at
    now = {"completed": True, "completed_at": done.updated_at, "updated_at": done.updated_at}
    assert done == task.model_copy(update=now)
    done = await aged(executor, done)
    assert await tasks.complete(executor, user_id=ada, task_id=task.id) == done

    reopened = await tasks.reopen(executor, user_id=ada, task_id=task.id)
    assert reopened.updated_at > done.updated_at
    again = {"completed": False, "completed_at": None, "updated_at": reopened.updated_at}
    assert reopened == done.model_copy(update=again)
    reopened = await aged(executor, reopened)
    assert await tasks.reopen(executor, user_id=ada, task_id=task.id) == reopened


async def test_update_completes_and_reopens_as_the_functions_do(
    executor: Executor, ada: str
) -> None:
    def change(**fields: Any) -> Any:
        return tasks.update(executor, user_id=ada, task_id=task.id, **fields)

    task = await aged(executor, await tasks.create(executor, user_id=ada, title="a"))
    assert await change(completed=False) == task
    done = await change(completed=True)
    assert done.completed_at == done.updated_at > task.updated_at
    done = await aged(executor, done)
    assert await change(completed=True) == done
    renamed = await change(title="b", completed=True)
    assert renamed.completed_at == done.completed_at
    assert renamed.updated_at > done.updated_at
    reopened = await change(completed=False)
    assert (reopened.completed, reopened.completed_at) == (False, None)


async def test_an_absent_task(executor: Executor, ada: str) -> None:
    task = await tasks.create(executor, user_id=ada, title="a")
    assert await tasks.delete(executor, user_id=ada, task_id=task.id) is True
    assert await tasks.delete(executor, user_id=ada, task_id=task.id) is False
    assert await tasks.get(executor, user_id=ada, task_id=task.id) is None
    for write in (tasks.update, tasks.complete, tasks.reopen):
        with pytest.raises(TaskNotFoundError):
            await call(write, executor, {"user_id": ada, "task_id": task.id})


async def test_an_absent_user(db: Database) -> None:
    for create in (tasks.create, tasks.create_many):
        for arguments in variants(create, VALUES):
            with pytest.raises(UserNotFoundError):
                await call(create, db, arguments)


def test_records_are_frozen_and_show_no_text() -> None:
    secret: dict[str, Any] = {"title": "s3cr3t", "description": "s3cr3t"}
    task = Task.model_construct(**secret)
    assert "s3cr3t" not in f"{task!r} {task} {NewTask(**secret)!r}"
    with pytest.raises(ValidationError, match="frozen"):
        task.title = "b"
    with pytest.raises(AttributeError):
        NewTask(title="a").title = "b"  # type: ignore[misc]


async def test_an_earlier_table_of_another_shape_fails_tasks_alone(empty_database: str) -> None:
    connection = await asyncpg.connect(empty_database)
    try:
        await connection.execute("""
            CREATE TABLE users (id varchar(255) PRIMARY KEY);
            INSERT INTO users VALUES ('ada');
            CREATE TABLE tasks (
                id serial PRIMARY KEY,
                user_id varchar(255) NOT NULL REFERENCES users,
                title varchar(255) NOT NULL,
                description text,
                completed boolean NOT NULL DEFAULT false,
                completed_at timestamptz,
                created_at timestamptz NOT NULL DEFAULT now(),
                updated_at timestamptz NOT NULL DEFAULT now()
            );
            INSERT INTO tasks (user_id, title) VALUES ('ada', 'Milk')
        """)
        migrate.apply(empty_database)
        for name, function in FUNCTIONS.items():
            if name.startswith("tasks."):
                for arguments in variants(function, VALUES):
                    with pytest.raises(SchemaMismatchError, match="uuid"):
                        await call(function, connection, arguments)
        assert await connection.fetchval("SELECT count(*) FROM tasks") == 1

        chat = await conversations.create(connection, user_id="ada")
        own: dict[str, Any] = {"user_id": "ada", "conversation_id": chat.id}
        message = await messages.create(connection, **own, role="user", content="Hi")
        window = await conversations.get_with_messages(connection, **own)
        assert window
        assert window.messages == [message]
        assert await users.get(connection, user_id="ada")
    finally:
        await connection.close()
