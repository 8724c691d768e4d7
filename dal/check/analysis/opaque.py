"""Functions whose reads can't be followed: they may read any data, or are user-defined."""

import re
from collections.abc import Iterator

from sqlglot import exp

from dal.check.analysis.nodes import functions_in
from dal.check.schema.routines import Routine, Routines
from dal.check.tree import folded, qualified

# Functions that run SQL text, or read tables, large objects, files or the WAL.
_READ_ANY_DATA = re.compile(
    r"(query|table|schema|database|cursor)_to_xml(schema|_and_xmlschema)?|dblink\w*|ts_stat"
    r"|crosstab\w*|connectby|xpath_table|lo_\w+|pg_read_\w+|pg_logical_slot_\w+|ts_rewrite"
)
_USER_DEFINED = "{name}() is not built into PostgreSQL, and its body is not analysed"


def opaque_functions(root: exp.Expr, routines: Routines) -> Iterator[tuple[exp.Expr, str, str]]:
    """The calls of such functions, with their names and reasons."""
    for call, schema, name in functions_in(root.walk()):
        if _READ_ANY_DATA.fullmatch(name):
            yield call, qualified(schema, name), f"{name}() may read the data of any owner"
        elif any(not routine.builtin for routine in routines.functions(schema, name)):
            yield call, qualified(schema, name), _USER_DEFINED.format(name=name)
    for column in root.find_all(exp.Column):  # `t.f` is f(t) where t has no such column
        name = folded(column.this)
        candidates = routines.functions("", name) if column.table else []
        if any(_takes_a_row(routine, routines) for routine in candidates):
            yield column, name, _USER_DEFINED.format(name=name)


def _takes_a_row(routine: Routine, routines: Routines) -> bool:
    """Whether a user-defined function can be called with a row as its only argument."""
    count = len(routine.argument_types)
    if routine.builtin or not count - routine.defaults <= 1 <= count:
        return False
    first = routine.argument_types[0]
    return not (routines.types.scalar(first) or routines.types.element(first))
