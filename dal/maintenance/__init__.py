"""Care for a database that has grown: archive, purge, erase, look for orphans, and see how it is.

For a service or a job; the commands `dal archive`, `dal purge`, `dal erase-user`, `dal orphans` and
`dal stats` are a few lines over these. `stats` only looks. The others work in small batches, each a
transaction of its own: nothing holds a lock for long, two runs may work at once, and another run
goes on where one has ended early. Their SQL is in sql/maintenance/ and sql/stats/.
"""

from dal.maintenance.erasure import erase_user
from dal.maintenance.orphans import Orphan, OrphanKind, delete_orphans, find_orphans
from dal.maintenance.overview import stats
from dal.maintenance.progress import Progress
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
