"""What a statement's syntax tree proves, given the schema: asks no server, runs nothing.

Of each column that it gives whether it is never NULL, by what PostgreSQL enforces of columns and by
what its own functions, operators and casts do; of each table that it names whether its rows are
those of an owner whom the caller names. Keys, CHECKs and triggers are not looked at, and a function
of the database's own proves nothing.

sqlglot's optimizer was looked at first: its scopes leave out what INSERT, UPDATE and DELETE see and
return, and the operands of an outer join; `qualify` rewrites the tree, and loses the places of its
parts; and nothing in it says which functions are strict.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from dal.check.analysis.queries import Doubt, StatementAnalysis
from dal.check.analysis.values import Value, unproven
from dal.check.schema import Schema, Table

_FOLLOWED = (exp.Query, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Copy)


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is proven of a statement.

    Attributes:
        columns: what it gives, each by the name that PostgreSQL has for it.
        never_empty: there is always at least one row.
        unfiltered: the tables whose rows may be anybody's, and the column that would say whose.
        doubts: the parts whose rows can't be followed, with what they are about, and why.
        writes: the values that it writes, each with its table and column.
    """

    columns: list[tuple[str, Value]]
    never_empty: bool
    unfiltered: list[tuple[exp.Table, str]]
    doubts: list[Doubt]
    writes: list[tuple[Table, str, Value]]


def analyse(
    root: exp.Expr,
    names: Sequence[str],
    schema: Schema,
    owner_of: Callable[[str, Iterable[str]], str | None] = lambda *_: None,
) -> Analysis:
    """What a statement's syntax tree proves.

    Parameters:
        root: the tree.
        names: the columns that it gives, as PostgreSQL calls them.
        schema: tables, functions and types.
        owner_of: the column that says whose a table's rows are, of its name and columns.
    """
    statement = StatementAnalysis(schema, owner_of)
    result = statement.query(root, None, {})
    values = [value for _, value in result.items]
    if len(values) != len(names):
        values = [unproven("its columns can't be followed") for _ in names]
    if not isinstance(root, _FOLLOWED):
        statement.doubt(root, "statement", "what it reads or changes can't be told")
    statement.finish(root)
    own = {id(node): node for node in root.walk()}
    return Analysis(
        list(zip(names, values, strict=True)),
        result.never_empty,
        [
            (node, owner)
            for key, (owner, filtered) in statement.demands.items()
            if not filtered and isinstance(node := own.get(key), exp.Table)
        ],
        [doubt for key, doubt in statement.doubts.items() if key in own],
        statement.writes,
    )
