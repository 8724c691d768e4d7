"""Binding: a SQL file and a typed stub become one async function.

`query` binds dal's own files; a service binds its own with `Queries(folder)`.
"""

from dal.binding.arguments import Columns, Fields, SentAs
from dal.binding.errors import BindingError
from dal.binding.json_columns import JsonColumn
from dal.binding.malformed import skipping_malformed_rows
from dal.binding.queries import Queries
from dal.database.executor import Executor
from dal.paths import SQL

__all__ = [
    "BindingError",
    "Columns",
    "Executor",
    "Fields",
    "JsonColumn",
    "Queries",
    "SentAs",
    "query",
    "skipping_malformed_rows",
]

query = Queries(SQL)
