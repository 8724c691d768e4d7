"""A Citus cluster, where DAL_TEST_CITUS has a coordinator's URL; else its tests are none."""

from collections.abc import Iterator

import pytest

from tests.distribute.cluster import CITUS, Cluster

collect_ignore = [] if CITUS else ["test_cluster.py", "test_refused_there.py", "test_commands.py"]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A fresh database on all nodes, migrated."""
    assert CITUS
    with Cluster.like(CITUS) as cluster:
        yield cluster
