"""A worker that is killed and comes back, and one that is added, under the calls of a service.

A user's rows are on one node. So a dead one fails the calls for its users, and no others.
"""

import asyncio
import itertools
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4, uuid5

import pytest

import dal
from dal import conversations, distribute, errors, messages, tasks, users
from dal.project.dal_project import OWNER
from tests.distribute.cluster import Cluster
from tests.distribute.nodes import Node, spare
from tests.faults.activity import eventually
from tests.migrations.database import rows

pytestmark = pytest.mark.slow

SHARDS = 8
NAMES = [f"user {number}" for number in range(20)]
NEW = [f"new {number}" for number in range(10)]
LOST = "ConnectionLostError 08006"  # the coordinator's own connection to the worker
PLACES = """
    SELECT shardid, nodeport FROM pg_dist_shard JOIN pg_dist_placement USING (shardid)
    JOIN pg_dist_node USING (groupid) WHERE logicalrelid = 'users'::regclass ORDER BY shardid
"""


@pytest.fixture
def distributed(cluster: Cluster) -> Cluster:
    """A fresh database whose tables are distributed."""
    distribute.apply(cluster.url, OWNER, [*OWNER.by_table], shards=SHARDS)
    return cluster


def shard_of(cluster: Cluster, user_id: str) -> object:
    """The shard of users that a user is in, or will be."""
    asked = f"SELECT get_shard_id_for_distribution_column('users', '{user_id}')"
    return cluster.rows(asked)[0][0]


def sides(cluster: Cluster, names: list[str]) -> dict[str, bool]:
    """Whether a user is on the first worker."""
    port = urlsplit(cluster.workers[0]).port
    first = {shard for shard, place in cluster.rows(PLACES) if place == port}
    found = {name: shard_of(cluster, name) in first for name in names}
    assert {*found.values()} == {True, False}
    return found


def one_of_each_shard(cluster: Cluster) -> dict[object, str]:
    """A user for each shard."""
    found = {shard_of(cluster, name): name for name in NAMES}
    assert len(found) == SHARDS
    return found


def id_of(user_id: str, what: str) -> UUID:
    return uuid5(UUID(int=0), f"{user_id} {what}")


def calls(db: dal.Database, user_id: str, n: int) -> dict[str, Callable[[], Awaitable[object]]]:
    """What a service does for a user; each `n` makes rows of its own."""
    chat: Any = {"user_id": user_id, "conversation_id": id_of(user_id, "chat")}
    new: Any = {**chat, "role": "user", "content": f"{n}"}
    first, task = (id_of(user_id, f"task {number}") for number in (0, n))
    return {
        "users.ensure": lambda: users.ensure(db, user_id=user_id),
        "conversations.create": lambda: conversations.create(db, user_id=user_id),
        "messages.create": lambda: messages.create(db, **new),
        "messages.create_and_history": lambda: messages.create_and_history(db, **new),
        "messages.history": lambda: messages.history(db, **chat),
        "tasks.create": lambda: tasks.create(db, user_id=user_id, title="Milk", id=task),
        "tasks.complete": lambda: tasks.complete(db, user_id=user_id, task_id=first),
    }


async def outcome(call: Callable[[], Awaitable[object]]) -> str:
    try:
        await call()
    except errors.DalError as error:
        return f"{type(error).__name__} {error.sqlstate}"
    return ""


async def outcomes(db: dal.Database, names: dict[str, bool], n: int) -> dict[str, set[str]]:
    """What comes of each call for the users who are on the first worker, and for the others."""
    found = defaultdict[str, set[str]](set)
    for user_id, first in names.items():
        for name, call in calls(db, user_id, n).items():
            found[f"{name} {'first' if first else 'other'}"].add(await outcome(call))
    return found


class Service:
    """Appends to a conversation of each user's, one after another, repeating what failed."""

    def __init__(self, db: dal.Database, user_ids: list[str]) -> None:
        self.db = db
        self.acknowledged: dict[str, list[UUID]] = {user_id: [] for user_id in user_ids}
        self.failures: Counter[str] = Counter()
        self._done = False

    @classmethod
    @asynccontextmanager
    async def at_work(cls, db: dal.Database, user_ids: list[str]) -> AsyncIterator["Service"]:
        """A service at work, whose messages are compared in the end."""
        service = cls(db, user_ids)
        for user_id in user_ids:
            await users.ensure(db, user_id=user_id)
            await conversations.create(db, user_id=user_id, id=id_of(user_id, "appended"))
        async with asyncio.TaskGroup() as writers:
            for user_id in user_ids:
                writers.create_task(service._write(user_id))
            await service.appends(user_ids)
            yield service
            await service.appends(user_ids)
            service._done = True
        for user_id, acknowledged in service.acknowledged.items():
            chat = id_of(user_id, "appended")
            stored = await messages.history(db, user_id=user_id, conversation_id=chat, limit=1000)
            assert [message.id for message in stored] == acknowledged
            assert [message.content for message in stored] == [str(n) for n in range(len(stored))]

    async def appends(self, user_ids: list[str], more: int = 4) -> None:
        """Wait until each of some users has some more messages."""
        enough = {user_id: len(self.acknowledged[user_id]) + more for user_id in user_ids}

        async def behind() -> list[str]:
            return [each for each in enough if len(self.acknowledged[each]) < enough[each]]

        await eventually(behind, [])

    async def _write(self, user_id: str) -> None:
        for number in itertools.count():
            if self._done:
                return
            message_id = uuid4()
            while failure := await outcome(lambda: self._append(user_id, number, message_id)):  # noqa: B023 awaited here
                self.failures[failure] += 1
                await asyncio.sleep(0.02)  # as a service would, instead of a busy loop
            self.acknowledged[user_id].append(message_id)
            await asyncio.sleep(0.05)

    async def _append(self, user_id: str, number: int, message_id: UUID) -> None:
        chat: Any = {"user_id": user_id, "conversation_id": id_of(user_id, "appended")}
        new: Any = {**chat, "id": message_id, "role": "user", "content": f"{number}"}
        match number % 3:
            case 0:
                await messages.create(self.db, **new)
            case 1:
                await messages.create_and_history(self.db, **new)
            case _:
                async with self.db.transaction() as transaction:
                    await messages.create(transaction, **new)
                    await tasks.create(transaction, user_id=user_id, title="Milk", id=message_id)


