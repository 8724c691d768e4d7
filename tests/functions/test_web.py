"""The functions, records and arguments behind a web API: FastAPI with a real client."""

import asyncio
import inspect
import itertools
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4, uuid5

import fastapi
import httpx
import pytest
from fastapi.responses import JSONResponse
from pydantic import BaseModel, TypeAdapter, ValidationError

import dal
from dal import conversations, errors, messages, tasks, users
from dal.inputs import Limit, Metadata, Text, Title, UserId
from dal.messages import Content, Role


class Page(BaseModel):
    """A page of conversations, and where the next one begins."""

    conversations: list[dal.Conversation]
    next: dal.Cursor | None


class Turn(BaseModel):
    """A message of a client's."""

    role: Role
    content: Content
    metadata: Metadata = None


class TaskChanges(BaseModel):
    """What a PATCH changes."""

    title: Title | None = None
    description: Text | None = None
    completed: bool | None = None


def service(db: dal.Database) -> fastapi.FastAPI:
    app = fastapi.FastAPI()

    @app.exception_handler(errors.InvalidInputError)
    async def refuse(_: fastapi.Request, error: errors.InvalidInputError) -> JSONResponse:
        return JSONResponse({"detail": error.errors}, status_code=422)

    @app.get("/{user_id}/conversations")
    async def page(user_id: UserId, before: dal.Cursor | None = None, limit: Limit = 2) -> Page:
        rows = await conversations.list_for_user(db, user_id=user_id, limit=limit, before=before)
        return Page(conversations=rows, next=rows[-1].cursor if len(rows) == limit else None)

    @app.post("/{user_id}/conversations/{chat}/messages")
    async def say(user_id: UserId, chat: UUID, turn: Turn) -> dal.Message:
        return await messages.create(db, user_id=user_id, conversation_id=chat, **dict(turn))

    @app.post("/{user_id}/conversations/{chat}/anything")
    async def unchecked(user_id: str, chat: UUID, turn: dict[str, Any]) -> dal.Message:
        return await messages.create(db, user_id=user_id, conversation_id=chat, **turn)

    @app.patch("/{user_id}/tasks/{task_id}")
    async def change(user_id: UserId, task_id: UUID, changes: TaskChanges) -> dal.Task:
        names = changes.model_fields_set
        return await tasks.update(
            db,
            user_id=user_id,
            task_id=task_id,
            title=changes.title,
            description=changes.description if "description" in names else dal.UNSET,
            completed=changes.completed,
        )

    return app


@pytest.fixture
async def client(db: dal.Database) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(service(db))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client


async def test_a_cursor_goes_through_the_query_and_the_answer(
    client: httpx.AsyncClient, db: dal.Database, ada: str
) -> None:
    made = [(await conversations.create(db, user_id=ada)).id for _ in range(5)]
    seen: list[UUID] = []
    where: dict[str, Any] = {}
    for _ in range(3):
        answer = (await client.get("/ada/conversations", params=where)).json()
        seen += [UUID(chat["id"]) for chat in answer["conversations"]]
        where = {"before": answer["next"]}
    assert where["before"] is None
    assert seen == made[::-1]


@pytest.mark.parametrize("text", ["", "1", "conversation.1", "task.1.x", "0" * 5000])
async def test_a_malformed_cursor_is_the_clients_fault(
    client: httpx.AsyncClient, text: str
) -> None:
    answer = await client.get("/ada/conversations", params={"before": text})
    assert answer.status_code == 422
    [problem] = answer.json()["detail"]
    assert (problem["loc"], problem["type"]) == (["query", "before"], "cursor")


async def test_a_cursor_of_another_list_is_named(
    client: httpx.AsyncClient, db: dal.Database, ada: str
) -> None:
    task = await tasks.create(db, user_id=ada, title="Milk")
    answer = await client.get("/ada/conversations", params={"before": str(task.cursor)})
    assert answer.status_code == 422
    message = "is a cursor of another kind of record"
    assert answer.json()["detail"] == [{"loc": ["before"], "type": "cursor", "msg": message}]


def test_a_cursor_is_a_string_to_pydantic() -> None:
    cursor = TypeAdapter(dal.Cursor)
    some = dal.Cursor.parse(f"task.1.{uuid4().hex}")
    assert cursor.validate_json(json.dumps(str(some))) == cursor.validate_python(some) == some
    assert cursor.dump_json(some) == json.dumps(str(some)).encode()
    assert cursor.dump_python(some) is some
    assert cursor.json_schema() == {"type": "string"}
    for wrong in (5, "s3cr3t", {"time": 5}):
        with pytest.raises(ValidationError) as refused:
            cursor.validate_python(wrong)
        assert "s3cr3t" not in str(refused.value.errors(include_input=False))


async def test_a_patch_changes_what_it_names(
    client: httpx.AsyncClient, db: dal.Database, ada: str
) -> None:
    task = await tasks.create(db, user_id=ada, title="Milk", description="two")
    for change, kept in (
        ({}, {"title": "Milk", "description": "two", "completed": False}),
        ({"completed": True}, {"title": "Milk", "description": "two", "completed": True}),
        ({"title": "Bread"}, {"title": "Bread", "description": "two", "completed": True}),
        ({"description": None, "completed": False}, {"description": None, "completed": False}),
    ):
        answer = (await client.patch(f"/ada/tasks/{task.id}", json=change)).json()
        assert {name: answer[name] for name in kept} == kept
        assert (answer["completed_at"] is not None) is answer["completed"]


