"""In a conversation order by time is order of commit, whoever writes, and however clocks go."""

import pytest

from dal import Conversation, Database
from tests.order.writers import Scene

# Many shops put such a trigger on every table.
TRIGGER = """
    CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.updated_at = {time};
        RETURN NEW;
    END
    $$;
    CREATE TRIGGER stamp BEFORE UPDATE ON conversations FOR EACH ROW EXECUTE FUNCTION stamp()
"""
CLOCKS = {
    "right": "SELECT",
    "ahead": "UPDATE conversations SET updated_at = now() + interval '1 hour'",
    "a trigger's, of the transaction": TRIGGER.format(time="now()"),
    "a trigger's, in whole seconds": TRIGGER.format(time="date_trunc('second', now())"),
}


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("rounds", [3, pytest.param(20, marks=pytest.mark.slow)])
async def test_50_writers_and_a_follower(
    wide: Database, chat: Conversation, clock: str, rounds: int
) -> None:
    await wide.execute(CLOCKS[clock])
    scene = await Scene.set(wide, chat)
    await scene.play(writers=50, rounds=rounds)
