"""What breaks a rule is refused before anything is sent, and no error repeats it.

A new function with parameters of known names is covered by itself; a parameter of a new name
needs an entry in BAD.
"""

import math
import traceback
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NoReturn

import asyncpg
import pytest

from dal import Conversation, Message, NewMessage, NewTask, User, messages
from dal.errors import InvalidInputError, MessageTooLongError
from tests.surface import (
    FUNCTIONS,
    ID,
    VALUES,
    call,
    fill,
    snapshot,
    variants,
)

SECRET, NUMBER, SIGN = "s3cr3t", 715517, "\N{SNOWMAN}"
NOW = datetime.now(UTC)


def nested(depth: int) -> Any:
    value: Any = SECRET
    for level in range(depth):
        value = [value] if level % 2 else {SECRET: value}
    return value


def looped() -> list[Any]:
    value: list[Any] = [SECRET]
    value.append(value)
    return value


def message(**changed: Any) -> list[Any]:
    """A batch of a good message and another."""
    other: dict[str, Any] = {"role": "assistant", "content": "b"}
    return [NewMessage(role="user", content="a", id=ID), NewMessage(**other | changed)]


def task(**changed: Any) -> list[Any]:
    """A batch of a good task and another."""
    other: dict[str, Any] = {"title": "b"}
    return [NewTask(title="a", id=ID), NewTask(**other | changed)]


UNSTORABLE = [f"{SECRET}\0", f"{SECRET}\ud800", f"\udfff{SECRET}"]
NO_TEXT = [5, NUMBER, True, [], [SECRET], {SECRET: 1}, SECRET.encode(), *UNSTORABLE]
NO_NAME = [*NO_TEXT, "", "   ", "\t\n", "\N{IDEOGRAPHIC SPACE}", f"{SECRET * 42}1234"]
NO_ID = [
    "",
    SIGN,
    SECRET,
    f"{ID}{SECRET}",
    str(ID)[1:],
    5,
    0,
    NUMBER,
    [],
    [SECRET],
    SECRET.encode(),
]
NO_LIMIT: list[Any] = [None, 0, -1, -NUMBER, 1001, NUMBER, 10**30, 1.5, 1.0, math.nan, True, False]
NO_LIMIT += ["10", SECRET, [], Decimal(1)]
NO_LABEL = ["", SECRET, "Active", "USER", "user ", "system", 5, NUMBER, True, [SECRET], *UNSTORABLE]
NO_JSON = [
    *UNSTORABLE,
    {SECRET: "\0"},
    {f"{SECRET}\0": 1},
    [{SECRET: {f"{SECRET}\\\0": 1}}],
    {"key": ["\ud800"]},  # the error names the keys that lead to the fault
    {f"{SECRET}\ud800": 1},
    math.nan,
    {"key": math.inf},
    [-math.inf],
    SECRET.encode(),
    [SECRET.encode()],
    NOW,
    {"key": NOW},
    {SECRET},
    (SECRET,),
    {NUMBER: SECRET},
    {None: SECRET},
    {(SECRET,): 1},
    Decimal(NUMBER),
    ID,
    object(),
    10**5000,
    nested(201),
    nested(300),
    nested(100_000),
    looped(),
]
NO_PLACE: list[Any] = [str(VALUES["before"]), SECRET, "", 5, NUMBER, [], [NOW, ID], NOW, ID]
NO_PLACE += [User(id=SECRET, created_at=NOW)]
NO_BATCH = [None, 5, SECRET, SECRET.encode(), {SECRET: 1}, {SECRET}, [None], [SECRET], [NUMBER]]

BAD: dict[str, list[Any]] = {
    "user_id": [None, *NO_NAME],
    "conversation_id": [None, *NO_ID],
    "message_id": [None, *NO_ID],
    "task_id": [None, *NO_ID],
    "id": NO_ID,
    "role": [None, *NO_LABEL],
    "content": [None, *NO_TEXT],
    "metadata": NO_JSON,
    "title": NO_NAME,
    "status": NO_LABEL,
    "completed": ["yes", "true", SECRET, 0, 1, NUMBER, []],
    "limit": NO_LIMIT,
    "page_size": NO_LIMIT,
    "before": NO_PLACE,
    "after": NO_PLACE,
    "messages": [
        *NO_BATCH,
        task(),
        *(message(role=role) for role in [None, *NO_LABEL]),
        *(message(content=content) for content in [None, *NO_TEXT]),
        *(message(metadata=metadata) for metadata in NO_JSON),
        *(message(id=own_id) for own_id in [*NO_ID, ID, str(ID)]),
    ],
    "tasks": [
        *NO_BATCH,
        message(),
        *(task(title=title) for title in [None, *NO_NAME]),
        *(task(description=description) for description in NO_TEXT),
        *(task(id=own_id) for own_id in [*NO_ID, ID, str(ID)]),
    ],
}

