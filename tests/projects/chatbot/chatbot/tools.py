"""What a model may do with a user's tasks: in a chat, and over MCP."""

import inspect
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from pydantic_core import to_jsonable_python

import dal
from dal import errors, tasks
from dal.inputs import Text, Title

NAMES = ("add_task", "list_tasks", "complete_task", "update_task", "delete_task")


class Tools:
    """The tools of one user.

    Parameters:
        new_id: makes the id of a new task. A chat derives it from the request, so that a repeated
            request makes no second task.

    Attributes:
        calls: the calls by name so far, with their arguments and results.
    """

    def __init__(self, db: dal.Database, user_id: str, new_id: Callable[[], UUID] = uuid4) -> None:
        self._db, self._user, self._new_id = db, user_id, new_id
        self.calls: list[dict[str, Any]] = []

    async def call(self, name: str, **arguments: Any) -> Any:
        """A tool's result as JSON, or what the model can do about its error."""
        try:
            tool = {each: getattr(self, each) for each in NAMES}[name]
            inspect.signature(tool).bind(**arguments)
        except (KeyError, TypeError) as error:
            result = {"error": f"There is no such tool or argument: {error}."}
        else:
            try:
                result = to_jsonable_python(await tool(**arguments))
            except errors.DalError as error:
                result = {"error": advice(error)}
        self.calls.append({"name": name, "arguments": arguments, "result": result})
        return result

    async def add_task(self, title: Title, description: Text | None = None) -> dal.Task:
        """Add a task to the user's list."""
        return await tasks.create(
            self._db, user_id=self._user, title=title, description=description, id=self._new_id()
        )

    async def list_tasks(self, completed: bool | None = None) -> list[dal.Task]:
        """List the user's tasks, newest first: all, or the completed ones, or the open ones."""
        return await tasks.list_for_user(self._db, user_id=self._user, completed=completed)

    async def complete_task(self, task_id: UUID) -> dal.Task:
        """Mark a task as completed."""
        return await tasks.complete(self._db, user_id=self._user, task_id=task_id)

    async def update_task(
        self, task_id: UUID, title: Title | None = None, description: Text | None = None
    ) -> dal.Task:
        """Change a task's title or description; what is left out stays as it is."""
        user_id, new = self._user, dal.UNSET if description is None else description
        return await tasks.update(
            self._db, user_id=user_id, task_id=task_id, title=title, description=new
        )

    async def delete_task(self, task_id: UUID) -> bool:
        """Delete a task; false if it was not there."""
        return await tasks.delete(self._db, user_id=self._user, task_id=task_id)


def advice(error: errors.DalError) -> str:
    """What a model can do about a tool's error."""
    if isinstance(error, errors.TaskNotFoundError):
        return "There is no task with this id; call list_tasks for the ids."
    if isinstance(error, errors.InvalidInputError | errors.ConflictError):
        return str(error)
    return "The tasks can't be reached at the moment; try again later."
