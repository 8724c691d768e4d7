"""What a statement's syntax tree proves, given the schema: asks no server, runs nothing.

Of each column that it gives whether it is never NULL, by what PostgreSQL enforces of columns and by
what its own functions, operators and casts do; of each table that it names whether its rows are
those of an owner whom the caller names. Keys, CHECKs and triggers are not looked at, and a function
of the database's own proves nothing.

sqlglot's optimizer was looked at first: its scopes leave out what INSERT, UPDATE and DELETE see and
return, and the operands of an outer join; `qualify` rewrites the tree, and loses the places of its
parts; and nothing in it says which functions are strict.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from dal.check.analysis.kinds import functions_in
from dal.check.analysis.queries import StatementAnalysis
from dal.check.analysis.values import Value, unproven
from dal.check.schema import Schema, Table
from dal.check.schema.routines import Routine
from dal.check.tree import folded

# What runs a text as SQL, or gives whole tables away by their names.
_RUN_TEXT = re.compile(
    r"(query|table|schema|database|cursor)_to_xml(schema|_and_xmlschema)?|dblink\w*|ts_stat"
    r"|crosstab\w*|connectby|xpath_table|lo_\w+|pg_read_\w+|pg_logical_slot_\w+|ts_rewrite"
)
_FOLLOWED = (exp.Query, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Copy)


def _takes_a_row(routine: Routine, schema: Schema) -> bool:
    types = schema.routines.types
    alone = not routine.own and len(routine.takes) - routine.defaults <= 1 <= len(routine.takes)
    return alone and not (types.scalar(routine.takes[0]) or types.element(routine.takes[0]))


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is proven of a statement.

    Attributes:
        columns: what it gives, each by the name that PostgreSQL has for it.
        never_empty: there is always at least one row.
        unfiltered: the tables whose rows may be anybody's, and the column that would say whose.
        doubts: the parts whose rows can't be followed, and why.
        writes: the values that it writes, each with its table and column.
    """

    columns: list[tuple[str, Value]]
    never_empty: bool
    unfiltered: list[tuple[exp.Table, str]]
    doubts: list[tuple[exp.Expr, str]]
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
        statement.doubt(root, "what it reads or changes can't be told")
    for function, schema_name, name in functions_in(root.walk()):
        meant = schema.routines.functions(schema_name, name)
        if _RUN_TEXT.fullmatch(name):
            statement.doubt(function, f"{name}() runs what can't be told")
        elif any(not routine.own for routine in meant):
            statement.doubt(function, f"{name}() is the database's own, and not read")
    for column in root.find_all(exp.Column):  # `t.f` is f(t) where t has no such column
        meant = schema.routines.functions("", folded(column.this)) if column.table else []
        if any(_takes_a_row(routine, schema) for routine in meant):
            statement.doubt(column, f"{column.name}() is the database's own, and not read")
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
        [(node, reason) for key, (node, reason) in statement.doubts.items() if key in own],
        statement.writes,
    )