@contextmanager
def restarted(node: Node) -> Iterator[None]:
    """Start a server again that is killed here."""
    try:
        yield
    finally:
        node.start()


async def test_a_worker_is_killed_and_comes_back(distributed: Cluster) -> None:
    node = Node.of(distributed.workers[0])
    known, new = sides(distributed, NAMES), sides(distributed, NEW)
    appending = [*one_of_each_shard(distributed).values()]
    up = [user_id for user_id in appending if not known[user_id]]
    down = [user_id for user_id in appending if known[user_id]]
    async with dal.connect(distributed.url, min_size=2) as db:
        for user_id in known:
            await users.ensure(db, user_id=user_id)
            await conversations.create(db, user_id=user_id, id=id_of(user_id, "chat"))
        before = await outcomes(db, known, 0)
        assert all(each == {""} for each in before.values()), before
        async with Service.at_work(db, appending) as service:
            with restarted(node):
                node.stop()
                expected = {name: {LOST if "first" in name else ""} for name in before}
                assert await outcomes(db, known, 1) == expected
                for user_id in new:
                    failure = await outcome(lambda: users.ensure(db, user_id=user_id))  # noqa: B023 awaited here
                    assert failure == (LOST if new[user_id] else "")
                stuck = [len(service.acknowledged[user_id]) for user_id in down]
                await service.appends(up)
                assert [len(service.acknowledged[user_id]) for user_id in down] == stuck
            assert await outcomes(db, known, 2) == before
            for user_id in new:
                await users.ensure(db, user_id=user_id)
            # Some were about to commit, and may have.
            assert {LOST} <= {*service.failures} <= {LOST, "ConnectionLostError 40003"}
        stored = Counter(user_id for (user_id,) in distributed.rows("SELECT id FROM users"))
        assert stored == Counter(NAMES + NEW)


@pytest.mark.parametrize("several", [False, True], ids=["one user", "both workers"])
async def test_a_worker_is_killed_before_a_commit(distributed: Cluster, several: bool) -> None:
    node, first = Node.of(distributed.workers[0]), sides(distributed, NAMES)
    written = NAMES if several else [name for name in NAMES if first[name]][:1]
    async with dal.connect(distributed.url, min_size=2) as db:

        async def write(then: Callable[[], None]) -> None:
            async with db.transaction() as transaction:
                for user_id in written:
                    await users.ensure(transaction, user_id=user_id)
                then()

        with restarted(node), pytest.raises(errors.ConnectionLostError, match="outcome is unknown"):
            await write(node.stop)
        assert distributed.rows("SELECT count(*) FROM users") == [(0,)]
        await write(lambda: None)
    assert distributed.rows("SELECT count(*) FROM users") == [(len(written),)]


@pytest.fixture
def added(distributed: Cluster) -> Iterator[int]:
    """The port of a server that has the database, too, but is no node yet."""
    with spare(distributed.url) as port:
        distributed.beside("127.0.0.1", port)
        yield port


def move_all(cluster: Cluster, port: int) -> None:
    """Move all shards to a node, one after another; who writes to one waits meanwhile."""
    for shard, place in cluster.rows(PLACES):
        cluster.run(
            f"SELECT citus_move_shard_placement({shard}, '127.0.0.1', {place}, '127.0.0.1', {port},"
            " 'block_writes')"
        )


def rebalance(cluster: Cluster, port: int) -> None:
    """Move as many shards as a node should have, by logical replication."""
    cluster.run(
        "SELECT citus_rebalance_start(shard_transfer_mode => 'force_logical')",
        "SELECT citus_rebalance_wait()",
    )


@pytest.mark.parametrize(("move", "moved"), [(move_all, SHARDS), (rebalance, 2)])
async def test_a_node_is_added(
    distributed: Cluster, added: int, move: Callable[[Cluster, int], None], moved: int
) -> None:
    if move is rebalance and rows(distributed.workers[0], "SHOW wal_level") != [("logical",)]:
        pytest.skip("the workers' wal_level is not logical")
    appending = one_of_each_shard(distributed)
    async with dal.connect(distributed.url, min_size=2) as db:
        async with Service.at_work(db, list(appending.values())) as service:
            distributed.run(f"SELECT citus_add_node('127.0.0.1', {added})")
            await asyncio.to_thread(move, distributed, added)
        there = [shard for shard, port in distributed.rows(PLACES) if port == added]
        assert len(there) == moved
        assert {failure.split()[0] for failure in service.failures} <= {"TransactionConflictError"}
        for shard in there:
            assert await outcome(lambda: users.get(db, user_id=appending[shard])) == ""  # noqa: B023
