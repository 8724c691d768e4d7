"""The functions, operators, casts and types of a database, read from its catalogue."""

from collections import defaultdict

import psycopg

from dal.check.schema.routines import Routine, Routines
from dal.check.schema.types import Type, Types

# PostgreSQL's own functions that only the server itself calls are left out.
_FUNCTIONS = """
    SELECT
        proname::text, nspname::text, nspname = ANY (current_schemas(true)), prokind::text,
        proisstrict, proretset, prorettype, proargtypes::text, pronargdefaults,
        provariadic <> 0,
        CASE prolang WHEN 12 THEN prosrc WHEN 14 THEN proname::text ELSE '' END
    FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
    WHERE prokind <> 'p' AND nspname <> 'information_schema'
      AND NOT (nspname = 'pg_catalog'
          AND (prorettype = 'internal'::regtype OR 'internal'::regtype = ANY (proargtypes::oid[])
              OR proname ~ '^(binary_upgrade_|pg_stat_get_)'))
"""
_OPERATORS = """
    SELECT
        oprname::text, nspname::text, nspname = ANY (current_schemas(true)), oprleft, oprright,
        oprresult, proisstrict, pronamespace = 'pg_catalog'::regnamespace,
        CASE prolang WHEN 12 THEN prosrc WHEN 14 THEN proname::text ELSE '' END
    FROM pg_operator
    JOIN pg_namespace ON pg_namespace.oid = oprnamespace
    JOIN pg_proc ON pg_proc.oid = oprcode
"""
_CASTS = """
    SELECT
        castsource, casttarget, castcontext = 'i', proisstrict,
        pronamespace = 'pg_catalog'::regnamespace,
        CASE prolang WHEN 12 THEN prosrc WHEN 14 THEN proname::text ELSE '' END
    FROM pg_cast LEFT JOIN pg_proc ON pg_proc.oid = castfunc
"""
_TYPES = """
    SELECT
        pg_type.oid, typname::text, nspname::text, typtype::text, typbasetype,
        CASE WHEN typcategory = 'A' THEN typelem ELSE 0 END, typarray,
        pg_type_is_visible(pg_type.oid), typcategory::text, typispreferred
    FROM pg_type JOIN pg_namespace ON pg_namespace.oid = typnamespace
"""


def read_routines(connection: psycopg.Connection) -> Routines:
    """All functions, operators, casts and types."""
    functions: dict[str, list[Routine]] = defaultdict(list)
    for name, schema, visible, *rest in connection.execute(_FUNCTIONS).fetchall():
        kind, strict, set_returning, result_type, argument_types, *others = rest
        formal, builtin = tuple(map(int, argument_types.split())), schema == "pg_catalog"
        functions[name].append(
            Routine(
                schema, visible, kind, builtin, strict, set_returning, formal, result_type, *others
            )
        )
    operators: dict[str, list[Routine]] = defaultdict(list)
    for name, schema, visible, left, right, *rest in connection.execute(_OPERATORS).fetchall():
        result_type, strict, builtin, source = rest
        formal = (left, right) if left else (right,)
        operators[name].append(
            Routine(
                schema, visible, "f", builtin, strict, False, formal, result_type, 0, False, source
            )
        )
    casts: dict[tuple[int, int], Routine | None] = {}
    implicit: set[tuple[int, int]] = set()
    for source_type, target_type, is_implicit, *rest in connection.execute(_CASTS).fetchall():
        implicit |= {(source_type, target_type)} if is_implicit else set()
        strict, builtin, source = rest
        routine = Routine(
            "", True, "f", builtin, strict, False, (source_type,), target_type, 0, False, source
        )
        casts[source_type, target_type] = routine if source else None
    types = {oid: Type(*rest) for oid, *rest in connection.execute(_TYPES).fetchall()}
    return Routines(functions, operators, casts, Types(types, implicit))
