"""What an INSERT ... SELECT computes anew for each row."""

from sqlglot import exp

from dal.check.analysis.nodes import functions_in
from dal.check.dialect import parsed
from dal.check.server.catalog import Catalog
from dal.check.tree import folded

_DEFAULTS = """
    SELECT
        attname::text,
        CASE WHEN attidentity = '' THEN pg_get_expr(adbin, adrelid) ELSE 'nextval()' END
    FROM pg_attribute
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = to_regclass(%s) AND attnum > 0 AND attgenerated = ''
      AND (adbin IS NOT NULL OR attidentity <> '')
"""
_VOLATILE = "SELECT proname::text FROM pg_proc WHERE provolatile = 'v' AND proname = ANY (%s)"


def volatile_call(insert: exp.Expr, table: exp.Expr, catalog: Catalog) -> str | None:
    """The VOLATILE function that an INSERT ... SELECT calls, itself or by a default.

    With one, Citus does not leave the whole of it to a shard.

    Parameters:
        insert: the INSERT.
        table: the table that it writes to.
        catalog: the schema.
    """
    source = insert.args.get("expression")
    if source is None or isinstance(source, exp.Values):
        return None
    own = source.copy()
    own.set("with_", None)
    called = {name: f"{name}()" for _, _, name in functions_in(own.walk())}
    named = insert.this.expressions if isinstance(insert.this, exp.Schema) else ()
    given = {folded(column) for column in named}
    name = exp.table_(folded(table.this), folded(table.args.get("db")) or None, quoted=True)
    for column, default in catalog.connection.execute(_DEFAULTS, [name.sql("postgres")]):
        if given and column not in given:
            for _, _, function in functions_in(parsed(f"SELECT {default}").walk()):
                called[function] = f"{function}(), the default of {column},"
    rows = catalog.connection.execute(_VOLATILE, [[*called]]).fetchall()
    return called[min(rows)[0]] if rows else None
