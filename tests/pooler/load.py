"""Calls every public function, many times at once, and checks each answer; prints what it found.

python load.py URL SETTING LIVES     SETTING: prepared_statements of dal.connect
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import dal
from dal import conversations, messages, tasks, users

AT_ONCE = 6


class Calls:
    """Counts calls by function, and wrong answers and errors by what they were."""

    def __init__(self, db: dal.Database) -> None:
        self.db = db
        self.made: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()

    async def __call__(
        self, call: Callable[..., Awaitable[Any]], right: Callable[[Any], object], **arguments: Any
    ) -> Any:
        name = f"{call.__module__.removeprefix('dal.')}.{call.__name__}"
        self.made[name] += 1
        answer = await call(self.db, **arguments)
        if not right(answer):
            self.wrong[name] += 1
        return answer


async def live(call: Calls) -> None:
    """Everything that one user can do; every value in it is this user's alone."""
    own = {"user_id": f"user {uuid4()}"}
    me = own["user_id"]
    await call(users.ensure, lambda user: user.id == me, **own)
    await call(users.get, lambda user: user.id == me, **own)

    chat = await call(conversations.create, lambda chat: chat.user_id == me, **own)
    here = {**own, "conversation_id": chat.id}
    await call(conversations.get, lambda record: record == chat, **here)
    text = f"first {uuid4()}"
    first = await call(
        messages.create,
        lambda message: (message.content, message.metadata) == (text, {"said": text}),
        **here,
        role="user",
        content=text,
        metadata={"said": text},
    )
    texts = [f"{n} {uuid4()}" for n in range(3)]
    batch = [dal.NewMessage(role="assistant", content=text) for text in texts]
    more = await call(
        messages.create_many,
        lambda made: [message.content for message in made] == texts,
        **here,
        messages=batch,
    )
    last = f"last {uuid4()}"
    window = await call(
        messages.create_and_history,
        lambda window: [message.content for message in window] == [*texts[1:], last],
        **here,
        role="user",
        content=last,
        limit=3,
    )
    everything = [first, *more, window[-1]]
    await call(messages.history, lambda page: page == everything, **here)
    await call(messages.get, lambda record: record == more[1], **own, message_id=more[1].id)
    await call(messages.count, lambda number: number == 5, **here)
    call.made["messages.stream"] += 1
    if [message async for message in messages.stream(call.db, **here, page_size=2)] != everything:
        call.wrong["messages.stream"] += 1
    await call(
        conversations.get_with_messages,
        lambda record: record.messages == everything[-2:],
        **here,
        limit=2,
    )
    await call(conversations.touch, lambda record: record.updated_at > chat.updated_at, **here)
    await call(conversations.archive, lambda record: record.status == "archived", **here)
    await call(
        conversations.list_for_user,
        lambda page: [conversation.id for conversation in page] == [chat.id],
        **own,
        status="archived",
    )
    await call(conversations.restore, lambda record: record.status == "active", **here)
    await call(
        conversations.list_for_user,
        lambda page: [conversation.id for conversation in page] == [chat.id],
        **own,
    )

    title = f"task {uuid4()}"
    task = await call(tasks.create, lambda task: task.title == title, **own, title=title)
    this = {**own, "task_id": task.id}
    await call(tasks.get, lambda record: record == task, **this)
    await call(tasks.update, lambda record: record.description == text, **this, description=text)
    await call(tasks.complete, lambda record: record.completed_at, **this)
    new = [dal.NewTask(title=text) for text in texts]
    await call(
        tasks.create_many, lambda made: [task.title for task in made] == texts, **own, tasks=new
    )
    await call(tasks.list_for_user, lambda page: len(page) == 4, **own)
    await call(
        tasks.list_for_user,
        lambda page: [row.id for row in page] == [task.id],
        **own,
        completed=True,
    )
    await call(tasks.reopen, lambda record: not record.completed, **this)
    await call(tasks.delete, lambda deleted: deleted is True, **this)

    async with call.db.transaction() as tx:
        texts.append(f"in a transaction {uuid4()}")
        await messages.create(tx, **here, role="user", content=texts[-1])
        inside = await messages.history(tx, **here, limit=1)
    if inside[0].content != texts[-1]:
        call.wrong["transaction"] += 1

    await call(conversations.delete, lambda deleted: deleted is True, **here)
    erased = dal.Erased(conversations=0, messages=0, tasks=3)
    await call(users.erase, lambda counts: counts == erased, **own)
    await call(users.delete, lambda deleted: deleted is True, **own)


async def main(url: str, prepared_statements: Any, lives: int) -> None:
    """Let users live, some at a time."""
    left = iter(range(lives))
    async with dal.connect(
        url, min_size=1, max_size=AT_ONCE, prepared_statements=prepared_statements
    ) as db:
        call = Calls(db)

        async def worker() -> None:
            for _ in left:
                try:
                    await live(call)
                except dal.errors.DalError as error:
                    call.wrong[f"{type(error).__name__} of {error.query}"] += 1

        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    print(json.dumps({"made": call.made, "wrong": call.wrong}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
