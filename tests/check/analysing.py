"""The analysis of statements alone, over the schema of a real server."""

import psycopg

from dal.check.analysis import Analysis, analyse
from dal.check.analysis.syntax import item_names
from dal.check.analysis.values import Value
from dal.check.dialect import parsed
from dal.check.schema import Schema
from dal.check.server.tables import read_schema


def analysed(sql: str, schema: Schema) -> Analysis:
    """What is proven of a statement."""
    root = parsed(sql)
    return analyse(root, item_names(root), schema)


def columns(sql: str, schema: Schema | psycopg.Connection) -> list[tuple[str, Value]]:
    """What is proven of each column that a statement gives, by the name that it gives it."""
    return analysed(sql, schema if isinstance(schema, Schema) else read_schema(schema)).columns
