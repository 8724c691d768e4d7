"""What each statement reads does not grow with what there is, whichever plan it gets."""

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from dal.binding.query import Binding
from tests.check.skew import OWNERS, SQL, STATEMENTS, Owner, bounds, calls, touched
from tests.servers import Postgres, database_name

pytestmark = pytest.mark.slow

LOOKED_UP = 2  # rows that the planner itself may look at, at the ends of an index, to estimate by


@pytest.fixture(scope="module")
def databases(postgres: Postgres, migrated_template: str) -> Iterator[dict[str, str]]:
    """The same rows, with statistics and without."""
    with ExitStack() as stack:
        fresh = postgres.create(migrated_template)
        stack.callback(postgres.drop, fresh)
        with psycopg.connect(fresh, autocommit=True) as connection:
            connection.execute(SQL.encode())
        analysed = postgres.create(database_name(fresh))
        stack.callback(postgres.drop, analysed)
        with psycopg.connect(analysed, autocommit=True) as connection:
            connection.execute("ANALYZE users, tasks, conversations, messages")
        yield {"never analysed": fresh, "analysed": analysed}


@pytest.mark.parametrize("owner", OWNERS, ids=lambda owner: owner.user_id)
def test_every_statement_has_a_bound(owner: Owner) -> None:
    assert bounds(owner).keys() == STATEMENTS.keys()


@pytest.mark.parametrize("statistics", ["never analysed", "analysed"])
@pytest.mark.parametrize("generic", [True, False], ids=["generic", "custom"])
@pytest.mark.parametrize("binding", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_a_statement_keeps_within_its_bound(
    databases: dict[str, str], binding: Binding, generic: bool, statistics: str
) -> None:
    beyond = {}
    with psycopg.connect(databases[statistics], autocommit=True) as connection:
        for owner in OWNERS:
            bound = bounds(owner)[binding.statement.name]
            for page, values in enumerate(calls(binding, owner)):
                found = touched(connection, binding, values, generic=generic)
                if excess := found.beyond(bound, LOOKED_UP):
                    beyond[owner.user_id, page] = excess
    assert beyond == {}
