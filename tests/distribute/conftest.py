"""A Citus cluster, where DAL_TEST_CITUS has a coordinator's URL; else its tests are none."""

from collections.abc import Iterator

import pytest

from tests.distribute.cluster import CITUS, Cluster

_ON_A_CLUSTER = [
    "test_cluster.py",
    "test_commands.py",
    "test_nodes.py",
    "test_refused_there.py",
    "test_statements.py",
]
collect_ignore = [] if CITUS else _ON_A_CLUSTER


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A fresh database on all nodes, migrated."""
    assert CITUS
    with Cluster.like(CITUS) as cluster:
        yield cluster
