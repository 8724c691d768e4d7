"""The open databases of this process."""

import os
from typing import TYPE_CHECKING
from weakref import ref

from dal.database.calls import watchers
from dal.database.slow import log_slow

if TYPE_CHECKING:
    from dal.database.database import Database

_opened: "set[ref[Database]]" = set()
os.register_at_fork(after_in_child=_opened.clear)  # they are the parent's


def open_databases() -> "list[Database]":
    """The open databases; any thread may call this."""
    return [db for db in (reference() for reference in tuple(_opened)) if db]


def register(db: "Database") -> None:
    """Add a database, and watch its calls if it has a limit for slow ones."""
    _opened.add(ref(db, _opened.discard))
    if db.slow_call:
        watchers.append(log_slow)


def unregister(db: "Database") -> None:
    """Undo `register`."""
    _opened.discard(ref(db))
    if db.slow_call:
        watchers.remove(log_slow)
