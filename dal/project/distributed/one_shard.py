"""Optional rule: a statement is one shard's, where the tables are distributed by their owners.

Citus sends it to one node if each table has a plain equality of its owner with one parameter or
constant, or with such a column of the same FROM. All else it may send to every shard.
"""

from collections.abc import Iterator

from sqlglot import exp

from dal.check.findings import Finding
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.check.tree import start, table_name
from dal.project.distributed.inserts import volatile_call
from dal.project.distributed.update_types import target
from dal.source.waivers import waivers

_RULE = "one-shard"
_OR_WAIVE = ", or write `-- Waives one-shard: the reason.` in the header comment"


def one_shard(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """Tables that are read or changed on more shards than one owner's."""
    if not catalog.owners:
        return
    if statement.has_plan and (shards := statement.plan.shards) > 1:
        message = f"Citus sends it to {shards} shards"
        help_ = f"add owner = :owner to each query{_OR_WAIVE}"
        yield statement.finding(_RULE, statement.beginning, message, help_)
    plain, known = statement.plain_analysis, _reported_already(statement)
    for table, owner in plain.unfiltered:
        if id(table) not in known:
            yield _finding(statement, table, *_reason(table, owner))
    for part, name, _ in plain.unanalysed:
        if id(part) not in known:
            message = f"{name} may be read on every shard: its query hides whose rows they are"
            yield _finding(statement, part, message, f"read its tables instead{_OR_WAIVE}")
    yield from _several_owners(statement, plain.bound)
    bound = {id(table) for table, _ in plain.bound}
    for insert in statement.tree.find_all(exp.Insert):
        into = target(insert)
        if id(into) in bound and (function := volatile_call(insert, into, catalog)):
            yield _finding(
                statement,
                into,
                f"{function} is VOLATILE, so the rows come by way of the coordinator, mostly"
                " in a two-phase commit",
                f"pass the value as a parameter, or use now(){_OR_WAIVE}",
            )


def _finding(statement: BoundStatement, part: exp.Expr, message: str, help_: str) -> Finding:
    about = table_name(part) if isinstance(part, exp.Table) else None
    return statement.finding(_RULE, statement.offset_of(part), message, help_, about)


def _reported_already(statement: BoundStatement) -> set[int]:
    """The parts that other rules report, and that no header comment lets pass."""
    waived = [
        waiver.object for waiver in waivers(statement.header)[0] if waiver.rule == "owner-filter"
    ]
    return {
        *(id(part) for part, _, _ in statement.analysis.unanalysed),
        *(
            id(table)
            for table, _ in statement.analysis.unfiltered
            if not {None, table_name(table)}.intersection(waived)
        ),
    }


def _reason(table: exp.Table, owner: str) -> tuple[str, str]:
    insert = table.find_ancestor(exp.Insert, exp.Query)
    if isinstance(insert, exp.Insert) and target(insert) is table:
        if isinstance(insert.args.get("expression"), exp.Values):
            return (
                f"{owner} is not the same plain parameter in all rows, so they may be of several"
                " shards",
                f"write VALUES (:owner, ...), and call it once for each owner{_OR_WAIVE}",
            )
        return (
            f"{owner} is no column of a table that is bound to one owner, so the rows come by way"
            " of the coordinator, mostly in a two-phase commit",
            "read it from the column of a table in the same query, where that is = :owner"
            f"{_OR_WAIVE}",
        )
    return (
        f"{owner} is not plainly equal to one value, so all shards may be read or changed",
        f"add {owner} = :owner to this very query; a list, (SELECT :owner) or another query's"
        f" condition does not tell the shard{_OR_WAIVE}",
    )


def _several_owners(
    statement: BoundStatement, bound: list[tuple[exp.Table, str]]
) -> Iterator[Finding]:
    """Tables that are bound to another value than the first one is."""
    names = statement.binding.statement.parameters

    def shown(value: str) -> str:
        return f":{names[int(value[1:]) - 1]}" if value.startswith("$") else value

    ordered = sorted(bound, key=lambda pair: start(pair[0]) or 0)
    for table, value in ordered[1:]:
        first, other = ordered[0]
        if value != other:
            yield _finding(
                statement,
                table,
                f"the rows of {shown(value)} are on another shard than those of {shown(other)},"
                f" by which {table_name(first)} is read",
                f"use the same parameter{_OR_WAIVE}",
            )
