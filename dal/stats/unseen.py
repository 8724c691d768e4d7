"""What the stats can't show of a database, why, and the command that would change that."""

from collections.abc import Iterator, Sequence

from dal.cluster import Distributed
from dal.stats.findings import quoted
from dal.stats.queries import DalTable, Extension
from dal.stats.records import Server, Unseen

UPDATE_EXTENSION = "ALTER EXTENSION pg_stat_statements UPDATE;"
"""The remedy where the extension is older than the server, as after an upgrade."""


def of_server(server: Server) -> Iterator[Unseen]:
    """What the role, the server's settings or a standby hide."""
    if not server.sees_everyone:
        yield Unseen(
            what="other roles' sessions and statements",
            why=f"{server.role} sees its own alone",
            remedy=f"GRANT pg_monitor TO {quoted(server.role)};",
        )
    if not server.counting:
        yield Unseen(
            what="what sessions and tables do",
            why="track_counts or track_activities is off",
            remedy="ALTER SYSTEM SET track_counts = on; ALTER SYSTEM SET track_activities = on;"
            " SELECT pg_reload_conf();",
        )
    if server.standby:
        yield Unseen(
            what="writes, dead rows and vacuums",
            why="a standby keeps its own counters",
            remedy="ask the primary",
        )


def of_tables(known: Sequence[DalTable], schemas: Sequence[str], role: str) -> Iterator[Unseen]:
    """Tables that are absent, or that this role can't read."""
    absent = [table.name for table in known if table.oid is None]
    if absent and schemas:
        yield Unseen(
            what=f"tables {', '.join(absent)}",
            why=f"the tables are in schema {', '.join(schemas)}, which is not on {role}'s"
            " search_path",
            remedy=f"GRANT USAGE ON SCHEMA {quoted(schemas[0])} TO {quoted(role)};"
            f" ALTER ROLE {quoted(role)} SET search_path = {quoted(schemas[0])};",
        )
    elif absent:
        yield Unseen(
            what=f"tables {', '.join(absent)}",
            why="the database is not migrated, or not this far",
            remedy="dal migrate",
        )
    for table in known:
        if table.missing_grant:
            yield Unseen(
                what="retention",
                why=f"{role} may not read all of {table.name}",
                remedy=table.missing_grant,
            )
    remedies = [table.missing_widths_grant for table in known if table.missing_widths_grant]
    if remedies:
        yield Unseen(
            what="how full indexes are",
            why=f"{role} may not read all columns that they are on",
            remedy=" ".join(dict.fromkeys(remedies)),
        )


def of_extension(extension: Extension) -> Iterator[Unseen]:
    """pg_stat_statements, if it can't be read."""
    steps = []
    if not extension.available:
        steps.append("install PostgreSQL's contrib package;")
    if not extension.loaded:
        steps.append("add pg_stat_statements to shared_preload_libraries, and restart the server;")
    if not extension.created:
        steps.append("CREATE EXTENSION pg_stat_statements;")
    if extension.missing_grant:
        steps.append(extension.missing_grant)
    if steps:
        yield Unseen(
            what="functions",
            why="pg_stat_statements is not there, or not for this role",
            remedy=" ".join(steps),
        )


def of_distributed(tables: Sequence[Distributed]) -> Iterator[Unseen]:
    """What the coordinator knows nothing of."""
    if tables:
        yield Unseen(
            what="rows, sizes and vacuums of distributed tables",
            why="they are on the nodes that have the shards",
            remedy="SELECT * FROM citus_tables;",
        )
        yield Unseen(
            what="retention",
            why="it would be counted on every shard",
            remedy="dal archive --dry-run; dal purge --dry-run --archived-for 90d",
        )
