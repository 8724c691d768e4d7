"""Plays dialogues and shows the results."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic_core import from_json
from rich.console import Console
from rich.progress import track

import dal
from dal import conversations, errors, messages, migrate, tasks, users
from dal.database.address import Address
from dal.database.failures import translated
from dal.demo import dialogues
from dal.demo.show import DemoPrinter
from dal.demo.stopwatch import Stopwatch
from dal.embedded import Server
from dal.jsonl.lines import ConversationLine, ImportedMessage


def play(console: Console, *, data: Path | None, url: str | None) -> None:
    """Play the dialogues of a file on a fresh database.

    Parameters:
        console: where to show what happens.
        data: the file; None plays the demo's own dialogues.
        url: a server; None starts an embedded one.

    Raises:
        InvalidInputError: the file is not one of dialogues.
        DalError: the server fails, or what is read back differs from what was written.
    """
    played = dialogues.read(data or dialogues.OWN)
    show = DemoPrinter(console)
    with _database(show, url) as database:
        for migration in migrate.apply(database):
            show.line(f"applied {migration.id} in {migration.seconds * 1000:.0f} ms")
        asyncio.run(_play(show, database, played))


@contextmanager
def _database(show: DemoPrinter, url: str | None) -> Iterator[str]:
    if url is None:
        start = time.perf_counter()
        with Server() as server:
            seconds = time.perf_counter() - start
            show.title(f"An embedded PostgreSQL, ready in {seconds:.1f} s")
            yield server.dsn()
        return
    name = f"dal_demo_{uuid.uuid4().hex[:12]}"
    address = Address.parse(url)
    show.title(f"The database {name} on the server of your URL, dropped afterwards")
    try:
        asyncio.run(_run(url, f"CREATE DATABASE {name}"))
    except errors.PermissionDeniedError as error:
        raise errors.PermissionDeniedError(
            "the role may not create databases, and the demo needs one of its own; let it with"
            " ALTER ROLE ... CREATEDB, or leave --url out",
            sqlstate=error.sqlstate,
        ) from None
    try:
        yield address.of_database(name)
    finally:
        asyncio.run(_run(url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _run(url: str, statement: str) -> None:
    async with dal.connect(url, min_size=1, application_name="dal demo") as db:
        await translated(db.execute, statement, query="demo")


async def _play(show: DemoPrinter, url: str, played: list[ConversationLine]) -> None:
    watch = Stopwatch()
    async with dal.connect(url, application_name="dal demo") as db:
        start = time.perf_counter()
        shown = track(
            played,
            "playing",
            console=show.console,
            transient=True,
            disable=not show.console.is_terminal,
        )
        chats = [await _hold(watch, db, dialogue) for dialogue in shown]
        seconds = time.perf_counter() - start
        count = sum(len(dialogue.messages) for dialogue in played)
        show.line(f"played {len(played)} conversations with {count:,} messages in {seconds:.1f} s")
        for chat, dialogue in zip(chats, played, strict=True):
            await _compare(db, chat, dialogue)
        show.line(f"read back: {len(played)} conversations with {count:,} messages, all equal")
        await _look(show, watch, db, chats, played)
    show.timings(watch.timings())


async def _hold(watch: Stopwatch, db: dal.Database, dialogue: ConversationLine) -> dal.Conversation:
    """Hold one dialogue as a chatbot does: the user's message in, the window for the model out."""
    user_id = dialogue.user_id
    await watch(users.ensure, db, user_id=user_id)
    chat = await watch(conversations.create, db, user_id=user_id)
    for message in dialogue.messages:
        add = messages.create_and_history if message.role == "user" else messages.create
        await watch(
            add,
            db,
            user_id=user_id,
            conversation_id=chat.id,
            role=message.role,
            content=message.content,
            metadata=_metadata(message),
        )
    return chat


def _metadata(message: ImportedMessage) -> Any:
    return message.metadata and from_json(message.metadata)


async def _compare(db: dal.Database, chat: dal.Conversation, dialogue: ConversationLine) -> None:
    stored = messages.stream(db, user_id=chat.user_id, conversation_id=chat.id)
    read = [(message.role, message.content, message.metadata) async for message in stored]
    written = [(message.role, message.content, _metadata(message)) for message in dialogue.messages]
    if read != written:
        raise errors.DalError("what was read back differs from what was written")


async def _look(
    show: DemoPrinter,
    watch: Stopwatch,
    db: dal.Database,
    chats: list[dal.Conversation],
    played: list[ConversationLine],
) -> None:
    user_id, _ = Counter(dialogue.user_id for dialogue in played).most_common(1)[0]
    listed = await watch(conversations.list_for_user, db, user_id=user_id, limit=5)
    show.title(f"{user_id}'s conversations, the most recent first")
    show.conversations(listed)

    show.title(f"{user_id}'s last chat, remembered")
    remembered = await watch(
        conversations.get_with_messages,
        db,
        user_id=user_id,
        conversation_id=listed[0].id,
        limit=6,
    )
    show.messages(remembered.messages if remembered else [])

    longest = max(range(len(played)), key=lambda number: len(played[number].messages))
    deep, end = chats[longest], len(played[longest].messages)
    show.title(f"{deep.user_id}'s longest chat, {end} messages, a page back at a time")
    before = None
    while page := await watch(
        messages.history, db, user_id=deep.user_id, conversation_id=deep.id, before=before
    ):
        show.page(end - len(page) + 1, page)
        end, before = end - len(page), page[0]

    show.title(f"{user_id}'s tasks")
    await watch(
        tasks.create_many,
        db,
        user_id=user_id,
        tasks=[
            dal.NewTask(title="Water the plants"),
            dal.NewTask(title="Return the library books", description="the two on the hall table"),
            dal.NewTask(title="Book the train"),
        ],
    )
    newest, *_ = await watch(tasks.list_for_user, db, user_id=user_id)
    await watch(tasks.complete, db, user_id=user_id, task_id=newest.id)
    show.tasks(await watch(tasks.list_for_user, db, user_id=user_id))

    show.title("Another user gets nothing")
    stranger = (await users.ensure(db, user_id=f"stranger-{uuid.uuid4().hex[:6]}")).id
    conversation = await watch(conversations.get, db, user_id=stranger, conversation_id=deep.id)
    show.line(f"conversations.get: {conversation}")
    window = await watch(messages.history, db, user_id=stranger, conversation_id=deep.id)
    show.line(f"messages.history: {window}")
    await _refused(show, db, user_id=stranger, chat=deep, content="Hello")

    show.title("A user's message of 1,001 characters is refused")
    await _refused(show, db, user_id=deep.user_id, chat=deep, content="x" * 1001)


async def _refused(
    show: DemoPrinter, db: dal.Database, *, user_id: str, chat: dal.Conversation, content: str
) -> None:
    try:
        await messages.create(
            db, user_id=user_id, conversation_id=chat.id, role="user", content=content
        )
    except (errors.NotFoundError, errors.InvalidInputError) as error:
        show.line(f"{type(error).__name__}: {error}")
    else:
        raise errors.DalError("a message was taken that should have been refused")
