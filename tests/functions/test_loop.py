"""The functions run on the loop that was asked for, uvicorn's as well."""

import asyncio
import os


async def test_it_is_the_loop_that_was_asked_for() -> None:
    module = type(asyncio.get_running_loop()).__module__.partition(".")[0]
    assert module == os.environ.get("DAL_TEST_LOOP", "asyncio")