OWN = {"id": ID, "user_id": SECRET, "created_at": NOW}
MESSAGE = Message.model_validate(
    dict.fromkeys(Message.model_fields)
    | {"conversation_id": ID, "role": "user", "content": SECRET, **OWN}
)
CONVERSATION = Conversation.model_validate({"status": "active", "updated_at": NOW, **OWN})
OF_ANOTHER_KIND = {"conversations": MESSAGE, "messages": CONVERSATION, "tasks": CONVERSATION}

MATRIX = [
    (name, parameter)
    for name, function in FUNCTIONS.items()
    for parameter in next(variants(function, VALUES))
]


class Unused:
    """An executor that nothing may be sent through."""

    async def fetch(self, query: str, /, *args: Any) -> NoReturn:
        raise AssertionError(f"sent: {args}")

    execute = fetch


async def refusal(db: Any, name: str, arguments: dict[str, Any]) -> InvalidInputError | None:
    try:
        await call(FUNCTIONS[name], db, arguments)
    except InvalidInputError as error:
        return error
    return None


def all_that_shows(error: BaseException | None) -> str:
    shown = ""
    while error:
        lines = traceback.format_exception_only(error)
        shown += "".join([str(error), repr(error), repr(vars(error)), *lines])
        error = error.__cause__ or error.__context__
    return shown


async def refused(db: Any, name: str, parameter: str) -> None:
    """Assert that a function refuses every bad value of one parameter."""
    values = [*BAD.get(parameter, NO_TEXT)]
    if parameter in ("before", "after"):
        values.append(OF_ANOTHER_KIND[name.partition(".")[0]])
    for base in variants(FUNCTIONS[name], VALUES):
        for value in values:
            error = await refusal(db, name, base | {parameter: value})
            assert type(error) is InvalidInputError, value
            shown = all_that_shows(error)
            assert str(error).startswith(name)
            assert not [secret for secret in (SECRET, str(NUMBER), SIGN) if secret in shown]


@pytest.mark.parametrize(("name", "parameter"), MATRIX)
async def test_every_bad_value_is_refused_unsent(name: str, parameter: str) -> None:
    await refused(Unused(), name, parameter)


async def test_no_bad_value_harms_the_transaction_that_it_occurs_in(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await fill(connection)
            before = await snapshot(connection)
            for name, parameter in MATRIX:
                await refused(connection, name, parameter)
            assert await snapshot(connection) == before
    finally:
        await connection.close()


@pytest.mark.parametrize("name", ["messages.create", "messages.create_and_history"])
async def test_a_users_message_is_too_long_from_the_1001st_character_on(name: str) -> None:
    arguments, _ = variants(FUNCTIONS[name], VALUES | {"content": f"{SECRET}{'é' * 995}"})
    error = await refusal(Unused(), name, arguments)
    assert type(error) is MessageTooLongError
    assert SECRET not in all_that_shows(error)


async def test_a_batch_with_a_message_too_long_is_refused() -> None:
    batch = message(role="user", content=f"{SECRET}{'é' * 995}")
    arguments, _ = variants(messages.create_many, VALUES | {"messages": batch})
    error = await refusal(Unused(), "messages.create_many", arguments)
    assert type(error) is MessageTooLongError
    assert "messages[1].content" in str(error)
    assert SECRET not in all_that_shows(error)


async def test_a_new_task_needs_a_title() -> None:
    error = await refusal(Unused(), "tasks.create", {"user_id": "ada", "title": None})
    assert type(error) is InvalidInputError


@pytest.mark.parametrize("name", ["messages.create_many", "tasks.create_many"])
async def test_an_empty_batch_does_nothing(name: str) -> None:
    arguments, _ = variants(FUNCTIONS[name], VALUES | {"messages": [], "tasks": ()})
    assert await call(FUNCTIONS[name], Unused(), arguments) == []
