"""In a conversation order by time is order of commit, whoever writes, and however clocks go."""

import pytest

from dal import Conversation, Database
from tests.order.writers import Scene

AHEAD = "UPDATE conversations SET updated_at = updated_at + interval '1 hour'"


@pytest.mark.parametrize("clock", ["right", "ahead"])
@pytest.mark.parametrize("rounds", [3, pytest.param(20, marks=pytest.mark.slow)])
async def test_50_writers_and_a_follower(
    wide: Database, chat: Conversation, clock: str, rounds: int
) -> None:
    if clock == "ahead":
        await wide.execute(AHEAD)
    scene = await Scene.set(wide, chat)
    await scene.play(writers=50, rounds=rounds)
