"""Which tables are distributed over the nodes of a cluster."""

from dal.binding import Executor, query
from dal.record import Record


class Distributed(Record):
    """A table whose rows are spread over the nodes of a Citus cluster.

    Attributes:
        identifier: its name, with the schema where the search_path needs it.
        owner: the column by which they are.
        shards, nodes: in how many parts, and on how many nodes.
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
