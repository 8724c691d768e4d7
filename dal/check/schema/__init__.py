"""A database's schema as the analysis sees it: data that is read once, and asks no server."""

from dal.check.schema.tables import Column, Schema, Table

__all__ = ["Column", "Schema", "Table"]
