"""Counts of conversations, which stop at a stated number."""

from datetime import timedelta

import pytest

import dal
from dal import maintenance
from dal.maintenance import overview

# Untouched and archived for so many days; the last was archived before there was an archived_at.
ACTIVE = [1, 89, 91]
ARCHIVED = [(95, 1), (200, 91), (91, 200), (50, 95), (100, None)]
INSERT = """
    INSERT INTO conversations (user_id, status, updated_at, archived_at)
    VALUES ('ada', $1, now() - $2 * interval '1 day', now() - $3::int * interval '1 day')
"""


async def counted(db: dal.Database, **ages: timedelta) -> dict[str, tuple[int, bool]]:
    stats = await maintenance.stats(db, **ages)
    return {count.name: (count.rows, count.more) for count in stats.retention or ()}


async def test_what_is_counted(db: dal.Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await dal.users.ensure(db, user_id="ada")
    for untouched in ACTIVE:
        await db.execute(INSERT, "active", untouched, None)
    for untouched, archived in ARCHIVED:
        await db.execute(INSERT, "archived", untouched, archived)
    assert await counted(db) == {
        "active": (3, False),
        "stale": (1, False),
        "archived": (5, False),
        "due for purge": (3, False),
    }
    day = timedelta(days=1)
    later = await counted(db, older_than=92 * day, archived_for=0 * day)
    assert (later["stale"], later["due for purge"]) == ((0, False), (5, False))
    purged = maintenance.purge_archived(db, older_than=90 * day, dry_run=True)
    assert [progress.conversations async for progress in purged][-1] == 3
    monkeypatch.setattr(overview, "COUNTED", 3)
    assert await counted(db) == {
        "active": (2, True),
        "stale": (1, True),
        "archived": (3, True),
        "due for purge": (2, True),
    }
