"""The statements, sql/stats/. They read the catalogue, statistics views and ranges of an index."""

from collections.abc import Sequence

from dal.binding import Executor, query
from dal.record import Record
from dal.stats.records import (
    Application,
    Function,
    Index,
    OpenTransaction,
    Server,
    Table,
    Wait,
)


class Known(Record):
    """A table that there should be.

    Attributes:
        oid: None where the search path does not lead to it.
        lacks: the command that would let the role count its rows; None where it can.
        lacks_widths: the same for the widths of its indexed columns.
    """

    name: str
    oid: int | None
    lacks: str | None
    lacks_widths: str | None


class Schema(Record):
    """A schema that has such tables."""

    schema_name: str


class Extension(Record):
    """Whether pg_stat_statements is there.

    Attributes:
        available, loaded, created: on the server's disk, in its memory, and in this database.
        lacks: the command that would let the role read it; None where it may.
    """

    available: bool
    loaded: bool
    created: bool
    lacks: str | None


class Setting(Record):
    """A setting that hurts.

    Attributes:
        setting, value: its name and what it is.
        role: whose; None is everybody's.
        in_database: whether it is set for this database alone.
    """

    setting: str
    value: str
    role: str | None
    in_database: bool


@query("stats/limits.sql")
async def limit(db: Executor) -> bool:
    """Bound what follows in this transaction."""
    raise NotImplementedError


@query("stats/server.sql")
async def server(db: Executor) -> Server:
    """The server, the database and the role."""
    raise NotImplementedError


@query("stats/ours.sql")
async def ours(db: Executor) -> list[Known]:
    """The tables that there should be."""
    raise NotImplementedError


@query("stats/elsewhere.sql")
async def elsewhere(db: Executor) -> list[Schema]:
    """The schemas that have such tables, whether the search path leads to them or not."""
    raise NotImplementedError


@query("stats/settings.sql")
async def settings(db: Executor, *, tables: Sequence[int]) -> list[Setting]:
    """Settings that hurt those who write to the tables."""
    raise NotImplementedError


@query("stats/tables.sql")
async def tables(db: Executor, *, tables: Sequence[int]) -> list[Table]:
    """The tables, by their oids."""
    raise NotImplementedError


@query("stats/indexes.sql")
async def indexes(db: Executor, *, tables: Sequence[int]) -> list[Index]:
    """Their indexes."""
    raise NotImplementedError


@query("stats/extension.sql")
async def extension(db: Executor) -> Extension:
    """Whether pg_stat_statements can be read."""
    raise NotImplementedError


@query("stats/functions.sql")
async def functions(db: Executor, *, names: Sequence[str]) -> list[Function]:
    """What statements of these names have cost, and all others together."""
    raise NotImplementedError


@query("stats/applications.sql")
async def applications(db: Executor) -> list[Application]:
    """Who is connected."""
    raise NotImplementedError


@query("stats/waits.sql")
async def waits(db: Executor, *, names: Sequence[str]) -> list[Wait]:
    """Who waits for whom."""
    raise NotImplementedError


@query("stats/transactions.sql")
async def transactions(db: Executor, *, names: Sequence[str]) -> list[OpenTransaction]:
    """The oldest transactions."""
    raise NotImplementedError
