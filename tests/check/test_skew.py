"""What each statement reads does not grow with what there is, whichever plan it gets."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from itertools import product
from typing import TypeAlias

import psycopg
import pytest

from dal.binding.binding import Binding
from dal.testing.server import Postgres, database_name
from tests.check.reads import STATEMENTS, bounds, calls, reads
from tests.check.skew import TWO, Data, skewed

DATA = {
    "every day": skewed(3_000, 8_000, 3_000, archived=4_000),
    "few owners": skewed(10_000, 8_000, 10, idle=2_000, talker="collector"),
    "one long conversation": replace(skewed(25_000, 500, 30, talker="collector"), slack=2_200),
    "two conversations": TWO,
    "many users": skewed(1_000, 20_000, 100_000, archived=10_000),
    "large": skewed(300_000, 50_000, 20_000, archived=25_000),
}
TABLES = "users, tasks, conversations, messages"
# What is done to the tables while they are empty, and when they are filled.
STATES = {
    "never analysed": ("", ""),
    "analysed": ("", f"ANALYZE {TABLES}"),
    "vacuumed": ("", f"VACUUM {TABLES}"),
    "analysed and vacuumed": ("", f"VACUUM (ANALYZE) {TABLES}"),
    "analysed while empty": (f"ANALYZE {TABLES}", ""),
}
LARGE = ("never analysed", "analysed", "analysed and vacuumed")
DAILY = [
    ("every day", "analysed and vacuumed"),
    ("few owners", "analysed and vacuumed"),
]


Database: TypeAlias = Callable[[Data, str], psycopg.Connection]


@pytest.fixture(scope="module")
def new_database(dal_server: Postgres, dal_template: str) -> Iterator[Database]:
    """A connection to a new database of some data in some state."""
    with ExitStack() as stack:

        def copy(template: str, *statements: str) -> str:
            url = dal_server.create(template)
            stack.callback(dal_server.drop, url)
            # Only a row whose commit is on the disk is visible to all, as VACUUM sees it.
            options = "-c synchronous_commit=on"
            with psycopg.connect(url, autocommit=True, options=options) as connection:
                for statement in statements:
                    connection.execute(statement.encode())
            return url

        @cache
        def filled(data: Data, before: str) -> str:
            return database_name(copy(dal_template, before, data.sql))

        def connection(data: Data, state: str) -> psycopg.Connection:
            before, after = STATES[state]
            url = copy(filled(data, before), after, after)  # the first one's commit is on the disk
            connection = stack.enter_context(psycopg.connect(url, autocommit=True))
            # What a connection reads of the catalogue it reads the first time only.
            for binding in STATEMENTS.values():
                reads(connection, binding, next(calls(binding, data.owners[-1])), generic=True)
            return connection

        yield connection


@pytest.fixture(scope="module")
def database(new_database: Database) -> Database:
    """The same, but a database that has been made is shared by all tests."""
    return cache(new_database)


def test_a_vacuumed_table_is_visible_to_all(database: Database) -> None:
    tables = database(DATA["every day"], "analysed and vacuumed").execute(
        "SELECT relallvisible = relpages FROM pg_class WHERE relname = ANY (%s)",
        [TABLES.split(", ")],
    )
    assert tables.fetchall() == [(True,)] * 4


@pytest.mark.parametrize("data", DATA)
def test_every_statement_has_a_bound(data: str) -> None:
    for owner in DATA[data].owners:
        assert bounds(DATA[data], owner).keys() == STATEMENTS.keys()


@pytest.mark.parametrize(
    ("data", "state"),
    [
        pytest.param(data, state, marks=() if (data, state) in DAILY else pytest.mark.slow)
        for data, state in product(DATA, STATES)
        if DATA[data].rows < 100_000 or state in LARGE
    ],
)
@pytest.mark.parametrize("generic", [True, False], ids=["generic", "custom"])
@pytest.mark.parametrize("binding", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_a_statement_keeps_within_its_bound(
    database: Database, binding: Binding, generic: bool, data: str, state: str
) -> None:
    rows, name = DATA[data], binding.statement.name
    if name in rows.unbounded:
        pytest.skip("it may look at every row")
    if name.startswith("maintenance.") and "ANALYZE" not in STATES[state][1]:
        pytest.skip("what is done by the month may count on statistics")
    beyond = {}
    for owner in rows.owners:
        bound = bounds(rows, owner)[name]
        for page, values in enumerate(calls(binding, owner)):
            # Now and then one also clears away what undone statements left; the next does not.
            excess = {}
            for _ in range(2):
                counted = reads(database(rows, state), binding, values, generic=generic)
                excess = counted.beyond(bound, rows.slack)
                if not excess:
                    break
            if excess:
                beyond[owner.user_id, page] = excess
    assert beyond == {}


@pytest.mark.slow
@pytest.mark.parametrize("state", LARGE)
@pytest.mark.parametrize("generic", [True, False], ids=["generic", "custom"])
def test_a_chat_turn_beside_50_000_conversations(
    new_database: Database, generic: bool, state: str
) -> None:
    """In a database of its own: dead rows that an undone statement leaves would be read, too."""
    [_, collector, _] = DATA["large"].owners
    binding = STATEMENTS["messages.create_and_history"]
    [values] = calls(binding, collector)
    connection = new_database(DATA["large"], state)
    assert reads(connection, binding, values, generic=generic).pages <= 60
