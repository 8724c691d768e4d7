"""Optional rules: what a statement needs where its tables are distributed (Citus).

They are told from a statement's text, without a cluster.
"""

from dal.check.project import Rule
from dal.project.distributed.one_shard import one_shard
from dal.project.distributed.refused import refused
from dal.project.distributed.volatile import volatile

DISTRIBUTED = (
    Rule(one_shard, "one-shard"),
    Rule(refused, "refused-by-citus"),
    Rule(volatile, "volatile-in-update"),
)
"""The rules for distributed tables."""
