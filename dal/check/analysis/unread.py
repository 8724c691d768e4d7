"""Functions whose rows can't be followed: they run a text, or are the database's own."""

import re
from collections.abc import Iterator

from sqlglot import exp

from dal.check.analysis.kinds import functions_in
from dal.check.schema.routines import Routine, Routines
from dal.check.tree import folded, qualified

# What runs a text as SQL, or gives whole tables away by their names.
_RUN_TEXT = re.compile(
    r"(query|table|schema|database|cursor)_to_xml(schema|_and_xmlschema)?|dblink\w*|ts_stat"
    r"|crosstab\w*|connectby|xpath_table|lo_\w+|pg_read_\w+|pg_logical_slot_\w+|ts_rewrite"
)


def unread_functions(root: exp.Expr, routines: Routines) -> Iterator[tuple[exp.Expr, str, str]]:
    """Each call of such a function, its name, and why it is one."""
    for call, schema, name in functions_in(root.walk()):
        if _RUN_TEXT.fullmatch(name):
            yield call, qualified(schema, name), f"{name}() runs what can't be told"
        elif any(not routine.own for routine in routines.functions(schema, name)):
            yield call, qualified(schema, name), f"{name}() is the database's own, and not read"
    for column in root.find_all(exp.Column):  # `t.f` is f(t) where t has no such column
        name = folded(column.this)
        meant = routines.functions("", name) if column.table else []
        if any(_takes_a_row(routine, routines) for routine in meant):
            yield column, name, f"{name}() is the database's own, and not read"


def _takes_a_row(routine: Routine, routines: Routines) -> bool:
    """Whether a function of the database's own can be called with a row alone."""
    if routine.own or not len(routine.takes) - routine.defaults <= 1 <= len(routine.takes):
        return False
    first = routine.takes[0]
    return not (routines.types.scalar(first) or routines.types.element(first))
