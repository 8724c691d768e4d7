"""Whose rows a statement reads or changes, proven from its syntax tree."""

from dal.check.owners.unfiltered import Unfiltered

__all__ = ["Unfiltered"]
