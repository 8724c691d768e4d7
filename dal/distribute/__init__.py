"""Distributes tables over the nodes of a Citus cluster, by the owners of their rows.

Which tables these are, and which column is the owner, a project says; the statements are written by
the files of sql/distribute/. A run holds the lock of the migrations, and refuses what Citus would
refuse, or lose, before anything happens.
"""

from dal.distribute.citus_tables import distribution
from dal.distribute.plan import Moved, Plan
from dal.distribute.refusals import ClusterError, PendingError
from dal.distribute.run import apply, undo

__all__ = ["ClusterError", "Moved", "PendingError", "Plan", "apply", "distribution", "undo"]
