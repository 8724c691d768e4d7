"""Compares annotations with PostgreSQL's types."""

from dal.check.types.annotations import shown
from dal.check.types.fields import Field, fields
from dal.check.types.fit import Verdict, fit, labels_of, optional, parameters
from dal.check.types.members import Use
from dal.check.types.pgtypes import Kind, PgType

__all__ = [
    "Field",
    "Kind",
    "PgType",
    "Use",
    "Verdict",
    "fields",
    "fit",
    "labels_of",
    "optional",
    "parameters",
    "shown",
]