async def test_a_refusal_says_where_by_which_rule_and_why(
    client: httpx.AsyncClient, db: dal.Database, chat: dal.Conversation
) -> None:
    turn = {"role": "usr", "content": "s3cr3t\0", "metadata": {"result": ["s3cr3t\0"]}}
    answer = await client.post(f"/ada/conversations/{chat.id}/anything", json=turn)
    assert answer.status_code == 422
    assert answer.json()["detail"] == [
        {"loc": ["role"], "type": "label", "msg": "must be one of: user, assistant"},
        {
            "loc": ["content"],
            "type": "nul",
            "msg": "may not contain NUL (U+0000); PostgreSQL can't store it",
        },
        {
            "loc": ["metadata"],
            "type": "nul",
            "msg": "may not contain NUL (U+0000); PostgreSQL can't store it",
        },
    ]


@pytest.mark.parametrize(
    ("metadata", "path", "fault"),
    [
        ({"result": {"due": users}}, ("result", "due"), "module"),
        ({"result": [1, {"due": {1}}]}, ("result", 1, "due"), "set"),
        ({"result": {5: 1}}, ("result",), "a key of the type int"),
        ({"result": "\ud800"}, ("result",), "a string with a lone surrogate$"),
        ({"result": {"\ud800": 1}}, ("result",), "a key with a lone surrogate$"),
        ({"result": [10**5000]}, ("result", 0), "an integer with too many digits"),
        ([-(10**5000)], (0,), "an integer with too many digits"),
        (json.loads("[" * 250 + "]" * 250), (), "nested deeper$"),
        (float("nan"), (), "a number that is not finite$"),
    ],
)
async def test_what_is_not_json_is_named_by_its_path_and_fault(
    db: dal.Database, chat: dal.Conversation, metadata: Any, path: tuple[str, ...], fault: str
) -> None:
    new = dal.NewMessage(role="user", content="Hi", metadata=metadata)
    own: dict[str, Any] = {"user_id": "ada", "conversation_id": chat.id}
    with pytest.raises(errors.InvalidInputError, match=f"here it is {fault}") as refused:
        await messages.create_many(db, **own, messages=[new])
    [problem] = refused.value.errors
    assert problem["loc"] == ("messages", 0, "metadata", *path)
    assert problem["type"] == "json"


async def test_the_rules_hold_in_a_services_own_model(
    client: httpx.AsyncClient, chat: dal.Conversation
) -> None:
    where = f"/ada/conversations/{chat.id}/messages"
    stored = await client.post(where, json={"role": "user", "content": "Hi", "metadata": {"n": 1}})
    assert (stored.status_code, stored.json()["metadata"]) == (200, {"n": 1})
    long = await client.post(where, json={"role": "user", "content": "x" * 1001})
    assert (long.status_code, long.json()["detail"][0]["loc"]) == (422, ["body", "content"])


def test_the_open_api_speaks_to_its_readers(db: dal.Database) -> None:
    schema = service(db).openapi()
    [before, _] = schema["paths"]["/{user_id}/conversations"]["get"]["parameters"][1:]
    assert (before["in"], before["schema"]["anyOf"][0]) == ("query", {"type": "string"})
    models = schema["components"]["schemas"]
    assert models["Message"]["description"] == "One message of a conversation."
    assert models["Turn"]["properties"]["role"]["$ref"] == "#/components/schemas/MessageRole"
    assert models["MessageRole"]["enum"] == ["user", "assistant"]
    assert models["Page"]["properties"]["next"]["anyOf"][0] == {"type": "string"}
    assert "Attributes:" not in json.dumps(schema)


def test_help_shows_a_signature_as_people_write_it() -> None:
    create = str(inspect.signature(messages.create))
    assert create.startswith(
        "(db: dal.database.executor.Executor, *, user_id: str, conversation_id: uuid.UUID,"
        " role: Union[dal.messages.MessageRole, Literal['user', 'assistant']], content: str,"
        " metadata: Any = None, "
    )
    assert create.endswith(", id: uuid.UUID | None = None) -> dal.messages.Message")
    update = str(inspect.signature(tasks.update))
    assert "description: str | dal.tasks.Unset | None = <Unset.UNSET: 'not given'>" in update


async def answered_once(
    db: dal.Database, chat: dal.Conversation, request_id: UUID, model: Callable[[], str]
) -> dal.Message:
    """The answer to a request, however often the request comes."""
    answer_id = uuid5(request_id, "answer")

    async def stored() -> dal.Message | None:
        return await messages.get(db, user_id=chat.user_id, message_id=answer_id)

    own: dict[str, Any] = {"user_id": chat.user_id, "conversation_id": chat.id}
    await messages.create_and_history(db, **own, role="user", content="Hi", id=request_id)
    answer = await stored()
    if answer is None:
        try:
            answer = await messages.create(
                db, **own, role="assistant", content=model(), id=answer_id
            )
        except errors.ConflictError:  # another try of the same request was faster
            answer = await stored()
    assert answer
    return answer


async def test_a_request_that_is_repeated_is_answered_once(
    db: dal.Database, chat: dal.Conversation
) -> None:
    asked = itertools.count(1)
    request_id = uuid4()

    async def request() -> dal.Message:
        return await answered_once(db, chat, request_id, lambda: f"answer {next(asked)}")

    answers = await asyncio.gather(*(request() for _ in range(5)))
    answers += [await request() for _ in range(2)]
    assert len(set(answers)) == 1
    assert next(asked) <= 6  # the later ones did not ask the model
    window = await messages.history(db, user_id="ada", conversation_id=chat.id)
    assert [message.id for message in window] == [request_id, answers[0].id]
