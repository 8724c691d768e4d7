"""Writers of every kind in one conversation at once, a follower of it, and what must hold then."""

import asyncio
from collections.abc import AsyncIterator
from itertools import groupby, pairwise
from typing import Any, Self, TypeAlias

from dal import Conversation, Database, Executor, Message, NewMessage, conversations, messages
from dal import users as owners

Block: TypeAlias = list[Message]
"""Messages with nobody else's between them: what one transaction wrote, or a window."""

# A witness of the order of commits that reads no time: a deferred trigger runs at the commit, while
# the transaction still has its locks.
_WITNESS = """
    CREATE TABLE commits (
        place bigint GENERATED ALWAYS AS IDENTITY, message uuid, transaction xid8
    );
    CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO commits (message, transaction) VALUES (NEW.id, pg_current_xact_id());
        RETURN NULL;
    END
    $$;
    CREATE CONSTRAINT TRIGGER witness AFTER INSERT ON messages
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION witness();
"""
_STORED = "SELECT id FROM messages ORDER BY created_at, id"
_COMMITS = "SELECT message, transaction FROM commits ORDER BY place"
WINDOW = 5


class Scene:
    """A conversation with a few messages, its writers, and one who follows it all the time.

    Attributes:
        met: what the follower has met, in its order.
    """

    def __init__(self, db: Database, chat: Conversation) -> None:
        self.met: list[Message] = []
        self._db = db
        self._own: dict[str, Any] = {"user_id": chat.user_id, "conversation_id": chat.id}

    @classmethod
    async def set(cls, db: Database, chat: Conversation) -> Self:
        """Prepare a scene in a database of its own."""
        await db.execute(_WITNESS)
        scene = cls(db, chat)
        for _ in range(WINDOW):
            await scene._say(db)
        return scene

    async def play(self, writers: int, rounds: int) -> None:
        """Let the writers write and the follower follow, then judge both."""
        writing = asyncio.gather(*(self._write(n, rounds) for n in range(writers)))
        while not writing.done():
            await self._follow()
        await self._follow()
        await self._judge([block for blocks in await writing for block in blocks])

    async def _follow(self) -> None:
        after = self.met[-1] if self.met else None
        stream = messages.stream(self._db, **self._own, after=after, page_size=7)
        self.met += [message async for message in stream]

    async def _write(self, n: int, rounds: int) -> list[Block]:
        kinds = (self._one, self._batch, self._window, self._older, self._mover)
        return [block for _ in range(rounds) async for block in kinds[n % len(kinds)]()]

    async def _one(self) -> AsyncIterator[Block]:
        yield [await self._say(self._db)]

    async def _batch(self) -> AsyncIterator[Block]:
        yield await self._say_many(self._db)

    async def _window(self) -> AsyncIterator[Block]:
        yield await self._say_and_look(self._db)

    async def _older(self) -> AsyncIterator[Block]:
        async with self._db.transaction() as older:  # than what is committed before it appends
            await owners.get(older, user_id=self._own["user_id"])
            yield [await self._say(self._db)]
            earlier = [await self._say(older), *await self._say_many(older), await self._say(older)]
            window = await self._say_and_look(older)
        yield [*earlier, window[-1]]
        yield window

    async def _mover(self) -> AsyncIterator[Block]:
        for move in (conversations.touch, conversations.archive, conversations.restore):
            await move(self._db, **self._own)
            yield [await self._say(self._db)]

    async def _say(self, db: Executor) -> Message:
        return await messages.create(db, **self._own, role="user", content="one")

    async def _say_many(self, db: Executor) -> Block:
        new = [NewMessage(role="assistant", content=f"{n} of 4") for n in range(1, 5)]
        return await messages.create_many(db, **self._own, messages=new)

    async def _say_and_look(self, db: Executor) -> Block:
        window = await messages.create_and_history(
            db, **self._own, role="user", content="window", limit=WINDOW
        )
        assert len(window) == WINDOW, "a window is not full"
        return window

    async def _judge(self, blocks: list[Block]) -> None:
        stored = [row["id"] for row in await self._db.fetch(_STORED)]
        met = [message.id for message in self.met]
        assert met == stored, f"the follower met {len(met)} of {len(stored)} messages"
        steps = pairwise(message.created_at for message in self.met)
        back = sum(earlier >= later for earlier, later in steps)
        assert back == 0, f"{back} times that do not increase"
        for block in blocks:
            end = met.index(block[-1].id) + 1
            assert block == self.met[end - len(block) : end], (
                "a block is not whole, or not in order"
            )
        commits = await self._db.fetch(_COMMITS)
        transaction = {row["message"]: row["transaction"] for row in commits}
        by_commit = [key for key, _ in groupby(commits, lambda row: row["transaction"])]
        by_time = [key for key, _ in groupby(met, transaction.__getitem__)]
        assert by_time == by_commit, "order by time is not order of commit"
