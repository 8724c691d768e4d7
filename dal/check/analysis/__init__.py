"""Proves facts about a statement from its syntax tree and the schema, without a server.

For each returned column: whether it is never NULL, given the NOT NULL constraints that PostgreSQL
enforces and the behaviour of its built-in functions, operators and casts. For each table: whether
its rows belong to an owner whom the caller names. Keys, triggers and CHECKs are ignored, except
CHECKs that forbid NULL elements of an array; nothing is assumed about user-defined functions.

sqlglot's optimizer does not suffice: its scopes leave out what INSERT, UPDATE and DELETE read and
return, and the operands of an outer join; `qualify` rewrites the tree and loses the positions of
its parts; and nothing in it knows which functions are strict.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from dal.check.analysis.queries import StatementAnalysis, Unanalysed
from dal.check.analysis.values import Value, unproven
from dal.check.schema import Schema, Table

_FOLLOWED = (exp.Query, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Copy)


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is proven about a statement.

    Attributes:
        columns: the columns that it returns, by PostgreSQL's names.
        never_empty: whether there is always at least one row.
        unfiltered: the tables whose rows may be anybody's, and their owner columns.
        bound: the other tables with an owner, and what it plainly equals.
        unanalysed: the parts whose rows can't be followed, with their names and reasons.
        writes: the values that it writes, with their tables and columns.
    """

    columns: list[tuple[str, Value]]
    never_empty: bool
    unfiltered: list[tuple[exp.Table, str]]
    bound: list[tuple[exp.Table, str]]
    unanalysed: list[Unanalysed]
    writes: list[tuple[Table, str, Value]]


def analyse(
    root: exp.Expr,
    names: Sequence[str],
    schema: Schema,
    owner_of: Callable[[str, Iterable[str]], str | None] = lambda *_: None,
    *,
    plain: bool = False,
) -> Analysis:
    """What a statement's syntax tree proves.

    Parameters:
        root: the tree.
        names: PostgreSQL's names of the columns that it returns.
        schema: tables, functions and types.
        owner_of: returns the column that holds the owner, by a table's name and columns.
        plain: whether a table's owner has to be equal to a value from the caller in so many words,
            as a planner needs it that tells the shard of a distributed table by it.
    """
    statement = StatementAnalysis(schema, owner_of, plain)
    result = statement.query(root, None, {})
    values = [value for _, value in result.items]
    if len(values) != len(names):
        values = [unproven("its columns can't be followed") for _ in names]
    if not isinstance(root, _FOLLOWED):
        statement.note(root, "statement", "statements of this kind are not analysed")
    statement.finish(root)
    nodes = {id(node): node for node in root.walk()}
    return Analysis(
        list(zip(names, values, strict=True)),
        result.never_empty,
        [
            (node, owner)
            for key, (owner, filtered, _) in statement.owner_filters.items()
            if not filtered and isinstance(node := nodes.get(key), exp.Table)
        ],
        [
            (node, bound_to)
            for key, (_, filtered, bound_to) in statement.owner_filters.items()
            if filtered and isinstance(node := nodes.get(key), exp.Table)
        ],
        [part for key, part in statement.unanalysed.items() if key in nodes],
        statement.writes,
    )
