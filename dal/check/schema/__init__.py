"""A database's schema for the analysis: data that is read once and needs no server."""

from dal.check.schema.tables import Column, Schema, Table

__all__ = ["Column", "Schema", "Table"]
