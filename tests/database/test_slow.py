"""The log of slow calls: a line for each one, and nothing at all where nobody asks for it."""

import logging
import re
from collections.abc import Callable
from contextlib import suppress

import pytest

import dal
from dal import errors, messages, users
from dal.database.calls import watchers
from tests.surface import ID

Lines = Callable[[], list[str]]
LINE = r"([\w.]+) took \d+\.\d{3} s, (rows: \d+|\w+Error)"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    """What was logged since it was last asked for, without the seconds."""

    def taken() -> list[str]:
        records = [record for record in caplog.records if record.name == "dal.slow"]
        assert {record.levelno for record in records} <= {logging.WARNING}
        matches = [re.fullmatch(LINE, record.getMessage()) for record in records]
        caplog.clear()
        return [f"{line[1]} {line[2]}" if line else "another line" for line in matches]

    return taken


async def test_a_call_that_takes_as_long_is_a_line(
    url: str, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAL_SLOW_CALL", "0.000001")
    async with (
        dal.connect(url, min_size=1) as db,
        dal.connect(url, min_size=1, slow_call=60) as patient,
    ):
        await users.ensure(db, user_id="ada")
        await users.get(db, user_id="bob")
        assert lines() == ["users.ensure rows: 1", "users.get rows: 0"]
        async with db.transaction() as tx, tx.transaction() as savepoint:
            await messages.count(tx, user_id="ada", conversation_id=ID)
            await users.delete(savepoint, user_id="ada")
        assert lines() == ["messages.count rows: 1", "users.delete rows: 1"]
        async for _ in messages.stream(db, user_id="ada", conversation_id=ID):
            pass
        assert lines() == ["messages.stream rows: 0"]
        await users.ensure(patient, user_id="ada")
    assert lines() == []


async def test_so_is_one_that_fails(db: dal.Database, url: str, lines: Lines) -> None:
    async with dal.connect(
        url, min_size=1, max_size=1, acquire_timeout=0.01, slow_call=1e-6
    ) as slow:
        with pytest.raises(errors.UserNotFoundError):
            await users.erase(slow, user_id="ada")
        assert lines() == ["users.erase UserNotFoundError"]
        with suppress(errors.ConnectionLostError):
            async with slow.transaction() as tx:
                with pytest.raises(errors.PoolTimeoutError):
                    await users.get(slow, user_id="ada")
                (row,) = await tx.fetch("SELECT pg_backend_pid() AS pid")
                await db.execute("SELECT pg_terminate_backend($1::int, 5000)", row["pid"])
                await users.get(tx, user_id="ada")
        assert lines() == ["users.get PoolTimeoutError", "users.get ConnectionLostError"]
        with pytest.raises(errors.InvalidInputError):
            await users.get(slow, user_id="")  # nothing was sent
    assert lines() == []


async def test_it_is_off_by_default(db: dal.Database, url: str, lines: Lines) -> None:
    await users.ensure(db, user_id="ada")
    assert watchers == []
    async with dal.connect(url, min_size=1, slow_call=1), dal.connect(url, min_size=1, slow_call=2):
        assert watchers != []
    assert watchers == []
    assert lines() == []


@pytest.mark.parametrize("value", ["0", "-1", "slow", ""])
def test_values_that_are_no_time(url: str, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DAL_SLOW_CALL", value)
    with pytest.raises(errors.ConfigurationError, match="DAL_SLOW_CALL"):
        dal.connect(url)
