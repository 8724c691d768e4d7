"""A statement that meets a conflict is repeated, where that changes nothing else."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

import dal
from dal import errors
from dal.binding import Executor, Queries

FAILING = """
    CREATE SEQUENCE tries;
    CREATE FUNCTION fails(times bigint) RETURNS bigint LANGUAGE plpgsql AS $$
    BEGIN
        IF nextval('tries') <= times THEN
            RAISE 'once more' USING ERRCODE = '{sqlstate}';
        END IF;
        RETURN currval('tries');
    END $$;
    CREATE PROCEDURE fails_later(times bigint) LANGUAGE plpgsql AS $$
    BEGIN
        COMMIT;
        PERFORM fails(times);
    END $$;
"""

Run = Callable[..., Awaitable[int]]


@pytest.fixture(params=["40001", "CIINF"])  # a serialization failure, and a shard that has moved
async def bound(
    request: pytest.FixtureRequest, db: dal.Database, tmp_path: Path
) -> Callable[[str], Run]:
    """Binds a statement with the parameter `:times`."""
    await db.execute(FAILING.format(sqlstate=request.param))

    def bind(sql: str) -> Run:
        (tmp_path / "run.sql").write_text(sql)

        @Queries(tmp_path)("run.sql")
        async def run(db: Executor, *, times: int) -> int:
            raise NotImplementedError

        return run

    return bind


async def tries(db: dal.Database) -> int:
    [[count]] = await db.fetch("SELECT last_value FROM tries")
    return int(count)


async def test_it_is_repeated_in_a_transaction_of_its_own(
    url: str, db: dal.Database, bound: Callable[[str], Run]
) -> None:
    run = bound("SELECT fails(:times)")
    assert await run(db, times=2) == 3
    async with asyncpg.create_pool(url, min_size=1) as pool:
        assert await run(pool, times=5) == 6
        async with pool.acquire() as connection:
            assert await run(connection, times=8) == 9


async def test_it_is_not_repeated_in_a_transaction_of_the_caller_s(
    url: str, db: dal.Database, bound: Callable[[str], Run]
) -> None:
    run = bound("SELECT fails(:times)")
    with pytest.raises(errors.TransactionConflictError, match="repeat this one"):
        async with db.transaction() as transaction:
            await run(transaction, times=1)
    assert await tries(db) == 1
    connection = await asyncpg.connect(url)
    await connection.execute("BEGIN")
    with pytest.raises(errors.TransactionConflictError, match="repeat this one"):
        await run(connection, times=2)
    assert await tries(db) == 2
    await connection.close()


async def test_it_is_not_repeated_where_a_part_may_be_committed(
    db: dal.Database, bound: Callable[[str], Run]
) -> None:
    run = bound("CALL fails_later(:times)")
    with pytest.raises(errors.TransactionConflictError):
        await run(db, times=2)
    assert await tries(db) == 1


async def test_it_is_not_repeated_for_ever(db: dal.Database, bound: Callable[[str], Run]) -> None:
    run = bound("SELECT fails(:times)")
    with pytest.raises(errors.TransactionConflictError):
        await run(db, times=1000)
    assert await tries(db) == 100
