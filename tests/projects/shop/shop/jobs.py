"""Work that is done later, by whichever worker takes it first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from dal.binding import Columns, Executor, JsonColumn
from shop.database import Record, query

JobKind: TypeAlias = Literal["mail", "invoice"]


class Payload(Record):
    """What a job is about; a json column has it."""

    order_id: UUID
    template: str | None = None


@dataclass(frozen=True)
class NewJob:
    """A job to be done at some time."""

    kind: JobKind
    payload: Payload
    due_at: datetime


class Job(Record):
    """A job that was taken."""

    id: int
    kind: JobKind
    payload: JsonColumn[Payload]


@query("jobs/enqueue.sql")
async def enqueue(db: Executor, *, jobs: Annotated[Sequence[NewJob], Columns(NewJob)]) -> list[int]:
    """Add jobs; their ids."""
    raise NotImplementedError


@query("jobs/take.sql")
async def take(db: Executor, *, now: datetime, limit: int = 10) -> list[Job]:
    """Take the jobs that are due, but for those that another worker is taking."""
    raise NotImplementedError
