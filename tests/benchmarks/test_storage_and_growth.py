"""The reports for a DBA speak of every index, of every function and of each run of upkeep."""

import psycopg
import pytest

from dal.testing.server import Postgres
from tests.benchmarks import growth, storage, upkeep
from tests.surface import FUNCTIONS

_INDEXES = "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'messages'::regclass"


def rows(page: str) -> list[list[str]]:
    """The cells of a page's tables."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in page.splitlines()
        if line.startswith("|")
    ]


def test_storage_tells_of_every_index(url: str, dal_server: Postgres) -> None:
    if dal_server.version().startswith("14."):
        pytest.skip("it can't make a backend give its counts at once")
    measured = storage.measure(url, count=1000, rounds=2, batch=5, appends=200, busy=5, others=[5])
    with psycopg.connect(url) as connection:
        indexes = {name for (name,) in connection.execute(_INDEXES)} - {"twin_of_messages_pkey"}
    page = storage.page(measured)
    assert page.startswith("## Storage\n")
    names = [name for name, *_ in rows(page)]
    assert {name: names.count(name) for name in indexes} == dict.fromkeys(indexes, 2)
    last = [hot for appends, *_, hot, _ in rows(page) if appends == "200"]
    assert last == ["0%", "0%"]


def test_growth_tells_of_every_function(url: str) -> None:
    page = growth.page(growth.measure(url, sizes=(1000, 2000), rounds=2, few=2))
    assert page.startswith("## Growth\n")
    names = {name.partition(",")[0] for name, *_ in rows(page)}
    assert FUNCTIONS.keys() - names == set()
    pages = {name: (small, large) for name, small, large, *_ in rows(page)}
    assert pages["users.get"] == ("1", "1")


def test_upkeep_tells_of_each_run(url: str) -> None:
    page = upkeep.page(upkeep.measure(url, chats=200))
    assert page.startswith("## Upkeep\n")
    batches = {name: conversations for name, conversations, *_ in rows(page)}
    # 200 days of conversations, a day apart.
    assert batches["archive, by 500"] == batches["purge, by 100"] == "80"
    assert batches["erase a user, by 20"] == "50"
