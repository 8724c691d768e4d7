"""What a DBA on call looks at first: size, cost, and findings with their remedies."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial

from dal import cluster
from dal.binding import Executor
from dal.database import Database
from dal.paths import SQL
from dal.stats import findings, queries, unseen
from dal.stats.part_reader import PartReader
from dal.stats.queries import Setting
from dal.stats.records import Count, Stats, StatsFinding, Unseen

__all__ = ["Count", "Stats", "StatsFinding", "Unseen", "read"]


async def read(db: Database, counts: Callable[[Executor], Awaitable[list[Count]]]) -> Stats:
    """Read the stats of a database; it changes nothing, and waits at most half a second for a lock.

    Parameters:
        db: the database.
        counts: reads the retention counts; a parameter, because dal.stats imports no domain types.

    Raises:
        DatabaseUnavailableError, ConnectionLostError, PoolTimeoutError: no answer came.
    """
    # Not under queries.limit: its statement_timeout would hide the server's own from settings.sql.
    async with db.transaction(isolation="read_committed", readonly=True) as tx:
        server = await queries.server(tx)
        known = await queries.dal_tables(tx)
        schemas = [schema.schema_name for schema in await queries.other_schemas(tx)]
        extension = await queries.extension(tx)
        oids = [table.oid for table in known if table.oid is not None]
        settings = await queries.settings(tx, tables=oids)
    reader = PartReader(db)
    reader.unseen += unseen.of_tables(known, schemas, server.role)
    reader.unseen += unseen.of_extension(extension)
    reader.unseen += unseen.of_server(server)
    distributed = await reader.part("distributed", cluster.distributed)
    reader.unseen += unseen.of_distributed(distributed or ())
    unseen_parts = {note.what for note in reader.unseen}
    names = [".".join(path.relative_to(SQL).with_suffix("").parts) for path in SQL.rglob("*.sql")]
    stats = Stats(
        server=server,
        tables=await reader.part("tables", partial(queries.tables, tables=oids), when=bool(oids)),
        distributed=distributed,
        indexes=await reader.part(
            "indexes", partial(queries.indexes, tables=oids), when=bool(oids)
        ),
        retention=await reader.part(
            "retention", counts, when=len(oids) == len(known) and "retention" not in unseen_parts
        ),
        functions=await reader.part(
            "functions",
            partial(queries.functions, names=names),
            when="functions" not in unseen_parts,
            update=unseen.UPDATE_EXTENSION,
        ),
        applications=await reader.part("applications", queries.applications),
        waits=await reader.part("waits", partial(queries.waits, names=names)),
        transactions=await reader.part("transactions", partial(queries.transactions, names=names)),
        findings=[],
        unseen=[],
    )
    ordered = sorted(_findings(stats, settings), key=lambda finding: finding.level != "alert")
    return stats.model_copy(update={"findings": ordered, "unseen": reader.unseen})


def _findings(stats: Stats, settings: Sequence[Setting]) -> Iterator[StatsFinding]:
    yield from findings.of_server(stats.server)
    for table in stats.tables or ():
        yield from findings.of_table(table, stats.server)
    for index in stats.indexes or ():
        yield from findings.of_index(index)
    for transaction in stats.transactions or ():
        yield from findings.of_transaction(transaction)
    yield from findings.of_waits(stats.waits or ())
    for setting in settings:
        yield from findings.of_setting(setting, stats.server.database)
