"""The statements in sql/stats/. They read the catalogue, statistics views and index ranges."""

from collections.abc import Sequence

from dal.binding import Executor, query
from dal.record import Record
from dal.stats.records import (
    Application,
    Index,
    OpenTransaction,
    Server,
    StatementCost,
    Table,
    Wait,
)


class DalTable(Record):
    """One of dal's tables, whether it exists or not.

    Attributes:
        oid: None where the table is not on the search path.
        missing_grant: the command that would let the role count its rows; None where it can.
        missing_widths_grant: the command for the widths of its indexed columns, likewise.
    """

    name: str
    oid: int | None
    missing_grant: str | None
    missing_widths_grant: str | None


class Schema(Record):
    """A schema that has tables of dal's."""

    schema_name: str


class Extension(Record):
    """Whether pg_stat_statements is installed.

    Attributes:
        available, loaded, created: on the server's disk, in its memory, and in this database.
        missing_grant: the command that would let the role read it; None where it may.
    """

    available: bool
    loaded: bool
    created: bool
    missing_grant: str | None


class Setting(Record):
    """A harmful setting.

    Attributes:
        setting, value: its name and value.
        role: the role that has it; None means all roles.
        in_database: whether it is set for this database alone.
    """

    setting: str
    value: str
    role: str | None
    in_database: bool


@query("stats/limits.sql")
async def limit(db: Executor) -> bool:
    """Limit the time of the statements that follow in this transaction."""
    raise NotImplementedError


@query("stats/server.sql")
async def server(db: Executor) -> Server:
    """The server, the database and the role."""
    raise NotImplementedError


@query("stats/dal_tables.sql")
async def dal_tables(db: Executor) -> list[DalTable]:
    """dal's tables."""
    raise NotImplementedError


@query("stats/other_schemas.sql")
async def other_schemas(db: Executor) -> list[Schema]:
    """The schemas with tables of dal's that the role's search path does not lead to."""
    raise NotImplementedError


@query("stats/settings.sql")
async def settings(db: Executor, *, tables: Sequence[int]) -> list[Setting]:
    """Harmful settings of roles that may write to the tables."""
    raise NotImplementedError


@query("stats/tables.sql")
async def tables(db: Executor, *, tables: Sequence[int]) -> list[Table]:
    """The tables, by their oids."""
    raise NotImplementedError


@query("stats/indexes.sql")
async def indexes(db: Executor, *, tables: Sequence[int]) -> list[Index]:
    """The indexes of the tables, by the tables' oids."""
    raise NotImplementedError


@query("stats/extension.sql")
async def extension(db: Executor) -> Extension:
    """Whether pg_stat_statements can be read."""
    raise NotImplementedError


@query("stats/functions.sql")
async def functions(db: Executor, *, names: Sequence[str]) -> list[StatementCost]:
    """The cost of the statements with these names, and of all others together."""
    raise NotImplementedError


@query("stats/applications.sql")
async def applications(db: Executor) -> list[Application]:
    """The sessions of each application."""
    raise NotImplementedError


@query("stats/waits.sql")
async def waits(db: Executor, *, names: Sequence[str]) -> list[Wait]:
    """The sessions that wait for a lock, with those that they wait for."""
    raise NotImplementedError


@query("stats/transactions.sql")
async def transactions(db: Executor, *, names: Sequence[str]) -> list[OpenTransaction]:
    """The oldest transactions."""
    raise NotImplementedError
