"""What `dal stats` shows a person, and tells a machine."""

import asyncio
import json
import re
from datetime import timedelta

import psycopg
import pytest

import dal
from dal import maintenance
from dal.stats import Stats
from tests import surface
from tests.stats.looking import fill, look, run

LONG = "a service with a name that is as long as PostgreSQL will keep"


def test_one_screen_of_80_columns_has_every_part(url: str) -> None:
    fill(url)
    with psycopg.connect(url, application_name=LONG) as session:
        session.execute("SELECT 1")
        lines = run(url).splitlines()
    assert len(lines) < 45
    assert [line for line in lines if len(line) > 80 and not line.startswith("    ")] == []
    end = lines.index("")  # of what stands above the tables; a long version takes a line more
    top = [re.split(r"[ :]", line)[0] for line in lines[:end]]
    assert [word for word in top if word != "connections"] == ["PostgreSQL", "database", "role"]
    heads = [line.split() for line in lines if re.match("tables|functions|sessions", line)]
    assert [len(head) for head in heads] == [9, 8]  # the embedded server has no functions
    assert [line.split()[0] for line in lines[end + 2 : end + 6]] == [
        "users",
        "tasks",
        "conversations",
        "messages",
    ]
    assert "retention: active 1, stale 0, archived 0, due for purge 0" in lines
    assert any(re.match(r"a service with.*… +1 +0 +0 +1 ", line) for line in lines)
    assert "nobody waits for a lock" in lines
    assert re.search(
        rf"open for \d+ s: pid \d+ \({LONG}, idle in", " ".join(lines).replace("  ", " ")
    )


def test_json_is_what_the_schema_says_and_maintenance_gives(url: str) -> None:
    schema = json.loads(run(url, "--schema"))
    assert schema == Stats.model_json_schema()
    assert json.loads(run(url, "--json")).keys() == schema["properties"].keys()


async def test_a_service_gets_the_same(url: str, db: dal.Database) -> None:
    await surface.fill(db)
    ours, theirs = await maintenance.stats(db), await asyncio.to_thread(look, url)
    assert [table.name for table in ours.tables or ()] == [
        table.name for table in theirs.tables or ()
    ]
    assert ours.retention == theirs.retention
    with pytest.raises(dal.errors.InvalidInputError):
        await maintenance.stats(db, older_than=timedelta(days=-1))
