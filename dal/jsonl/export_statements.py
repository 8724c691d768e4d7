"""The statements of an export. Their SQL is in sql/jsonl/."""

from collections.abc import AsyncIterator
from uuid import UUID

from pydantic import AwareDatetime, ValidationError

from dal.binding import Executor, query
from dal.cluster import is_distributed
from dal.errors import SchemaMismatchError
from dal.inputs import Limit, PageStart, UserId
from dal.jsonl.lines import StoredConversation, StoredMessage
from dal.messages import Message
from dal.record import Record
from dal.tasks import Task

_OWNERS = 1000  # of a page


class Column(Record):
    """A column of a table that is exported."""

    table: str
    name: str


class RowId(Record):
    """A row's id."""

    id: UUID


class RawConversation(RowId):
    """A conversation; all its times are None where one is outside of Python's calendar."""

    user_id: str
    status: str
    created_at: AwareDatetime | None
    updated_at: AwareDatetime | None
    archived_at: AwareDatetime | None

    @property
    def conversation(self) -> StoredConversation:
        """The validated conversation.

        Raises:
            SchemaMismatchError: the row is not a valid conversation.
        """
        if self.created_at is None:
            problem = "one of its times is before the year 1 or after 9999"
        else:
            try:
                return StoredConversation.model_validate(dict(self))
            except ValidationError as error:
                first = error.errors(include_url=False, include_input=False)[0]
                problem = f"{first['loc'][0]}: {first['msg']}"
        raise SchemaMismatchError(f"a row is not a Conversation (id {self.id}): {problem}")


class ExportedMessage(StoredMessage):
    """A message of a page, and how many rows the page had before it was cut to its bytes."""

    page_rows: int


@query("jsonl/export_columns.sql")
async def columns(db: Executor) -> list[Column]:
    """The columns of the tables that are exported."""
    raise NotImplementedError


@query("jsonl/export_owner.sql")
async def owns(db: Executor, *, user_id: UserId) -> bool:
    """Whether a user owns anything."""
    raise NotImplementedError


@query("jsonl/export_owners.sql", strict=True)
async def owners(db: Executor, *, first: str, limit: Limit) -> list[str]:
    """A page of those who own tasks or conversations, from the user id `first` on."""
    raise NotImplementedError


@query("jsonl/export_owners_of_shards.sql", strict=True)
async def owners_of_shards(db: Executor, *, first: str, limit: Limit) -> list[str]:
    """The same page where the tables are distributed."""
    raise NotImplementedError


async def all_owners(db: Executor) -> AsyncIterator[str]:
    """Those who own tasks or conversations, in the order of their ids."""
    page_of = owners_of_shards if await is_distributed(db) else owners
    first: str | None = ""
    while first is not None:
        page = await page_of(db, first=first, limit=_OWNERS)
        first = page.pop() if len(page) == _OWNERS else None
        for owner in page:
            yield owner


@query("jsonl/export_task_ids.sql", strict=True)
async def task_ids(db: Executor, *, user_id: str, after: UUID | None, limit: Limit) -> list[RowId]:
    """A page of the ids of a user's tasks."""
    raise NotImplementedError


@query("jsonl/export_tasks.sql", strict=True)
async def tasks(db: Executor, *, user_id: str, task_ids: list[UUID], bytes: int) -> list[Task]:
    """The first of these tasks, as many as fit into `bytes`."""
    raise NotImplementedError


@query("jsonl/export_conversations.sql", strict=True)
async def conversations(
    db: Executor, *, user_id: str, after: UUID | None, limit: Limit
) -> list[RawConversation]:
    """A page of a user's conversations."""
    raise NotImplementedError


@query("jsonl/export_messages.sql", strict=True)
async def messages(
    db: Executor,
    *,
    user_id: str,
    conversation_ids: list[UUID],
    after: PageStart[Message],
    limit: Limit,
    bytes: int,
) -> list[ExportedMessage]:
    """The next messages of these conversations, as many as fit into `bytes`."""
    raise NotImplementedError
