"""The figures of the pools: at rest, when all is in use, and of two that are at one place."""

import asyncio
import os
from typing import Any

import pytest

import dal
import dal.telemetry
from dal import errors, users
from dal.database.registry import open_databases
from tests.telemetry.exported import Exported

POOL, STATE = "db.client.connection.pool.name", "db.client.connection.state"


def figures(exported: Exported) -> dict[str, dict[str, Any]]:
    """Each figure of each pool."""
    pools: dict[str, dict[str, Any]] = {}
    for name in exported.metrics():
        for attributes, value in exported.points(name):
            if POOL in attributes:
                figure = attributes.get(STATE, name.rpartition(".")[2])
                pools.setdefault(attributes[POOL], {})[figure] = value
    return pools


def figures_of_one(exported: Exported) -> dict[str, Any]:
    (pool,) = figures(exported).values()
    return pool


async def test_a_pool_from_its_opening_to_its_closing(url: str, exported: Exported) -> None:
    assert figures(exported) == {}
    async with dal.connect(url, min_size=2, max_size=3, acquire_timeout=0.1) as db:
        rest = {"idle": 2, "used": 0, "max": 3, "pending_requests": 0, "timeouts": 0}
        assert figures_of_one(exported) == rest
        async with db.acquire(), db.acquire(), db.acquire():
            calls = [asyncio.create_task(users.get(db, user_id="ada")) for _ in range(4)]
            await asyncio.sleep(0)
            busy = {"idle": 0, "used": 3, "max": 3, "pending_requests": 4, "timeouts": 0}
            assert figures_of_one(exported) == busy
            ended = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(error) for error in ended} == {errors.PoolTimeoutError}
        failed = [(span.attributes or {}).get("error.type") for span in exported.spans()]
        assert failed == ["dal.errors.PoolTimeoutError"] * 4
        await users.get(db, user_id="ada")
        assert figures_of_one(exported) == rest | {"idle": 3, "timeouts": 4}
    assert figures(exported) == {}


async def test_pools_at_one_place_have_names_of_their_own(url: str, exported: Exported) -> None:
    async with dal.connect(url, min_size=0) as db, dal.connect(url, min_size=1) as other:
        first, second = sorted(figures(exported))
        assert second == f"{first}#2"
        host, port = db.address.hosts[0]
        assert first == f"{host}:{port}/{other.address.parameters['dbname']}"
        await db.close()
        (left,) = figures(exported)
        assert left in (first, second)


async def test_a_forked_process_has_none_of_its_parents(url: str) -> None:
    db = await dal.connect(url, min_size=0)
    assert open_databases() == [db]
    if (child := os.fork()) == 0:
        os._exit(len(open_databases()))
    assert os.waitpid(child, 0)[1] == 0  # noqa: ASYNC222 it ends at once
    await db.close()
    assert open_databases() == []


@pytest.mark.usefixtures("db")
async def test_there_are_none_without_telemetry(exported: Exported) -> None:
    assert figures(exported) != {}
    dal.telemetry.uninstrument()
    assert figures(exported) == {}
    exported.instrument()
    assert figures(exported) != {}
