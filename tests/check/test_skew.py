"""What each statement reads does not grow with what there is, whichever plan it gets."""

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

import dal
from dal.binding import query
from dal.binding.query import Binding
from tests.check.skew import OWNERS, SQL, Owner, Touched, calls, touched
from tests.servers import Postgres, database_name

pytestmark = pytest.mark.slow

MODULES = (dal.users, dal.tasks, dal.conversations, dal.messages)
STATEMENTS = {
    binding.statement.name: binding
    for binding in query.bindings
    if f"dal.{binding.statement.name.partition('.')[0]}" in {one.__name__ for one in MODULES}
}
LOOKED_UP = 2  # rows that the planner itself may look at, at the ends of an index, to estimate by


def bounds(owner: Owner) -> dict[str, Touched]:
    """The most that each statement may read, of rows and pages; a page has 20 rows.

    A table of which one user owns most is read from end to end to delete that: hence twice.
    """
    conversations, messages = 2 * owner.conversations, 2 * owner.messages
    tasks = conversations
    return {
        "users.ensure": Touched(10, users=1),
        "users.get": Touched(10, users=1),
        "users.erase": Touched(
            50 + 2 * (tasks + conversations + messages), 1, tasks, conversations, messages
        ),
        "users.delete": Touched(10, 1, tasks, conversations, messages),
        "conversations.create": Touched(40, users=1, conversations=1),
        "conversations.get": Touched(10, conversations=1),
        "conversations.get_with_messages": Touched(40, conversations=1, messages=20),
        "conversations.list_for_user": Touched(40, conversations=20),
        "conversations.list_for_user_by_status": Touched(40, conversations=20),
        "conversations.touch": Touched(40, conversations=1),
        "conversations.archive": Touched(40, conversations=1),
        "conversations.restore": Touched(40, conversations=1),
        "conversations.delete": Touched(10, conversations=1, messages=2 * owner.talk),
        "messages.create": Touched(80, conversations=2),
        "messages.create_many": Touched(120, conversations=4, messages=3),
        "messages.create_and_history": Touched(100, conversations=4, messages=20),
        "messages.get": Touched(10, messages=1),
        "messages.history": Touched(40, messages=20),
        "messages.stream": Touched(40, messages=20),
        "messages.count": Touched(10 + owner.talk // 20, messages=owner.talk),
        "tasks.create": Touched(40, users=1, tasks=1),
        "tasks.create_many": Touched(100, users=3, tasks=3),
        "tasks.get": Touched(10, tasks=1),
        "tasks.list_for_user": Touched(40, tasks=20),
        "tasks.list_for_user_by_completed": Touched(40, tasks=20),
        "tasks.update": Touched(40, tasks=1),
        "tasks.complete": Touched(40, tasks=1),
        "tasks.reopen": Touched(40, tasks=1),
        "tasks.delete": Touched(10, tasks=1),
    }


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
