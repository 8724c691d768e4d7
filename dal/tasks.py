"""Tasks: a user's todo list. Their SQL is in sql/tasks/."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Final, TypeAlias
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field

from dal.binding import Columns, Executor, query
from dal.cursor import Cursor
from dal.errors import ConflictError, TaskNotFoundError, UserNotFoundError
from dal.inputs import BatchId, Flag, Limit, NewId, PageStart, Text, Title, UserId, one_batch
from dal.record import Record, describe_by_first_line


class Task(Record):
    """One entry of a user's todo list.

    Attributes:
        completed_at: when it was completed; None exactly while `completed` is False.
    """

    id: UUID
    user_id: str
    title: str = Field(repr=False)
    description: str | None = Field(repr=False)
    completed: bool
    completed_at: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @property
    def cursor(self) -> Cursor:
        """Its place in the list."""
        return Cursor(self.created_at, self.id, "task")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """A task for `create_many`, which checks it by the rules of `create`."""

    __pydantic_config__ = ConfigDict(
        extra="forbid",
        revalidate_instances="always",
        validate_default=True,
        json_schema_extra=describe_by_first_line,
    )

    title: Title = field(repr=False)
    description: Text | None = field(default=None, repr=False)
    id: BatchId = None


Batch: TypeAlias = Annotated[Sequence[NewTask], AfterValidator(one_batch), Columns(NewTask)]


class Unset(Enum):
    """The type of UNSET."""

    UNSET = "not given"


UNSET: Final = Unset.UNSET
"""The default of `update`'s description, which keeps the old one; a wrapper can pass it on."""


@query("tasks/create.sql", not_found=UserNotFoundError, raise_if={"conflict": ConflictError})
async def create(
    db: Executor,
    *,
    user_id: UserId,
    title: Title,
    description: Text | None = None,
    id: NewId = None,
) -> Task:
    """Make a task; repeated with the same id, it returns the stored one.

    SQL: sql/tasks/create.sql

    Parameters:
        db: where to run: the database, a transaction, or an asyncpg connection or pool.
        user_id: the owner.
        title: 1 to 255 characters, not blank.
        description: any text.
        id: the caller's own id, so that the call can be repeated after a lost connection.

    Raises:
        InvalidInputError: an argument breaks its rule.
        UserNotFoundError: there is no such user.
        ConflictError: the id is taken by a task with another title or description.
    """
    raise NotImplementedError


@query("tasks/create_many.sql", not_found=UserNotFoundError, raise_if={"conflict": ConflictError})
async def create_many(db: Executor, *, user_id: UserId, tasks: Batch) -> list[Task]:
    """Make tasks, all or none, in one statement; the last one given is the newest in the list.

    Those that are stored already come back as they are. An empty sequence does nothing.

    SQL: sql/tasks/create_many.sql

    Raises:
        InvalidInputError: a task breaks a rule, an id occurs twice, or there are more than 50,000.
        UserNotFoundError: there is no such user.
        ConflictError: an id is taken by a task with another title or description.
    """
    raise NotImplementedError


@query("tasks/get.sql")
async def get(db: Executor, *, user_id: UserId, task_id: UUID) -> Task | None:
    """A task of a user, or None if there is none (or it is another user's).

    SQL: sql/tasks/get.sql
    """
    raise NotImplementedError


@query("tasks/list_for_user.sql")
async def _list_all(
    db: Executor, *, user_id: UserId, limit: Limit = 50, before: PageStart[Task] = None
) -> list[Task]:
    raise NotImplementedError


@query("tasks/list_for_user_by_completed.sql")
async def _list_by_completed(
    db: Executor,
    *,
    user_id: UserId,
    completed: Flag,
    limit: Limit = 50,
    before: PageStart[Task] = None,
) -> list[Task]:
    raise NotImplementedError


async def list_for_user(
    db: Executor,
    *,
    user_id: str,
    completed: bool | None = None,
    limit: int = 50,
    before: Task | Cursor | None = None,
) -> list[Task]:
    """A page of a user's tasks, newest first.

    SQL: sql/tasks/list_for_user.sql, sql/tasks/list_for_user_by_completed.sql

    Parameters:
        db: where to run: the database, a transaction, or an asyncpg connection or pool.
        user_id: the owner.
        completed: only completed ones, only open ones, or all (None).
        limit: rows at most, 1 to 1,000.
        before: the last task of the previous page, or its cursor.

    Raises:
        InvalidInputError: an argument breaks its rule.
    """
    if completed is None:
        return await _list_all(db, user_id=user_id, limit=limit, before=before)
    return await _list_by_completed(
        db, user_id=user_id, completed=completed, limit=limit, before=before
    )


@query("tasks/update.sql", not_found=TaskNotFoundError)
async def _update(
    db: Executor,
    *,
    user_id: UserId,
    task_id: UUID,
    title: Title | None = None,
    description: Text | None = None,
    set_description: Flag = False,
    completed: Flag | None = None,
) -> Task:
    raise NotImplementedError


async def update(
    db: Executor,
    *,
    user_id: str,
    task_id: UUID,
    title: str | None = None,
    description: str | Unset | None = UNSET,
    completed: bool | None = None,
) -> Task:
    """Change the fields that are given.

    SQL: sql/tasks/update.sql

    Parameters:
        db: where to run: the database, a transaction, or an asyncpg connection or pool.
        user_id: the owner.
        task_id: the task.
        title: the new title; None keeps the old one.
        description: the new description; None clears it; left out, or UNSET, it stays.
        completed: True and False do what `complete` and `reopen` do; None changes nothing.

    Raises:
        InvalidInputError: an argument breaks its rule.
        TaskNotFoundError: the user has no such task.
    """
    return await _update(
        db,
        user_id=user_id,
        task_id=task_id,
        title=title,
        description=None if isinstance(description, Unset) else description,
        set_description=not isinstance(description, Unset),
        completed=completed,
    )


@query("tasks/complete.sql", not_found=TaskNotFoundError)
async def complete(db: Executor, *, user_id: UserId, task_id: UUID) -> Task:
    """Mark a task as completed; one that is completed already stays as it is.

    SQL: sql/tasks/complete.sql

    Raises:
        TaskNotFoundError: the user has no such task.
    """
    raise NotImplementedError


@query("tasks/reopen.sql", not_found=TaskNotFoundError)
async def reopen(db: Executor, *, user_id: UserId, task_id: UUID) -> Task:
    """Mark a task as not completed; an open one stays as it is.

    SQL: sql/tasks/reopen.sql

    Raises:
        TaskNotFoundError: the user has no such task.
    """
    raise NotImplementedError


@query("tasks/delete.sql")
async def delete(db: Executor, *, user_id: UserId, task_id: UUID) -> bool:
    """Delete a task; False if the user has no such task.

    SQL: sql/tasks/delete.sql
    """
    raise NotImplementedError
