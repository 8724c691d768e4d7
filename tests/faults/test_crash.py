"""What was acknowledged is there exactly once, however often the server was killed."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Sequence
from uuid import uuid4

import pytest

import dal
from dal import NewMessage, conversations, errors, messages, users
from tests.faults.activity import assert_recovered
from tests.faults.restartable import End, Restartable

WRITERS = 8
TO_BE_REPEATED = (
    errors.ConnectionLostError,
    errors.DatabaseUnavailableError,
)


@pytest.mark.parametrize(
    ("ends", "between"),
    [
        (["kill"], 60),
        pytest.param(["kill", "immediate"] * 5, 200, marks=pytest.mark.slow),
    ],
    ids=["one kill", "ten kills"],
)
async def test_nothing_acknowledged_is_lost_or_doubled(
    server: Restartable, url: str, ends: Sequence[End], between: int
) -> None:
    acknowledgements: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
    enough = asyncio.Event()
    failures = 0

    async def append(db: dal.Database, batch: list[NewMessage]) -> None:
        """One message or several, by the functions and in the transactions that services use."""
        nonlocal failures
        while True:
            try:
                if len(batch) == 1:
                    [new] = batch
                    await messages.create(
                        db,
                        user_id="ada",
                        conversation_id=chat.id,
                        role=new.role,
                        content=new.content,
                        id=new.id,
                    )
                else:
                    async with db.transaction() as transaction:
                        await messages.create_many(
                            transaction, user_id="ada", conversation_id=chat.id, messages=batch
                        )
            except TO_BE_REPEATED:
                failures += 1
                await asyncio.sleep(0.01)  # as a service would, instead of a busy loop
            else:
                return

    async def write(db: dal.Database, writer: int) -> None:
        numbers = itertools.count()
        for size in itertools.cycle([1, 1, 3]):
            if enough.is_set():
                return
            batch = [
                NewMessage(role="user", content=f"{writer} {number}", id=uuid4())
                for number in itertools.islice(numbers, size)
            ]
            await append(db, batch)
            for new in batch:
                acknowledgements.put_nowait((writer, new.content))

    async with dal.connect(url, min_size=WRITERS) as db:
        await users.ensure(db, user_id="ada")
        chat = await conversations.create(db, user_id="ada")
        acknowledged = []
        async with asyncio.timeout(300), asyncio.TaskGroup() as writers:
            for writer in range(WRITERS):
                writers.create_task(write(db, writer))
            for end in ends:
                acknowledged += [await acknowledgements.get() for _ in range(between)]
                await asyncio.to_thread(server.stop, end)
                await asyncio.to_thread(server.start)
            acknowledged += [await acknowledgements.get() for _ in range(between)]
            enough.set()
        while not acknowledgements.empty():
            acknowledged.append(acknowledgements.get_nowait())

        stored = [
            message async for message in messages.stream(db, user_id="ada", conversation_id=chat.id)
        ]
        await assert_recovered(db, url)

    print(f"{len(acknowledged)} acknowledged, {len(ends)} kills, {failures} calls repeated")
    assert len(acknowledged) >= (len(ends) + 1) * between
    assert failures >= len(ends)
    known, read = defaultdict(list), defaultdict(list)
    for writer, content in acknowledged:
        known[writer].append(content)
    for message in stored:
        read[int(message.content.split()[0])].append(message.content)
    assert read == known
    assert all(
        earlier.created_at < later.created_at for earlier, later in itertools.pairwise(stored)
    )
