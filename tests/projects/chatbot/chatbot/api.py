"""A user's account, tasks, and conversations with their labels."""

from dataclasses import asdict
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

import dal
from chatbot import labels
from chatbot.auth import User
from chatbot.labels import Name
from dal import conversations, errors, tasks, users
from dal.inputs import Text, Title
from dal.jsonl import export_lines


def database(request: Request) -> dal.Database:
    db: dal.Database = request.app.state.db
    return db


Db = Annotated[dal.Database, Depends(database)]
router = APIRouter()
Row = TypeVar("Row", dal.Conversation, dal.Message, dal.Task)
Before = dal.Cursor | None
PAGE = 50


class Page(BaseModel, Generic[Row]):
    """Some rows; `?before=` with `next` asks for the page after it, until that is null."""

    rows: list[Row]
    next: dal.Cursor | None


def page(rows: list[Row]) -> Page[Row]:
    return Page(rows=rows, next=rows[-1].cursor if len(rows) == PAGE else None)


class NewConversation(BaseModel):
    """A conversation to be begun, or, by the same id, the stored one with more labels."""

    id: UUID | None = None
    labels: Annotated[list[Name], Field(max_length=20)] = []


class Labelled(BaseModel):
    conversation: dal.ConversationWithMessages
    labels: list[str]


class Changes(BaseModel, extra="forbid"):
    """The fields of a task that change; only those that are sent count."""

    title: Title = ""
    description: Text | None = None
    completed: bool = False


async def health(db: Db) -> dict[str, float]:
    """How long a round trip to the database takes."""
    return {"seconds": await db.ping()}


@router.put("/account")
async def ensure_account(db: Db, user: User) -> dal.User:
    return await users.ensure(db, user_id=user)


@router.get("/account/export")
async def export_account(db: Db, user: User) -> StreamingResponse:
    """All conversations and tasks, as lines of JSON."""
    return StreamingResponse(export_lines(db, user_id=user), media_type="application/jsonl")


@router.delete("/account")
async def erase_account(db: Db, user: User) -> dal.Erased:
    """Deletes all conversations, with their labels, and all tasks."""
    return await users.erase(db, user_id=user)


@router.post("/tasks", status_code=201)
async def create_task(db: Db, user: User, new: dal.NewTask) -> dal.Task:
    return await tasks.create(db, user_id=user, **asdict(new))


@router.get("/tasks")
async def list_tasks(
    db: Db, user: User, completed: bool | None = None, before: Before = None
) -> Page[dal.Task]:
    rows = await tasks.list_for_user(
        db, user_id=user, completed=completed, limit=PAGE, before=before
    )
    return page(rows)


@router.patch("/tasks/{task_id}")
async def change_task(db: Db, user: User, task_id: UUID, changes: Changes) -> dal.Task:
    given = changes.model_dump(exclude_unset=True)
    return await tasks.update(db, user_id=user, task_id=task_id, **given)


@router.delete("/tasks/{task_id}", status_code=204)
async def delete_task(db: Db, user: User, task_id: UUID) -> None:
    if not await tasks.delete(db, user_id=user, task_id=task_id):
        raise errors.TaskNotFoundError


@router.post("/conversations", status_code=201)
async def create_conversation(db: Db, user: User, new: NewConversation) -> dal.Conversation:
    async with db.transaction() as tx:
        conversation = await conversations.create(tx, user_id=user, id=new.id)
        await labels.add(tx, user_id=user, conversation_id=conversation.id, names=new.labels)
    return conversation


@router.get("/conversations")
async def list_conversations(
    db: Db, user: User, status: dal.ConversationStatus | None = None, before: Before = None
) -> Page[dal.Conversation]:
    rows = await conversations.list_for_user(
        db, user_id=user, status=status, limit=PAGE, before=before
    )
    return page(rows)


@router.get("/labelled")
async def list_labelled(db: Db, user: User, label: Name) -> list[UUID]:
    return await labels.conversations(db, user_id=user, name=label)


@router.get("/conversations/{conversation_id}")
async def get_conversation(db: Db, user: User, conversation_id: UUID) -> Labelled:
    chat = await conversations.get_with_messages(db, user_id=user, conversation_id=conversation_id)
    if chat is None:
        raise errors.ConversationNotFoundError
    names = await labels.of_conversation(db, user_id=user, conversation_id=conversation_id)
    return Labelled(conversation=chat, labels=names)


@router.post("/conversations/{conversation_id}/archive")
async def archive(db: Db, user: User, conversation_id: UUID) -> dal.Conversation:
    return await conversations.archive(db, user_id=user, conversation_id=conversation_id)


@router.post("/conversations/{conversation_id}/restore")
async def restore(db: Db, user: User, conversation_id: UUID) -> dal.Conversation:
    return await conversations.restore(db, user_id=user, conversation_id=conversation_id)
