"""Maintenance of a database that has grown: archive, purge, erase, find orphans, and read stats.

For a service or a job; the commands `dal archive`, `dal purge`, `dal erase-user`, `dal orphans` and
`dal stats` call these. `stats` only reads. The others work in small batches, each a transaction of
its own: nothing holds a lock for long, two runs may work at once, and another run continues where
one has ended early. Their SQL is in sql/maintenance/ and sql/stats/.
"""

from dal.maintenance.batches import Progress
from dal.maintenance.erasure import erase_user
from dal.maintenance.orphans import Orphan, OrphanKind, delete_orphans, find_orphans
from dal.maintenance.overview import stats
from dal.maintenance.retention import archive_stale, purge_archived

__all__ = [
    "Orphan",
    "OrphanKind",
    "Progress",
    "archive_stale",
    "delete_orphans",
    "erase_user",
    "find_orphans",
    "purge_archived",
    "stats",
]
