"""Which tables are distributed over the nodes of a cluster, and what that means for statements."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeVar

from dal.binding import Executor, query
from dal.record import Record, RowKey

Key = TypeVar("Key", bound=RowKey)


class Distributed(Record):
    """A table whose rows are spread over the nodes of a Citus cluster.

    Attributes:
        identifier: its name, with the schema where the search_path needs it.
        owner: the column by which its rows are distributed.
        shards, nodes: in how many parts it is, and on how many nodes.
    """

    identifier: str
    owner: str
    shards: int
    nodes: int


@query("distribute/installed.sql")
async def has_citus(db: Executor) -> bool:
    """Whether the database has Citus."""
    raise NotImplementedError


@query("stats/distributed.sql")
async def listed(db: Executor) -> list[Distributed]:
    """The distributed tables, where there is Citus."""
    raise NotImplementedError


async def distributed(db: Executor) -> list[Distributed]:
    """The distributed tables."""
    return await listed(db) if await has_citus(db) else []


async def is_distributed(db: Executor) -> bool:
    """Whether the tables are distributed."""
    return bool(await distributed(db))


def groups_of_one_shard(
    keys: Iterable[Key], distributed: bool
) -> Iterable[tuple[str | None, Sequence[Key]]]:
    """The keys as one group for no user on one server, and as a group for each user on a cluster.

    A cluster can't run some statements over several shards, such as one that locks rows. All rows
    of a user are on one.
    """
    if not distributed:
        return [(None, list(keys))]
    groups = defaultdict[str, list[Key]](list)
    for key in keys:
        groups[key.user_id].append(key)
    return sorted(groups.items())
